package vault

import (
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Account is what the store knows of an account's codes.
type Account struct {
	Enrolment dcvv2.Enrolment
	Attempts  dcvv2.Attempts
}

// Under is the account as a policy sees it: one never seen is enrolled where
// the policy enrols by default, in generation 0 and since no time.
func (a Account) Under(p dcvv2.Policy) Account {
	a.Enrolment = a.Enrolment.Under(p)
	return a
}

// AccountChange is what a request changes about an account.
type AccountChange string

// Changes of accounts.
const (
	// NoChange only asks.
	NoChange AccountChange = ""
	// ChangeEnrol enrols. An account that is enrolled already stays as it is;
	// one that was unenrolled gets the next generation.
	ChangeEnrol AccountChange = "enrol"
	// ChangeUnenrol ends an enrolment. An account never seen has none to end,
	// unless accounts are enrolled by default: then the end is recorded, and
	// enrolling it later gives generation 1.
	ChangeUnenrol AccountChange = "unenrol"
	// ChangeUnlock forgets the account's failures, in a row and in the day.
	ChangeUnlock AccountChange = "unlock"
)

// AccountRequest is a request of an issuer's client about one account.
type AccountRequest struct {
	// Client names who asks, 1 to KeyBytesMax bytes. The audit trail names it
	// with each change.
	Client string
	// ID is the client's own for the request, at most KeyBytesMax bytes: the
	// same again within RequestsFor is a repeat. "" is not remembered. Only a
	// keyed hash is kept.
	ID string
	// Content is the meaning of the request. The store keeps a keyed hash of
	// it: the same ID with other Content is a conflict.
	Content []byte

	Change AccountChange
	// MustBeEnrolled goes with NoChange: for an account that is not enrolled
	// the request is answered and not remembered, so that it can be sent
	// again under its ID once the account is enrolled.
	MustBeEnrolled bool
	PAN            card.PAN
	At             time.Time
	// ByDefault says that an account never seen counts as enrolled.
	ByDefault bool
}

// Validate reports what is wrong with the request's form, wrapping ErrRequest.
func (r AccountRequest) Validate() error {
	switch {
	case r.Client == "" || len(r.Client) > KeyBytesMax:
		return fmt.Errorf("%w: its client has %d bytes, not 1 to %d", ErrRequest, len(r.Client), KeyBytesMax)
	case len(r.ID) > KeyBytesMax:
		return fmt.Errorf("%w: its id has %d bytes, more than %d", ErrRequest, len(r.ID), KeyBytesMax)
	case r.PAN.IsZero():
		return fmt.Errorf("%w: it names no account", ErrRequest)
	case r.MustBeEnrolled && r.Change != NoChange:
		return fmt.Errorf("%w: it changes an account that must be enrolled", ErrRequest)
	}
	switch r.Change {
	case NoChange, ChangeEnrol, ChangeUnenrol, ChangeUnlock:
		return nil
	}
	return fmt.Errorf("%w: its change is %q", ErrRequest, r.Change)
}

// AnswerState says what became of an account request.
type AnswerState string

// States of an answer.
const (
	AnswerNew      AnswerState = "new"      // done now
	AnswerRepeated AnswerState = "repeated" // done before: the first answer
	AnswerConflict AnswerState = "conflict" // same ID, other Content: nothing was done
)

// AccountAnswer answers an AccountRequest. It is zero but for State when
// that is AnswerConflict.
type AccountAnswer struct {
	State AnswerState
	At    time.Time // of the first request
	// Account is as it stood after the first request. Its Enrolment.Enrolled
	// honours ByDefault.
	Account Account
}
