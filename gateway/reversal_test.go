package gateway_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// reversalOf undoes a request, with a trace number of its own.
func (w *world) reversalOf(m messages.Message) *messages.Reversal {
	w.Helper()
	var r *messages.Reversal
	var trace messages.Trace
	switch q := m.(type) {
	case *messages.TapRequest:
		trace = q.Trace
		r = &messages.Reversal{Number: q.Tap.Number, Amount: q.Tap.Amount, Expiry: q.Tap.Expiry, Setting: q.Setting()}
	case *messages.RemoteRequest:
		trace = q.Trace
		r = &messages.Reversal{Number: q.Number, Amount: q.Amount, Expiry: q.Expiry, Setting: q.Setting()}
	case *messages.ActivationRequest:
		trace = q.Trace
		r = &messages.Reversal{Number: q.Activation.PAN, Expiry: q.Activation.Expiry, Setting: q.Setting(), Activation: true}
	default:
		w.Fatalf("a %s is not reversed", m.MTI())
	}
	r.Original, r.Trace = messages.OriginalOf("0100", trace), trace
	r.STAN = w.newTrace().STAN
	return r
}

// reversed reverses and wants a response.
func (w *world) reversed(by *station, r *messages.Reversal, want token.Response) *messages.ReversalAnswer {
	w.Helper()
	a := as[*messages.ReversalAnswer](w, by.ask(r))
	if a.Response != want || a.Advice != r.Advice || want == token.Approved && a.Original != r.Original {
		w.Errorf("a %s gets %s, 39=%s, not %s", r.MTI(), a.MTI(), a.Response, want)
	}
	return a
}

// reversalKinds are the four types of a reversal.
var reversalKinds = map[string]struct{ advice, repeat bool }{
	"0400": {}, "0401": {repeat: true}, "0420": {advice: true}, "0421": {advice: true, repeat: true},
}

func TestReversedPayments(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		undone := 0
		for mti, kind := range reversalKinds {
			for name, pay := range map[string]func() (messages.Message, card.PAN){
				"tap": func() (messages.Message, card.PAN) {
					p := w.activated()
					return w.tapOf(p), p.pan
				},
				"e-commerce by token": func() (messages.Message, card.PAN) {
					p := w.activatedAs(token.ECommerce)
					return w.signedRemote(p, 1), p.pan
				},
				"token on file": func() (messages.Message, card.PAN) {
					p := w.onFile()
					return w.remoteByToken(p), p.pan
				},
				"e-commerce by card": func() (messages.Message, card.PAN) {
					pan := w.enrolled()
					return w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0))), pan
				},
			} {
				t.Run(mti+" of "+name, func(t *testing.T) {
					payment, pan := pay()
					paid := w.merchant.askRaw(encode(t, payment))
					if paid.Text(specs.P(39)) != "00" {
						t.Fatalf("39=%s", paid.Text(specs.P(39)))
					}
					r := w.reversalOf(payment)
					r.Advice, r.Repeat = kind.advice, kind.repeat
					transaction := paid.Text(specs.P(62, 2))
					if a := w.reversed(w.merchant, r, token.Approved); a.TransactionID != transaction {
						t.Errorf("it is answered with 62.2=%s, not %s", a.TransactionID, transaction)
					}
					undone++
					got := w.untilReversed(undone)
					w.wantUndoes(got, lastQuestion(w), pan, transaction, false)
					if byCard := strings.HasSuffix(name, "by card"); (got.Token == nil) != byCard || !byCard && got.Token.Number != r.Number {
						t.Errorf("the issuer is told of the token %+v", got.Token)
					}
					if got.Amount != amount || got.AuthorizationID != authorizationID || got.Answered != token.Approved {
						t.Errorf("the issuer got %+v", got)
					}
				})
			}
		}
		w.wantAllSent()
	})
}

// lastQuestion is the trace of what the issuer was asked last about money.
func lastQuestion(w *world) (last messages.Trace) {
	w.issuer.mu.Lock()
	defer w.issuer.mu.Unlock()
	for _, m := range w.issuer.seen {
		switch q := m.(type) {
		case *messages.TapRequest:
			last = q.Trace
		case *messages.RemoteRequest:
			last = q.Trace
		}
	}
	return last
}

func TestReversedActivations(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		n := 0
		for name, word := range map[string]script{"green": responding(token.Approved), "yellow": steppingUp(token.ByPasscode)} {
			for mti, kind := range reversalKinds {
				t.Run(mti+" of "+name, func(t *testing.T) {
					w.issuer.follow(word)
					request := goodActivation(w)
					a := w.wallet.activate(request)
					w.wantAllSent()
					r := w.reversalOf(request)
					r.Advice, r.Repeat = kind.advice, kind.repeat
					w.reversed(w.wallet, r, token.Approved)
					n++
					asked := saw[*messages.ActivationRequest](w.issuer)
					w.wantUndoes(w.untilReversed(n), asked[len(asked)-1].Trace, request.Activation.PAN, a.TransactionID, true)
					if got := saw[*messages.Reversal](w.issuer)[n-1]; got.Token == nil || got.Token.Reference != a.Token.Reference {
						t.Errorf("the issuer is told of the token %+v", got.Token)
					}
					told := w.untilTold(token.NoticeDeactivated, n)
					if told.Token.Reference != a.Token.Reference || told.Token.Status != token.Deactivated {
						t.Errorf("the issuer is told %+v", told)
					}
					if is := w.tokenOf(a.Token.Reference); is.Status != token.Deactivated {
						t.Errorf("the token is %s", is.Status.Word())
					}
					if again := w.wallet.activate(repeatOf(request).(*messages.ActivationRequest)); again.Token == nil || *again.Token != *a.Token {
						t.Errorf("the repeat of the activation: 39=%s, %+v", again.Outcome.Response, again.Token)
					}
				})
			}
		}
	})
}

// TestReversedAfterItsTokenWent undoes an activation whose token was deactivated
// before: the issuer is told to undo, and of no second end.
func TestReversedAfterItsTokenWent(t *testing.T) {
	w := newWorld(t)
	request := goodActivation(w)
	a := w.wallet.activate(request)
	w.updated(w.issuer, w.wish(a.Token.Reference, token.NoticeDeactivated), token.Approved)
	w.wantAllSent()
	w.reversed(w.wallet, w.reversalOf(request), token.Approved)
	w.wantAllSent()
	w.untilReversed(1)
	w.untilTold(token.NoticeDeactivated, 1)
}

// TestReversalOfWhatNobodyTook finds nothing to undo, which is no fault.
func TestReversalOfWhatNobodyTook(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.issuer.follow(responding(token.InsufficientFunds))
	tap := w.tapOf(p)
	w.merchant.tap(tap)
	w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	altered := alteredAmount(w, p)
	w.merchant.tap(altered)
	w.reversed(w.merchant, w.reversalOf(altered), token.Approved)
	for _, request := range []*messages.ActivationRequest{goodActivation(w), codeWith(dcvv2.Wrong)(w)} {
		w.wallet.activate(request)
		w.reversed(w.wallet, w.reversalOf(request), token.Approved)
	}
	w.wantAllSent()
	if undone := len(saw[*messages.Reversal](w.issuer)); undone != 0 {
		t.Errorf("the issuer is told to undo %d", undone)
	}
}

// TestReversalsThatFindNothing are about no request of who asks.
func TestReversalsThatFindNothing(t *testing.T) {
	w := newWorld(t, whole)
	p := w.activated()
	tap, activation := w.tapOf(p), goodActivation(w)
	w.merchant.tap(tap)
	w.wallet.activate(activation)
	w.wantAllSent()
	for name, test := range map[string]struct {
		by     *station
		of     messages.Message
		spoil  func(r *messages.Reversal)
		reason token.Reason
	}{
		"another trace number":          {w.merchant, tap, func(r *messages.Reversal) { r.Original.STAN = "999999" }, token.ReasonNoOriginal},
		"another reference":             {w.merchant, tap, func(r *messages.Reversal) { r.RRN = "000000000001" }, token.ReasonNoOriginal},
		"another terminal":              {w.merchant, tap, func(r *messages.Reversal) { r.Terminal = "TERMID02" }, token.ReasonNoOriginal},
		"a tap said to be activation":   {w.merchant, tap, func(r *messages.Reversal) { r.Activation = true }, token.ReasonNoOriginal},
		"another token":                 {w.merchant, tap, func(r *messages.Reversal) { r.Number = w.account(tokenRange) }, token.ReasonOtherAccount},
		"the PAN behind the token":      {w.merchant, tap, func(r *messages.Reversal) { r.Number = p.pan }, token.ReasonOtherAccount},
		"another amount":                {w.merchant, tap, func(r *messages.Reversal) { r.Amount-- }, token.ReasonOtherAmount},
		"another account's":             {w.wallet, activation, func(r *messages.Reversal) { r.Number = w.enrolled() }, token.ReasonOtherAccount},
		"an activation with an amount":  {w.wallet, activation, func(r *messages.Reversal) { r.Amount = 1 }, token.ReasonOtherAmount},
		"of another station":            {w.wallet, tap, func(*messages.Reversal) {}, token.ReasonNoOriginal},
		"of another station's token":    {w.provider, activation, func(*messages.Reversal) {}, token.ReasonNoOriginal},
		"an activation said to be none": {w.wallet, activation, func(r *messages.Reversal) { r.Activation = false }, token.ReasonNoOriginal},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.reversalOf(test.of)
			test.spoil(r)
			w.reversed(test.by, r, token.RecordNotFound)
			w.until("it is logged", func() bool { return len(w.log.of(r.STAN)) == 1 })
			if e := w.log.of(r.STAN)[0]; e.Reason != string(test.reason) {
				t.Errorf("logged as %+v", e)
			}
			w.reversed(test.by, r, token.RecordNotFound) // its repeat
		})
	}
	w.wantAllSent()
	if undone := len(saw[*messages.Reversal](w.issuer)); undone != 0 {
		t.Errorf("the issuer is told to undo %d", undone)
	}
	w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	w.reversed(w.wallet, w.reversalOf(activation), token.Approved)
	w.untilReversed(2)
}

// TestReversedTwice holds that a second reversal is granted and does nothing,
// and that a repeat hears the same.
func TestReversedTwice(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	tap, activation := w.tapOf(p), goodActivation(w)
	w.merchant.tap(tap)
	w.wallet.activate(activation)
	for name, test := range map[string]struct {
		by *station
		of messages.Message
	}{"tap": {w.merchant, tap}, "activation": {w.wallet, activation}} {
		t.Run(name, func(t *testing.T) {
			r := w.reversalOf(test.of)
			first := test.by.askRaw(encode(t, r))
			second := w.reversed(test.by, w.reversalOf(test.of), token.Approved)
			w.wantReason(second.TransactionID, token.ReasonReversedBefore)
			again := *r
			again.Repeat, again.Transmitted = true, "1122235959"
			repeated := test.by.askRaw(encode(t, &again))
			if got, want := withoutTimes(t, repeated), withoutTimes(t, first); !bytes.Equal(got, want) {
				t.Errorf("the repeat is answered differently:\n%s", cmp.Diff(want, got))
			}
			again.Amount++
			w.reversed(test.by, &again, token.DuplicateTrace)
		})
	}
	w.wantAllSent()
	w.untilReversed(2)
	w.untilTold(token.NoticeDeactivated, 1)
}

// TestReversalUnderWay reverses what the issuer still thinks about: whatever it
// says then, there is no token and no payment, and it is told to undo.
func TestReversalUnderWay(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	onFile := w.onFile()
	pan := w.enrolled()
	w.wantAllSent()
	activation, undone := goodActivation(w), 0
	for _, test := range []struct {
		name    string
		by      *station
		request messages.Message
		token   *phone
	}{
		{"activation", w.wallet, activation, nil},
		{"tap", w.merchant, w.tapOf(p), p},
		{"token on file", w.merchant, w.remoteByToken(onFile), onFile},
		{"e-commerce by card", w.merchant, w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0))), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, questions, release := held()
			defer release()
			w.issuer.follow(s)
			answer := test.by.asking(test.request)
			got(t, questions, "the issuer's question")
			r := w.reversalOf(test.request)
			w.reversed(test.by, r, token.Approved)
			w.reversed(test.by, w.reversalOf(test.request), token.Approved) // a second one
			release()
			a := got(t, answer, "the answer")
			w.must(a.err)
			if a.answer.Text(specs.P(39)) != "05" || a.answer.Has(specs.P(123, 1, 1)) || a.answer.Has(specs.P(38)) {
				t.Errorf("answered with 39=%s, 123.01=%v", a.answer.Text(specs.P(39)), a.answer.Has(specs.P(123, 1, 1)))
			}
			undone++
			got := w.untilReversed(undone)
			if got.TransactionID != a.answer.Text(specs.P(62, 2)) {
				t.Errorf("the issuer got %+v", got)
			}
			if byToken := test.token != nil; (got.Token != nil) != byToken || byToken && got.Token.Number != test.token.Number {
				t.Errorf("the issuer is told of the token %+v", got.Token)
			}
			repeated := test.by.askRaw(encode(t, repeatOf(test.request)))
			if got, want := withoutTimes(t, repeated), withoutTimes(t, a.answer); !bytes.Equal(got, want) {
				t.Errorf("its repeat is answered differently:\n%s", cmp.Diff(want, got))
			}
			w.reversed(test.by, w.reversalOf(test.request), token.Approved) // after the answer
			w.reversed(test.by, r, token.Approved)                          // a repeat
		})
	}
	w.wantNothingUnfinished()
	w.wantAllSent()
	w.untilReversed(undone)
	w.wantTokens(2)
	r := w.activation(activation.Activation.PAN, activation.Activation.CVV2.Code)
	if a := w.wallet.activate(r); a.Outcome.Response != token.Approved {
		t.Errorf("the code of what was undone: 39=%s", a.Outcome.Response)
	}
}
