package dcvv2

import (
	"crypto/subtle"
	"time"
)

// Verdict is what Verify finds of a code. The zero value is Wrong, so that no
// finding is ever a match by mistake.
type Verdict int

// Verdicts.
const (
	Wrong    Verdict = iota // the code of no window near by
	Matched                 // good now
	TooEarly                // the code of a window to come
	Expired                 // the code of a window that is over
)

// String is the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Matched:
		return "matched"
	case TooEarly:
		return "too early"
	case Expired:
		return "expired"
	default:
		return "wrong"
	}
}

// Finding is a verdict and the slot whose code it is; no slot when Wrong.
type Finding struct {
	Verdict Verdict
	Slot
}

// Verify checks a code at a time. It accepts the code of the slot of at and,
// while at is inside the grace period, of the slot before; never of a later
// one. On a miss it looks at the slots that one request could have been given
// codes for, to tell a code that is too early or expired from a wrong one: that
// is for the audit trail, and by chance says so of about one wrong code in
// twenty. Comparisons take constant time and the search never stops at a hit,
// so the kinds of miss take equally long.
func Verify(s Schedule, keys Masters, a Account, c Code, at time.Time) (Finding, error) {
	if err := s.Validate(); err != nil {
		return Finding{}, err
	}
	now := s.SlotAt(at)
	code := coder{masters: keys, account: a}
	if _, err := code.of(now); err != nil {
		return Finding{}, err
	}
	if found := code.among(c, s.Accepted(at), Matched); found.Verdict == Matched {
		return found, nil
	}
	return latest(code.among(c, s.later(now), TooEarly), code.among(c, s.earlier(now), Expired), now), nil
}

// Accepted lists the slots whose codes pass at a time. The current one, whose
// code stays good for longest, comes last.
func (s Schedule) Accepted(at time.Time) []Slot {
	now := s.SlotAt(at)
	if before := s.before(now); at.Sub(now.Start) < before.Policy.Grace {
		return []Slot{before, now}
	}
	return []Slot{now}
}

// later lists the slots whose codes are too early now, the nearest last.
func (s Schedule) later(now Slot) []Slot {
	slots := make([]Slot, CodesMax-1)
	for i := len(slots) - 1; i >= 0; i-- {
		now = s.after(now)
		slots[i] = now
	}
	return slots
}

// earlier lists the slots whose codes are over, the nearest last.
func (s Schedule) earlier(now Slot) []Slot {
	slots := make([]Slot, CodesMax)
	for i := len(slots) - 1; i >= 0; i-- {
		now = s.before(now)
		slots[i] = now
	}
	return slots
}

// latest takes the finding nearer to now, of two at one distance the past one:
// being late is likelier than being early.
func latest(early, expired Finding, now Slot) Finding {
	switch {
	case early.Verdict == Wrong:
		return expired
	case expired.Verdict == Wrong:
		return early
	case early.Start.Sub(now.End) < now.Start.Sub(expired.End):
		return early
	}
	return expired
}

// among gives the last slot that has code c, or none. A slot that the profile
// cannot express, or that has no key, has no code.
func (k *coder) among(c Code, slots []Slot, verdict Verdict) Finding {
	hit := -1
	for i, slot := range slots {
		candidate, err := k.of(slot)
		if err != nil {
			continue
		}
		hit = subtle.ConstantTimeSelect(same(candidate, c), i, hit)
	}
	if hit < 0 {
		return Finding{}
	}
	return Finding{Verdict: verdict, Slot: slots[hit]}
}
