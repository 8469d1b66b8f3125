// Package load puts load on a gateway and tells how long its answers took and
// whether each was the right one.
//
// Requests start when the schedule says, whatever became of those before: an
// answer that is slow makes the requests behind it late, and their latency
// counts from when they should have started (no coordinated omission). Every
// request carries a canary, and the oracle holds every answer against it.
//
// It knows the gateway from outside only: ISO 8583 over TCP, the issuers' API
// for codes and the phones' door for keys, as any wallet, merchant and issuer
// do. Schedule, Oracle and Question.Check know no socket. Card data never
// reaches a report. Start at Run.
package load

import (
	"errors"
	"fmt"
	"time"
)

// Limits of a plan. All are ours.
const (
	RateMax        = 1_000_000              // requests a second: more than one machine makes
	InFlightMax    = 4096                   // of all connections, as the links of a gateway of ours take
	ConnectionsMax = 64                     // to each door; each costs the oracle about 1 MB
	DurationMin    = 100 * time.Millisecond // less is over before the first answers
	DurationMax    = time.Hour              // as long as two codes of an account are good
	StepsMax       = 20                     // a picture has no room for more
	TimeoutMin     = 100 * time.Millisecond // hosts are slower than that now and then
	TimeoutMax     = time.Minute            // as long as a gateway of ours may take
	TimeoutDefault = 20 * time.Second       // longer than a gateway of ours waits for an issuer
	AccountsMax    = 1_000_000              // about 400 MB, and minutes to enrol
	TokensMax      = 4096                   // one for each request in flight
)

// ErrPlan is what Plan.Check wraps.
var ErrPlan = errors.New("the load cannot be planned so")

// Plan says what load there is to be.
type Plan struct {
	Mix         Mix
	Rate        int           // requests a second, 1 to RateMax; 0 is max: another as soon as one is answered
	InFlight    int           // that wait for their answer at most, 1 to InFlightMax
	Connections int           // to each door that the mix needs, 1 to ConnectionsMax
	Duration    time.Duration // in which requests start, DurationMin to DurationMax
	Steps       int           // of equal length, in which the rate grows to Rate; 1 to StepsMax, 1 is steady
	Timeout     time.Duration // after which a request is lost, TimeoutMin to TimeoutMax
	Seed        uint64        // that the order of the kinds hangs on
}

// DefaultPlan is ten seconds of activations and taps, as fast as it goes.
func DefaultPlan() Plan {
	return Plan{
		Mix: Mix{{Activation, 70}, {Tap, 30}}, InFlight: 64, Connections: 1,
		Duration: 10 * time.Second, Steps: 1, Timeout: TimeoutDefault,
	}
}

// Check reports the first limit that p is past, wrapping ErrPlan.
func (p Plan) Check() error {
	if err := p.Mix.check(); err != nil {
		return err
	}
	for _, l := range []struct {
		name         string
		n, low, high int64
	}{
		{"rate", int64(p.Rate), 0, RateMax},
		{"in flight", int64(p.InFlight), 1, InFlightMax},
		{"connections", int64(p.Connections), 1, ConnectionsMax},
		{"steps", int64(p.Steps), 1, StepsMax},
	} {
		if l.n < l.low || l.n > l.high {
			return fmt.Errorf("%w: %s is %d to %d, not %d", ErrPlan, l.name, l.low, l.high, l.n)
		}
	}
	switch {
	case p.Duration < DurationMin || p.Duration > DurationMax:
		return fmt.Errorf("%w: the duration is %v to %v, not %v", ErrPlan, DurationMin, DurationMax, p.Duration)
	case p.Timeout < TimeoutMin || p.Timeout > TimeoutMax:
		return fmt.Errorf("%w: the timeout is %v to %v, not %v", ErrPlan, TimeoutMin, TimeoutMax, p.Timeout)
	case p.Steps > 1 && p.Rate == 0:
		return fmt.Errorf("%w: steps need a rate to grow to, and max is none", ErrPlan)
	}
	return nil
}

// countedMax is how many requests AccountsNeeded counts (ours): half a second
// of counting.
const countedMax = 100_000_000

// AccountsNeeded is how many accounts a load uses that uses each code once, at
// most AccountsMax. It is 0 at rate max, where nobody knows, and for a mix that
// shows no codes.
func (p Plan) AccountsNeeded() (count int) {
	if !p.Mix.Has(Activation) && !p.Mix.Has(Verify) {
		return 0
	}
	for n := range min(p.Schedule().Total(), countedMax) {
		if k := p.Mix.At(p.Seed, n); k == Activation || k == Verify {
			count++
		}
		if count == AccountsMax {
			break
		}
	}
	return count
}
