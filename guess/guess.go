// Package guess is the guessing lab: it plays attackers who guess codes
// against a policy, and compares how often they succeed with what theory says.
//
// The attackers meet the gateway's own screening (screening.Screener), a store
// of the kind that a gateway runs on and keys in memory; the clock is virtual
// and there are no sockets. Theory (Setup.Expect) is worked out of the
// policy's numbers alone. It never touches a running gateway, its store or its
// keys, and shows no code, key or card number. Start at Lab.Measure.
package guess

import (
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

// ErrSetup is what Setup.Validate wraps.
var ErrSetup = errors.New("the attack cannot be played")

// Kind is a kind of attack.
type Kind string

// Kinds of attacks.
const (
	OnePAN   Kind = "one-pan"   // distinct guesses on one account until it is blocked, day after day
	ManyPANs Kind = "many-pans" // one guess on each of many accounts, by one requestor
	Spread   Kind = "spread"    // the same by many requestors in turn
	Parallel Kind = "parallel"  // distinct guesses on one account, all at once
)

// Kinds lists the kinds of attacks.
func Kinds() []Kind { return []Kind{OnePAN, ManyPANs, Spread, Parallel} }

// About is the kind in words.
func (k Kind) About() string {
	switch k {
	case OnePAN:
		return "distinct guesses on one account until it is blocked, day after day"
	case ManyPANs:
		return "one guess on each of many accounts, by one requestor"
	case Spread:
		return "one guess on each of many accounts, by many requestors in turn"
	case Parallel:
		return "distinct guesses on one account, all at once"
	default:
		return ""
	}
}

// First is the time in which an attack meets the first of its limits: a day
// on one account, else an hour.
func (k Kind) First() time.Duration {
	if k == OnePAN {
		return 24 * time.Hour
	}
	return time.Hour
}

// wide reports whether the attack is on many accounts.
func (k Kind) wide() bool { return k == ManyPANs || k == Spread }

// AttacksDefault is how many attacks tell enough in a few seconds (ours).
func (k Kind) AttacksDefault() int {
	switch k {
	case OnePAN:
		return 10_000
	case Parallel:
		return 500
	default:
		return 50
	}
}

// Limits of a setup (ours).
const (
	LiveMax       = 2      // windows: the current one and, in its grace, the one before
	DaysMax       = 31     // no attack needs more: an account is locked long before
	PANsMax       = 10_000 // of one attack: four digits of a card number
	RequestorsMax = 100    // of one attack
	CallersMax    = 256    // at once on one account
	AttacksMax    = 100_000
	// GuessesMax bounds the guesses of a measurement, and by it the minutes
	// that it may take.
	GuessesMax = 5_000_000
	// RequestorFailuresPerHourMax bounds that limit, as the range's is.
	RequestorFailuresPerHourMax = dcvv2.RangeFailuresPerHourMax
)

// Setup is a policy and how it is attacked.
type Setup struct {
	Policy                      dcvv2.Policy
	RequestorFailuresPerHourMax int // of each token requestor; 0 is without end
	Live                        int // codes that are accepted when a guess is made: 1, or 2 inside the grace
	Days                        int // that an attack lasts, 1 to DaysMax
	PANs                        int // accounts of one attack of the kinds ManyPANs and Spread
	Requestors                  int // of one attack of the kind Spread
	Callers                     int // guesses at once of the kind Parallel
}

// DefaultSetup is the default policy, attacked for three days outside the
// grace: on one account, on 1000 by one requestor and by ten, and by 64 at once.
func DefaultSetup() Setup {
	return Setup{Policy: dcvv2.DefaultPolicy(), Live: 1, Days: 3, PANs: 1000, Requestors: 10, Callers: 64}
}

// Validate reports all faults at once, each with its limit and wrapping
// ErrSetup or dcvv2.ErrPolicy.
func (s Setup) Validate() error {
	faults := []error{
		s.Policy.Validate(),
		within("failures of a requestor in an hour", s.RequestorFailuresPerHourMax, 0, RequestorFailuresPerHourMax),
		within("live windows", s.Live, 1, LiveMax),
		within("days", s.Days, 1, DaysMax),
		within("accounts of one attack", s.PANs, 1, PANsMax),
		within("requestors of one attack", s.Requestors, 1, RequestorsMax),
		within("callers of one attack", s.Callers, 1, CallersMax),
	}
	switch {
	case s.Live == 2 && s.Policy.Grace == 0:
		faults = append(faults, fmt.Errorf("%w: without a grace never more than 1 window is live", ErrSetup))
	case s.Live == 1 && s.Policy.Grace >= time.Duration(s.Policy.WindowHours)*time.Hour:
		faults = append(faults, fmt.Errorf("%w: a grace as long as the window keeps 2 windows live at all times", ErrSetup))
	}
	return errors.Join(faults...)
}

func within(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%w: %s must be %d to %d, not %d", ErrSetup, what, least, most, n)
	}
	return nil
}

// begin is when every attack begins: half past an hour that begins windows of
// most lengths. The clock is virtual, so any time would do.
var begin = time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)

func (s Setup) end() time.Time { return begin.AddDate(0, 0, s.Days) }

// guesses is how many guesses an attack has at most, by its own doing.
func (s Setup) guesses(k Kind) int {
	switch {
	case k.wide():
		return s.PANs
	case k == Parallel:
		return s.Callers
	default:
		return codeCount
	}
}
