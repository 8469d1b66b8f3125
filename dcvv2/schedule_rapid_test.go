package dcvv2_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/dcvv2"
)

// life is a range whose policy is changed again and again while codes are given
// out, as an issuer and its operators do it.
type life struct {
	schedule dcvv2.Schedule
	now      time.Time
	account  dcvv2.Account
	given    []dcvv2.Issued
}

// masters has a key of its own for every version.
func masters(t failer, profile string) dcvv2.Masters {
	length := 16
	if profile != dcvv2.ProfileCVVHour {
		length = 32
	}
	return func(version int) (dcvv2.Master, error) {
		key := make([]byte, length)
		for i := range key {
			key[i] = byte(17*i + 2*version)
		}
		return dcvv2.NewMasterKey(key)
	}
}

// anyMasters serves schedules of several profiles: TDES versions are odd.
func anyMasters(t failer) dcvv2.Masters {
	return func(version int) (dcvv2.Master, error) {
		if version%2 == 1 {
			return masters(t, dcvv2.ProfileCVVHour)(version)
		}
		return masters(t, dcvv2.ProfileAESCMAC)(version)
	}
}

// drawPolicy draws what codes hang on, and the limits.
func drawPolicy(t *rapid.T) dcvv2.Policy {
	p := dcvv2.DefaultPolicy()
	p.WindowHours = rapid.IntRange(dcvv2.WindowHoursMin, dcvv2.WindowHoursMax).Draw(t, "hours")
	p.Grace = time.Duration(rapid.Int64Range(0, int64(dcvv2.GraceMax)).Draw(t, "grace"))
	p.CodesMax = rapid.IntRange(1, 6).Draw(t, "codes")
	p.KeyVersion = rapid.IntRange(1, 6).Draw(t, "key version")
	if p.KeyVersion%2 == 0 {
		p.Profile = rapid.SampledFrom([]string{dcvv2.ProfileAESCMAC, dcvv2.ProfileTOTP}).Draw(t, "profile")
	}
	return p
}

func drawLife(t *rapid.T) *life {
	l := &life{
		schedule: dcvv2.Always(drawPolicy(t)),
		now:      time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "now"), 0),
		account:  account(t, "4761739001010010", "00", "3112"),
	}
	for range rapid.IntRange(1, 6).Draw(t, "events") {
		l.giveOut(t)
		l.now = l.now.Add(time.Duration(rapid.Int64Range(0, 40*3600).Draw(t, "seconds pass")) * time.Second)
		l.change(t)
	}
	l.giveOut(t)
	return l
}

func (l *life) giveOut(t *rapid.T) {
	most := l.schedule.At(l.now).CodesMax
	remaining := time.Duration(rapid.SampledFrom([]int{0, 1, 3600}).Draw(t, "remaining")) * time.Second
	issued, err := dcvv2.Generate(l.schedule, anyMasters(t), l.account, l.now, rapid.IntRange(1, most).Draw(t, "count"), remaining)
	if err != nil {
		t.Fatal(err)
	}
	l.given = append(l.given, issued...)
}

// change registers a policy without voiding codes: at once, or at a moment that
// the schedule may refuse.
func (l *life) change(t *rapid.T) {
	var from time.Time
	if rapid.Bool().Draw(t, "at a moment") {
		from = l.now.Add(time.Duration(rapid.Int64Range(1, 100*3600).Draw(t, "seconds from now")) * time.Second)
	}
	changed, err := l.schedule.Change(drawPolicy(t), l.now, from, false)
	var outstanding *dcvv2.OutstandingError
	if errors.As(err, &outstanding) && !from.IsZero() {
		if changed, err = l.schedule.Change(drawPolicy(t), l.now, outstanding.Until, false); err != nil {
			t.Fatalf("refused at %v, and at %v, which it named: %v", from, outstanding.Until, err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	l.schedule = changed
}

func (l *life) verify(t failer, c dcvv2.Code, at time.Time) dcvv2.Finding {
	found, err := dcvv2.Verify(l.schedule, anyMasters(t), l.account, c, at)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNoCodeIsLostByAChange: what was given out before a change that voids
// nothing is good from its start to its end, and in the slot it was given for.
func TestNoCodeIsLostByAChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		for _, one := range l.given {
			for _, at := range []time.Time{one.Start, between(t, one.Start, one.End), one.End.Add(-1)} {
				if slot := l.schedule.SlotAt(at); slot.Window != one.Window || slot.End != one.End {
					t.Fatalf("given for %v, and at %v there is %v", one.Window, at, slot.Window)
				}
				if found := l.verify(t, one.Code, at); found.Verdict != dcvv2.Matched {
					t.Fatalf("%v of %v at %v", found.Verdict, one.Window, at)
				}
			}
		}
	})
}

// TestSlotsTileTime: across all changes each moment lies in one slot, slots
// meet without gap, none is longer than its window, and none begins before the
// version it belongs to.
func TestSlotsTileTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		first := l.schedule.Versions()[0].From
		if !first.IsZero() {
			t.Fatalf("the first version begins at %v", first)
		}
		at := l.now.Add(-300 * time.Hour)
		for slot := l.schedule.SlotAt(at); slot.Start.Before(l.now.Add(1000 * time.Hour)); {
			next := l.schedule.SlotAt(slot.End)
			switch {
			case slot.Start.Before(slot.Window.Start()) || !slot.End.Equal(slot.Window.End()) || !slot.Start.Before(slot.End):
				t.Fatalf("slot %v to %v of window %v", slot.Start, slot.End, slot.Window)
			case !next.Start.Equal(slot.End):
				t.Fatalf("after %v comes %v", slot.End, next.Start)
			case l.schedule.At(slot.Start) != slot.Policy || l.schedule.At(slot.End.Add(-1)) != slot.Policy:
				t.Fatalf("the policy changes inside the slot from %v to %v", slot.Start, slot.End)
			}
			slot = next
		}
	})
}

// TestNoCodeIsGoodUnderTwoPolicies: at each moment the codes accepted are those
// of the slot, and inside the grace of the one before, each under the policy
// that covers it; never one of a slot to come.
func TestNoCodeIsGoodUnderTwoPolicies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		moments := []time.Time{l.now}
		for _, v := range l.schedule.Versions()[1:] {
			moments = append(moments, v.From.Add(-1), v.From, v.From.Add(time.Second), v.From.Add(dcvv2.GraceMax-1), v.From.Add(dcvv2.GraceMax))
		}
		for _, at := range moments {
			accepted := l.schedule.Accepted(at)
			now := l.schedule.SlotAt(at)
			if last := accepted[len(accepted)-1]; last != now || len(accepted) > 2 {
				t.Fatalf("%d accepted at %v, the last %v", len(accepted), at, last.Window)
			}
			before := l.schedule.SlotAt(now.Start.Add(-1))
			if graced := at.Sub(now.Start) < before.Policy.Grace; graced != (len(accepted) == 2) || graced && accepted[0] != before {
				t.Fatalf("%d accepted at %v with a grace of %v", len(accepted), at, before.Policy.Grace)
			}
			for n := range 12 {
				c := code(t, fmt.Sprintf("%03d", n))
				if found := l.verify(t, c, at); found.Verdict == dcvv2.Matched && found.Slot != accepted[0] && found.Slot != now {
					t.Fatalf("%v at %v is good by slot %v", n, at, found.Window)
				}
			}
		}
	})
}

// TestOutstandingIsTheLastEndThatCouldBeGiven: a request of the most codes that
// skips a window reaches it, and a change one second before is refused.
func TestOutstandingIsTheLastEndThatCouldBeGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		s, now := dcvv2.Always(p), time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "now"), 1)
		until := s.Outstanding(now)
		issued, err := dcvv2.Generate(s, anyMasters(t), account(t, "4761739001010010", "00", "3112"), now, p.CodesMax, time.Duration(p.WindowHours)*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if last := issued[len(issued)-1].End; !last.Equal(until) {
			t.Fatalf("the last code ends at %v, outstanding until %v", last, until)
		}
		other := p
		other.WindowHours = p.WindowHours%dcvv2.WindowHoursMax + 1
		if _, err := s.Change(other, now, until, false); err != nil {
			t.Fatalf("at %v: %v", until, err)
		}
		one := issued[len(issued)-1].Start
		var refused *dcvv2.OutstandingError
		if _, err := s.Change(other, now, one, false); !errors.As(err, &refused) || !refused.Until.Equal(until) {
			t.Fatalf("a window earlier: %v", err)
		}
	})
}
