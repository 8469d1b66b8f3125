package dcvv2

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// VersionsMax is the most versions that a schedule keeps; a change beyond it
// forgets the oldest (ours).
const VersionsMax = 32

// Errors of schedules.
var (
	ErrSchedule  = errors.New("the policy's versions do not follow each other")
	ErrEffective = errors.New("a policy can take effect only in the future")
	// ErrOutstanding is what OutstandingError wraps.
	ErrOutstanding = errors.New("codes that may have been given out would be void")
)

// OutstandingError says until when codes may have been given out that a change
// would void.
type OutstandingError struct{ Until time.Time }

// Error names the earliest time that voids nothing.
func (e *OutstandingError) Error() string {
	return fmt.Sprintf("%v: let it take effect at %s or later, or void them on purpose", ErrOutstanding, e.Until.Format(time.RFC3339))
}

// Unwrap is ErrOutstanding.
func (e *OutstandingError) Unwrap() error { return ErrOutstanding }

// Version is a policy and the time from which it is in force.
type Version struct {
	From   time.Time // zero for the first of a schedule, else the end of a window of the one before
	Policy Policy
}

// Schedule is the policies of a range one after the other, each in force until
// the next. It does not change once made. The zero value has no policy, and
// nothing can be computed under it.
type Schedule struct {
	versions []Version
	fault    error // of the versions, found once
}

// Always is a schedule of one policy. When the policy is not valid, neither is
// the schedule, and whatever is computed under it fails with the reason.
func Always(p Policy) Schedule {
	s, _ := NewSchedule(Version{Policy: p})
	return s
}

// NewSchedule takes versions in the order of their times. The first has none;
// each later one begins where a window of the one before it ends. Versions that
// do not hold give a schedule that is not valid, and the error, which wraps
// ErrSchedule or ErrPolicy.
func NewSchedule(versions ...Version) (Schedule, error) {
	s := Schedule{versions: slices.Clone(versions)}
	s.fault = s.check()
	return s, s.fault
}

func (s Schedule) check() error {
	if len(s.versions) == 0 || len(s.versions) > VersionsMax {
		return fmt.Errorf("%w: there must be 1 to %d, not %d", ErrSchedule, VersionsMax, len(s.versions))
	}
	for i, v := range s.versions {
		if err := v.Policy.Validate(); err != nil {
			return err
		}
		switch {
		case i == 0 && !v.From.IsZero():
			return fmt.Errorf("%w: the first has a time, and nothing stands before it", ErrSchedule)
		case i == 0:
			continue
		case !v.From.After(s.versions[i-1].From):
			return fmt.Errorf("%w: version %d does not come after version %d", ErrSchedule, i+1, i)
		}
		if w := WindowAt(v.From, s.versions[i-1].Policy.WindowHours); !w.Start().Equal(v.From) {
			return fmt.Errorf("%w: version %d begins inside a window of version %d", ErrSchedule, i+1, i)
		}
	}
	return nil
}

// Validate is the error of NewSchedule.
func (s Schedule) Validate() error {
	if len(s.versions) == 0 {
		return fmt.Errorf("%w: there is none", ErrPolicy)
	}
	return s.fault
}

// Versions lists the versions in the order of their times.
func (s Schedule) Versions() []Version { return slices.Clone(s.versions) }

// At is the policy in force at t; the zero policy when there is none.
func (s Schedule) At(t time.Time) Policy {
	if len(s.versions) == 0 {
		return Policy{}
	}
	return s.versions[s.index(t)].Policy
}

// index is the version in force at t.
func (s Schedule) index(t time.Time) int {
	i := len(s.versions) - 1
	for i > 0 && t.Before(s.versions[i].From) {
		i--
	}
	return i
}

// Slot is a window under the policy that covers it. Start and End bound the
// time in which its code is due; Start is later than the window's own where
// the policy came into force inside of it.
type Slot struct {
	Window Window
	Policy Policy
	Start  time.Time
	End    time.Time // exclusive: the expiry that is given out
}

// SlotAt is the slot that t lies in; the zero slot when there is no policy.
func (s Schedule) SlotAt(t time.Time) Slot {
	if len(s.versions) == 0 {
		return Slot{}
	}
	v := s.versions[s.index(t)]
	w := WindowAt(t, v.Policy.WindowHours)
	slot := Slot{Window: w, Policy: v.Policy, Start: w.Start(), End: w.End()}
	if slot.Start.Before(v.From) {
		slot.Start = v.From
	}
	return slot
}

// after is the slot that follows: SlotAt its end, said faster where the same
// policy goes on.
func (s Schedule) after(slot Slot) Slot {
	if last := len(s.versions) - 1; last > 0 && slot.Start.Before(s.versions[last].From) {
		return s.SlotAt(slot.End)
	}
	slot.Window = slot.Window.Shift(1)
	slot.Start, slot.End = slot.End, slot.Window.End()
	return slot
}

// before is the slot that came first.
func (s Schedule) before(slot Slot) Slot { return s.SlotAt(slot.Start.Add(-1)) }

// Outstanding is the end of the last window whose code may have been given out
// by now.
func (s Schedule) Outstanding(now time.Time) time.Time {
	most := 0
	for _, v := range s.versions {
		most = max(most, v.Policy.CodesMax)
	}
	slot := s.SlotAt(now)
	for range most { // one more than a request's codes: it may skip the first
		slot = s.after(slot)
	}
	return slot.End
}

// Change gives the schedule in which p is in force from the first end of a
// window at or after from, and always after now. A zero from is as soon as no
// code is voided. Whatever was planned for later is dropped. A change that
// would void codes which may have been given out by now is refused
// (OutstandingError) unless void says that this is meant; a from that is not
// after now is ErrEffective. A change that changes nothing gives s.
func (s Schedule) Change(p Policy, now, from time.Time, void bool) (Schedule, error) {
	if err := errors.Join(s.Validate(), p.Validate()); err != nil {
		return Schedule{}, err
	}
	soon := from.IsZero()
	if soon {
		from = s.SlotAt(now).End
	}
	if !from.After(now) {
		return Schedule{}, fmt.Errorf("%w: %s is not after %s", ErrEffective, from.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	changed, err := s.with(p, now, from)
	if err != nil {
		return Schedule{}, err
	}
	if until := s.Outstanding(now); !void && !s.keepsCodes(changed, now, until) {
		if !soon {
			return Schedule{}, &OutstandingError{Until: until}
		}
		return s.with(p, now, until)
	}
	return changed, nil
}

// with puts p in force from the first end of a window at or after from.
func (s Schedule) with(p Policy, now, from time.Time) (Schedule, error) {
	slot := s.SlotAt(from)
	if !slot.Start.Equal(from) {
		from = slot.End
	}
	var kept []Version
	for _, v := range s.versions {
		if v.From.IsZero() || v.From.Before(from) {
			kept = append(kept, v)
		}
	}
	if kept[len(kept)-1].Policy != p {
		kept = append(kept, Version{From: from.UTC(), Policy: p})
	}
	return bounded(kept, now)
}

// bounded makes a schedule of versions, and forgets the oldest when there are
// too many and they are over.
func bounded(versions []Version, now time.Time) (Schedule, error) {
	for len(versions) > VersionsMax {
		if versions = versions[1:]; versions[0].From.After(now) {
			return Schedule{}, fmt.Errorf("%w: %d changes are planned already, which is all a schedule holds", ErrSchedule, VersionsMax-1)
		}
		versions[0].From = time.Time{}
	}
	return NewSchedule(versions...)
}

// Amend gives the schedule in which edit is done to the policy in force, from
// the end of now's window on, and to every one that is planned, which stays on
// its day. It is for what no code hangs on: an edit that would void codes is
// ErrOutstanding.
func (s Schedule) Amend(edit func(Policy) Policy, now time.Time) (Schedule, error) {
	if err := s.Validate(); err != nil {
		return Schedule{}, err
	}
	from := s.SlotAt(now).End
	var amended []Version
	for i, v := range s.versions {
		if v.From.Before(from) {
			amended = append(amended, v)
		}
		if i+1 < len(s.versions) && !s.versions[i+1].From.After(from) {
			continue // it is over by then
		}
		p := edit(v.Policy)
		if !v.Policy.keepsCodes(&p) {
			return Schedule{}, ErrOutstanding
		}
		if amended[len(amended)-1].Policy != p {
			amended = append(amended, Version{From: laterOf(v.From, from), Policy: p})
		}
	}
	return bounded(amended, now)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// keepsCodes reports whether the codes of s for the times from now until a time
// are good under o.
func (s Schedule) keepsCodes(o Schedule, now, until time.Time) bool {
	for at := now; at.Before(until); {
		mine, theirs := s.SlotAt(at), o.SlotAt(at)
		if !mine.Policy.keepsCodes(&theirs.Policy) {
			return false
		}
		at = mine.End
	}
	return true
}
