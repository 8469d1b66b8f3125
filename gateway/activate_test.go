package gateway_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// checks is the table "What the check does" of the wire profile.
var checks = []struct {
	name    string
	request func(*world) *messages.ActivationRequest

	response token.Response
	by       token.Answerer // 44.1
	result   dcvv2.Result   // 44.10
	reason   token.Reason
	asked    bool
	// presence of 126.10 and whether the issuer saw the code, when asked
	presence byte
	sawCode  bool
}{
	{
		name: "the code of the current window", request: goodActivation,
		response: "00", by: "5", result: 'M', reason: token.ReasonIssuerApproved, asked: true, presence: '3',
	},
	{
		name: "the code of the window before, inside the grace",
		request: func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			code := w.code(pan, 0)
			w.clock.forward(44 * time.Minute) // 14 minutes into the next window
			return w.activation(pan, code)
		},
		response: "00", by: "5", result: 'M', reason: token.ReasonIssuerApproved, asked: true, presence: '3',
	},
	{
		name: "presence says dynamic", request: func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			return w.activationWith(pan, dcvv2.Presented{Presence: dcvv2.PresenceDynamic, Code: w.code(pan, 0)})
		},
		response: "00", by: "5", result: 'M', reason: token.ReasonIssuerApproved, asked: true, presence: '3',
	},
	{
		name: "a wrong code", request: codeWith(dcvv2.Wrong),
		response: "N7", by: "2", result: 'N', reason: token.ReasonWrongCode,
	},
	{
		name: "an expired code", request: codeWith(dcvv2.Expired),
		response: "N7", by: "2", result: 'N', reason: token.ReasonExpiredCode,
	},
	{
		name: "a code that is too early", request: codeWith(dcvv2.TooEarly),
		response: "N7", by: "2", result: 'N', reason: token.ReasonEarlyCode,
	},
	{
		name: "a code that is used", request: func(w *world) *messages.ActivationRequest {
			first := goodActivation(w)
			w.wallet.activate(first)
			return w.activation(first.Activation.PAN, first.Activation.CVV2.Code)
		},
		response: "N7", by: "2", result: 'N', reason: token.ReasonUsedCode,
	},
	{
		name: "the right code after five failures in a day", request: func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			w.fail(pan, policy.FailuresPerDayMax)
			return w.activation(pan, w.code(pan, 0))
		},
		response: "N7", by: "2", result: 'N', reason: token.ReasonDayLimit,
	},
	{
		name: "the right code a day after five failures", request: func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			w.fail(pan, policy.FailuresPerDayMax)
			w.clock.forward(24 * time.Hour)
			return w.activation(pan, w.code(pan, 0))
		},
		response: "00", by: "5", result: 'M', reason: token.ReasonIssuerApproved, asked: true, presence: '3',
	},
	{
		name: "the right code after ten failures in a row", request: func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			for range 2 {
				w.fail(pan, policy.FailuresPerDayMax)
				w.clock.forward(25 * time.Hour)
			}
			return w.activation(pan, w.code(pan, 0))
		},
		response: "N7", by: "2", result: 'N', reason: token.ReasonLocked,
	},
	{
		name: "presence 0: deliberately not sent", request: presenting(dcvv2.PresenceNone),
		response: "00", by: "5", result: 'S', reason: token.ReasonIssuerApproved, asked: true, presence: '0',
	},
	{
		name: "presence 1 without a code", request: presenting(dcvv2.PresenceGiven),
		response: "00", by: "5", result: 'S', reason: token.ReasonIssuerApproved, asked: true, presence: '1',
	},
	{
		name: "presence 2: illegible", request: presenting(dcvv2.PresenceIllegible),
		response: "00", by: "5", result: 'S', reason: token.ReasonIssuerApproved, asked: true, presence: '2',
	},
	{
		name: "presence 9: none on the card", request: presenting(dcvv2.PresenceNotOnCard),
		response: "00", by: "5", result: 'S', reason: token.ReasonIssuerApproved, asked: true, presence: '9',
	},
	{
		name: "no field 126.10", request: presenting(0),
		response: "00", by: "5", result: 'S', reason: token.ReasonIssuerApproved, asked: true,
	},
	{
		name: "a range that nobody registered", request: func(w *world) *messages.ActivationRequest {
			return w.activation(w.account("489537"), w.anyCode())
		},
		response: "15", by: "2", result: 'U', reason: token.ReasonNotRegistered,
	},
	{
		name: "an account that is not enrolled", request: func(w *world) *messages.ActivationRequest {
			return w.activation(w.account(cardRange), w.anyCode())
		},
		response: "00", by: "5", result: 'U', reason: token.ReasonIssuerApproved, asked: true, presence: '1', sawCode: true,
	},
	{
		name: "an account that was unenrolled", request: func(w *world) *messages.ActivationRequest {
			r := goodActivation(w)
			w.change(r.Activation.PAN, vault.ChangeUnenrol)
			return r
		},
		response: "00", by: "5", result: 'U', reason: token.ReasonIssuerApproved, asked: true, presence: '1', sawCode: true,
	},
	{
		name: "the range's key is missing", request: func(w *world) *messages.ActivationRequest {
			pan := w.account(keylessRange)
			w.enrol(pan)
			return w.activation(pan, w.anyCode())
		},
		response: "96", by: "2", result: 'P', reason: token.ReasonCannotCheck,
	},
}

func goodActivation(w *world) *messages.ActivationRequest {
	pan := w.enrolled()
	return w.activation(pan, w.code(pan, 0))
}

func codeWith(verdict dcvv2.Verdict) func(*world) *messages.ActivationRequest {
	return func(w *world) *messages.ActivationRequest {
		pan := w.enrolled()
		return w.activation(pan, w.codeThatIs(verdict, pan))
	}
}

func presenting(presence byte) func(*world) *messages.ActivationRequest {
	return func(w *world) *messages.ActivationRequest {
		return w.activationWith(w.enrolled(), dcvv2.Presented{Presence: presence})
	}
}

func (w *world) anyCode() dcvv2.Code {
	code, err := dcvv2.ParseCode("123")
	w.must(err)
	return code
}

// fail counts failures on an account.
func (w *world) fail(pan card.PAN, times int) {
	w.Helper()
	for range times {
		if a := w.wallet.activate(w.activation(pan, w.codeThatIs(dcvv2.Wrong, pan))); a.Outcome.Response != token.CVV2Failed {
			w.Fatalf("a wrong code gets %s", a.Outcome.Response)
		}
	}
}

func TestChecks(t *testing.T) {
	w := newWorld(t)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			w.clock.set(halfPast)
			r := c.request(w)
			before := len(saw[*messages.ActivationRequest](w.issuer))
			a := w.wallet.activate(r)
			if got := a.Outcome; got.Response != c.response || got.Additional.AnsweredBy != c.by || got.Additional.CVV2 != c.result {
				t.Errorf("39=%s 44.1=%s 44.10=%s, not %s, %s and %s", got.Response, got.Additional.AnsweredBy,
					got.Additional.CVV2, c.response, c.by, c.result)
			}
			if approved := c.response == token.Approved; (a.Token != nil) != approved || (a.Outcome.AuthorizationID != "") != approved {
				t.Errorf("token %v, authorization %q with response %s", a.Token, a.Outcome.AuthorizationID, c.response)
			}
			w.wantReason(a.TransactionID, c.reason)
			w.wantNothingUnfinished()
			questions := saw[*messages.ActivationRequest](w.issuer)[before:]
			if asked := len(questions) == 1; asked != c.asked || len(questions) > 1 {
				t.Fatalf("the issuer was asked %d times", len(questions))
			}
			if !c.asked {
				return
			}
			q := questions[0]
			if q.Checked.CVV2 != c.result || q.TransactionID != a.TransactionID || q.Activation.PAN != r.Activation.PAN {
				t.Errorf("the issuer saw 44.10=%s, 62.2=%s, 2=%s", q.Checked.CVV2, q.TransactionID, q.Activation.PAN)
			}
			if p := q.Activation.CVV2; p.Presence != c.presence || p.Code.IsZero() == c.sawCode {
				t.Errorf("the issuer saw 126.10 with presence %q, code %v", p.Presence, !p.Code.IsZero())
			}
		})
	}
}

// TestIssuersWord holds that only 00 makes a token, and 85 one that waits.
func TestIssuersWord(t *testing.T) {
	w := newWorld(t)
	for word, want := range map[token.Response]token.Response{
		"05": "05", "46": "46", "14": "14", "54": "54", "62": "62", "91": "91", "96": "96", "30": "30",
	} {
		t.Run(string(word), func(t *testing.T) {
			w.issuer.follow(responding(word))
			a := w.wallet.activate(goodActivation(w))
			if a.Outcome.Response != want || a.Token != nil || a.Outcome.Additional.CVV2 != dcvv2.Match {
				t.Errorf("39=%s 44.10=%s token %v", a.Outcome.Response, a.Outcome.Additional.CVV2, a.Token)
			}
		})
	}
	w.wantTokens(0)
	w.issuer.follow(responding("85"))
	a := w.wallet.activate(goodActivation(w))
	if a.Outcome.Response != "85" || a.Token == nil || a.Token.Status != token.Inactive {
		t.Errorf("39=%s, token %v", a.Outcome.Response, a.Token)
	}
	w.wantNothingUnfinished()
}

func TestTokenOfAnActivation(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	a := w.wallet.activate(r)
	if a.Token == nil || a.Token.Status != token.Active || !card.MustRange(tokenRange).Contains(a.Token.Number) ||
		a.Token.Requestor != r.Activation.Requestor || a.Token.Type != r.Activation.Type {
		t.Fatalf("token %+v", a.Token)
	}
	stored, err := w.store.TokenByReference(t.Context(), a.Token.Reference)
	w.must(err)
	if stored.PAN != r.Activation.PAN || stored.Number != a.Token.Number || stored.TransactionID != a.TransactionID ||
		stored.Issuer != issuerName || stored.ATC != 0 {
		t.Errorf("stored %+v", stored)
	}
	w.wantTokens(1)
}
