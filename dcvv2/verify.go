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
	due, err := code.one(&now)
	if err != nil {
		return Finding{}, err
	}
	before, outlived := s.outlived(now, at)
	inTime, late := due.are(c), 0
	if outlived {
		if due, err := code.one(&before); err == nil {
			late = due.are(c)
		}
	}
	switch {
	case inTime == 1:
		return Finding{Verdict: Matched, Slot: now}, nil
	case late == 1:
		return Finding{Verdict: Matched, Slot: before}, nil
	}
	return code.explain(c, s, now), nil
}

// explain tells a code that is too early or expired from a wrong one.
func (k *coder) explain(c Code, s Schedule, now Slot) Finding {
	var slots [CodesMax]Slot
	early := k.among(c, walk(slots[:CodesMax-1], now, s.after), TooEarly)
	expired := k.among(c, walk(slots[:], now, s.before), Expired)
	return latest(early, expired, now)
}

// Accepted lists the slots whose codes pass at a time. The current one, whose
// code stays good for longest, comes last.
func (s Schedule) Accepted(at time.Time) []Slot {
	if len(s.versions) == 0 {
		return nil
	}
	now := s.SlotAt(at)
	if before, outlived := s.outlived(now, at); outlived {
		return []Slot{before, now}
	}
	return []Slot{now}
}

// outlived is the slot before now's, and whether at is inside its grace.
func (s Schedule) outlived(now Slot, at time.Time) (before Slot, outlived bool) {
	last := now.Start.Add(-1)
	if at.Sub(now.Start) >= s.versions[s.index(last)].Policy.Grace {
		return Slot{}, false
	}
	return s.SlotAt(last), true
}

// walk fills slots with those that follow from, the nearest last.
func walk(slots []Slot, from Slot, next func(Slot) Slot) []Slot {
	for i := len(slots) - 1; i >= 0; i-- {
		from = next(from)
		slots[i] = from
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

// among gives the last slot that has code c, or none.
func (k *coder) among(c Code, slots []Slot, verdict Verdict) Finding {
	var ds [CodesMax]digits
	_ = k.all(ds[:len(slots)], slots) // what has no code is not c
	hit := -1
	for i := range slots {
		hit = subtle.ConstantTimeSelect(ds[i].are(c), i, hit)
	}
	if hit < 0 {
		return Finding{}
	}
	return Finding{Verdict: verdict, Slot: slots[hit]}
}
