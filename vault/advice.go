package vault

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Question is what was asked of an issuer about an account, as the gateway
// asked it: enough to undo it and to relate what comes later. It is stored
// with the PAN sealed.
type Question struct {
	Issuer      string // name of its station
	PAN         card.PAN
	Reference   string // of the token that was used; "" of an activation and of a payment by card
	Sequence    card.Sequence
	Expiry      card.Expiry
	Amount      uint64 // minor units of Currency; 0 of an activation
	Currency    string // ISO 4217 numeric, 3 digits
	Category    string // field 18, 4 digits
	EntryMode   string // field 22, 4 digits
	Condition   string // field 25, 2 digits
	STAN        string // field 11 of the question, 6 digits
	Transmitted string // field 7 of the question, MMDDhhmmss
	RRN         string // field 37
	Acquirer    string // field 32
	Terminal    string // field 41
	Acceptor    string // field 42
}

// AdviceKind is the kind of an advice.
type AdviceKind string

// Kinds of advices.
const (
	// AdviceStandIn tells an issuer what the network decided in its place
	// (0120), also of a decline that it was not asked about.
	AdviceStandIn AdviceKind = "stand-in"
	// AdviceReversal tells an issuer that what it was asked is undone (0420).
	AdviceReversal AdviceKind = "reversal"
)

// Advice is a message to an issuer that is stored and sent until it is
// acknowledged. It is idempotent on TransactionID and Kind.
type Advice struct {
	Kind          AdviceKind
	About         Kind   // of the transaction: activation, tap or online
	TransactionID string // field 62.2 of the transaction
	Question      Question
	Outcome       token.Outcome // as the requestor was told; Reference names the token, if any
}

// QueuedAdvice is an advice that waits for its acknowledgement.
type QueuedAdvice struct {
	ID     int64
	Advice Advice
	Tries  int
	Queued time.Time
}
