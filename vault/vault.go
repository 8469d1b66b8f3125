// Package vault keeps what firsttap must not lose: enrolments, attempts and
// used codes, tokens, the limited-use keys lent to them (by number, never the
// keys), transactions with their answers, notices and advices that wait for an
// acknowledgement, registered ranges, and the audit trail.
//
// It holds the interface that every engine fulfils (Store), the records, the
// sealing of PANs (Cipher) and, in vault/vaulttest, the one conformance suite
// that every engine runs. It never decides: conditions come from the caller,
// and a condition that does not hold is a state in the result, not an error.
// An error means that the store could not do its work and nothing was changed.
//
// Every change is durable when its method returns: kill -9 loses nothing.
// No code, key, track or cryptogram is ever written; PANs and token numbers
// are written sealed and found by a keyed reference. Start at Store.
package vault

import (
	"context"
	"errors"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Errors that engines wrap.
var (
	ErrNotFound = errors.New("not found")
	ErrTaken    = errors.New("already taken")
	ErrClosed   = errors.New("the vault is closed")
	ErrClaim    = errors.New("claim is not well formed")
	ErrRequest  = errors.New("account request is not well formed")
	ErrReversed = errors.New("the transaction was reversed meanwhile")
	ErrChange   = errors.New("change of a token is not well formed")
	ErrAdvice   = errors.New("advice is not well formed")
	ErrNoKey    = errors.New("no more keys can be lent in this hour")
)

// Limits of a store.
const (
	// KeyBytesMax bounds Claim.Key: a key is a few trace elements, and each
	// one is kept for as long as its transaction.
	KeyBytesMax = 256
	// ListMax bounds the limit of Due and Audit, so that one call never reads
	// a whole store into memory. A higher limit gives ListMax entries.
	ListMax = 1000
	// FailuresFor is how long a failed attempt counts against the limit per
	// day. A failure exactly this old counts no more.
	FailuresFor = 24 * time.Hour
	// ScopeFailuresFor is how long a failure counts on a Scope. A failure
	// exactly this old counts no more.
	ScopeFailuresFor = time.Hour
	// ScopesMax is the most scopes of one claim.
	ScopesMax = 4
	// DetailBytesMax bounds Claim.Detail and Conclusion.Unanswered (ours).
	DetailBytesMax = 1024
	// TokensMax bounds TokensOf.
	TokensMax = 64
	// AdvicesMax bounds the advices of one claim or conclusion.
	AdvicesMax = 2
	// MarkBytesMax bounds Claim.Mark.
	MarkBytesMax = 64
	// RequestsFor is how long a request of an issuer's client is remembered.
	// One exactly this old is not a repeat.
	RequestsFor = 24 * time.Hour
)

// Store is durable state. Its methods may be called by many goroutines.
type Store interface {
	// ServeAccount does and remembers a request of an issuer's client, at once
	// or not at all: see AccountRequest and AnswerState. One that is not well
	// formed gives ErrRequest.
	ServeAccount(ctx context.Context, r AccountRequest) (AccountAnswer, error)
	// Account reads the enrolment and the attempts as they stand at at. An
	// account never seen gives zero values: see Account.Under.
	Account(ctx context.Context, pan card.PAN, at time.Time) (Account, error)

	// ScopeFailures counts the failures on a Scope in the hour up to at, by the
	// scope's name; one never heard of has none.
	ScopeFailures(ctx context.Context, scope string, at time.Time) (int, error)

	// Claim takes a request: see Claim and ClaimState. A claim that is not
	// well formed gives ErrClaim, one that raises the counter of an unknown
	// token ErrNotFound.
	Claim(ctx context.Context, c Claim) (ClaimResult, error)
	// Conclude records the outcome of a request that Claim won, and all that
	// follows from it, at once or not at all. Concluding a transaction that
	// is concluded already gives ErrNotFound; a token number or reference
	// that exists gives ErrTaken, and the caller mints anew. One that was
	// reversed before it was concluded gives ErrReversed the first time, and
	// nothing is changed: the caller concludes again, with what undoes it and
	// Conclusion.Undone. Advices that are not well formed give ErrAdvice.
	Conclude(ctx context.Context, c Conclusion) error
	// Unfinished lists the transactions that were claimed and not concluded,
	// oldest first: after a restart, those the last run left behind.
	Unfinished(ctx context.Context) ([]Transaction, error)

	// Transaction finds a transaction by its key, or ErrNotFound.
	Transaction(ctx context.Context, key string) (Transaction, error)

	// Token finds a token by its number, or ErrNotFound.
	Token(ctx context.Context, number card.PAN) (token.Token, error)
	// TokenByReference finds a token by its reference, or ErrNotFound.
	TokenByReference(ctx context.Context, reference string) (token.Token, error)
	// TokensOf lists the tokens of an account that are not deactivated, the
	// newest first, at most TokensMax.
	TokensOf(ctx context.Context, pan card.PAN) ([]token.Token, error)
	// Step changes a token as token.Token.Apply does, remembers the step and
	// queues the notice about it, anew where an earlier step queued one of the
	// same reason: a token suspended for the second time is told of again. A
	// change that may not follow the token's state gives *token.StepError, an
	// unknown reference ErrNotFound, one that is not well formed ErrChange.
	Step(ctx context.Context, c token.Change, at time.Time) (token.Token, error)
	// LendKey gives the index YHHHHCC (emv.LimitedUseIndexAt) of a limited-use
	// key that was not lent to the token before, and remembers it. It gives
	// ErrNoKey when all counters of the hour are lent, and ErrNotFound for an
	// unknown reference.
	LendKey(ctx context.Context, reference string, at time.Time) (index string, err error)

	// Notify queues a notice about a token, or gives ErrNotFound for an
	// unknown Reference. The same TransactionID and Reason twice is one, also
	// when the first was acknowledged.
	Notify(ctx context.Context, n token.Notice, at time.Time) error
	// Due lists notices that wait to be sent at at, oldest first, with the
	// tokens they are about: those with a higher id than after. A notice that is
	// queued later has a higher one.
	Due(ctx context.Context, at time.Time, after int64, limit int) ([]QueuedNotice, error)
	// Postpone sets when a notice is tried again, and counts the try when it was
	// sent: a line that was down is no try. It changes nothing on a notice that has ended, and gives ErrNotFound for
	// an unknown one.
	Postpone(ctx context.Context, id int64, until time.Time, sent bool) error
	// Acknowledge ends notices, at most ListMax, at once or not at all. It changes
	// nothing on those that have ended, and gives ErrNotFound where one is unknown.
	Acknowledge(ctx context.Context, ids []int64, at time.Time) error

	// DueAdvices lists advices that wait to be sent at at, oldest first.
	DueAdvices(ctx context.Context, at time.Time, limit int) ([]QueuedAdvice, error)
	// PostponeAdvice is Postpone of an advice.
	PostponeAdvice(ctx context.Context, id int64, until time.Time, sent bool) error
	// AcknowledgeAdvices is Acknowledge of advices.
	AcknowledgeAdvices(ctx context.Context, ids []int64, at time.Time) error

	// Ranges lists the registered ranges in the order of their digits, those
	// that were removed with them.
	Ranges(ctx context.Context) ([]RangeRecord, error)
	// PutRange stores a range in the place of the record whose Revision r
	// carries, 0 for none, and raises the revision by one. It gives ErrTaken
	// when that is not the revision stored, and nothing is changed: read
	// Ranges anew. by names who did it, detail says more for the audit trail.
	PutRange(ctx context.Context, r RangeRecord, by, detail string, at time.Time) error

	// Audit lists audit entries after an entry's number, oldest first.
	Audit(ctx context.Context, after int64, limit int) ([]Entry, error)
	// Explain lists what the audit trail says of a transaction, oldest first.
	Explain(ctx context.Context, transactionID string) ([]Entry, error)

	// Prune forgets what is over and older than before, and gives how many
	// records it forgot: transactions that were concluded, with the marks of
	// their codes, and notices and advices that have ended. A mark stays, and its
	// transaction with it, while its code could still be accepted. Requests
	// that come again after their transaction is forgotten are new ones: keep
	// more than they may take.
	//
	// It also forgets, of accounts, scopes and clients that never come again,
	// failures of accounts and scopes that were at before twice as old as they
	// count or older, requests of issuers' clients that were not remembered
	// any more at before, and limited-use keys lent twice token.LentKeyFor
	// before it or earlier. With a before that is not in the future
	// nothing goes that may still count.
	//
	// Accounts, with their failures in a row, tokens, ranges and the audit
	// trail stay. It works in small batches, between other changes; after an error
	// what it forgot is forgotten.
	Prune(ctx context.Context, before time.Time) (int, error)

	// Close finishes writes under way and releases the store.
	Close() error
}

// Kind is the kind of a transaction.
type Kind string

// Kinds of transactions.
const (
	KindActivation Kind = "activation"
	KindTap        Kind = "tap"
	KindOnline     Kind = "online"     // account verification or e-commerce, by card or token
	KindLifeCycle  Kind = "life cycle" // a step in a token's life, or an inquiry
	KindReversal   Kind = "reversal"
)

// Kinds lists every kind.
var Kinds = []Kind{KindActivation, KindTap, KindOnline, KindLifeCycle, KindReversal}

// Transaction is one claimed request and, once concluded, its outcome.
type Transaction struct {
	Key           string
	Kind          Kind
	TransactionID string
	At            time.Time
	Outcome       *token.Outcome // nil while under way
	Question      *Question      // what was asked of an issuer, or was about to be; nil for nothing
	Reversed      bool           // by another request, see Claim.Reverses
}

// Conclusion ends a claimed transaction.
type Conclusion struct {
	Key     string
	Outcome token.Outcome
	At      time.Time

	Token   *token.Token   // minted: stored with the outcome
	Notices []token.Notice // queued with the outcome
	Advices []Advice       // likewise

	PAN       card.PAN // account of an activation; zero otherwise
	Succeeded bool     // resets the row of failures on PAN
	Release   bool     // gives back the code that the claim spent
	Undone    bool     // the caller knows that the transaction was reversed

	// Unanswered says for the audit trail why there is no answer of the issuer,
	// free of card data; what is beyond DetailBytesMax bytes is left out. "" adds
	// nothing.
	Unanswered string
}

// QueuedNotice is a notice that waits for its acknowledgement.
type QueuedNotice struct {
	ID     int64
	Notice token.Notice
	Token  token.Token
	Tries  int
	Queued time.Time
}

// Entry is one line of the audit trail. Hash covers the entry and the hash of
// the one before it, so that none can be changed or left out unseen.
type Entry struct {
	Number  int64
	At      time.Time
	Event   string // such as "activation declined", "token suspended"
	Subject string // masked PAN or token reference

	// Transaction is 62.2 of the transaction that the entry is about; "" for
	// none.
	Transaction string
	Detail      string // reason and response, free of card data
	Hash        [32]byte
}
