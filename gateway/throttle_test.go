package gateway_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// alarms counts alarms by scope.
type alarms struct {
	mu   sync.Mutex
	rung map[string]int
}

func (a *alarms) ring(scope string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rung == nil {
		a.rung = make(map[string]int)
	}
	a.rung[scope]++
}

func (a *alarms) all() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.rung)
}

// Token requestors of the tests.
const (
	requestor = "40010030273"
	another   = "40010030274"
)

const (
	ofRequestor = "requestor/" + requestor
	ofRange     = "range/" + cardRange
)

// guess is a wrong code for an account that had none yet.
func (w *world) guess() *messages.ActivationRequest {
	w.Helper()
	return codeWith(dcvv2.Wrong)(w)
}

func by(requestor string, r *messages.ActivationRequest) *messages.ActivationRequest {
	r.Activation.Requestor = requestor
	return r
}

func seen(a *messages.ActivationAnswer) outside { return outside{a.Outcome, a.Token != nil} }

// throttledCode is what the outside sees of every code while it is throttled.
var throttledCode = outside{Outcome: messages.Outcome{
	Response:   token.Malfunction,
	Additional: messages.Additional{AnsweredBy: token.ByNetwork, CVV2: dcvv2.NotProcessed},
}}

// throttling lets a requestor and a range fail so often in an hour.
func throttling(requestorMax, rangeMax int) func(*settings) {
	return func(s *settings) { s.requestorMax, s.policy.RangeFailuresPerHourMax = requestorMax, rangeMax }
}

// TestManyGuessesOnManyAccounts holds that guesses spread over accounts get as
// many tries as the narrower of both limits says, exactly, and one alarm each.
func TestManyGuessesOnManyAccounts(t *testing.T) {
	for _, c := range []struct {
		requestorMax, rangeMax, tries int
		reason                        token.Reason
		alarms                        map[string]int
	}{
		{20, 0, 20, token.ReasonRequestorLimit, map[string]int{ofRequestor: 1}},
		{0, 21, 21, token.ReasonRangeLimit, map[string]int{ofRange: 1}},
		{20, 30, 20, token.ReasonRequestorLimit, map[string]int{ofRequestor: 1, ofRange: 1}},
		{50, 10, 10, token.ReasonRangeLimit, map[string]int{ofRange: 1}},
		{1, 0, 1, token.ReasonRequestorLimit, map[string]int{ofRequestor: 1}},
		{0, 0, together, "", nil},
	} {
		t.Run(fmt.Sprintf("requestor %d, range %d", c.requestorMax, c.rangeMax), func(t *testing.T) {
			w := newWorld(t, throttling(c.requestorMax, c.rangeMax), func(s *settings) { s.policy.EnrolByDefault = true })
			var requests []messages.Message
			for range together {
				pan := w.account(cardRange)
				requests = append(requests, w.activation(pan, w.codeThatIs(dcvv2.Wrong, pan)))
			}
			got := outsides(t, atOnce(w, wallets, requests))
			if got[refusedCode] != c.tries || got[throttledCode] != together-c.tries {
				t.Errorf("answers %v", got)
			}
			if counted := w.reasons(); counted[string(token.ReasonWrongCode)] != c.tries || counted[string(c.reason)] != together-c.tries {
				t.Errorf("the trail says %v", counted)
			}
			if rung := w.alarms.all(); !maps.Equal(rung, c.alarms) {
				t.Errorf("alarms %v, not %v", rung, c.alarms)
			}
			logged := w.log.find(func(e logEvent) bool { return e.Level == "warn" && strings.HasPrefix(e.Message, "failures alarm") })
			if len(logged) != len(c.alarms) || len(w.trail(vault.EventFailuresAlarm)) != len(c.alarms) {
				t.Errorf("%d alarms in the log, %d in the trail", len(logged), len(w.trail(vault.EventFailuresAlarm)))
			}
		})
	}
}

// TestAlarmAtHalf holds when the alarm comes: at half, rounded up.
func TestAlarmAtHalf(t *testing.T) {
	w := newWorld(t, throttling(7, 0))
	for n := range 7 {
		w.wallet.activate(w.guess())
		if rung := w.alarms.all()[ofRequestor]; (rung == 1) != (n+1 >= 4) {
			t.Errorf("%d alarms after %d failures", rung, n+1)
		}
	}
}

// TestThrottled holds that while a requestor is throttled the right code gets
// what a wrong one gets, costs nothing, and is good afterwards; and that other
// requestors are served.
func TestThrottled(t *testing.T) {
	w := newWorld(t, throttling(2, 0))
	right, wrong := goodActivation(w), w.guess()
	for range 2 {
		w.wallet.activate(w.guess())
	}
	looked := w.keys.given.Load()
	answers := []string{w.masked(w.wallet.askRaw(encode(w, right))), w.masked(w.wallet.askRaw(encode(w, wrong)))}
	if answers[0] != answers[1] {
		t.Errorf("the right code is answered\n%s\nthe wrong one\n%s", answers[0], answers[1])
	}
	if a := w.wallet.activate(again(w, right)); seen(a) != throttledCode {
		t.Errorf("the right code got %+v", seen(a))
	}
	if w.keys.given.Load() != looked {
		t.Error("codes are computed, and how long that takes tells of them")
	}
	for _, r := range []*messages.ActivationRequest{right, wrong} {
		account, err := w.store.Account(t.Context(), r.Activation.PAN, w.clock.Now())
		w.must(err)
		if account.Attempts != (dcvv2.Attempts{}) {
			t.Errorf("counted %+v", account.Attempts)
		}
	}
	if a := w.wallet.activate(by(another, goodActivation(w))); a.Token == nil {
		t.Errorf("another requestor got %+v", a.Outcome)
	}
	if a := w.wallet.activate(by(another, again(w, wrong))); seen(a) != refusedCode {
		t.Errorf("another requestor's wrong code got %+v", a.Outcome)
	}
	w.clock.forward(vault.ScopeFailuresFor - time.Nanosecond)
	if a := w.wallet.activate(goodActivation(w)); seen(a) != throttledCode {
		t.Errorf("a moment before the hour is over: %+v", a.Outcome)
	}
	w.clock.forward(time.Nanosecond)
	fresh := w.activation(right.Activation.PAN, w.code(right.Activation.PAN, 0))
	if a := w.wallet.activate(fresh); a.Token == nil {
		t.Errorf("after the hour: %+v", a.Outcome)
	}
}

// again is a request for the same with a trace of its own.
func again(w *world, r *messages.ActivationRequest) *messages.ActivationRequest {
	return w.activationWith(r.Activation.PAN, r.Activation.CVV2)
}

// TestThrottledAndAsked holds that the issuer decides where the range wants it
// to, and that the code stays unspent.
func TestThrottledAndAsked(t *testing.T) {
	w := newWorld(t, throttling(1, 0), func(s *settings) { s.policy.OnNotProcessed = dcvv2.ActionAsk })
	w.wallet.activate(w.guess())
	r := goodActivation(w)
	a := w.wallet.activate(r)
	if o := a.Outcome; o.Response != token.Approved || o.Additional.CVV2 != dcvv2.NotProcessed || o.Additional.AnsweredBy != token.ByIssuer {
		t.Errorf("got %+v", o)
	}
	asked := saw[*messages.ActivationRequest](w.issuer)
	if len(asked) != 1 || asked[0].Checked.CVV2 != dcvv2.NotProcessed || asked[0].Activation.CVV2.Code.IsZero() {
		t.Errorf("the issuer was asked %+v", asked)
	}
	if a := w.wallet.activate(by(another, again(w, r))); a.Token == nil || a.Outcome.Additional.CVV2 != dcvv2.Match {
		t.Errorf("the code afterwards: %+v", a.Outcome)
	}
}

// TestRangesAreThrottledApart holds that one range's attack costs no other.
func TestRangesAreThrottledApart(t *testing.T) {
	w := newWorld(t, throttling(0, 1))
	w.wallet.activate(w.guess())
	if a := w.wallet.activate(goodActivation(w)); seen(a) != throttledCode {
		t.Errorf("the range is not throttled: %+v", a.Outcome)
	}
	other := w.account(keylessRange)
	if a := w.wallet.activate(w.activation(other, w.anyCode())); a.Outcome.Additional.CVV2 != dcvv2.NotParticipating {
		t.Errorf("the other range: %+v", a.Outcome)
	}
}

// TestInventedRequestors holds that texts which are no requestor ids share one
// limit, and that none of them comes into the trail.
func TestInventedRequestors(t *testing.T) {
	w := newWorld(t, throttling(2, 0))
	for n, want := range []outside{refusedCode, refusedCode, throttledCode} {
		if a := w.wallet.activate(by(fmt.Sprintf("X; then: %d", n), w.guess())); seen(a) != want {
			t.Errorf("guess %d got %+v", n, a.Outcome)
		}
	}
	for _, e := range w.trail(vault.EventCodeChecked) {
		if strings.Contains(e.Detail, "X;") {
			t.Errorf("the trail repeats %q", e.Detail)
		}
	}
}

// TestAtTheAccountsLimit holds that an account at its limit is refused as ever
// while its requestor is throttled, and counts nowhere.
func TestAtTheAccountsLimit(t *testing.T) {
	w := newWorld(t, throttling(policy.FailuresPerDayMax+1, 0))
	pan := w.enrolled()
	w.fail(pan, policy.FailuresPerDayMax)
	for range 3 {
		if a := w.wallet.activate(w.activation(pan, w.code(pan, 0))); seen(a) != refusedCode {
			t.Errorf("got %+v", a.Outcome)
		}
	}
	if a := w.wallet.activate(w.guess()); seen(a) != refusedCode {
		t.Errorf("what was not tried counted: %+v", a.Outcome)
	}
	if a := w.wallet.activate(w.guess()); seen(a) != throttledCode {
		t.Errorf("the requestor is not throttled: %+v", a.Outcome)
	}
	if a := w.wallet.activate(w.activation(pan, w.code(pan, 0))); seen(a) != refusedCode {
		t.Errorf("the account at its limit got %+v", a.Outcome)
	}
}

// TestWhatIsNoRequestorIsOne: texts that are no token requestor id share one
// counter, and the trail repeats none of them.
func TestWhatIsNoRequestorIsOne(t *testing.T) {
	p := dcvv2.DefaultPolicy()
	p.EnrolByDefault = true
	s, _ := screener(t, dcvv2.Always(p))
	s.RequestorFailuresPerHourMax = 100
	wrong, err := dcvv2.ParseCode("000")
	if err != nil {
		t.Fatal(err)
	}
	for n, text := range []string{"", "4001003027", "400100302730", "4001003027x", strings.Repeat("4", 99)} {
		pan, err := card.CompletePAN(fmt.Sprintf("%s%08d", cardRange, n))
		if err != nil {
			t.Fatal(err)
		}
		a := token.Activation{PAN: pan, Expiry: expiry, Requestor: text, CVV2: dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: wrong}}
		found, err := s.Screen(t.Context(), screening.Request{
			Key: fmt.Sprint(n), Kind: vault.KindActivation, Activation: a, At: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC),
		})
		if err != nil || found.Claim.Scopes[0].Name != "requestor/unknown" || !strings.HasPrefix(found.Claim.Detail, "asked: by requestor unknown with a code; ") {
			t.Errorf("%q: %+v, %v", text, found.Claim.Scopes, err)
		}
	}
}
