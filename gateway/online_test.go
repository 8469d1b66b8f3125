package gateway_test

import (
	"context"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// TestRepeatedOnlinePayments hear the same, and nothing is done again.
func TestRepeatedOnlinePayments(t *testing.T) {
	for name, make := range map[string]func(w *world) *messages.RemoteRequest{
		"by card": func(w *world) *messages.RemoteRequest {
			pan := w.enrolled()
			return w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0)))
		},
		"a wrong code": func(w *world) *messages.RemoteRequest {
			pan := w.enrolled()
			return w.remoteBy(messages.AccountVerification, 0, pan, given(w.codeThatIs(dcvv2.Wrong, pan)))
		},
		"by token": func(w *world) *messages.RemoteRequest { return w.signedRemote(w.activatedAs(token.ECommerce), 1) },
		"on file":  func(w *world) *messages.RemoteRequest { return w.remoteByToken(w.onFile()) },
		"refused":  func(w *world) *messages.RemoteRequest { return w.remoteByToken(w.activatedAs(token.ECommerce)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := make(w)
			wantSameAnswer(t, w.merchant, merchants, r)
			if asked := len(saw[*messages.RemoteRequest](w.issuer)); asked > 1 {
				t.Errorf("the issuer was asked %d times", asked)
			}
			other := repeatOf(r).(*messages.RemoteRequest)
			other.Category = "5411"
			if a := as[*messages.RemoteAnswer](t, w.merchant.ask(other)); a.Outcome.Response != token.DuplicateTrace || a.TransactionID != "" {
				t.Errorf("the same trace with other content gets %s, 62.2=%q", a.Outcome.Response, a.TransactionID)
			}
			w.wantAllSent()
			account, err := w.store.Account(t.Context(), r.Number, w.clock.Now())
			w.must(err)
			if failures := account.Attempts.FailuresInDay; failures != map[string]int{"a wrong code": 1}[name] {
				t.Errorf("%d failures were counted", failures)
			}
		})
	}
}

// TestOnlineRepeatUnderWay is not answered; its original is, once.
func TestOnlineRepeatUnderWay(t *testing.T) {
	w := newWorld(t)
	pan, p := w.enrolled(), w.onFile()
	for name, r := range map[string]*messages.RemoteRequest{
		"by card":  w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0))),
		"by token": w.remoteByToken(p),
	} {
		t.Run(name, func(t *testing.T) {
			s, questions, release := held()
			defer release()
			w.issuer.follow(s)
			first := w.merchant.asking(r)
			got(t, questions, "the issuer's question")
			ctx, cancel := context.WithCancel(t.Context())
			repeat := w.merchant.askingUntil(ctx, repeatOf(r))
			w.until("the repeat is seen", func() bool { return len(w.log.of(r.STAN)) == 1 })
			if e := w.log.of(r.STAN)[0]; e.Answered || e.Note != "repeat of a request under way" {
				t.Errorf("the repeat: %+v", e)
			}
			release()
			if a := got(t, first, "the answer"); a.err != nil || a.answer.Text(specs.P(39)) != "00" {
				t.Errorf("the first: %v, %v", a.answer, a.err)
			}
			cancel()
			got(t, repeat, "the repeat's end")
		})
	}
}

// TestOnlineSuccessEndsARow holds that failures before a code that was right, and
// that the issuer took, are no row any more.
func TestOnlineSuccessEndsARow(t *testing.T) {
	for word, want := range map[token.Response]int{token.Approved: 0, token.DoNotHonour: 2} {
		w := newWorld(t)
		w.issuer.follow(responding(word))
		pan := w.enrolled()
		for range 2 {
			w.merchant.ask(w.remoteBy(messages.AccountVerification, 0, pan, given(w.codeThatIs(dcvv2.Wrong, pan))))
		}
		w.merchant.ask(w.remoteBy(messages.AccountVerification, 0, pan, given(w.code(pan, 0))))
		account, err := w.store.Account(t.Context(), pan, w.clock.Now())
		w.must(err)
		if account.Attempts != (dcvv2.Attempts{FailuresInDay: 2, FailuresInRow: want}) {
			t.Errorf("after the issuer's %s: %+v", word, account.Attempts)
		}
	}
}

// TestStepUpMeansNothingElsewhere holds that 85 on a verification is "no reason
// to decline".
func TestStepUpMeansNothingElsewhere(t *testing.T) {
	w := newWorld(t)
	w.issuer.follow(responding(token.StepUp))
	pan := w.enrolled()
	a := as[*messages.RemoteAnswer](t, w.merchant.ask(w.remoteBy(messages.AccountVerification, 0, pan, given(w.code(pan, 0)))))
	if a.Outcome.Response != token.Approved || a.Outcome.Additional.AnsweredBy != token.ByIssuer {
		t.Errorf("answered with %+v", a.Outcome)
	}
	w.wantTokens(0)
}

// TestOnlineIssuersAbsence is 91, gives the code back and undoes what may have
// been granted.
func TestOnlineIssuersAbsence(t *testing.T) {
	w := newWorld(t, impatient)
	pan := w.enrolled()
	w.issuer.follow(silentButFor[*messages.Reversal])
	r := w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0)))
	a := as[*messages.RemoteAnswer](t, w.merchant.ask(r))
	if a.Outcome.Response != token.IssuerUnavailable || a.Outcome.Additional.AnsweredBy != token.ByNetwork {
		t.Errorf("answered with %+v", a.Outcome)
	}
	undone := w.untilReversed(1)
	w.wantUndoes(undone, saw[*messages.RemoteRequest](w.issuer)[0].Trace, pan, a.TransactionID, false)
	w.issuer.follow(responding(token.Approved))
	again := w.remoteBy(messages.ECommercePayment, amount, pan, r.CVV2)
	if a := as[*messages.RemoteAnswer](t, w.merchant.ask(again)); a.Outcome.Response != token.Approved || a.Outcome.Additional.CVV2 != dcvv2.Match {
		t.Errorf("the same code later: %+v", a.Outcome)
	}
}

// TestStoreFailsElsewhere holds that a store that cannot do its work costs a 96
// and nothing else: the same request is served afterwards.
func TestStoreFailsElsewhere(t *testing.T) {
	for _, method := range []string{"Token", "Account", "Claim", "Conclude"} {
		t.Run("by card, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			pan := w.enrolled()
			r := w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0)))
			w.wantFault(store, method, w.merchant, r)
			r.Trace = w.newTrace()
			w.wantResponse(w.merchant, r, "00")
		})
	}
	for _, method := range []string{"Token", "Claim", "Conclude"} {
		t.Run("by token, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			p := w.activatedAs(token.ECommerce)
			w.wantFault(store, method, w.merchant, w.signedRemote(p, 1))
			w.wantResponse(w.merchant, w.signedRemote(p, 2), "00")
		})
	}
	for _, method := range []string{"TokenByReference", "Claim"} {
		t.Run("life cycle, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			r := w.wish(w.activated().Reference, token.NoticeSuspended)
			w.wantFault(store, method, w.wallet, r)
			w.wantResponse(w.wallet, r, "00")
		})
	}
	for _, method := range []string{"Transaction", "TokenByReference", "Claim"} {
		t.Run("reversal, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			tap := w.tapOf(w.activated())
			w.merchant.tap(tap)
			r := w.reversalOf(tap)
			w.wantFault(store, method, w.merchant, r)
			w.wantResponse(w.merchant, r, "00")
		})
	}
}

func (w *world) wantFault(store *brittle, method string, by *station, m messages.Message) {
	w.Helper()
	w.wantAllSent()
	store.set(true, method)
	w.wantResponse(by, m, "96")
	store.set(false, method)
	w.until("nothing is unfinished", w.nothingUnfinished)
	if method != "Conclude" {
		return
	}
	w.untilReversed(1) // the issuer may have granted what nobody got
}

func (w *world) wantResponse(by *station, m messages.Message, want string) {
	w.Helper()
	if a := by.askRaw(encode(w, m)); a.Text(specs.P(39)) != want {
		w.Errorf("a %s gets 39=%s, not %s", m.MTI(), a.Text(specs.P(39)), want)
	}
}

// TestWhatCouldNotBeConcludedIsUndone holds the same of activations and taps.
func TestWhatCouldNotBeConcludedIsUndone(t *testing.T) {
	w, store := newBrittleWorld(t)
	p := w.activated()
	activation, tap := goodActivation(w), w.tapOf(p)
	store.set(true, "Conclude")
	w.wantResponse(w.wallet, activation, "96")
	w.wantResponse(w.merchant, tap, "96")
	store.set(false, "Conclude")
	w.until("nothing is unfinished", w.nothingUnfinished)
	w.untilReversed(2)
	w.wantAllSent()
	w.wantTokens(1)
	w.reversed(w.wallet, w.reversalOf(activation), token.Approved)
	w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	w.wantAllSent()
	w.untilReversed(2)
}

// TestReversedAndNotConcluded is a request that was reversed while the issuer
// was asked, and then could not be concluded: it ends all the same, undone once.
func TestReversedAndNotConcluded(t *testing.T) {
	w, store := newBrittleWorld(t)
	p := w.activated()
	for n, test := range []struct {
		by *station
		m  messages.Message
	}{{w.wallet, goodActivation(w)}, {w.merchant, w.tapOf(p)}} {
		s, questions, release := held()
		w.issuer.follow(s)
		answer := test.by.asking(test.m)
		got(t, questions, "the issuer's question")
		w.reversed(test.by, w.reversalOf(test.m), token.Approved)
		store.set(true, "Conclude")
		release()
		a := got(t, answer, "the answer")
		w.must(a.err)
		if code := a.answer.Text(specs.P(39)); code != "96" {
			t.Errorf("a %s gets 39=%s", test.m.MTI(), code)
		}
		store.set(false, "Conclude")
		w.until("nothing is unfinished", w.nothingUnfinished)
		w.untilReversed(n + 1)
		w.reversed(test.by, w.reversalOf(test.m), token.Approved)
	}
	w.wantAllSent()
	w.untilReversed(2)
	w.wantTokens(1)
}

// TestAnswersOfAnotherKind lists approvals of something that was not asked: they
// approve nothing, and what was asked is undone.
func TestAnswersOfAnotherKind(t *testing.T) {
	w := newWorld(t, impatient)
	pan := w.enrolled()
	remote := w.remoteBy(messages.ECommercePayment, amount, pan, given(w.code(pan, 0)))
	for n, test := range []struct {
		name   string
		by     *station
		m      messages.Message
		change func(*specs.Message)
	}{
		{"a tap, as e-commerce", w.merchant, w.tapOf(w.activated()), func(m *specs.Message) { m.Set(specs.P(25), "59") }},
		{"an activation, as verification", w.wallet, goodActivation(w), func(m *specs.Message) {
			m.Delete(specs.P(63, 3))
			m.Set(specs.P(25), "51")
		}},
		{"e-commerce, as a tap", w.merchant, remote, func(m *specs.Message) { m.Delete(specs.P(25)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
				answer := responding(token.Approved)(ctx, question, raw)
				if answer.MTI() == "0110" {
					test.change(answer)
				}
				return answer
			})
			w.wantResponse(test.by, test.m, "91")
			w.untilReversed(n + 1)
		})
	}
}
