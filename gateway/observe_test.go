package gateway_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// TestObserverHearsOfLimits holds that each activation whose code a limit kept
// from being checked is heard of with the limit, one after the other, whether it
// is declined or the issuer is asked; and that a repeat is not.
func TestObserverHearsOfLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*settings)
		limit  token.Reason
		checks int
	}{
		{"day", func(s *settings) { s.policy.FailuresPerDayMax = 2 }, token.ReasonDayLimit, 2},
		{"row", func(s *settings) { s.policy.FailuresInRowMax = 2 }, token.ReasonLocked, 2},
		{"requestor", throttling(2, 0), token.ReasonRequestorLimit, 2},
		{"range", throttling(0, 2), token.ReasonRangeLimit, 2},
		{"the issuer is asked", func(s *settings) {
			s.policy.RangeFailuresPerHourMax, s.policy.OnNotProcessed = 1, dcvv2.ActionAsk
		}, token.ReasonRangeLimit, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			heard := map[token.Reason]int{}
			w := newWorld(t, c.set, func(s *settings) {
				s.observe = func(o gateway.Observed) {
					mu.Lock()
					defer mu.Unlock()
					if o.Kind == stations.Activation {
						heard[o.Refused]++
					}
				}
			})
			first := w.guess()
			last := first
			for range c.checks + 3 {
				w.wallet.activate(last)
				last = again(w, last)
			}
			repeated := again(w, first)
			w.wallet.activate(repeated)
			w.wallet.activate(repeated)
			mu.Lock()
			defer mu.Unlock()
			if want := (map[token.Reason]int{token.ReasonNone: c.checks + 1, c.limit: 4}); !maps.Equal(heard, want) {
				t.Errorf("heard %v, want %v", heard, want)
			}
		})
	}
}

// TestObserverHearsOfEveryMessage holds that each message of a station is heard
// of once, with the station's name and what became of it, whether it was served,
// refused or not even answered.
func TestObserverHearsOfEveryMessage(t *testing.T) {
	heard := make(chan gateway.Observed, 16) // more than come
	w := newWorld(t, func(s *settings) { s.observe = func(o gateway.Observed) { heard <- o } })
	raw, activation, wrong := w.dialRaw(merchants), goodActivation(w), w.guess()
	misplaced := goodActivation(w)
	for _, c := range []struct {
		name string
		send func()
		want gateway.Observed
	}{
		{
			"an echo", func() { w.wallet.ask(w.network(messages.Echo)) },
			gateway.Observed{Station: wallets, Kind: stations.Network, Answered: true, Response: "00"},
		},
		{
			"an activation", func() { w.wallet.activate(activation) },
			gateway.Observed{Station: wallets, Kind: stations.Activation, Answered: true, Response: "00", Reason: token.ReasonIssuerApproved, Result: dcvv2.Match},
		},
		{
			"a wrong code", func() { w.wallet.activate(wrong) },
			gateway.Observed{Station: wallets, Kind: stations.Activation, Answered: true, Response: "N7", Reason: token.ReasonWrongCode, Result: dcvv2.NoMatch},
		},
		{
			"an activation at the wrong door", func() { w.merchant.askRaw(encode(t, misplaced)) },
			gateway.Observed{Station: merchants, Kind: stations.Activation, Answered: true, Response: "12"},
		},
		{
			"a byte too many", func() { raw.send(append(wire(t, activation), 0)); raw.read() },
			gateway.Observed{Station: merchants, Answered: true, Response: "30"},
		},
		{
			"a type that is not served", func() {
				m := encode(t, activation).Clone()
				m.SetMTI("0220")
				m.Set(specs.P(11), w.newTrace().STAN)
				w.wallet.askRaw(m)
			},
			gateway.Observed{Station: wallets, Answered: true, Response: "12"},
		},
		{
			"no message at all", func() { raw.send([]byte{0xFF}) },
			gateway.Observed{Station: merchants, Response: "30"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.send()
			o := got(t, heard, "the observer")
			if o.Took <= 0 {
				t.Errorf("it took %v", o.Took)
			}
			o.Took = 0
			if diff := cmp.Diff(c.want, o); diff != "" {
				t.Error(diff)
			}
		})
	}
	select {
	case o := <-heard:
		t.Errorf("it hears of %+v, too", o)
	default:
	}
}
