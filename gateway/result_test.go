package gateway_test

import (
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// carrier is a kind of request that carries a code without a token.
type carrier struct {
	name  string
	ask   func(w *world, pan card.PAN, p dcvv2.Presented) carried
	heard func(w *world) []carried // what the issuer was asked
}

// carried is what of a carrier's answer, or of the issuer's question, matters.
type carried struct {
	messages.Outcome
	transactionID string
	presented     dcvv2.Presented
	minted        bool
}

func remoteCarrier(name, condition string, amount uint64) carrier {
	return carrier{name, func(w *world, pan card.PAN, p dcvv2.Presented) carried {
		a := as[*messages.RemoteAnswer](w, w.merchant.ask(w.remoteBy(condition, amount, pan, p)))
		return carried{Outcome: a.Outcome, transactionID: a.TransactionID}
	}, func(w *world) (list []carried) {
		for _, q := range saw[*messages.RemoteRequest](w.issuer) {
			list = append(list, carried{messages.Outcome{Additional: q.Checked}, q.TransactionID, q.CVV2, false})
		}
		return list
	}}
}

// remoteBy is a request without a terminal about a card.
func (w *world) remoteBy(condition string, amount uint64, pan card.PAN, p dcvv2.Presented) *messages.RemoteRequest {
	return &messages.RemoteRequest{
		Trace: w.newTrace(), Local: messages.LocalAt(w.clock.Now()),
		Place:  messages.Place{Category: "5812", Country: "840", EntryMode: "0100", Condition: condition, Currency: "840"},
		Number: pan, Amount: amount, Expiry: expiry, CVV2: p,
	}
}

var carriers = []carrier{
	{"activation", func(w *world, pan card.PAN, p dcvv2.Presented) carried {
		a := w.wallet.activate(w.activationWith(pan, p))
		return carried{Outcome: a.Outcome, transactionID: a.TransactionID, minted: a.Token != nil}
	}, func(w *world) (list []carried) {
		for _, q := range saw[*messages.ActivationRequest](w.issuer) {
			list = append(list, carried{messages.Outcome{Additional: q.Checked}, q.TransactionID, q.Activation.CVV2, false})
		}
		return list
	}},
	remoteCarrier("account verification", messages.AccountVerification, 0),
	remoteCarrier("e-commerce", messages.ECommercePayment, amount),
}

// found is what the network finds of a code.
type found struct {
	name    string
	account func(w *world) (card.PAN, dcvv2.Presented)
	result  dcvv2.Result
	action  func(dcvv2.Policy) dcvv2.Action // what the policy does about it
	decline token.Response                  // when it declines

	presence byte // of 126.10, as the issuer sees it
	sawCode  bool // likewise
	held     bool // against the account: the issuer is told of a decline
}

func onNoMatch(p dcvv2.Policy) dcvv2.Action          { return p.OnNoMatch }
func onMissing(p dcvv2.Policy) dcvv2.Action          { return p.OnMissing }
func onNotParticipating(p dcvv2.Policy) dcvv2.Action { return p.OnNotParticipating }
func onNotProcessed(p dcvv2.Policy) dcvv2.Action     { return p.OnNotProcessed }

func given(code dcvv2.Code) dcvv2.Presented {
	return dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code}
}

func verdict(v dcvv2.Verdict) func(w *world) (card.PAN, dcvv2.Presented) {
	return func(w *world) (card.PAN, dcvv2.Presented) {
		pan := w.enrolled()
		return pan, given(w.codeThatIs(v, pan))
	}
}

func without(presence byte) func(w *world) (card.PAN, dcvv2.Presented) {
	return func(w *world) (card.PAN, dcvv2.Presented) {
		return w.enrolled(), dcvv2.Presented{Presence: presence}
	}
}

var findings = []found{
	{name: "M", account: func(w *world) (card.PAN, dcvv2.Presented) {
		pan := w.enrolled()
		return pan, given(w.code(pan, 0))
	}, result: 'M', action: func(dcvv2.Policy) dcvv2.Action { return dcvv2.ActionAsk }, presence: '3'},
	{name: "N, wrong", account: verdict(dcvv2.Wrong), result: 'N', action: onNoMatch, decline: "N7", presence: '1', sawCode: true, held: true},
	{name: "N, expired", account: verdict(dcvv2.Expired), result: 'N', action: onNoMatch, decline: "N7", presence: '1', sawCode: true, held: true},
	{name: "N, too early", account: verdict(dcvv2.TooEarly), result: 'N', action: onNoMatch, decline: "N7", presence: '1', sawCode: true, held: true},
	{name: "N, used", account: func(w *world) (card.PAN, dcvv2.Presented) {
		first := goodActivation(w)
		w.wallet.activate(first)
		return first.Activation.PAN, first.Activation.CVV2
	}, result: 'N', action: onNoMatch, decline: "N7", presence: '1', sawCode: true, held: true},
	{name: "N, right after five failures", account: func(w *world) (card.PAN, dcvv2.Presented) {
		pan := w.enrolled()
		w.misses(pan, policy.FailuresPerDayMax)
		return pan, given(w.code(pan, 0))
	}, result: 'N', action: onNoMatch, decline: "N7", presence: '1', sawCode: true},
	{name: "S, presence 0", account: without('0'), result: 'S', action: onMissing, decline: "N7", presence: '0'},
	{name: "S, presence 1", account: without('1'), result: 'S', action: onMissing, decline: "N7", presence: '1'},
	{name: "S, presence 2", account: without('2'), result: 'S', action: onMissing, decline: "N7", presence: '2'},
	{name: "S, presence 9", account: without('9'), result: 'S', action: onMissing, decline: "N7", presence: '9'},
	{name: "S, no 126.10", account: without(0), result: 'S', action: onMissing, decline: "N7"},
	{name: "U, not enrolled", account: func(w *world) (card.PAN, dcvv2.Presented) {
		return w.account(cardRange), given(w.anyCode())
	}, result: 'U', action: onNotParticipating, decline: "05", presence: '1', sawCode: true},
	{name: "U, not registered", account: func(w *world) (card.PAN, dcvv2.Presented) {
		return w.account("48953770"), given(w.anyCode())
	}, result: 'U', action: func(dcvv2.Policy) dcvv2.Action { return dcvv2.ActionDecline }, decline: "15"},
	{name: "P, no key", account: func(w *world) (card.PAN, dcvv2.Presented) {
		pan := w.account(keylessRange)
		w.enrol(pan)
		return pan, given(w.anyCode())
	}, result: 'P', action: onNotProcessed, decline: "96", presence: '1', sawCode: true},
}

// TestEveryResultUnderEveryPolicy is the table "What the check does" of the
// wire profile, with the others that a range's policy may choose.
func TestEveryResultUnderEveryPolicy(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		for name, change := range map[string]func(*dcvv2.Policy){
			"as it comes": func(*dcvv2.Policy) {},
			"declining": func(p *dcvv2.Policy) {
				p.OnNoMatch, p.OnMissing = dcvv2.ActionDecline82, dcvv2.ActionDecline
				p.OnNotParticipating = dcvv2.ActionDecline
			},
			"asking": func(p *dcvv2.Policy) { p.OnNoMatch, p.OnNotProcessed = dcvv2.ActionAsk, dcvv2.ActionAsk },
			"static": func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionStatic },
		} {
			t.Run(name, func(t *testing.T) {
				var set dcvv2.Policy
				w := newWorld(t, profile, func(s *settings) {
					change(&s.policy)
					set = s.policy
				})
				for _, f := range findings {
					for _, by := range carriers {
						t.Run(f.name+", "+by.name, func(t *testing.T) { w.wantAsFound(t, set, f, by) })
					}
				}
			})
		}
	})
}

// wantAsFound asks, and wants the answer, the issuer's question and what the
// issuer is told to be as the policy says of what is found.
func (w *world) wantAsFound(t *testing.T, p dcvv2.Policy, f found, by carrier) {
	pan, presented := f.account(w)
	w.wantAllSent()
	asked, told := len(by.heard(w)), len(saw[*messages.Advice](w.issuer))
	a := by.ask(w, pan, presented)

	action := f.action(p)
	want := messages.Outcome{Response: f.decline, Additional: messages.Additional{AnsweredBy: token.ByNetwork, CVV2: f.result}}
	switch action {
	case dcvv2.ActionAsk:
		want.Response, want.AuthorizationID, want.Additional.AnsweredBy = token.Approved, authorizationID, token.ByIssuer
	case dcvv2.ActionDecline82:
		want.Response = token.NegativeCVV
	}
	if a.Outcome != want || a.minted != (action == dcvv2.ActionAsk && by.name == "activation") {
		t.Errorf("answered with %+v, token %t, not %+v", a.Outcome, a.minted, want)
	}
	if questions := by.heard(w)[asked:]; action != dcvv2.ActionAsk {
		if len(questions) != 0 {
			t.Errorf("the issuer was asked %d times", len(questions))
		}
	} else if len(questions) != 1 {
		t.Errorf("the issuer was asked %d times", len(questions))
	} else if q := questions[0]; q.Additional != (messages.Additional{CVV2: f.result}) || q.transactionID != a.transactionID ||
		q.presented.Presence != f.presence || q.presented.HasCode() != f.sawCode {
		t.Errorf("the issuer saw 44.10=%s, 126.10 with presence %q, code %t", q.Additional.CVV2, q.presented.Presence, q.presented.HasCode())
	}
	w.wantAllSent()
	w.wantTold(t, pan, a, by, told, f.held && action != dcvv2.ActionAsk)
}

// wantTold wants an advice about a code that was declined without the issuer,
// or none.
func (w *world) wantTold(t *testing.T, pan card.PAN, a carried, by carrier, before int, want bool) {
	list := saw[*messages.Advice](w.issuer)[before:]
	if len(list) != 0 && !want || len(list) != 1 && want {
		t.Errorf("the issuer was told by %d advices", len(list))
	}
	if !want || len(list) == 0 {
		return
	}
	if told := list[0]; told.StandIn != token.ToldOnly || told.PAN != pan || told.Outcome != a.Outcome ||
		told.TransactionID != a.transactionID || told.Activation != (by.name == "activation") || told.Repeat {
		t.Errorf("the issuer was told %+v", told)
	}
}

// static is what is printed on a card.
func (w *world) static(pan card.PAN) dcvv2.Code {
	w.Helper()
	code, err := dcvv2.StaticCVV(w.keys.cvk, pan, expiry, "000")
	w.must(err)
	return code
}

// TestStaticCodes are what is printed on the card, in place of the code: right
// only where the policy says so, and then nothing says it was a dynamic one.
func TestStaticCodes(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile, func(s *settings) { s.policy.OnNoMatch = dcvv2.ActionStatic })
		printed := found{name: "M, static", account: func(w *world) (card.PAN, dcvv2.Presented) {
			pan := w.enrolled()
			return pan, given(w.static(pan))
		}, result: 'M', presence: '1', action: func(dcvv2.Policy) dcvv2.Action { return dcvv2.ActionAsk }}
		for _, by := range carriers {
			t.Run(by.name, func(t *testing.T) { w.wantAsFound(t, policy, printed, by) })
		}
		if used := w.trail(vault.EventCodeUsed); len(used) != 0 {
			t.Errorf("a static code spent the window's: %+v", used)
		}
	})
}
