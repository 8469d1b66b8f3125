package vault

import (
	"cmp"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/token"
)

// Subject is what audit entries of a claim are about: the masked PAN, else
// the token's reference.
func (c Claim) Subject() string {
	if !c.PAN.IsZero() {
		return c.PAN.Masked()
	}
	var changed, decided, asked string
	if c.Change != nil {
		changed = c.Change.Reference
	}
	if c.Outcome != nil {
		decided = c.Outcome.Reference
	}
	if c.Question != nil {
		asked = c.Question.PAN.Masked()
	}
	return cmp.Or(c.Reference, changed, decided, asked)
}

// Entries lists what a won claim adds to the audit trail, before what its
// Change, its Reverses and its Advices do.
func (c Claim) Entries() []Entry {
	var list []Entry
	subject := c.Subject()
	if c.Kind == KindActivation {
		list = append(list, Entry{At: c.At, Event: EventActivationClaimed, Subject: subject, Transaction: c.TransactionID})
	}
	if c.Detail != "" {
		list = append(list, Entry{At: c.At, Event: eventsOf[c.Kind].checked, Subject: subject, Transaction: c.TransactionID, Detail: c.Detail})
	}
	if !c.Spend.IsZero() {
		detail := fmt.Sprintf("window %d of %d h", c.Spend.Index, c.Spend.Hours)
		list = append(list, Entry{At: c.At, Event: EventCodeUsed, Subject: subject, Transaction: c.TransactionID, Detail: detail})
	}
	if c.Outcome != nil {
		list = append(list, outcomeEntry(c.Kind, *c.Outcome, subject, c.TransactionID, c.At))
	}
	return list
}

// Entries lists what a conclusion adds to the audit trail, before what its
// Advices do. claimed is the transaction it ends, subject that of its claim;
// released says that a code was given back.
func (c Conclusion) Entries(claimed Transaction, subject string, released bool) []Entry {
	if subject == "" {
		subject = c.Outcome.Reference
	}
	list := []Entry{outcomeEntry(claimed.Kind, c.Outcome, subject, claimed.TransactionID, c.At)}
	if c.Unanswered != "" {
		list[0].Detail += ": " + c.Unanswered[:min(len(c.Unanswered), DetailBytesMax)]
	}
	if released {
		list = append(list, Entry{At: c.At, Event: EventCodeReleased, Subject: subject, Transaction: claimed.TransactionID})
	}
	if c.Token != nil {
		list = append(list, Entry{
			At: c.At, Event: EventTokenCreated, Subject: c.Token.Reference,
			Transaction: c.Token.TransactionID, Detail: "for " + c.Token.PAN.Masked(),
		})
	}
	return list
}

// AlarmEntries tells of the scopes that a won claim brought to AlarmAt.
func (c Claim) AlarmEntries(scopes []string) []Entry {
	var list []Entry
	for _, scope := range scopes {
		list = append(list, Entry{At: c.At, Event: EventFailuresAlarm, Subject: c.Subject(), Transaction: c.TransactionID, Detail: scope})
	}
	return list
}

// ReversedEntry tells that the claim reversed a transaction. original is its
// transaction identifier, subject that of its claim.
func (c Claim) ReversedEntry(original, subject string) Entry {
	return Entry{
		At: c.At, Event: EventTransactionReversed, Subject: subject,
		Transaction: original, Detail: "by transaction " + c.TransactionID,
	}
}

// Entry tells of a change that the request made. was is the account before
// it, is the account after.
func (r AccountRequest) Entry(was, is Account) Entry {
	e := Entry{At: r.At, Subject: r.PAN.Masked()}
	switch r.Change {
	case ChangeEnrol:
		e.Event, e.Detail = EventEnrolled, fmt.Sprintf("generation %d", is.Enrolment.Generation)
	case ChangeUnenrol:
		e.Event, e.Detail = EventUnenrolled, fmt.Sprintf("generation %d", is.Enrolment.Generation)
	case ChangeUnlock:
		e.Event = EventUnlocked
		e.Detail = fmt.Sprintf("%d failures in a row, %d in the day", was.Attempts.FailuresInRow, was.Attempts.FailuresInDay)
	}
	e.Detail += ", by " + r.Client
	return e
}

// Entry tells that the record took the place of was, the zero value for none.
func (r RangeRecord) Entry(was RangeRecord, by, detail string, at time.Time) Entry {
	event := EventRangeChanged
	switch {
	case r.Removed && !was.Removed:
		event = EventRangeRemoved
	case !r.Removed && (was.Removed || was.Revision == 0):
		event = EventRangeRegistered
	}
	text := fmt.Sprintf("revision %d, by %s", r.Revision, by)
	if detail != "" {
		text += ": " + detail
	}
	return Entry{At: at, Event: event, Subject: r.Registration.Range.String(), Detail: text}
}

// StepEntry tells of a step in a token's life and of who took it: "token
// suspended", "was active, by issuer". A step that leaves the state as it is
// is "token changed", and its detail says what changed: "passcode failed, 2 of
// 3, by requestor". t is the token after it.
func StepEntry(c token.Change, from token.Status, t token.Token, at time.Time) Entry {
	e := Entry{At: at, Event: EventTokenChanged, Subject: t.Reference, Transaction: t.TransactionID}
	switch c.Event {
	case token.DrawPasscode:
		e.Detail = fmt.Sprintf("passcode drawn, %d of %d", t.Passcode.Number, token.PasscodesMax)
	case token.FailPasscode:
		e.Detail = fmt.Sprintf("passcode failed, %d of %d", t.Passcode.Tries, token.PasscodeTriesMax)
	case token.UpdateExpiry:
		e.Detail = "expiry date updated"
	case token.ReplacePAN:
		e.Detail = "PAN replaced by " + t.PAN.Masked()
	default:
		e.Event, e.Detail = TokenEvent(t.Status), "was "+from.Word()
	}
	if c.By != "" {
		e.Detail += ", by " + string(c.By)
	}
	return e
}

// TokenEvent is the event of a token that came to a state.
func TokenEvent(to token.Status) string { return "token " + to.Word() }

// LentEntry tells that a limited-use key was lent to a token. The index is no
// secret: the phone sends it with every tap.
func LentEntry(reference, index string, at time.Time) Entry {
	return Entry{At: at, Event: EventKeyLent, Subject: reference, Detail: "index " + index}
}

// AcknowledgementEntry tells that an issuer took a notice.
func AcknowledgementEntry(n token.Notice, at time.Time) Entry {
	return Entry{
		At: at, Event: EventNoticeAcknowledged, Subject: n.Reference,
		Transaction: n.TransactionID, Detail: "reason " + string(n.Reason),
	}
}

// QueuedEntry tells that an advice waits to be sent.
func (a Advice) QueuedEntry(at time.Time) Entry { return a.entry(EventAdviceQueued, at) }

// AcknowledgedEntry tells that an issuer took an advice.
func (a Advice) AcknowledgedEntry(at time.Time) Entry {
	return a.entry(EventAdviceAcknowledged, at)
}

func (a Advice) entry(event string, at time.Time) Entry {
	return Entry{
		At: at, Event: event, Subject: a.Question.PAN.Masked(),
		Transaction: a.TransactionID, Detail: fmt.Sprintf("%s, for %s", a.Kind, a.Question.Issuer),
	}
}

func outcomeEntry(kind Kind, o token.Outcome, subject, transactionID string, at time.Time) Entry {
	detail := "response " + string(o.Response)
	if o.Reason != token.ReasonNone {
		detail += ": " + string(o.Reason)
	}
	event := eventsOf[kind].declined
	if o.Approved() {
		event = eventsOf[kind].approved
	}
	return Entry{At: at, Event: event, Subject: subject, Transaction: transactionID, Detail: detail}
}

// eventsOf names for every kind what the trail says of its requests.
var eventsOf = map[Kind]struct{ checked, approved, declined string }{
	KindActivation: {EventCodeChecked, EventActivationApproved, EventActivationDeclined},
	KindTap:        {EventTapChecked, EventTapAccepted, EventTapDeclined},
	KindOnline:     {EventOnlineChecked, EventOnlineApproved, EventOnlineDeclined},
	KindLifeCycle:  {EventLifeCycleChecked, EventLifeCycleDone, EventLifeCycleDeclined},
	KindReversal:   {EventReversalChecked, EventReversalDone, EventReversalDeclined},
}
