package token

import (
	"fmt"
	"slices"
	"time"

	"github.com/firsttap/firsttap/card"
)

// Status is a token's state (field 123 set 01 tag 07).
type Status string

// Token states.
const (
	Inactive    Status = "I"
	Active      Status = "A"
	Suspended   Status = "S"
	Deactivated Status = "D"
)

// Statuses lists every state, in the order of a token's life.
var Statuses = []Status{Inactive, Active, Suspended, Deactivated}

// Word is the state as people and JSON read it.
func (s Status) Word() string {
	switch s {
	case Inactive:
		return "inactive"
	case Active:
		return "active"
	case Suspended:
		return "suspended"
	case Deactivated:
		return "deactivated"
	default:
		return "unknown"
	}
}

// Event is a step in a token's life.
type Event string

// Life-cycle events.
const (
	Activate   Event = "activate"
	Suspend    Event = "suspend"
	Resume     Event = "resume"
	Deactivate Event = "deactivate"

	DrawPasscode Event = "get another passcode"
	FailPasscode Event = "fail a passcode"
	UpdateExpiry Event = "get another expiry date of its card"
	ReplacePAN   Event = "get another PAN"
)

// Events lists every event.
var Events = []Event{Activate, DrawPasscode, FailPasscode, Suspend, Resume, UpdateExpiry, ReplacePAN, Deactivate}

// lifecycle names for every state and event the state that follows. A missing
// pair is a step that may not be taken; deactivated is final. An inactive
// token cannot be suspended: resumed, it would be active without a step-up.
var lifecycle = map[Status]map[Event]Status{
	Inactive: {
		Activate: Active, DrawPasscode: Inactive, FailPasscode: Inactive,
		UpdateExpiry: Inactive, ReplacePAN: Inactive, Deactivate: Deactivated,
	},
	Active:      {Suspend: Suspended, UpdateExpiry: Active, ReplacePAN: Active, Deactivate: Deactivated},
	Suspended:   {Resume: Active, UpdateExpiry: Suspended, ReplacePAN: Suspended, Deactivate: Deactivated},
	Deactivated: {},
}

// StepError says that an event may not follow a state.
type StepError struct {
	From  Status
	Event Event
}

// Error names the state and the event.
func (e *StepError) Error() string {
	return fmt.Sprintf("a token that is %s cannot %s", e.From.Word(), e.Event)
}

// After gives the state that follows s at event, or a *StepError.
func (s Status) After(event Event) (Status, error) {
	next, ok := lifecycle[s][event]
	if !ok {
		return s, &StepError{From: s, Event: event}
	}
	return next, nil
}

// Party is who asks for a step in a token's life.
type Party string

// Parties, from the one with the least say to the one with the most.
const (
	Requestor Party = "requestor" // of its own tokens
	Issuer    Party = "issuer"    // of tokens of its own accounts
	Operator  Party = "operator"  // of every token
	Network   Party = "network"   // the gateway itself, such as for a reversal
)

// Parties lists every party, in their order.
var Parties = []Party{Requestor, Issuer, Operator, Network}

// outranks reports whether p has at least as much say as other.
func (p Party) outranks(other Party) bool {
	return slices.Index(Parties, p) >= slices.Index(Parties, other)
}

// Change is a step in a token's life with all that it changes.
type Change struct {
	Reference string
	Event     Event
	By        Party
	Reason    NoticeReason // of the notice that tells the issuer; NoticeOf(Event) when ""

	// PasscodeNumber goes with FailPasscode and with an Activate by passcode,
	// which count as tries of this passcode, at most PasscodeTriesMax: the
	// number that was judged. 0 is no passcode.
	PasscodeNumber int
	Expires        time.Time // of the passcode that DrawPasscode draws

	PAN         card.PAN // ReplacePAN: the new one, with its sequence number
	PANSequence card.Sequence
	PANExpiry   card.Expiry // ReplacePAN and UpdateExpiry: the new one
}

// Apply gives the token as it is after the change, or *StepError when the
// change may not follow the token's state, its passcode's state or the say of
// who suspended it. It is what every store does.
func (t Token) Apply(c Change) (Token, error) {
	next, err := t.Status.After(c.Event)
	if err != nil {
		return t, err
	}
	refused := &StepError{From: t.Status, Event: c.Event}
	switch {
	case c.PasscodeNumber != 0 && (c.PasscodeNumber != t.Passcode.Number || t.Passcode.Tries >= PasscodeTriesMax),
		c.Event == FailPasscode && c.PasscodeNumber == 0,
		c.Event == DrawPasscode && t.Passcode.Number >= PasscodesMax,
		c.Event == Resume && !c.By.outranks(t.SuspendedBy):
		return t, refused
	}
	t.Status = next
	switch c.Event {
	case Activate, Deactivate:
		t.Passcode, t.SuspendedBy = Passcode{}, ""
	case DrawPasscode:
		t.Passcode = Passcode{Number: t.Passcode.Number + 1, Expires: c.Expires}
	case FailPasscode:
		t.Passcode.Tries++
	case Suspend:
		t.SuspendedBy = c.By
	case Resume:
		t.SuspendedBy = ""
	case UpdateExpiry:
		t.PANExpiry = c.PANExpiry
	case ReplacePAN:
		t.PAN, t.PANSequence, t.PANExpiry = c.PAN, c.PANSequence, c.PANExpiry
	}
	return t, nil
}

// Notice is the notice that tells the issuer of a change; t is the token after
// it.
func (c Change) Notice(t Token) Notice {
	n := Notice{Reason: c.Reason, TransactionID: t.TransactionID, Reference: t.Reference}
	if n.Reason == "" {
		n.Reason = NoticeOf(c.Event)
	}
	switch c.Event {
	case DrawPasscode:
		n.Passcode = t.Passcode.Number
	case FailPasscode:
		n.Result = PasscodeWrong
		if t.Passcode.Tries >= PasscodeTriesMax {
			n.Result = PasscodesTried
		}
	case Activate:
		if c.PasscodeNumber != 0 {
			n.Result = PasscodeRight
		}
	}
	return n
}

// noticeOf names for every event the notice that tells an issuer of it.
var noticeOf = map[Event]NoticeReason{
	Activate: NoticeCreated, DrawPasscode: NoticePasscode, FailPasscode: NoticeTried,
	Suspend: NoticeSuspended, Resume: NoticeResumed, Deactivate: NoticeDeactivated,
	UpdateExpiry: NoticeExpiry, ReplacePAN: NoticeReplaced,
}

// NoticeOf is the notice that tells an issuer of an event, where the change
// does not say another.
func NoticeOf(event Event) NoticeReason { return noticeOf[event] }
