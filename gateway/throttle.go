package gateway

import (
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// What the names of scopes begin with. One guess on each of many accounts
// reaches no account's limit: it is seen where the guesses come together.
const (
	requestorScope = "requestor/" // a token requestor id follows
	rangeScope     = "range/"     // an account range follows, as the registry writes it
)

// scopes are where a failure counts beside its account. One without a limit
// is left out.
func (s Screener) scopes(f token.ActivationFacts, a token.Activation, p dcvv2.Policy) []vault.Scope {
	var list []vault.Scope
	add := func(name string, most int) {
		if most > 0 {
			list = append(list, vault.Scope{Name: name, FailuresMax: most, AlarmAt: (most + 1) / 2})
		}
	}
	add(requestorScope+requestorOf(a), s.RequestorFailuresPerHourMax)
	add(rangeScope+f.Registration.Range.String(), p.RangeFailuresPerHourMax)
	return list
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

func throttleReason(scope string) token.Reason {
	if strings.HasPrefix(scope, requestorScope) {
		return token.ReasonRequestorLimit
	}
	return token.ReasonRangeLimit
}

// alarm tells operators, in time to look before the scope is throttled.
func (s Screener) alarm(scope, transactionID string) {
	s.Log.Warn().Str("scope", scope).Str("transaction", transactionID).
		Msg("failures alarm: half of what this scope may fail in an hour")
	if s.Alarm != nil {
		s.Alarm(scope)
	}
}
