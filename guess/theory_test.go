package guess

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

// near allows for rounding and for nothing else.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestChance(t *testing.T) {
	for _, c := range []struct {
		distinct, live int
		want           float64
	}{
		{0, 1, 0},
		{1, 1, 0.001},
		{5, 1, 0.005},
		{5, 2, 0.009975}, // 1 - 0.995 * 0.995
		{1000, 1, 1},
		{1001, 1, 1},
		{5, 24, 0.11334167},
	} {
		if got := Chance(c.distinct, c.live); math.Abs(got-c.want) > 5e-6 {
			t.Errorf("%d guesses, %d live: %.9f, not %.9f", c.distinct, c.live, got, c.want)
		}
	}
	if got := fmt.Sprintf("%.1f %%", 100*Chance(5, 24)); got != "11.3 %" {
		t.Errorf("five guesses at 24 live codes hit with %s", got)
	}
}

func TestChanceOfMany(t *testing.T) {
	for _, c := range []struct {
		accounts, live int
		want           float64
	}{
		{1, 1, 0.001},
		{1, 2, 0.001999}, // 0.001 + 0.001 - 0.000001
		{100, 1, 0.0952},
		{693, 1, 0.5001},
		{692, 1, 0.4996},
	} {
		if got := ChanceOfMany(c.accounts, c.live); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("%d accounts, %d live: %.6f, not %.6f", c.accounts, c.live, got, c.want)
		}
	}
	if one, two := MedianAccounts(1), MedianAccounts(2); one != 693 || two != 347 {
		t.Errorf("medians %d and %d", one, two)
	}
}

// by is the default setup with a change.
func by(change func(*Setup)) Setup {
	s := DefaultSetup()
	change(&s)
	return s
}

// TestExpect holds attacks that were worked out by hand.
func TestExpect(t *testing.T) {
	for _, c := range []struct {
		name       string
		kind       Kind
		setup      Setup
		first, all float64
		guesses    int
	}{
		{"five a day, ten in all", OnePAN, by(func(*Setup) {}), 0.005, 1 - 0.995*0.995, 10},
		{"one day", OnePAN, by(func(s *Setup) { s.Days = 1 }), 0.005, 0.005, 5},
		{"no lock within three days", OnePAN, by(func(s *Setup) { s.Policy.FailuresInRowMax = 100 }), 0.005, 1 - 0.995*0.995*0.995, 15},
		{"locked before the day is full", OnePAN, by(func(s *Setup) { s.Policy.FailuresInRowMax = 4 }), 0.004, 0.004, 4},
		{"lock and day at once", OnePAN, by(func(s *Setup) { s.Policy.FailuresInRowMax = 5 }), 0.005, 0.005, 5},
		{"inside the grace", OnePAN, by(func(s *Setup) { s.Live = 2 }), 1 - 0.995*0.995, 1 - 0.995*0.995*0.995*0.995, 10},
		{
			"the range throttles, three an hour", OnePAN, by(func(s *Setup) { s.Policy.RangeFailuresPerHourMax = 3 }),
			1 - 0.997*0.998, 1 - 0.997*0.998*0.997*0.998, 10,
		},
		{
			"the same inside the grace: the second hour's window is guessed at in both", OnePAN,
			by(func(s *Setup) { s.Policy.RangeFailuresPerHourMax, s.Live, s.Days = 3, 2, 1 }),
			1 - 0.997*0.995*0.998, 1 - 0.997*0.995*0.998, 5,
		},
		{
			"a day of one window", OnePAN,
			by(func(s *Setup) { s.Policy.WindowHours, s.RequestorFailuresPerHourMax, s.Days = 18, 1, 1 }),
			0.005, 0.005, 5,
		},
		{"the range's hundred an hour", ManyPANs, by(func(*Setup) {}), 1 - math.Pow(0.999, 100), 1 - math.Pow(0.999, 1000), 1000},
		{"the requestor's fifty", ManyPANs, by(func(s *Setup) { s.RequestorFailuresPerHourMax = 50 }), 1 - math.Pow(0.999, 50), 1 - math.Pow(0.999, 1000), 1000},
		{"no throttle", ManyPANs, by(func(s *Setup) { s.Policy.RangeFailuresPerHourMax = 0 }), 1 - math.Pow(0.999, 1000), 1 - math.Pow(0.999, 1000), 1000},
		{"a day of fifty an hour", ManyPANs, by(func(s *Setup) { s.RequestorFailuresPerHourMax, s.PANs, s.Days = 50, 2000, 1 }), 1 - math.Pow(0.999, 50), 1 - math.Pow(0.999, 1200), 1200},
		{"ten requestors of five", Spread, by(func(s *Setup) { s.RequestorFailuresPerHourMax = 5 }), 1 - math.Pow(0.999, 50), 1 - math.Pow(0.999, 1000), 1000},
		{"the range stops ten requestors", Spread, by(func(s *Setup) { s.RequestorFailuresPerHourMax = 50 }), 1 - math.Pow(0.999, 100), 1 - math.Pow(0.999, 1000), 1000},
		{"two live codes each", ManyPANs, by(func(s *Setup) { s.Live = 2 }), 1 - math.Pow(0.999, 200), 1 - math.Pow(0.999, 2000), 1000},
		{"64 at once", Parallel, by(func(*Setup) {}), 0.005, 0.005, 5},
		{"three at once", Parallel, by(func(s *Setup) { s.Callers = 3 }), 0.003, 0.003, 3},
		{"four in a row at once", Parallel, by(func(s *Setup) { s.Policy.FailuresInRowMax = 4 }), 0.004, 0.004, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.setup.Expect(c.kind)
			if !near(got.First, c.first) || !near(got.All, c.all) || got.Guesses != c.guesses {
				t.Errorf("%+v, not {%v %v %d}", got, c.first, c.all, c.guesses)
			}
		})
	}
}

// TestNext holds when an attacker finds so many codes live.
func TestNext(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC) }
	for _, c := range []struct {
		live     int
		at, want time.Time
	}{
		{1, at(12, 30), at(12, 30)},
		{1, at(12, 15), at(12, 15)},
		{1, at(12, 14), at(12, 15)},
		{2, at(12, 14), at(12, 14)},
		{2, at(12, 15), at(13, 0)},
		{2, at(12, 0), at(12, 0)},
	} {
		if got := by(func(s *Setup) { s.Live = c.live }).next(c.at); !got.Equal(c.want) {
			t.Errorf("%d live after %v: %v", c.live, c.at, got)
		}
	}
}

func TestBinomial(t *testing.T) {
	for _, c := range []struct {
		hits, tries int
		outside     float64
		low, high   float64
	}{
		{0, 10, 0.05, 0, 0.30850},         // 1 - 0.025^(1/10)
		{10, 10, 0.05, 0.69150, 1},        // 0.025^(1/10)
		{5, 10, 0.05, 0.18709, 0.81291},   // tables of Clopper and Pearson
		{1, 100, 0.05, 0.00025, 0.054459}, // likewise
		{0, 1, 1e-6, 0, 0.9999995},
	} {
		got := Binomial(c.hits, c.tries, c.outside)
		if math.Abs(got.Low-c.low) > 1e-5 || math.Abs(got.High-c.high) > 1e-5 {
			t.Errorf("%d of %d: %+v", c.hits, c.tries, got)
		}
	}
}

// TestBinomialCovers holds that a true chance lies outside as seldom as said,
// by adding up the chances of all counts whose interval misses it.
func TestBinomialCovers(t *testing.T) {
	for _, tries := range []int{1, 50, 200} {
		var intervals []Interval
		for hits := range tries + 1 {
			intervals = append(intervals, Binomial(hits, tries, 1e-3))
		}
		for _, p := range []float64{0.0001, 0.005, 0.01, 0.1, 0.6323} {
			missed := 0.0
			for hits, interval := range intervals {
				if !interval.Holds(p) {
					missed += atMost(hits, tries, p) - atMost(hits-1, tries, p)
				}
			}
			if missed > 1e-3+1e-9 {
				t.Errorf("chance %v of %d tries lies outside with %v", p, tries, missed)
			}
		}
	}
}

// TestSetupLimits holds each limit, at it and one past it.
func TestSetupLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*Setup)
		wrong error
	}{
		{"one live", func(s *Setup) { s.Live = 1 }, nil},
		{"two live", func(s *Setup) { s.Live = LiveMax }, nil},
		{"three live", func(s *Setup) { s.Live = LiveMax + 1 }, ErrSetup},
		{"none live", func(s *Setup) { s.Live = 0 }, ErrSetup},
		{"two live without grace", func(s *Setup) { s.Live, s.Policy.Grace = 2, 0 }, ErrSetup},
		{"one live without grace", func(s *Setup) { s.Policy.Grace = 0 }, nil},
		{"grace all the time, one live", func(s *Setup) { s.Policy.Grace = time.Hour }, ErrSetup},
		{"grace all the time, two live", func(s *Setup) { s.Policy.Grace, s.Live = time.Hour, 2 }, nil},
		{"an hour's grace in two hours", func(s *Setup) { s.Policy.Grace, s.Policy.WindowHours = time.Hour, 2 }, nil},
		{"most days", func(s *Setup) { s.Days = DaysMax }, nil},
		{"more days", func(s *Setup) { s.Days = DaysMax + 1 }, ErrSetup},
		{"no day", func(s *Setup) { s.Days = 0 }, ErrSetup},
		{"most accounts", func(s *Setup) { s.PANs = PANsMax }, nil},
		{"more accounts", func(s *Setup) { s.PANs = PANsMax + 1 }, ErrSetup},
		{"most requestors", func(s *Setup) { s.Requestors = RequestorsMax }, nil},
		{"more requestors", func(s *Setup) { s.Requestors = RequestorsMax + 1 }, ErrSetup},
		{"most callers", func(s *Setup) { s.Callers = CallersMax }, nil},
		{"more callers", func(s *Setup) { s.Callers = CallersMax + 1 }, ErrSetup},
		{"most of a requestor", func(s *Setup) { s.RequestorFailuresPerHourMax = RequestorFailuresPerHourMax }, nil},
		{"more of a requestor", func(s *Setup) { s.RequestorFailuresPerHourMax = RequestorFailuresPerHourMax + 1 }, ErrSetup},
		{"less than none of a requestor", func(s *Setup) { s.RequestorFailuresPerHourMax = -1 }, ErrSetup},
		{"a policy's own limit", func(s *Setup) { s.Policy.WindowHours = 19 }, dcvv2.ErrPolicy},
	} {
		if err := by(c.set).Validate(); !errors.Is(err, c.wrong) || (c.wrong == nil) != (err == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCheckLimits(t *testing.T) {
	lab := Lab{Seed: 1, Workers: WorkersMax}
	for _, c := range []struct {
		name    string
		lab     Lab
		kind    Kind
		attacks int
		good    bool
	}{
		{"most attacks", lab, OnePAN, AttacksMax, true},
		{"more attacks", lab, OnePAN, AttacksMax + 1, false},
		{"no attacks", lab, OnePAN, 0, false},
		{"most guesses", lab, ManyPANs, GuessesMax / 1000, true},
		{"more guesses", lab, ManyPANs, GuessesMax/1000 + 1, false},
		{"most guesses at once", lab, Parallel, GuessesMax / 64, true},
		{"more guesses at once", lab, Parallel, GuessesMax/64 + 1, false},
		{"more workers", Lab{Workers: WorkersMax + 1}, OnePAN, 1, false},
		{"no workers", Lab{}, OnePAN, 1, false},
		{"no such kind", lab, "by-hand", 1, false},
	} {
		if err := c.lab.Check(c.kind, DefaultSetup(), c.attacks); (err == nil) != c.good || err != nil && !errors.Is(err, ErrSetup) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
