package gateway_test

import (
	"context"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// standingIn is a world whose gateway decides in the issuer's place.
func standingIn(in token.StandIn) func(*settings) {
	return func(s *settings) { s.standIn = in }
}

var approving = token.StandIn{Activations: token.StandInApprove, Taps: token.StandInApprove, TapAmountMax: amount}

// absences are the ways in which an issuer gives no answer.
var absences = []struct {
	name     string
	why      token.StandInReason
	asked    bool // it may have got the question
	goAway   func(w *world)
	comeBack func(w *world)
}{
	{"down before sending", token.StandInDown, false, func(w *world) {
		w.issuer.down()
		w.until("the line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
	}, func(w *world) {
		w.issuer.up()
		w.waitIssuer()
	}},
	{
		"time-out after sending", token.StandInTimeout, true,
		func(w *world) { w.issuer.follow(silentButFor[*messages.Notification]) },
		func(w *world) { w.issuer.follow(responding(token.Approved)) },
	},
}

// silentButFor answers nothing but one kind of message.
func silentButFor[M messages.Message](ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
	if _, ok := question.(M); ok {
		return responding(token.Approved)(ctx, question, raw)
	}
	return nil
}

func TestActivationsInStandIn(t *testing.T) {
	for _, absent := range absences {
		for action, want := range map[token.StandInAction]struct {
			response token.Response
			status   token.Status
		}{
			token.StandInApprove: {token.Approved, token.Active},
			token.StandInStepUp:  {token.StepUp, token.Inactive},
		} {
			t.Run(absent.name+", "+string(action), func(t *testing.T) {
				w := newWorld(t, impatient, standingIn(token.StandIn{Activations: action}))
				r := goodActivation(w)
				absent.goAway(w)
				a := w.wallet.activate(r)
				if o := a.Outcome; o.Response != want.response || o.Additional.AnsweredBy != token.ByNetwork ||
					o.Additional.CVV2 != dcvv2.Match || a.StandIn != absent.why || a.Token == nil || a.Token.Status != want.status ||
					(o.AuthorizationID == a.TransactionID[9:]) != (want.response == token.Approved) {
					t.Fatalf("answered with %+v, 63.4=%s, token %+v", o, a.StandIn, a.Token)
				}
				again := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest))
				if again.Token == nil || *again.Token != *a.Token || again.Outcome != a.Outcome || again.StandIn != a.StandIn {
					t.Errorf("the repeat is answered with %+v", again)
				}
				told := w.toldLater(absent.comeBack)
				if told.PAN != r.Activation.PAN || !told.Activation || told.StandIn != absent.why || told.Outcome != a.Outcome ||
					told.TransactionID != a.TransactionID || told.RRN != r.RRN || told.Amount != 0 || told.Token == nil || *told.Token != *a.Token {
					t.Errorf("the issuer is told %+v", told)
				}
				if len(saw[*messages.Reversal](w.issuer)) != 0 {
					t.Error("the issuer is told to undo it, too")
				}
				if want.status == token.Active {
					return
				}
				n := w.untilTold(token.NoticePasscode, 1)
				w.updated(w.wallet, w.try(&phone{TokenData: *a.Token}, n.Code), token.Approved)
			})
		}
	}
}

// toldLater waits until a try to tell the issuer has failed, lets it come back,
// and gives the advice that it got. All tries have one trace number, and all but
// the first that was sent are repeats.
func (w *world) toldLater(comeBack func(w *world)) *messages.Advice {
	w.Helper()
	w.until("a try is over", func() bool {
		waiting, err := w.store.DueAdvices(context.Background(), w.clock.Now().Add(never), 10)
		w.must(err)
		due, err := w.store.DueAdvices(context.Background(), w.clock.Now(), 10)
		w.must(err)
		return len(waiting) == 1 && len(due) == 0
	})
	comeBack(w)
	before := saw[*messages.Advice](w.issuer)
	w.untilAllSent()
	seen := saw[*messages.Advice](w.issuer)
	if len(seen) != len(before)+1 {
		w.Fatalf("the issuer, when it is back, is told %d times", len(seen)-len(before))
	}
	told := seen[len(seen)-1]
	for n, one := range seen {
		if one.STAN != told.STAN || one.TransactionID != told.TransactionID || one.Repeat != (n > 0) {
			w.Errorf("try %d of %d is a %s with trace number %s of %s", n, len(seen), one.MTI(), one.STAN, one.TransactionID)
		}
	}
	w.gateway.WakeNotices()
	return told
}

// TestNothingStandsInFor lists activations that nobody vouches for.
func TestNothingStandsInFor(t *testing.T) {
	for name, test := range map[string]struct {
		in      token.StandIn
		request func(w *world) *messages.ActivationRequest
		policy  func(*dcvv2.Policy)
	}{
		"no policy":   {token.StandIn{}, goodActivation, func(*dcvv2.Policy) {}},
		"it declines": {token.StandIn{Activations: token.StandInDecline}, goodActivation, func(*dcvv2.Policy) {}},
		"no code":     {approving, presenting('2'), func(*dcvv2.Policy) {}},
		"a wrong code": {approving, codeWith(dcvv2.Wrong), func(p *dcvv2.Policy) {
			p.OnNoMatch = dcvv2.ActionAsk
		}},
		"a static code": {approving, func(w *world) *messages.ActivationRequest {
			pan := w.enrolled()
			return w.activation(pan, w.static(pan))
		}, func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionStatic }},
	} {
		for _, absent := range absences {
			t.Run(name+", "+absent.name, func(t *testing.T) {
				w := newWorld(t, impatient, standingIn(test.in), func(s *settings) { test.policy(&s.policy) })
				r := test.request(w)
				absent.goAway(w)
				a := w.wallet.activate(r)
				if a.Outcome.Response != token.IssuerUnavailable || a.StandIn != "" || a.Token != nil {
					t.Errorf("39=%s, 63.4=%q, token %v", a.Outcome.Response, a.StandIn, a.Token)
				}
				absent.comeBack(w)
				w.untilAllSent()
				w.wantTokens(0)
				if !absent.asked {
					if n := len(saw[*messages.Reversal](w.issuer)); n != 0 {
						t.Errorf("an issuer that was not asked got %d reversals", n)
					}
					return
				}
				undone := saw[*messages.Reversal](w.issuer)
				w.wantUndoes(undone[len(undone)-1], saw[*messages.ActivationRequest](w.issuer)[0].Trace, r.Activation.PAN, a.TransactionID, true)
			})
		}
	}
}

func TestTapsInStandIn(t *testing.T) {
	for _, absent := range absences {
		for name, test := range map[string]struct {
			in   token.StandIn
			want token.Response
		}{
			"up to its limit":  {approving, token.Approved},
			"above its limit":  {token.StandIn{Taps: token.StandInApprove, TapAmountMax: amount - 1}, token.IssuerUnavailable},
			"it declines":      {token.StandIn{Taps: token.StandInDecline, TapAmountMax: amount}, token.IssuerUnavailable},
			"activations only": {token.StandIn{Activations: token.StandInApprove, TapAmountMax: amount}, token.IssuerUnavailable},
		} {
			t.Run(absent.name+", "+name, func(t *testing.T) {
				w := newWorld(t, impatient, standingIn(test.in))
				p := w.activated()
				w.wantAllSent()
				absent.goAway(w)
				r := w.tapOf(p)
				a := w.merchant.tap(r)
				if a.Outcome.Response != test.want || a.Outcome.Additional.AnsweredBy != token.ByNetwork {
					t.Fatalf("39=%s", a.Outcome.Response)
				}
				if test.want != token.Approved {
					if a.StandIn != "" || !a.ARPC.IsZero() {
						t.Errorf("63.4=%s, ARPC %v", a.StandIn, !a.ARPC.IsZero())
					}
					return
				}
				if a.StandIn != absent.why || a.Outcome.AuthorizationID != a.TransactionID[9:] {
					t.Errorf("63.4=%s, 38=%s", a.StandIn, a.Outcome.AuthorizationID)
				}
				w.wantARPC(p, r, a)
				told := w.toldLater(absent.comeBack)
				if told.PAN != p.pan || told.Activation || told.StandIn != absent.why || told.Outcome != a.Outcome ||
					told.TransactionID != a.TransactionID || told.Amount != amount || told.RRN != r.RRN || told.Token == nil || *told.Token != p.TokenData {
					t.Errorf("the issuer is told %+v", told)
				}
			})
		}
	}
}

// TestReversedInStandIn holds that an issuer that was away hears both of what was
// decided in its place and that it is undone.
func TestReversedInStandIn(t *testing.T) {
	w := newWorld(t, standingIn(approving))
	p := w.activated()
	w.wantAllSent()
	w.issuer.down()
	w.until("the line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
	activation, tap := goodActivation(w), w.tapOf(p)
	a, paid := w.wallet.activate(activation), w.merchant.tap(tap)
	w.reversed(w.wallet, w.reversalOf(activation), token.Approved)
	w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	w.issuer.up()
	w.waitIssuer()
	w.untilAllSent()
	w.untilAdvised(2)
	w.untilReversed(2)
	undone := map[string]bool{}
	for _, r := range saw[*messages.Reversal](w.issuer) {
		undone[r.TransactionID] = r.AuthorizationID == r.TransactionID[9:] && r.Answered == token.Approved
	}
	if !undone[a.TransactionID] || !undone[paid.TransactionID] {
		t.Errorf("what is undone is %v", undone)
	}
	if is := w.tokenOf(a.Token.Reference); is.Status != token.Deactivated {
		t.Errorf("the token is %s", is.Status.Word())
	}
}

// TestStandInChangesWhileItRuns holds that the next request goes by what is set
// now, and that no connection ends for it.
func TestStandInChangesWhileItRuns(t *testing.T) {
	w := newWorld(t, impatient)
	p := w.activated()
	w.issuer.follow(silentButFor[*messages.Reversal])
	w.wantTap(p, token.IssuerUnavailable)
	list := w.stations()
	list[0].StandIn = approving
	w.must(w.gateway.SetStations(t.Context(), list))
	w.wantTap(p, token.Approved)
	list[0].StandIn.TapAmountMax--
	w.must(w.gateway.SetStations(t.Context(), list))
	w.wantTap(p, token.IssuerUnavailable)
}

// TestNobodyStandsInForCards holds that a payment by card number, and one by a
// token on file without its cryptogram, is not approved without its issuer.
func TestNobodyStandsInForCards(t *testing.T) {
	w := newWorld(t, impatient, standingIn(approving))
	pan := w.enrolled()
	onFile := w.onFile()
	w.issuer.down()
	w.until("the line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
	for name, r := range map[string]*messages.RemoteRequest{
		"by card":          w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0))),
		"by token on file": w.remoteByToken(onFile),
	} {
		if a := as[*messages.RemoteAnswer](t, w.merchant.ask(r)); a.Outcome.Response != token.IssuerUnavailable || a.StandIn != "" {
			t.Errorf("%s: 39=%s, 63.4=%s", name, a.Outcome.Response, a.StandIn)
		}
	}
	if a := as[*messages.RemoteAnswer](t, w.merchant.ask(w.signedRemote(onFile, 1))); a.Outcome.Response != token.Approved || a.StandIn != token.StandInDown {
		t.Errorf("with a cryptogram: 39=%s, 63.4=%s", a.Outcome.Response, a.StandIn)
	}
}

// onFile is a merchant's token on file.
func (w *world) onFile() *phone { return w.activatedAs(token.CardOnFile) }

// activatedAs is a fresh token of a type.
func (w *world) activatedAs(kind token.Type) *phone {
	w.Helper()
	r := goodActivation(w)
	r.Activation.Type = kind
	a := w.wallet.activate(r)
	if a.Token == nil {
		w.Fatalf("no token: %s", a.Outcome.Response)
	}
	return &phone{TokenData: *a.Token, pan: r.Activation.PAN, cardKey: emv.CardKey(w.keys.token, a.Token.Number, card.Sequence(1))}
}

// remoteByToken is a payment without a terminal by token, without a cryptogram.
func (w *world) remoteByToken(p *phone) *messages.RemoteRequest {
	r := w.remoteBy(messages.ECommercePayment, amount, p.Number, dcvv2.Presented{})
	r.Expiry, r.EntryMode = p.Expiry, "1000"
	return r
}

// signedRemote is one with its cryptogram.
func (w *world) signedRemote(p *phone, atc uint16) *messages.RemoteRequest {
	w.Helper()
	r := w.remoteByToken(p)
	r.Cryptogram = emv.Remote{ATC: atc, Unpredictable: [4]byte{9, 8, 7, 6}}
	var err error
	r.Cryptogram.Cryptogram, err = emv.ApplicationCryptogram(p.cardKey, emv.RemoteInput(r.Amount, 840, atc, r.Cryptogram.Unpredictable))
	w.must(err)
	return r
}

// TestAdviceOutlivesTheGateway stops the gateway before the issuer is back.
func TestAdviceOutlivesTheGateway(t *testing.T) {
	dir := t.TempDir()
	var a *messages.ActivationAnswer
	var r *messages.ActivationRequest
	t.Run("the first run", func(t *testing.T) {
		w := newWorld(t, standingIn(approving), func(s *settings) { s.dir = dir })
		r = goodActivation(w)
		w.issuer.down()
		w.until("the line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
		a = w.wallet.activate(r)
	})
	w := newWorld(t, func(s *settings) { s.dir = dir })
	w.untilAllSent()
	told := w.untilAdvised(1)
	if told.TransactionID != a.TransactionID || told.PAN != r.Activation.PAN || told.Outcome != a.Outcome {
		t.Errorf("the issuer is told %+v", told)
	}
	if n := w.untilTold(token.NoticeCreated, 1); n.Token != *a.Token {
		t.Errorf("the issuer is told of %+v", n.Token)
	}
}

// TestLateAnswersMakeNoToken lets the issuer approve after the gateway has
// given up.
func TestLateAnswersMakeNoToken(t *testing.T) {
	w := newWorld(t, impatient)
	s, asked, release := held()
	defer release()
	w.issuer.follow(s)
	r := goodActivation(w)
	a := w.wallet.activate(r)
	got(t, asked, "the question")
	if a.Outcome.Response != token.IssuerUnavailable {
		t.Fatalf("39=%s", a.Outcome.Response)
	}
	w.wantUndoes(w.untilReversed(1), saw[*messages.ActivationRequest](w.issuer)[0].Trace, r.Activation.PAN, a.TransactionID, true)
	release()
	w.until("the late answer is logged", func() bool {
		return len(w.log.find(func(e logEvent) bool { return e.Why == "late" && e.MTI == "0110" })) == 1
	})
	w.wantAllSent()
	w.wantTokens(0)
	w.untilReversed(1)
}
