package guess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

// Measurement is what came of attacks of one kind, beside what theory says.
type Measurement struct {
	Kind    Kind `json:"kind"`
	Wanted  int  `json:"attacksWanted"`
	Attacks int  `json:"attacks"` // played: fewer than wanted when interrupted

	GuessesMean    float64 `json:"guessesMean"` // checked in an attack
	GuessesMax     int     `json:"guessesMax"`
	GuessesAllowed int     `json:"guessesAllowed"` // by the limits, when none hits

	// HalfAfter is after how many guesses half of the attacks had a hit, 0
	// when fewer have; of kinds on many accounts.
	HalfAfter       int `json:"halfAfterGuesses,omitempty"`
	HalfAfterTheory int `json:"halfAfterGuessesTheory,omitempty"`

	Successes []Success `json:"successes"`
	// Fault says how the limits did not hold as they should; "" when they did.
	Fault string `json:"fault,omitempty"`

	TookMS float64 `json:"tookMs"`
}

// Success is how often attacks hit within a time.
type Success struct {
	Within   string   `json:"within"` // such as "first day"
	Hits     int      `json:"hits"`
	Measured float64  `json:"measured"`
	Interval Interval `json:"interval"` // exact; see Binomial
	Theory   float64  `json:"theory"`
	Agrees   bool     `json:"agrees"` // theory lies in the interval
}

// Agrees reports whether all that was measured is as theory says.
func (m Measurement) Agrees() bool { return len(m.Faults()) == 0 }

// Faults says in words what is not as theory says.
func (m Measurement) Faults() []string {
	var faults []string
	if m.Fault != "" {
		faults = append(faults, fmt.Sprintf("%s: %s", m.Kind, m.Fault))
	}
	for _, s := range m.Successes {
		if !s.Agrees {
			faults = append(faults, fmt.Sprintf("%s, %s: %d of %d attacks hit, which is a chance of %s to %s; theory says %s",
				m.Kind, s.Within, s.Hits, m.Attacks, percent(s.Interval.Low), percent(s.Interval.High), percent(s.Theory)))
		}
	}
	return faults
}

// Measure plays attacks of a kind, 1 to AttacksMax, and compares. When ctx
// ends early it gives what was measured so far. An error means that the lab
// itself did not work, or that what was asked for is beyond its limits
// (ErrSetup).
func (l Lab) Measure(ctx context.Context, k Kind, s Setup, attacks int) (Measurement, error) {
	return l.measure(ctx, string(k), k, s, attacks)
}

func (l Lab) measure(ctx context.Context, name string, k Kind, s Setup, attacks int) (Measurement, error) {
	if err := l.Check(k, s, attacks); err != nil {
		return Measurement{}, err
	}
	started := time.Now()
	m := measurement{Lab: l, name: name, kind: k, setup: s}
	outcomes, err := m.play(ctx, attacks)
	if err != nil {
		return Measurement{}, fmt.Errorf("playing %s: %w", k, err)
	}
	sum := compare(k, s, outcomes)
	sum.Wanted, sum.TookMS = attacks, float64(time.Since(started).Microseconds())/1000
	return sum, nil
}

// Check reports all faults of a measurement's arguments at once; see Measure.
func (l Lab) Check(k Kind, s Setup, attacks int) error {
	if !slices.Contains(Kinds(), k) {
		return fmt.Errorf("%w: there is no kind %q", ErrSetup, k)
	}
	if err := s.Validate(); err != nil {
		return err
	}
	if err := within("workers", l.Workers, 1, WorkersMax); err != nil {
		return err
	}
	if err := within("attacks", attacks, 1, AttacksMax); err != nil {
		return err
	}
	each := s.Expect(k).Guesses
	if k == Parallel {
		each = s.Callers
	}
	if guesses := attacks * each; guesses > GuessesMax {
		return fmt.Errorf("%w: %d attacks %s of %d guesses are %d, more than %d: take fewer attacks", ErrSetup, attacks, k, each, guesses, GuessesMax)
	}
	return nil
}

// compare holds outcomes against theory.
func compare(k Kind, s Setup, outcomes []outcome) Measurement {
	expected := s.Expect(k)
	m := Measurement{Kind: k, Attacks: len(outcomes), GuessesAllowed: expected.Guesses}
	first, all, sum := 0, 0, 0
	var after []int
	for _, o := range outcomes {
		sum += o.checked()
		m.GuessesMax = max(m.GuessesMax, o.checked())
		if o.first {
			first++
		}
		if o.hits > 0 {
			all++
			after = append(after, o.checked())
		}
		if m.Fault == "" {
			m.Fault = o.fault(expected)
		}
	}
	if len(outcomes) > 0 {
		m.GuessesMean = float64(sum) / float64(len(outcomes))
	}
	if k.wide() {
		slices.Sort(after)
		m.HalfAfterTheory = MedianAccounts(s.Live)
		if half := (len(outcomes) + 1) / 2; half > 0 && len(after) >= half {
			m.HalfAfter = after[half-1]
		}
	}
	if k != Parallel {
		m.Successes = append(m.Successes, success(k.firstInWords(), first, len(outcomes), expected.First))
	}
	m.Successes = append(m.Successes, success(s.allInWords(k), all, len(outcomes), expected.All))
	return m
}

// fault says how many guesses were checked when it was not as many as the
// limits say: all of them unless one hit, and never more.
func (o outcome) fault(e Expectation) string {
	says := func(got, allowed int, when string) string {
		if got == allowed || o.hits > 0 && got < allowed {
			return ""
		}
		return fmt.Sprintf("an attack had %d wrong guesses checked%s, where the limits allow %d", got, when, allowed)
	}
	return cmp.Or(says(o.failures, e.Guesses, ""), says(o.firstFailures, e.FirstGuesses, " at first"))
}

func success(within string, hits, attacks int, theory float64) Success {
	s := Success{Within: within, Hits: hits, Interval: Interval{High: 1}, Theory: theory}
	if attacks > 0 {
		s.Measured = float64(hits) / float64(attacks)
		s.Interval = Binomial(hits, attacks, chanceOfFault)
	}
	s.Agrees = s.Interval.Holds(theory)
	return s
}

func (k Kind) firstInWords() string {
	if k == OnePAN {
		return "first day"
	}
	return "first hour"
}

func (s Setup) allInWords(k Kind) string {
	switch {
	case k.wide():
		return count(s.Expect(k).Guesses, "account")
	case k == Parallel:
		return count(s.Callers, "guess") + " at once"
	default:
		return count(s.Days, "day")
	}
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

func percent(p float64) string { return fmt.Sprintf("%.3f %%", 100*p) }

// outstanding is how many windows before and after the current one are tried
// to see whose codes pass: as many as one request gives out.
const outstanding = dcvv2.CodesMax

// Accepted tries the codes of the 24 windows before an attack's time, of its
// own and of the 24 after, each on an account of its own, and gives how many
// pass: those that a guess can hit.
func (l Lab) Accepted(ctx context.Context, s Setup) (int, error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	s.Policy.RangeFailuresPerHourMax, s.RequestorFailuresPerHourMax = 0, 0
	m := measurement{Lab: l, name: "accepted windows", kind: ManyPANs, setup: s}
	if err := m.prepare(); err != nil {
		return 0, err
	}
	store, closeStore, err := m.openStore()
	if err != nil {
		return 0, err
	}
	defer func() { _ = closeStore() }()
	screener, err := m.screener(store, 0)
	if err != nil {
		return 0, err
	}
	a := &attack{setup: s, screener: screener, at: s.next(begin)}
	accepted := 0
	for n := -outstanding; n <= outstanding; n++ {
		passes, err := a.passes(ctx, m.keys.master, n)
		if err != nil {
			return 0, err
		}
		if passes {
			accepted++
		}
	}
	return accepted, nil
}

// passes reports whether the right code of the window n windows away is
// accepted, and as that window's: it may be another one's by chance.
func (a *attack) passes(ctx context.Context, master dcvv2.MasterKey, n int) (bool, error) {
	pan, err := a.account(n + outstanding)
	if err != nil {
		return false, err
	}
	profile, err := dcvv2.ProfileByName(a.setup.Policy.Profile)
	if err != nil {
		return false, err
	}
	window := dcvv2.WindowAt(a.at, a.setup.Policy.WindowHours).Shift(int64(n))
	code, err := dcvv2.CodeOf(profile, master, dcvv2.Account{PAN: pan, Expiry: expiry}, window)
	if err != nil {
		return false, err
	}
	found, err := ask(ctx, a.screener, fmt.Sprint("window ", n), pan, code, a.requestor(0), a.at)
	return found.CVV2 == dcvv2.Match && found.Window == window, err
}
