package gateway_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// masked is an answer's bytes without what names the request: card, trace and
// transaction.
func (w *world) masked(m *specs.Message) string {
	w.Helper()
	for _, id := range []specs.Path{specs.P(2), specs.P(11), specs.P(37), specs.P(62, 2)} {
		m.Delete(id)
	}
	packed, err := codec.Append(nil, m)
	w.must(err)
	return hex.EncodeToString(packed)
}

// sameTrouble are requests whose codes are not accepted, each for another
// reason.
var sameTrouble = map[token.Reason]func(w *world) *messages.ActivationRequest{
	token.ReasonWrongCode:   codeWith(dcvv2.Wrong),
	token.ReasonEarlyCode:   codeWith(dcvv2.TooEarly),
	token.ReasonExpiredCode: codeWith(dcvv2.Expired),
	token.ReasonUsedCode: func(w *world) *messages.ActivationRequest {
		first := goodActivation(w)
		w.wallet.activate(first)
		return again(w, first)
	},
	token.ReasonDayLimit: func(w *world) *messages.ActivationRequest {
		r := goodActivation(w)
		w.misses(r.Activation.PAN, policy.FailuresPerDayMax)
		return r
	},
	token.ReasonLocked: func(w *world) *messages.ActivationRequest {
		pan := w.enrolled()
		for range 2 {
			w.clock.forward(25 * time.Hour)
			w.misses(pan, policy.FailuresPerDayMax)
		}
		return w.activation(pan, w.code(pan, 0))
	},
}

// misses counts failures on an account past the gateway.
func (w *world) misses(pan card.PAN, times int) {
	w.Helper()
	for range times {
		_, err := w.store.Claim(w.Context(), vault.Claim{
			Key: "miss " + w.newTrace().STAN, Kind: vault.KindActivation, PAN: pan, At: w.clock.Now(), Failed: true,
			Outcome: &token.Outcome{Response: token.CVV2Failed},
		})
		w.must(err)
	}
}

// TestTroubleLooksAlike holds, for every action, that the bytes of the answers
// differ in nothing but the request's own ids, whatever the reason.
func TestTroubleLooksAlike(t *testing.T) {
	for _, action := range dcvv2.ActionsFor(dcvv2.NoMatch) {
		t.Run(string(action), func(t *testing.T) {
			w := newWorld(t, func(s *settings) { s.policy.OnNoMatch = action })
			w.issuer.follow(responding(token.DoNotHonour))
			want := ""
			for reason, request := range sameTrouble {
				w.clock.set(halfPast)
				if reason == token.ReasonUsedCode {
					w.issuer.follow(responding(token.Approved))
				}
				r := request(w)
				w.issuer.follow(responding(token.DoNotHonour))
				r.Trace.Transmitted = messages.Stamp(halfPast)
				raw := w.wallet.askRaw(encode(w, r))
				w.wantFound(raw.Text(specs.P(62, 2)), reason)
				if got := w.masked(raw); want == "" {
					want = got
				} else if got != want {
					t.Errorf("%s is answered\n%s\nand not\n%s", reason, got, want)
				}
			}
		})
	}
}

// wantFound wants the trail to say what was found of a code.
func (w *world) wantFound(transactionID string, reason token.Reason) {
	w.Helper()
	if got := labelled(w, transactionID)["found"]; !strings.HasPrefix(got, "N, "+string(reason)) {
		w.Errorf("transaction %s: found %q, not %q", transactionID, got, reason)
	}
}

// TestNoMatchByPolicy holds what an issuer and a requestor see of a wrong code.
func TestNoMatchByPolicy(t *testing.T) {
	for _, c := range []struct {
		action   dcvv2.Action
		response token.Response
		asked    int
	}{
		{dcvv2.ActionDecline, "N7", 0}, {dcvv2.ActionDecline82, "82", 0}, {dcvv2.ActionStatic, "N7", 0}, {dcvv2.ActionAsk, "00", 1},
	} {
		t.Run(string(c.action), func(t *testing.T) {
			w := newWorld(t, func(s *settings) { s.policy.OnNoMatch = c.action })
			r := w.guess()
			a := w.wallet.activate(r)
			if o := a.Outcome; o.Response != c.response || o.Additional.CVV2 != dcvv2.NoMatch || (a.Token != nil) != (c.asked > 0) {
				t.Errorf("39=%s 44.10=%s token %v", o.Response, o.Additional.CVV2, a.Token != nil)
			}
			asked := saw[*messages.ActivationRequest](w.issuer)
			if len(asked) != c.asked {
				t.Fatalf("the issuer was asked %d times", len(asked))
			}
			if c.asked > 0 && (asked[0].Checked.CVV2 != dcvv2.NoMatch || asked[0].Activation.CVV2.Code.IsZero()) {
				t.Errorf("the issuer saw 44.10=%s, code %v", asked[0].Checked.CVV2, !asked[0].Activation.CVV2.Code.IsZero())
			}
			account, err := w.store.Account(t.Context(), r.Activation.PAN, w.clock.Now())
			w.must(err)
			if account.Attempts != (dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1}) {
				t.Errorf("counted %+v", account.Attempts)
			}
			w.wantNothingUnfinished()
		})
	}
}

// TestOtherResultsByPolicy holds what a range may decline or ask beside N.
func TestOtherResultsByPolicy(t *testing.T) {
	w := newWorld(t, func(s *settings) {
		s.policy.OnMissing, s.policy.OnNotParticipating, s.policy.OnNotProcessed = dcvv2.ActionDecline, dcvv2.ActionDecline, dcvv2.ActionAsk
	})
	keyless := w.account(keylessRange)
	w.enrol(keyless)
	for _, c := range []struct {
		request  *messages.ActivationRequest
		response token.Response
		result   dcvv2.Result
		asked    int
	}{
		{presenting(dcvv2.PresenceNotOnCard)(w), "N7", 'S', 0},
		{w.activation(w.account(cardRange), w.anyCode()), "05", 'U', 0},
		{w.activation(keyless, w.anyCode()), "00", 'P', 1},
	} {
		before := len(saw[*messages.ActivationRequest](w.issuer))
		a := w.wallet.activate(c.request)
		if o := a.Outcome; o.Response != c.response || o.Additional.CVV2 != c.result {
			t.Errorf("39=%s 44.10=%s, not %s and %s", o.Response, o.Additional.CVV2, c.response, c.result)
		}
		if asked := len(saw[*messages.ActivationRequest](w.issuer)) - before; asked != c.asked {
			t.Errorf("%s: the issuer was asked %d times", c.result, asked)
		}
	}
}

// TestStaticFallback holds that the static CVV2 is good as often as it is
// sent, that it resets the row of failures as a success, and that the issuer
// can tell it from a dynamic code.
func TestStaticFallback(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.policy.OnNoMatch = dcvv2.ActionStatic })
	pan := w.enrolled()
	w.misses(pan, 2)
	static, err := dcvv2.StaticCVV(w.keys.cvk, pan, expiry, "000")
	w.must(err)
	for range 2 {
		a := w.wallet.activate(w.activation(pan, static))
		if a.Token == nil || a.Outcome.Additional.CVV2 != dcvv2.Match {
			t.Fatalf("the static CVV2 got %+v", a.Outcome)
		}
	}
	w.wantTokens(2)
	if used := w.trail(vault.EventCodeUsed); len(used) != 0 {
		t.Errorf("%d codes were spent", len(used))
	}
	for _, q := range saw[*messages.ActivationRequest](w.issuer) {
		if p := q.Activation.CVV2; p.Presence != dcvv2.PresenceGiven || !p.Code.IsZero() || q.Checked.CVV2 != dcvv2.Match {
			t.Errorf("the issuer saw presence %q, code %v, 44.10=%s", p.Presence, !p.Code.IsZero(), q.Checked.CVV2)
		}
	}
	if a := w.wallet.activate(w.activation(pan, w.code(pan, 0))); a.Token == nil {
		t.Errorf("the dynamic code got %+v", a.Outcome)
	}
	account, err := w.store.Account(t.Context(), pan, w.clock.Now())
	w.must(err)
	if account.Attempts != (dcvv2.Attempts{FailuresInDay: 2}) {
		t.Errorf("counted %+v", account.Attempts)
	}
}

// TestStaticWithoutKey holds that a missing static key costs a N and a word in
// the log, not the dynamic code.
func TestStaticWithoutKey(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.policy.OnNoMatch = dcvv2.ActionStatic })
	static, err := dcvv2.StaticCVV(w.keys.cvk, w.enrolled(), expiry, "000")
	w.must(err)
	w.keys.noStatic.Store(true)
	if a := w.wallet.activate(w.activation(w.enrolled(), static)); seen(a) != refusedCode {
		t.Errorf("the static CVV2 got %+v", a.Outcome)
	}
	if a := w.wallet.activate(goodActivation(w)); a.Token == nil {
		t.Errorf("the dynamic code got %+v", a.Outcome)
	}
	if len(w.log.find(func(e logEvent) bool { return e.Level == "error" && e.Message == "no key for codes of this range" })) != 2 {
		t.Error("the log does not say that the key is missing")
	}
}

// TestEnrolledByDefault holds that accounts never seen take part where the
// range says so, and one that was unenrolled does not.
func TestEnrolledByDefault(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.policy.EnrolByDefault = true })
	pan := w.account(cardRange)
	if a := w.wallet.activate(w.activation(pan, w.code(pan, 0))); a.Outcome.Additional.CVV2 != dcvv2.Match || a.Token == nil {
		t.Errorf("never seen: %+v", a.Outcome)
	}
	gone := w.enrolled()
	w.change(gone, vault.ChangeUnenrol)
	if a := w.wallet.activate(w.activation(gone, w.code(gone, 0))); a.Outcome.Additional.CVV2 != dcvv2.NotParticipating {
		t.Errorf("unenrolled: %+v", a.Outcome)
	}
}
