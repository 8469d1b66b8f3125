package vault

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// Claim takes a request before anything is done about it. All its parts hold
// or none does. Its conditions are looked at in this order: Key (Answered,
// Busy, Conflict), Reverses (Missing, Reversed, Overtaken), Limits (Blocked),
// Scopes (Throttled), Spend (Used), ATC (Stale), LentKey (Unlent, Worn), Change
// (Overtaken).
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
	Failed bool         // count a failure on PAN and on each of Scopes
	Scopes []Scope      // wider than one account, at most ScopesMax

	Reference string // of a token whose counter is raised to ATC; "" for none
	ATC       uint16
	// Mark is what must not come twice for Reference: the cryptogram of a tap.
	// Only a keyed hash is kept, with the transaction: it tells a replay from
	// a clone (ClaimResult.Replayed). nil for none.
	Mark []byte
	// LentKey is the index YHHHHCC of the limited-use key that made the
	// cryptogram; a use is counted on it, at most LentUsesMax. "" for none.
	LentKey     string
	LentUsesMax int

	// Change is a step in the life of the token Change.Reference; it is done
	// with the claim, as Step does it. The Change must be by token.Token.Apply.
	Change *token.Change
	// Reverses is the Key of the transaction that this request reverses; ""
	// for none. ReversesOpen says that it had no outcome when it was read: it
	// is marked reversed all the same, and Conclude then gives ErrReversed. A
	// PAN beside Reverses must be the account of that transaction: to who asks
	// about another account it is Missing.
	Reverses     string
	ReversesOpen bool
	// Question is what is about to be asked of an issuer, kept with the
	// transaction so that it can be undone. nil for none.
	Question *Question
	// Advices are queued with the claim.
	Advices []Advice

	// Detail says more for the audit trail, free of card data, at most
	// DetailBytesMax bytes: the entry "code checked" of an activation, "tap
	// checked" of a tap, "online checked" and so on. "" adds no entry.
	Detail string

	// Outcome is set when the request is already decided: claim and
	// conclusion are then one.
	Outcome *token.Outcome
}

// Scope counts the failures of many accounts together, over the last hour:
// guesses spread over accounts are seen here.
type Scope struct {
	Name        string // such as "requestor/40010030273" or "range/4761739", free of card data
	FailuresMax int    // a claim that finds so many is Throttled; 0 for no limit
	AlarmAt     int    // the failure that makes it so many is an alarm; 0 for none
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

	// Throttled is a claim that found FailuresMax failures on a scope:
	// ClaimResult.Scope names it. As after Blocked, the caller claims again
	// with the outcome that this means, and without the limit.
	Throttled ClaimState = "throttled"

	Missing   ClaimState = "missing"   // no transaction of this account has the key Reverses
	Reversed  ClaimState = "reversed"  // it is reversed already, by another request
	Overtaken ClaimState = "overtaken" // it, or the token of Change, is not as it was read: read anew
	Unlent    ClaimState = "unlent"    // no such key was lent to the token
	Worn      ClaimState = "worn"      // the key has been used LentUsesMax times
)

// ClaimResult is a claim's state, with the recorded transaction of a repeat.
type ClaimResult struct {
	State    ClaimState
	Recorded Transaction    // when Answered or Busy
	Attempts dcvv2.Attempts // when Blocked
	Scope    string         // when Throttled: the first of Scopes that is at its limit
	Alarms   []string       // when Won: the scopes that this failure brought to AlarmAt
	Replayed bool           // when Stale: a tap with this Reference, ATC and Mark was claimed before, and not pruned since
	Token    token.Token    // when Won with a Change: the token after it
}
