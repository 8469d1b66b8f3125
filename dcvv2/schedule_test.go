package dcvv2_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

func hourly(version int) dcvv2.Policy {
	return with(func(p *dcvv2.Policy) { p.KeyVersion, p.CodesMax = version, 3 })
}

func TestChangeTakesEffectAtAWindowsEnd(t *testing.T) {
	s := dcvv2.Always(hourly(1))
	now := moment(t, "2026-11-22T12:34:56Z")
	for _, c := range []struct {
		from string // empty: as soon as may be
		void bool
		want string // empty: refused
		is   error
	}{
		{"", false, "2026-11-22T16:00:00Z", nil}, // 12 to 13, and three more, since the first may be skipped
		{"2026-11-22T16:00:00Z", false, "2026-11-22T16:00:00Z", nil},
		{"2026-11-22T15:59:59Z", false, "2026-11-22T16:00:00Z", nil},
		{"2026-11-22T16:00:01Z", false, "2026-11-22T17:00:00Z", nil},
		{"2026-11-22T15:00:00Z", false, "", dcvv2.ErrOutstanding},
		{"2026-11-22T15:00:00Z", true, "2026-11-22T15:00:00Z", nil},
		{"", true, "2026-11-22T13:00:00Z", nil},
		{"2026-11-22T12:34:57Z", true, "2026-11-22T13:00:00Z", nil},
		{"2026-11-22T12:34:56Z", true, "", dcvv2.ErrEffective},
	} {
		var from time.Time
		if c.from != "" {
			from = moment(t, c.from)
		}
		changed, err := s.Change(hourly(2), now, from, c.void)
		if !errors.Is(err, c.is) {
			t.Errorf("from %q, void %t: %v", c.from, c.void, err)
		}
		if c.want == "" {
			continue
		}
		versions := changed.Versions()
		if len(versions) != 2 || versions[1].From.Format(time.RFC3339) != c.want {
			t.Errorf("from %q, void %t: %v, want %s", c.from, c.void, versions, c.want)
		}
	}
}

func TestACodeIsCheckedUnderThePolicyOfItsWindow(t *testing.T) {
	now, change := moment(t, "2026-11-22T12:34:56Z"), moment(t, "2026-11-22T16:00:00Z")
	old, rotated := masterKey(t, masterDigits), masterKey(t, "FEDCBA98765432100123456789ABCDEF")
	masters := func(version int) (dcvv2.Master, error) {
		return map[int]dcvv2.Master{1: old, 2: rotated}[version], nil
	}
	a := account(t, "4761739001010010", "00", "3112")
	before := dcvv2.Always(hourly(1))
	given, err := dcvv2.Generate(before, masters, a, now, 3, 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.Change(hourly(2), now, change, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range given {
		found, err := dcvv2.Verify(after, masters, a, one.Code, one.End.Add(-1))
		if err != nil || found.Verdict != dcvv2.Matched || found.Policy.KeyVersion != 1 {
			t.Errorf("a code given out before the change: %v, %v", found, err)
		}
	}
	later, err := dcvv2.Generate(after, masters, a, change.Add(-time.Minute), 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	if later[0].Policy.KeyVersion != 1 || later[1].Policy.KeyVersion != 2 || !later[1].Start.Equal(change) {
		t.Errorf("codes across the change: %v", later)
	}
	for _, one := range later {
		if found, err := dcvv2.Verify(after, masters, a, one.Code, one.Start); err != nil || found.Verdict != dcvv2.Matched {
			t.Errorf("a code across the change: %v, %v", found, err)
		}
	}
}

// TestLimitsChangeAtTheNextWindowsEnd: what codes do not hang on voids none, so
// it need not wait for codes that were given out.
func TestLimitsChangeAtTheNextWindowsEnd(t *testing.T) {
	now := moment(t, "2026-11-22T12:34:56Z")
	for name, change := range map[string]func(*dcvv2.Policy){
		"grace":             func(p *dcvv2.Policy) { p.Grace = 0 },
		"codes":             func(p *dcvv2.Policy) { p.CodesMax = 24 },
		"once per window":   func(p *dcvv2.Policy) { p.OncePerWindow = false },
		"enrol by default":  func(p *dcvv2.Policy) { p.EnrolByDefault = true },
		"failures in a day": func(p *dcvv2.Policy) { p.FailuresPerDayMax = 1 },
		"failures in a row": func(p *dcvv2.Policy) { p.FailuresInRowMax = 1 },
		"failures of all":   func(p *dcvv2.Policy) { p.RangeFailuresPerHourMax = 0 },
		"no match":          func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionAsk },
	} {
		p := hourly(1)
		change(&p)
		changed, err := dcvv2.Always(hourly(1)).Change(p, now, time.Time{}, false)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		from := changed.Versions()[1].From
		if want := moment(t, "2026-11-22T13:00:00Z"); !from.Equal(want) || changed.At(want) != p || changed.At(want.Add(-1)) != hourly(1) {
			t.Errorf("%s: in force at %v", name, from)
		}
	}
	for name, change := range map[string]func(*dcvv2.Policy){
		"hours":                        func(p *dcvv2.Policy) { p.WindowHours = 2 },
		"profile":                      func(p *dcvv2.Policy) { p.Profile = dcvv2.ProfileTOTP },
		"key version":                  func(p *dcvv2.Policy) { p.KeyVersion = 2 },
		"accounts enrolled one by one": func(p *dcvv2.Policy) { p.EnrolByDefault = false },
	} {
		p := hourly(1)
		p.EnrolByDefault = true
		was := dcvv2.Always(p)
		change(&p)
		changed, err := was.Change(p, now, time.Time{}, false)
		if err != nil || !changed.Versions()[1].From.Equal(moment(t, "2026-11-22T16:00:00Z")) {
			t.Errorf("%s: %v, %v", name, changed.Versions(), err)
		}
		var outstanding *dcvv2.OutstandingError
		if _, err := was.Change(p, now, moment(t, "2026-11-22T15:59:00Z").Add(-time.Hour), false); !errors.As(err, &outstanding) {
			t.Errorf("%s, too early: %v", name, err)
		}
	}
	same, err := dcvv2.Always(hourly(1)).Change(hourly(1), now, time.Time{}, false)
	if err != nil || len(same.Versions()) != 1 {
		t.Errorf("a change that changes nothing: %v, %v", same.Versions(), err)
	}
}

// TestPlansAreDropped: a change drops what was planned for after it.
func TestPlansAreDropped(t *testing.T) {
	now := moment(t, "2026-11-22T12:34:56Z")
	planned, err := dcvv2.Always(hourly(1)).Change(hourly(2), now, moment(t, "2026-12-01T00:00:00Z"), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []dcvv2.Policy{hourly(3), hourly(1)} {
		changed, err := planned.Change(p, now, time.Time{}, false)
		if err != nil || changed.At(moment(t, "2027-01-01T00:00:00Z")) != p {
			t.Errorf("key version %d: %v, %v", p.KeyVersion, changed.Versions(), err)
		}
	}
}

// TestVersionsMax holds a schedule at its limit, and one past it.
func TestVersionsMax(t *testing.T) {
	start := moment(t, "2026-11-22T12:00:00Z")
	versions := func(n int) []dcvv2.Version {
		all := []dcvv2.Version{{Policy: hourly(1)}}
		for i := 1; i < n; i++ {
			all = append(all, dcvv2.Version{From: start.Add(time.Duration(i) * time.Hour), Policy: hourly(1 + i%2)})
		}
		return all
	}
	full, err := dcvv2.NewSchedule(versions(dcvv2.VersionsMax)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, dcvv2.VersionsMax + 1} {
		if _, err := dcvv2.NewSchedule(versions(n)[:n]...); !errors.Is(err, dcvv2.ErrSchedule) {
			t.Errorf("%d versions: %v", n, err)
		}
	}
	now := start.Add(1000 * time.Hour)
	changed, err := full.Change(hourly(5), now, time.Time{}, false)
	if err != nil {
		t.Fatal(err)
	}
	got := changed.Versions()
	if len(got) != dcvv2.VersionsMax || !got[0].From.IsZero() || got[0].Policy != full.Versions()[1].Policy || got[len(got)-1].Policy != hourly(5) {
		t.Errorf("one change past the limit: %d versions, the first from %v", len(got), got[0].From)
	}
	late := start.Add(2000 * time.Hour)
	if _, err := full.Change(hourly(5), start.Add(time.Hour), late, false); err != nil {
		t.Errorf("the first version is over: %v", err)
	}
	if _, err := full.Change(hourly(5), start.Add(time.Hour-1), late, false); !errors.Is(err, dcvv2.ErrSchedule) {
		t.Errorf("the first version is in force: %v", err)
	}
}

func TestNewScheduleRefusesWhatDoesNotFollow(t *testing.T) {
	hour, two := moment(t, "2026-11-22T13:00:00Z"), moment(t, "2026-11-22T14:00:00Z")
	wide := with(func(p *dcvv2.Policy) { p.WindowHours = 5 })
	for _, c := range []struct {
		name     string
		versions []dcvv2.Version
		want     error
	}{
		{"one", []dcvv2.Version{{Policy: hourly(1)}}, nil},
		{"three", []dcvv2.Version{{Policy: hourly(1)}, {From: hour, Policy: hourly(2)}, {From: two, Policy: hourly(3)}}, nil},
		{"none", nil, dcvv2.ErrSchedule},
		{"a first with a time", []dcvv2.Version{{From: hour, Policy: hourly(1)}}, dcvv2.ErrSchedule},
		{"a second without", []dcvv2.Version{{Policy: hourly(1)}, {Policy: hourly(2)}}, dcvv2.ErrSchedule},
		{"the same time twice", []dcvv2.Version{{Policy: hourly(1)}, {From: hour, Policy: hourly(2)}, {From: hour, Policy: hourly(3)}}, dcvv2.ErrSchedule},
		{"back in time", []dcvv2.Version{{Policy: hourly(1)}, {From: two, Policy: hourly(2)}, {From: hour, Policy: hourly(3)}}, dcvv2.ErrSchedule},
		{"inside a window", []dcvv2.Version{{Policy: hourly(1)}, {From: hour.Add(1), Policy: hourly(2)}}, dcvv2.ErrSchedule},
		{"inside a window of five hours", []dcvv2.Version{{Policy: wide}, {From: hour, Policy: hourly(2)}}, dcvv2.ErrSchedule},
		{"at the end of five hours", []dcvv2.Version{{Policy: wide}, {From: two, Policy: hourly(2)}}, nil},
		{"a policy that is not valid", []dcvv2.Version{{Policy: hourly(1)}, {From: hour}}, dcvv2.ErrPolicy},
	} {
		s, err := dcvv2.NewSchedule(c.versions...)
		if !errors.Is(err, c.want) || len(c.versions) > 0 && !errors.Is(s.Validate(), c.want) {
			t.Errorf("%s: %v, %v", c.name, err, s.Validate())
		}
	}
}

func TestNoSchedule(t *testing.T) {
	var none dcvv2.Schedule
	now, a, k := moment(t, "2026-11-22T12:34:56Z"), account(t, "4761739001010010", "00", "3112"), masterKey(t, masterDigits)
	if err := none.Validate(); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("validate: %v", err)
	}
	if _, err := dcvv2.Generate(none, k.Masters, a, now, 1, 0); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("generate: %v", err)
	}
	if _, err := dcvv2.Verify(none, k.Masters, a, code(t, "075"), now); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("verify: %v", err)
	}
	if _, err := none.Change(hourly(1), now, time.Time{}, false); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("change: %v", err)
	}
	if none.SlotAt(now) != (dcvv2.Slot{}) || none.At(now) != (dcvv2.Policy{}) || len(none.Versions()) != 0 {
		t.Error("nothing has a slot, a policy or versions")
	}
	if none.Outstanding(now) != (time.Time{}) || len(none.Accepted(now)) != 0 {
		t.Error("nothing has outstanding codes, or several slots")
	}
}

// TestAmendLeavesPlansOnTheirDay holds that an amendment reaches the policy in
// force and all that are planned, and that none of it touches a code.
func TestAmendLeavesPlansOnTheirDay(t *testing.T) {
	now, one := moment(t, "2026-11-22T12:34:56Z"), moment(t, "2026-11-22T13:00:00Z")
	two, five := one.Add(time.Hour), one.Add(4*time.Hour)
	s, err := dcvv2.NewSchedule(
		dcvv2.Version{Policy: hourly(1)}, dcvv2.Version{From: one, Policy: hourly(2)}, dcvv2.Version{From: five, Policy: hourly(3)})
	if err != nil {
		t.Fatal(err)
	}
	strict := func(p dcvv2.Policy) dcvv2.Policy { p.FailuresPerDayMax = 1; return p }
	for _, c := range []struct {
		at   time.Time
		want []dcvv2.Version
	}{
		{now, []dcvv2.Version{{Policy: hourly(1)}, {From: one, Policy: strict(hourly(2))}, {From: five, Policy: strict(hourly(3))}}},
		{one, []dcvv2.Version{{Policy: hourly(1)}, {From: one, Policy: hourly(2)}, {From: two, Policy: strict(hourly(2))}, {From: five, Policy: strict(hourly(3))}}},
		{five, []dcvv2.Version{{Policy: hourly(1)}, {From: one, Policy: hourly(2)}, {From: five, Policy: hourly(3)}, {From: five.Add(time.Hour), Policy: strict(hourly(3))}}},
	} {
		got, err := s.Amend(strict, c.at)
		if err != nil || !slices.Equal(got.Versions(), c.want) {
			t.Errorf("at %v: %v, %v", c.at, got.Versions(), err)
		}
		if again, err := got.Amend(strict, c.at); err != nil || !slices.Equal(again.Versions(), c.want) {
			t.Errorf("twice at %v: %v, %v", c.at, again.Versions(), err)
		}
	}
	for name, edit := range map[string]func(*dcvv2.Policy){
		"hours":   func(p *dcvv2.Policy) { p.WindowHours = 2 },
		"profile": func(p *dcvv2.Policy) { p.Profile = dcvv2.ProfileTOTP },
		"one key": func(p *dcvv2.Policy) { p.KeyVersion = 2 }, // as it is in force, but not as planned
	} {
		if got, err := s.Amend(func(p dcvv2.Policy) dcvv2.Policy { edit(&p); return p }, one.Add(3*time.Hour)); !errors.Is(err, dcvv2.ErrOutstanding) {
			t.Errorf("%s: %v, %v", name, got.Versions(), err)
		}
	}
	if _, err := (dcvv2.Schedule{}).Amend(strict, now); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("no schedule: %v", err)
	}
	if _, err := s.Amend(func(p dcvv2.Policy) dcvv2.Policy { p.FailuresPerDayMax = 0; return p }, now); !errors.Is(err, dcvv2.ErrPolicy) {
		t.Errorf("no policy: %v", err)
	}
}
