package gateway_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway"
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
					heard[o.Refused]++
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
