package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Events of the audit trail. Events about a token's life are "token " and the
// state it came to, see TokenEvent.
const (
	EventEnrolled           = "account enrolled"
	EventUnenrolled         = "account unenrolled"
	EventActivationClaimed  = "activation claimed"
	EventActivationApproved = "activation approved"
	EventActivationDeclined = "activation declined"
	EventCodeUsed           = "code used"
	EventCodeReleased       = "code released"
	EventTokenCreated       = "token created"
	EventTapAccepted        = "tap accepted"
	EventTapDeclined        = "tap declined"
	EventNoticeAcknowledged = "notice acknowledged"
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

// EnrolmentEntry tells of an account's enrolment or its end.
func EnrolmentEntry(event string, pan card.PAN, generation uint16, at time.Time) Entry {
	return Entry{At: at, Event: event, Subject: pan.Masked(), Detail: fmt.Sprintf("generation %d", generation)}
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
