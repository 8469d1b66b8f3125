package dcvv2_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

func TestGenerateCounts(t *testing.T) {
	k, a, at := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112"), moment(t, "2026-11-22T12:34:56Z")
	for _, c := range []struct {
		max, count int
		good       bool
	}{
		{dcvv2.CodesMax, -1, false},
		{dcvv2.CodesMax, 0, false},
		{dcvv2.CodesMax, 1, true},
		{dcvv2.CodesMax, dcvv2.CodesMax, true},
		{dcvv2.CodesMax, dcvv2.CodesMax + 1, false},
		{3, 3, true},
		{3, 4, false},
	} {
		issued, err := dcvv2.Generate(dcvv2.Always(with(func(p *dcvv2.Policy) { p.CodesMax = c.max })), k.Masters, a, at, c.count, 0)
		if good := err == nil && len(issued) == c.count; good != c.good || !c.good && !errors.Is(err, dcvv2.ErrCount) {
			t.Errorf("%d of %d: %d codes, %v", c.count, c.max, len(issued), err)
		}
	}
}

func TestGenerateSkipsAWindowThatEndsSoon(t *testing.T) {
	k, a := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112")
	for _, c := range []struct {
		at        string
		remaining time.Duration
		wantFirst int64 // the window's number
		want      error
	}{
		{"2026-11-22T12:34:56Z", 0, 498708, nil},
		{"2026-11-22T12:59:59Z", 0, 498708, nil},
		{"2026-11-22T12:50:00Z", 10 * time.Minute, 498708, nil},
		{"2026-11-22T12:50:01Z", 10 * time.Minute, 498709, nil},
		{"2026-11-22T12:00:00Z", time.Hour, 498708, nil},
		{"2026-11-22T12:00:01Z", time.Hour, 498709, nil},
		{"2026-11-22T12:00:00Z", time.Hour + 1, 0, dcvv2.ErrMinRemaining},
		{"2026-11-22T12:00:00Z", -1, 0, dcvv2.ErrMinRemaining},
	} {
		issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), k.Masters, a, moment(t, c.at), 2, c.remaining)
		if !errors.Is(err, c.want) {
			t.Errorf("%s, %v left: %v", c.at, c.remaining, err)
		}
		if c.want == nil && (issued[0].Window.Index != c.wantFirst || issued[1].Window != issued[0].Window.Shift(1)) {
			t.Errorf("%s, %v left: begins with %v", c.at, c.remaining, issued[0].Window)
		}
	}
}

func TestWhatCannotBeComputed(t *testing.T) {
	k, a, at := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112"), moment(t, "2026-11-22T12:34:56Z")
	long := masterKey(t, masterDigits+masterDigits)
	none, noExpiry := a, a
	none.PAN, noExpiry.Expiry = card.PAN{}, card.Expiry{}
	for _, c := range []struct {
		name    string
		policy  dcvv2.Policy
		key     dcvv2.MasterKey
		account dcvv2.Account
		at      time.Time
		want    error
	}{
		{"no policy", dcvv2.Policy{}, k, a, at, dcvv2.ErrPolicy},
		{"no key", dcvv2.DefaultPolicy(), dcvv2.MasterKey{}, a, at, dcvv2.ErrMasterKey},
		{"a key of 32 bytes", dcvv2.DefaultPolicy(), long, a, at, dcvv2.ErrMasterKey},
		{"no PAN", dcvv2.DefaultPolicy(), k, none, at, dcvv2.ErrAccount},
		{"no expiry", dcvv2.DefaultPolicy(), k, noExpiry, at, dcvv2.ErrAccount},
		{"before 1970", dcvv2.DefaultPolicy(), k, a, time.Unix(-1, 0), dcvv2.ErrWindow},
		{"after the last hour", dcvv2.DefaultPolicy(), k, a, time.Unix(1_000_000*3600, 0), dcvv2.ErrWindow},
	} {
		if issued, err := dcvv2.Generate(dcvv2.Always(c.policy), c.key.Masters, c.account, c.at, 1, 0); !errors.Is(err, c.want) || issued != nil {
			t.Errorf("generate, %s: %v", c.name, err)
		}
		found, err := dcvv2.Verify(dcvv2.Always(c.policy), c.key.Masters, c.account, code(t, "075"), c.at)
		if !errors.Is(err, c.want) || found != (dcvv2.Finding{}) {
			t.Errorf("verify, %s: %v, %v", c.name, found, err)
		}
	}
}

func TestFirstAndLastHour(t *testing.T) {
	k, a := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112")
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(1_000_000*3600-1, 0)} {
		issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), k.Masters, a, at, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		// The windows around do not exist for the profile, which must not hurt.
		if found, err := dcvv2.Verify(dcvv2.Always(dcvv2.DefaultPolicy()), k.Masters, a, issued[0].Code, at); err != nil || found.Verdict != dcvv2.Matched {
			t.Errorf("%v: %v, %v", at, found, err)
		}
		if _, err := dcvv2.Verify(dcvv2.Always(dcvv2.DefaultPolicy()), k.Masters, a, dcvv2.Code{}, at); err != nil {
			t.Errorf("a miss at %v: %v", at, err)
		}
	}
}

func TestProfileRefusesStrayWindows(t *testing.T) {
	profile, err := dcvv2.ProfileByName(dcvv2.ProfileCVVHour)
	if err != nil {
		t.Fatal(err)
	}
	k, a := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112")
	for w, good := range map[dcvv2.Window]bool{
		{Index: 0, Hours: 1}:         true,
		{Index: 999_999, Hours: 1}:   true,
		{Index: 1_000_000, Hours: 1}: false,
		{Index: -1, Hours: 1}:        false,
		{Index: 55_555, Hours: 18}:   true, // first hour 999990
		{Index: 55_556, Hours: 18}:   false,
		{Index: 1 << 60, Hours: 16}:  false, // the product would be 0
		{}:                           false,
		{Index: 1, Hours: 19}:        false,
		{Index: 1, Hours: -1}:        false,
	} {
		c, err := dcvv2.CodeOf(profile, k, a, w)
		if (err == nil) != good || c.IsZero() == good || !good && !errors.Is(err, dcvv2.ErrWindow) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// TestNoCodeOutsideOfTime: a request that runs past the last hour fails as a
// whole, and windows before 1970 or past the last hour have no code that a
// wrong one could be taken for.
func TestNoCodeOutsideOfTime(t *testing.T) {
	a := account(t, "4761739001010010", "00", "3112")
	last := time.Unix(1_000_000*3600-1, 0)
	for count := 2; count <= 3; count++ {
		issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), masterKey(t, masterDigits).Masters, a, last, count, 0)
		if !errors.Is(err, dcvv2.ErrWindow) || issued != nil {
			t.Errorf("%d codes past the last hour: %v", count, err)
		}
	}
	for _, name := range dcvv2.ProfileNames() {
		k := masterKey(t, wideDigits)
		moments := []time.Time{time.Unix(0, 0), time.Unix(3600, 0)}
		if name == dcvv2.ProfileCVVHour {
			k, moments = masterKey(t, masterDigits), append(moments, last, last.Add(-time.Hour))
		}
		s := dcvv2.Always(with(func(p *dcvv2.Policy) { p.Profile = name }))
		for _, at := range moments {
			for n := range 1000 {
				found, err := dcvv2.Verify(s, k.Masters, a, code(t, fmt.Sprintf("%03d", n)), at)
				if err != nil || found.Window.Index < 0 || name == dcvv2.ProfileCVVHour && found.Window.Index > 999_999 {
					t.Fatalf("%s at %v: %03d is %v of %v, %v", name, at, n, found.Verdict, found.Window, err)
				}
			}
		}
	}
}
