package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/token"
)

// Events of the audit trail. Events about a token's life are "token " and the
// state it came to, see TokenEvent.
const (
	EventEnrolled           = "account enrolled"
	EventUnenrolled         = "account unenrolled"
	EventUnlocked           = "account unlocked"
	EventActivationClaimed  = "activation claimed"
	EventCodeChecked        = "code checked"
	EventFailuresAlarm      = "failures alarm"
	EventActivationApproved = "activation approved"
	EventActivationDeclined = "activation declined"
	EventCodeUsed           = "code used"
	EventCodeReleased       = "code released"
	EventTokenCreated       = "token created"
	EventTapChecked         = "tap checked"
	EventTapAccepted        = "tap accepted"
	EventTapDeclined        = "tap declined"
	EventNoticeAcknowledged = "notice acknowledged"
	EventRangeRegistered    = "range registered"
	EventRangeChanged       = "range changed"
	EventRangeRemoved       = "range removed"
)

// ErrChain is what VerifyChain wraps.
var ErrChain = errors.New("the audit trail was changed")

// Chain gives the hash of an entry that follows the entry whose hash is
// previous: SHA-256 over previous, number, time in Unix nanoseconds (8 bytes
// each, big endian) and the four texts, each after its length in 4 bytes.
// The first entry follows the zero hash. The layout is ours.
func (e Entry) Chain(previous [32]byte) [32]byte {
	b := append(make([]byte, 0, 128), previous[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Number))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixNano()))
	for _, text := range []string{e.Event, e.Subject, e.Transaction, e.Detail} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// VerifyChain checks consecutive entries of a trail. previous is the hash of
// the entry before the first, zero when the first is the trail's beginning.
// An error wraps ErrChain and names the first entry that does not fit. A trail
// cut off at its end still verifies: keep the last hash elsewhere to see that.
func VerifyChain(entries []Entry, previous [32]byte) error {
	for i, e := range entries {
		if i > 0 && e.Number != entries[i-1].Number+1 {
			return fmt.Errorf("%w: entry %d follows entry %d", ErrChain, e.Number, entries[i-1].Number)
		}
		if e.Chain(previous) != e.Hash {
			return fmt.Errorf("%w: the hash of entry %d does not fit", ErrChain, e.Number)
		}
		previous = e.Hash
	}
	return nil
}

// Subject is what audit entries of a claim are about: the masked PAN, else
// the token's reference.
func (c Claim) Subject() string {
	switch {
	case !c.PAN.IsZero():
		return c.PAN.Masked()
	case c.Reference != "":
		return c.Reference
	case c.Outcome != nil:
		return c.Outcome.Reference
	default:
		return ""
	}
}

// Entries lists what a won claim adds to the audit trail.
func (c Claim) Entries() []Entry {
	var list []Entry
	subject := c.Subject()
	if c.Kind == KindActivation {
		list = append(list, Entry{At: c.At, Event: EventActivationClaimed, Subject: subject, Transaction: c.TransactionID})
	}
	if c.Detail != "" {
		list = append(list, Entry{At: c.At, Event: checkedEvent(c.Kind), Subject: subject, Transaction: c.TransactionID, Detail: c.Detail})
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

// Entries lists what a conclusion adds to the audit trail. claimed is the
// transaction it ends, subject that of its claim; released says that a code
// was given back.
func (c Conclusion) Entries(claimed Transaction, subject string, released bool) []Entry {
	if subject == "" {
		subject = c.Outcome.Reference
	}
	list := []Entry{outcomeEntry(claimed.Kind, c.Outcome, subject, claimed.TransactionID, c.At)}
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

// StepEntry tells of a token's step to a state: "token suspended".
// t is the token as it is now.
func StepEntry(t token.Token, from token.Status, at time.Time) Entry {
	return Entry{
		At: at, Event: TokenEvent(t.Status), Subject: t.Reference,
		Transaction: t.TransactionID, Detail: "was " + from.Word(),
	}
}

// TokenEvent is the event of a token that came to a state.
func TokenEvent(to token.Status) string { return "token " + to.Word() }

// AcknowledgementEntry tells that an issuer took a notice.
func AcknowledgementEntry(n token.Notice, at time.Time) Entry {
	return Entry{
		At: at, Event: EventNoticeAcknowledged, Subject: n.Reference,
		Transaction: n.TransactionID, Detail: "reason " + string(n.Reason),
	}
}

func outcomeEntry(kind Kind, o token.Outcome, subject, transactionID string, at time.Time) Entry {
	detail := "response " + string(o.Response)
	if o.Reason != token.ReasonNone {
		detail += ": " + string(o.Reason)
	}
	return Entry{At: at, Event: outcomeEvent(kind, o.Approved()), Subject: subject, Transaction: transactionID, Detail: detail}
}

func checkedEvent(kind Kind) string {
	if kind == KindTap {
		return EventTapChecked
	}
	return EventCodeChecked
}

func outcomeEvent(kind Kind, approved bool) string {
	switch {
	case kind == KindTap && approved:
		return EventTapAccepted
	case kind == KindTap:
		return EventTapDeclined
	case approved:
		return EventActivationApproved
	default:
		return EventActivationDeclined
	}
}
