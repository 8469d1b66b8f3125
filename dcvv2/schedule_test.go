package dcvv2_test

import (
	"errors"
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
