package dcvv2_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// with is the default policy with a change.
func with(change func(*dcvv2.Policy)) dcvv2.Policy {
	p := dcvv2.DefaultPolicy()
	change(&p)
	return p
}

func TestPolicyLimits(t *testing.T) {
	if err := dcvv2.DefaultPolicy().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                string
		set                 func(*dcvv2.Policy, int)
		least, most         int
		saysLeast, saysMost string
	}{
		{"window hours", func(p *dcvv2.Policy, n int) { p.WindowHours = n }, dcvv2.WindowHoursMin, dcvv2.WindowHoursMax, "1", "18"},
		{"key version", func(p *dcvv2.Policy, n int) { p.KeyVersion = n }, 1, dcvv2.KeyVersionMax, "1", "99"},
		{"codes", func(p *dcvv2.Policy, n int) { p.CodesMax = n }, 1, dcvv2.CodesMax, "1", "24"},
		{"failures in 24 hours", func(p *dcvv2.Policy, n int) { p.FailuresPerDayMax = n }, 1, dcvv2.FailuresMax, "1", "100"},
		{"failures in a row", func(p *dcvv2.Policy, n int) { p.FailuresInRowMax = n }, 1, dcvv2.FailuresMax, "1", "100"},
		{"grace", func(p *dcvv2.Policy, n int) { p.Grace = time.Duration(n) }, 0, int(dcvv2.GraceMax), "0s", "1h0m0s"},
	} {
		for n, good := range map[int]bool{c.least - 1: false, c.least: true, c.most: true, c.most + 1: false} {
			err := with(func(p *dcvv2.Policy) { c.set(p, n) }).Validate()
			switch {
			case good && err != nil:
				t.Errorf("%s %d: %v", c.name, n, err)
			case !good && (!errors.Is(err, dcvv2.ErrPolicy) || !strings.Contains(err.Error(), c.name) || !strings.Contains(err.Error(), c.saysLeast+" to "+c.saysMost)):
				t.Errorf("%s %d: %v does not say %s to %s", c.name, n, err, c.saysLeast, c.saysMost)
			}
		}
	}
}

func TestPolicyReportsAllFaults(t *testing.T) {
	err := dcvv2.Policy{Grace: -time.Second, Profile: "abacus"}.Validate()
	for _, part := range []string{"window hours", "key version", "codes of one request", "failures in 24 hours", "failures in a row", "grace", `unknown code profile "abacus": use one of cvv-hour`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if !errors.Is(err, dcvv2.ErrProfile) {
		t.Errorf("%v does not wrap ErrProfile", err)
	}
}

func TestProfileByName(t *testing.T) {
	for _, name := range dcvv2.ProfileNames() {
		if p, err := dcvv2.ProfileByName(name); err != nil || p.Name() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if p, err := dcvv2.ProfileByName(""); !errors.Is(err, dcvv2.ErrProfile) || p != nil {
		t.Errorf("no name: %v, %v", p, err)
	}
}

func TestAttemptLimits(t *testing.T) {
	p := dcvv2.DefaultPolicy()
	for _, c := range []struct {
		day, row        int
		exhausted, lock bool
	}{
		{0, 0, false, false},
		{dcvv2.FailuresPerDayDefault - 1, dcvv2.FailuresInRowDefault - 1, false, false},
		{dcvv2.FailuresPerDayDefault, 0, true, false},
		{dcvv2.FailuresPerDayDefault + 1, 0, true, false},
		{0, dcvv2.FailuresInRowDefault, false, true},
		{0, dcvv2.FailuresInRowDefault + 1, false, true},
	} {
		a := dcvv2.Attempts{FailuresInDay: c.day, FailuresInRow: c.row}
		if p.DayExhausted(a) != c.exhausted || p.Locked(a) != c.lock {
			t.Errorf("%+v: exhausted %v, locked %v", a, p.DayExhausted(a), p.Locked(a))
		}
	}
	if (dcvv2.Policy{}).Locked(dcvv2.Attempts{}) != true {
		t.Error("a policy without limits lets nobody try")
	}
}

func registration(leading, issuer string) dcvv2.Registration {
	return dcvv2.Registration{Range: card.MustRange(leading), Issuer: issuer, Schedule: dcvv2.Always(dcvv2.DefaultPolicy())}
}

func TestRegistryFindsTheNarrowestRange(t *testing.T) {
	wide, middle, narrow := registration("476173", "north"), registration("4761739-4761739", "north"), registration("47617390010", "north")
	other := registration("400000", "south")
	r, err := dcvv2.NewRegistry(wide, narrow, other, middle)
	if err != nil {
		t.Fatal(err)
	}
	for pan, want := range map[string]dcvv2.Registration{
		"4761739001010010":    narrow,
		"4761739000000000126": middle,
		"4000001234567899":    other,
		"4761730000000009":    wide,
		"4895370012345671":    {},
	} {
		p, err := card.CompletePAN(pan[:len(pan)-1])
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := r.Find(p); got.Range != want.Range || got.Issuer != want.Issuer || ok == want.IsZero() {
			t.Errorf("%s: %s, %v, want %s", p, got.Range, ok, want.Range)
		}
	}
	all := r.All()
	if len(all) != 4 || all[0].Range != narrow.Range {
		t.Errorf("lists %v", all)
	}
	all[0] = dcvv2.Registration{}
	if r.All()[0].Range != narrow.Range {
		t.Error("a caller can change the registry through its list")
	}
}

func TestRegistryRefuses(t *testing.T) {
	bad := registration("400000", "south")
	bad.Schedule = dcvv2.Always(with(func(p *dcvv2.Policy) { p.WindowHours = 19 }))
	for _, c := range []struct {
		name string
		in   []dcvv2.Registration
		want string // part of the error; empty for none
	}{
		{"nothing registered", nil, ""},
		{"two issuers side by side", []dcvv2.Registration{registration("476173", "north"), registration("476174", "south")}, ""},
		{"two issuers, one inside the other", []dcvv2.Registration{registration("476173", "north"), registration("4761739", "south")}, `4761739 of issuer "south"`},
		{"two issuers, the same range", []dcvv2.Registration{registration("476173", "north"), registration("476173", "south")}, "overlaps"},
		{"two issuers, crossing", []dcvv2.Registration{registration("476173-476175", "north"), registration("4761750-4761769", "south")}, "overlaps"},
		{"one issuer, nested", []dcvv2.Registration{registration("476173", "north"), registration("4761739", "north")}, ""},
		{"one issuer, twice", []dcvv2.Registration{registration("476173", "north"), registration("476173", "north")}, "neither is narrower"},
		{"one issuer, crossing, equally wide", []dcvv2.Registration{registration("476173-476174", "north"), registration("476174-476175", "north")}, "neither is narrower"},
		{"no range", []dcvv2.Registration{{Issuer: "north", Schedule: dcvv2.Always(dcvv2.DefaultPolicy())}}, "range is missing"},
		{"no issuer", []dcvv2.Registration{registration("476173", "")}, "issuer is missing"},
		{"bad policy", []dcvv2.Registration{bad}, "window hours must be 1 to 18, not 19"},
	} {
		r, err := dcvv2.NewRegistry(c.in...)
		switch {
		case c.want == "" && (err != nil || len(r.All()) != len(c.in)):
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, dcvv2.ErrRegistry) || !strings.Contains(err.Error(), c.want) || r != nil):
			t.Errorf("%s: %v does not say %s", c.name, err, c.want)
		}
	}
}
