package dcvv2

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Limits of a policy and their defaults.
const (
	// CodesMax is the most codes of one request (developer.visa.com: 1 to 24).
	CodesMax = 24
	// GraceDefault is how long a window's code outlives it (ours): time to
	// type a code that was read in the window's last minute.
	GraceDefault = 900 * time.Second
	// GraceMax is the shortest window: a longer grace would keep more than
	// two codes alive.
	GraceMax = WindowHoursMin * time.Hour
	// FailuresPerDayDefault is how many failures an account may have in 24
	// hours (ours): five guesses hit one live window with 0.5 %.
	FailuresPerDayDefault = 5
	// FailuresInRowDefault is after how many failures without a success an
	// account is locked (ours): 1 % for ever.
	FailuresInRowDefault = 10
	// FailuresMax bounds both (ours): a tenth of all codes there are.
	FailuresMax = 100
	// RangeFailuresPerHourDefault is how many failures a whole range may have
	// in an hour before its codes are checked no more (ours): one guess on each
	// of 693 accounts hits with 50 %, so a hundred an hour with 10 %.
	RangeFailuresPerHourDefault = 100
	// RangeFailuresPerHourMax bounds it (ours).
	RangeFailuresPerHourMax = 100_000
	// KeyVersionMax is the highest version of a key: a key block has two
	// digits for it (ANSI X9.143).
	KeyVersionMax = 99
)

// ErrPolicy is what Policy.Validate wraps.
var ErrPolicy = errors.New("the policy is not valid")

// Action is what is done about an activation whose code did not match.
type Action string

// Actions.
const (
	ActionAsk       Action = "ask"        // let the issuer decide, who is told the result
	ActionDecline   Action = "decline"    // at once: N and S with response N7, U with 05, P with 96 (ours but for N and P)
	ActionDecline82 Action = "decline-82" // at once, with response 82
	ActionStatic    Action = "static"     // accept the static CVV2 instead, else decline
)

// Policy is how an issuer wants the codes of a range to be.
type Policy struct {
	WindowHours       int           // 1 to 18
	Profile           string        // see ProfileNames
	KeyVersion        int           // of the range's master key, 1 to 99
	Grace             time.Duration // how long a code outlives its window, 0 to 1 h; 0 is not at all
	CodesMax          int           // codes of one request, 1 to 24
	OncePerWindow     bool          // a window's code provisions one token only
	EnrolByDefault    bool          // accounts never seen count as enrolled
	FailuresPerDayMax int           // 1 to 100 in 24 hours
	FailuresInRowMax  int           // 1 to 100 until the account locks
	// RangeFailuresPerHourMax is how many failures all accounts of the range
	// may have in an hour; 0 is without end, else up to 100000.
	RangeFailuresPerHourMax int

	OnNoMatch          Action // N: decline, decline-82, ask or static
	OnMissing          Action // S, no code was sent: ask or decline
	OnNotParticipating Action // U, the account is not enrolled: ask or decline
	OnNotProcessed     Action // P, the code cannot be checked: decline or ask
}

// basis is what the codes of a policy hang on.
type basis struct {
	hours, keyVersion int
	profile           string
}

func (p *Policy) basis() basis { return basis{p.WindowHours, p.KeyVersion, p.Profile} }

// keepsCodes reports whether the codes of p are good under o: they are the same,
// and none is of an account that p enrols by default and o does not.
func (p *Policy) keepsCodes(o *Policy) bool {
	return p.basis() == o.basis() && (o.EnrolByDefault || !p.EnrolByDefault)
}

// ActionsFor lists the actions that a policy may have for a result: N, S, U or
// P, the usual one first.
func ActionsFor(r Result) []Action {
	switch r {
	case NoMatch:
		return []Action{ActionDecline, ActionDecline82, ActionAsk, ActionStatic}
	case ShouldBePresent, NotParticipating:
		return []Action{ActionAsk, ActionDecline}
	case NotProcessed:
		return []Action{ActionDecline, ActionAsk}
	default:
		return nil
	}
}

// DefaultPolicy is one hour, cvv-hour, key version 1, a grace of 900 s, 24
// codes, each once, 5 failures a day or 10 in a row, 100 an hour in the range,
// and the first of ActionsFor for every result.
func DefaultPolicy() Policy {
	return Policy{
		WindowHours: WindowHoursMin, Profile: ProfileCVVHour, KeyVersion: 1,
		Grace: GraceDefault, CodesMax: CodesMax, OncePerWindow: true,
		FailuresPerDayMax: FailuresPerDayDefault, FailuresInRowMax: FailuresInRowDefault,
		RangeFailuresPerHourMax: RangeFailuresPerHourDefault,
		OnNoMatch:               ActionDecline, OnMissing: ActionAsk,
		OnNotParticipating: ActionAsk, OnNotProcessed: ActionDecline,
	}
}

// Validate reports all faults at once, each with its limit and wrapping
// ErrPolicy.
func (p Policy) Validate() error {
	faults := []error{
		within("window hours", p.WindowHours, WindowHoursMin, WindowHoursMax),
		within("key version", p.KeyVersion, 1, KeyVersionMax),
		within("codes of one request", p.CodesMax, 1, CodesMax),
		within("failures in 24 hours", p.FailuresPerDayMax, 1, FailuresMax),
		within("failures in a row", p.FailuresInRowMax, 1, FailuresMax),
		within("failures of the range in an hour", p.RangeFailuresPerHourMax, 0, RangeFailuresPerHourMax),
		allowed("no match (N)", p.OnNoMatch, NoMatch),
		allowed("no code (S)", p.OnMissing, ShouldBePresent),
		allowed("not participating (U)", p.OnNotParticipating, NotParticipating),
		allowed("not processed (P)", p.OnNotProcessed, NotProcessed),
	}
	if p.Grace < 0 || p.Grace > GraceMax {
		faults = append(faults, fmt.Errorf("%w: grace must be 0s to %v, not %v", ErrPolicy, GraceMax, p.Grace))
	}
	if _, err := ProfileByName(p.Profile); err != nil {
		faults = append(faults, fmt.Errorf("%w: %w", ErrPolicy, err))
	}
	return errors.Join(faults...)
}

func allowed(what string, a Action, r Result) error {
	if actions := ActionsFor(r); !slices.Contains(actions, a) {
		return fmt.Errorf("%w: on %s it can do one of %q, not %q", ErrPolicy, what, actions, a)
	}
	return nil
}

func within(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%w: %s must be %d to %d, not %d", ErrPolicy, what, least, most, n)
	}
	return nil
}

// Attempts is what an account has failed so far.
type Attempts struct {
	FailuresInDay int // in the last 24 hours, across windows
	FailuresInRow int // since the last success
}

// Locked reports whether the account stays shut until its issuer unlocks it.
func (p Policy) Locked(a Attempts) bool { return a.FailuresInRow >= p.FailuresInRowMax }

// DayExhausted reports whether the account must wait for its failures to age.
func (p Policy) DayExhausted(a Attempts) bool { return a.FailuresInDay >= p.FailuresPerDayMax }

// Enrolment is an account's state in the service.
type Enrolment struct {
	Enrolled   bool
	Generation uint16    // counts enrolments, from 0
	Since      time.Time // of the last change; zero for an account never seen
}

// Under is the enrolment as p sees it: an account never seen is enrolled where
// the policy enrols by default.
func (e Enrolment) Under(p Policy) Enrolment {
	if e.Since.IsZero() && p.EnrolByDefault {
		e.Enrolled = true
	}
	return e
}
