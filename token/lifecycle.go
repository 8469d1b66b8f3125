package token

import "fmt"

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
)

// Events lists every event.
var Events = []Event{Activate, Suspend, Resume, Deactivate}

// lifecycle names for every state and event the state that follows. A missing
// pair is a step that may not be taken; deactivated is final.
var lifecycle = map[Status]map[Event]Status{
	Inactive:    {Activate: Active, Suspend: Suspended, Deactivate: Deactivated},
	Active:      {Suspend: Suspended, Deactivate: Deactivated},
	Suspended:   {Resume: Active, Deactivate: Deactivated},
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

// NoticeOf is the notice that tells an issuer of an event.
func NoticeOf(event Event) NoticeReason {
	switch event {
	case Suspend:
		return NoticeSuspended
	case Resume:
		return NoticeResumed
	case Deactivate:
		return NoticeDeactivated
	default:
		return NoticeCreated
	}
}
