// Package vault keeps what firsttap must not lose: enrolments, attempts and
// used codes, tokens, transactions with their answers, notices that wait for
// an acknowledgement, and the audit trail.
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
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// Errors that engines wrap.
var (
	ErrNotFound = errors.New("not found")
	ErrTaken    = errors.New("token number or reference already taken")
	ErrClosed   = errors.New("the vault is closed")
	ErrClaim    = errors.New("claim is not well formed")
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
)

// Store is durable state. Its methods may be called by many goroutines.
type Store interface {
	// Enrol enrols an account and gives its enrolment. Enrolling an account
	// that is enrolled already keeps it; enrolling one that was unenrolled
	// raises its generation.
	Enrol(ctx context.Context, pan card.PAN, at time.Time) (dcvv2.Enrolment, error)
	// Unenrol ends an enrolment. Unenrolling an account that is not enrolled
	// changes nothing.
	Unenrol(ctx context.Context, pan card.PAN, at time.Time) (dcvv2.Enrolment, error)
	// Account reads the enrolment and the attempts as they stand at at. An
	// account never seen gives zero values.
	Account(ctx context.Context, pan card.PAN, at time.Time) (Account, error)

	// Claim takes a request: see Claim and ClaimState. A claim that is not
	// well formed gives ErrClaim, one that raises the counter of an unknown
	// token ErrNotFound.
	Claim(ctx context.Context, c Claim) (ClaimResult, error)
	// Conclude records the outcome of a request that Claim won, and all that
	// follows from it, at once or not at all. Concluding a transaction that
	// is concluded already gives ErrNotFound; a token number or reference
	// that exists gives ErrTaken, and the caller mints anew.
	Conclude(ctx context.Context, c Conclusion) error
	// Unfinished lists the transactions that were claimed and not concluded,
	// oldest first: after a restart, those the last run left behind.
	Unfinished(ctx context.Context) ([]Transaction, error)

	// Token finds a token by its number, or ErrNotFound.
	Token(ctx context.Context, number card.PAN) (token.Token, error)
	// TokenByReference finds a token by its reference, or ErrNotFound.
	TokenByReference(ctx context.Context, reference string) (token.Token, error)
	// Step moves a token along its life cycle and queues the notice about it,
	// anew where an earlier step queued one of the same reason: a token
	// suspended for the second time is told of again. A step that may not
	// follow the token's state gives *token.StepError, an unknown reference
	// ErrNotFound.
	Step(ctx context.Context, reference string, event token.Event, at time.Time) (token.Token, error)

	// Notify queues a notice about a token, or gives ErrNotFound for an
	// unknown Reference. The same TransactionID and Reason twice is one, also
	// when the first was acknowledged.
	Notify(ctx context.Context, n token.Notice, at time.Time) error
	// Due lists notices that wait to be sent at at, oldest first, with the
	// tokens they are about.
	Due(ctx context.Context, at time.Time, limit int) ([]QueuedNotice, error)
	// Postpone sets when a notice is tried again and counts the try. It
	// changes nothing on a notice that has ended, and gives ErrNotFound for
	// an unknown one.
	Postpone(ctx context.Context, id int64, until time.Time) error
	// Acknowledge ends a notice. It changes nothing on a notice that has
	// ended, and gives ErrNotFound for an unknown one.
	Acknowledge(ctx context.Context, id int64, at time.Time) error

	// Audit lists audit entries after an entry's number, oldest first.
	Audit(ctx context.Context, after int64, limit int) ([]Entry, error)
	// Explain lists what the audit trail says of a transaction, oldest first.
	Explain(ctx context.Context, transactionID string) ([]Entry, error)

	// Close finishes writes under way and releases the store.
	Close() error
}

// Account is what the store knows of an account's codes.
type Account struct {
	Enrolment dcvv2.Enrolment
	Attempts  dcvv2.Attempts
}

// Kind is the kind of a transaction.
type Kind string

// Kinds of transactions.
const (
	KindActivation Kind = "activation"
	KindTap        Kind = "tap"
)

// Claim takes a request before anything is done about it. All its parts hold
// or none does. Its conditions are looked at in this order: Key (Answered,
// Busy, Conflict), Limits (Blocked), Spend (Used), ATC (Stale).
type Claim struct {
	// Key names the request among all others: station, kind and trace
	// elements, free of card data.
	Key string
	// Content is the meaning of the request without its times. The store
	// keeps a keyed hash of it: the same Key with other Content is a conflict.
	Content       []byte
	Kind          Kind
	TransactionID string // field 62.2 for a new transaction
	At            time.Time

	PAN    card.PAN     // account the attempt is counted on; zero for none
	Limits dcvv2.Policy // of its failures; the zero value heeds none
	Spend  dcvv2.Window // mark this window's code of PAN used; zero for none
	Failed bool         // count a failure on PAN

	Reference string // of a token whose counter is raised to ATC; "" for none
	ATC       uint16

	// Outcome is set when the request is already decided: claim and
	// conclusion are then one.
	Outcome *token.Outcome
}

// ClaimState says what became of a claim.
type ClaimState string

// States of a claim. Only Won changes the store.
const (
	Won      ClaimState = "won"
	Answered ClaimState = "answered" // a repeat: ClaimResult has its outcome
	Busy     ClaimState = "busy"     // a repeat of a request still under way
	Conflict ClaimState = "conflict" // same Key, other Content
	Used     ClaimState = "used"     // the window's code was spent by another request
	Blocked  ClaimState = "blocked"  // limits reached: ClaimResult has the attempts
	Stale    ClaimState = "stale"    // the counter is not above the token's
)

// Validate reports what is wrong with the claim's form, wrapping ErrClaim.
func (c Claim) Validate() error {
	switch {
	case c.Key == "" || len(c.Key) > KeyBytesMax:
		return fmt.Errorf("%w: its key has %d bytes, not 1 to %d", ErrClaim, len(c.Key), KeyBytesMax)
	case c.Kind != KindActivation && c.Kind != KindTap:
		return fmt.Errorf("%w: its kind is %q", ErrClaim, c.Kind)
	case c.PAN.IsZero() && (c.Failed || !c.Spend.IsZero() || c.Limits != dcvv2.Policy{}):
		return fmt.Errorf("%w: it counts an attempt and names no account", ErrClaim)
	}
	return nil
}

// ClaimResult is a claim's state, with the recorded transaction of a repeat.
type ClaimResult struct {
	State    ClaimState
	Recorded Transaction    // when Answered or Busy
	Attempts dcvv2.Attempts // when Blocked
}

// Transaction is one claimed request and, once concluded, its outcome.
type Transaction struct {
	Key           string
	Kind          Kind
	TransactionID string
	At            time.Time
	Outcome       *token.Outcome // nil while under way
}

// Conclusion ends a claimed transaction.
type Conclusion struct {
	Key     string
	Outcome token.Outcome
	At      time.Time

	Token   *token.Token   // minted: stored with the outcome
	Notices []token.Notice // queued with the outcome

	PAN       card.PAN // account of an activation; zero otherwise
	Succeeded bool     // resets the row of failures on PAN
	Release   bool     // gives back the code that the claim spent
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
