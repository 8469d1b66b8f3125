package screening

import (
	"context"
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// What the names of scopes begin with. One guess on each of many accounts
// reaches no account's limit: it is seen where the guesses come together.
const (
	requestorScope = "requestor/" // a token requestor id follows
	stationScope   = "station/"   // the name of a station follows, of requests without a requestor
	rangeScope     = "range/"     // an account range follows, as the registry writes it
)

// counter is a scope with the failures that it had in the hour.
type counter struct {
	vault.Scope
	failures int
}

// counters are where a failure counts beside its account, as they were read.
type counters []counter

// counters reads the scopes of a request. One without a limit is left out.
func (s Screener) counters(ctx context.Context, in dcvv2.Registration, r Request) (counters, error) {
	var list counters
	for _, scope := range []struct {
		name string
		most int
	}{
		{r.who(), s.RequestorFailuresPerHourMax},
		{rangeScope + in.Range.String(), in.Schedule.At(r.At).RangeFailuresPerHourMax},
	} {
		if scope.most == 0 {
			continue
		}
		failures, err := s.Store.ScopeFailures(ctx, scope.name, r.At)
		if err != nil {
			return nil, err
		}
		list = append(list, counter{vault.Scope{Name: scope.name, FailuresMax: scope.most, AlarmAt: (scope.most + 1) / 2}, failures})
	}
	return list, nil
}

func (c counters) scopes() []vault.Scope {
	var list []vault.Scope
	for _, one := range c {
		list = append(list, one.Scope)
	}
	return list
}

// throttled is why no code is looked at now, or none.
func (c counters) throttled() token.Reason {
	for _, one := range c {
		if one.failures >= one.FailuresMax {
			return throttleReason(one.Name)
		}
	}
	return token.ReasonNone
}

// reached notes that the store has found a scope at its limit.
func (c counters) reached(scope string) {
	for i := range c {
		if c[i].Name == scope {
			c[i].failures = c[i].FailuresMax
		}
	}
}

// unknownRequestor stands for all that is no token requestor id, so that
// inventing texts gives nobody new counters.
const unknownRequestor = "unknown"

// requestorOf is the requestor's id where it is one: the trail and the names
// of scopes take no other text from the wire.
func requestorOf(a token.Activation) string {
	if len(a.Requestor) != token.RequestorDigits || strings.Trim(a.Requestor, "0123456789") != "" {
		return unknownRequestor
	}
	return a.Requestor
}

// who is the scope of who asks.
func (r Request) who() string {
	if r.Kind == vault.KindOnline {
		return stationScope + r.Station
	}
	return requestorScope + requestorOf(r.Activation)
}

func throttleReason(scope string) token.Reason {
	if strings.HasPrefix(scope, rangeScope) {
		return token.ReasonRangeLimit
	}
	return token.ReasonRequestorLimit
}

// alarm tells operators, in time to look before the scope is throttled.
func (s Screener) alarm(scope, transactionID string) {
	s.Log.Warn().Str("scope", scope).Str("transaction", transactionID).
		Msg("failures alarm: half of what this scope may fail in an hour")
	if s.Alarm != nil {
		s.Alarm(scope)
	}
}
