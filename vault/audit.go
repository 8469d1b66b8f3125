package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
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
	EventAdviceQueued       = "advice queued"
	EventAdviceAcknowledged = "advice acknowledged"
	EventOnlineChecked      = "online checked"
	EventOnlineApproved     = "online approved"
	EventOnlineDeclined     = "online declined"
	EventLifeCycleChecked   = "life cycle checked"
	EventLifeCycleDone      = "life cycle done"
	EventLifeCycleDeclined  = "life cycle declined"
	EventReversalChecked    = "reversal checked"
	EventReversalDone       = "reversal done"
	EventReversalDeclined   = "reversal declined"
	// EventTransactionReversed is on the identifier of the transaction that
	// was reversed.
	EventTransactionReversed = "transaction reversed"
	// EventTokenChanged is of a step that leaves a token's state as it is.
	EventTokenChanged    = "token changed"
	EventKeyLent         = "key lent"
	EventRangeRegistered = "range registered"
	EventRangeChanged    = "range changed"
	EventRangeRemoved    = "range removed"
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
