package gateway_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// impatient is a gateway that waits for issuers as long as a test can bear.
func impatient(s *settings) { s.timeout = issuerTimeout }

const issuerTimeout = 400 * time.Millisecond

// wantUnavailable wants an activation and a tap to be answered with 91, and
// the activation's code to be good again once the issuer does as it should.
func (w *world) wantUnavailable(p *phone, restore func()) {
	w.Helper()
	r := goodActivation(w)
	if a := w.wallet.activate(r); a.Outcome.Response != token.IssuerUnavailable || a.Token != nil ||
		a.Outcome.Additional.AnsweredBy != token.ByNetwork {
		w.Errorf("the activation: 39=%s 44.1=%s token %v", a.Outcome.Response, a.Outcome.Additional.AnsweredBy, a.Token)
	}
	tap := w.tapOf(p)
	if a := w.merchant.tap(tap); a.Outcome.Response != token.IssuerUnavailable || !a.ARPC.IsZero() {
		w.Errorf("the tap: 39=%s ARPC %v", a.Outcome.Response, !a.ARPC.IsZero())
	}
	w.wantNothingUnfinished()
	restore()

	a := w.wallet.activate(w.activation(r.Activation.PAN, r.Activation.CVV2.Code))
	if a.Outcome.Response != token.Approved || a.Token == nil {
		w.Errorf("the same code later: 39=%s 44.10=%s", a.Outcome.Response, a.Outcome.Additional.CVV2)
	}
	if a := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest)); a.Outcome.Response != token.IssuerUnavailable {
		w.Errorf("the repeat of the first: 39=%s", a.Outcome.Response)
	}
	if a := w.merchant.tap(repeatOf(tap).(*messages.TapRequest)); a.Outcome.Response != token.IssuerUnavailable {
		w.Errorf("the repeat of the tap: 39=%s", a.Outcome.Response)
	}
	if a := w.merchant.tap(w.tapOf(p)); a.Outcome.Response != token.Approved {
		w.Errorf("the next tap: 39=%s", a.Outcome.Response)
	}
}

func TestIssuerDown(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.issuer.down()
	w.wantUnavailable(p, func() {
		w.issuer.up()
		w.until("the line is up again", func() bool {
			return w.wallet.activate(goodActivation(w)).Outcome.Response == token.Approved
		})
	})
}

func TestIssuerThatNeverAnswers(t *testing.T) {
	w := newWorld(t, impatient)
	p := w.activated()
	w.issuer.follow(silent)
	began := time.Now()
	w.wantUnavailable(p, func() {
		if took := time.Since(began); took < 2*issuerTimeout {
			t.Errorf("two questions took %v, less than their timeouts", took)
		}
		w.issuer.follow(responding(token.Approved))
	})
}

func TestIssuerThatAnswersLate(t *testing.T) {
	w := newWorld(t, impatient)
	p := w.activated()
	s, _, release := held()
	w.issuer.follow(s)
	w.wantUnavailable(p, func() {
		release()
		w.until("the late answers are logged", func() bool {
			return len(w.log.find(func(e logEvent) bool {
				return e.Message == "nobody waits for this answer: it came late, twice, or its key differs"
			})) == 2
		})
	})
	w.wantTokens(2) // the phone's and that of the second try
}

func TestIssuerThatAnswersWithGarbage(t *testing.T) {
	w := newWorld(t, impatient)
	p := w.activated()
	w.issuer.garbling.Store(true)
	w.wantUnavailable(p, func() { w.issuer.garbling.Store(false) })
}

// TestIssuerThatAnswersWithAnotherMessage lists answers that are well formed,
// say 00 and approve nothing.
func TestIssuerThatAnswersWithAnotherMessage(t *testing.T) {
	w := newWorld(t, impatient)
	for name, change := range map[string]func(*specs.Message){
		"another type":         func(m *specs.Message) { m.SetMTI("0810"); m.Set(specs.P(70), "301") },
		"another kind of 0110": crossKinds,
		"another trace number": func(m *specs.Message) { m.Set(specs.P(11), "999999") },
		"another reference":    func(m *specs.Message) { m.Set(specs.P(37), "999999999999") },
		"no response code":     func(m *specs.Message) { m.Delete(specs.P(39)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := w.activated()
			w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
				answer := responding(token.Approved)(ctx, question, raw)
				change(answer)
				return answer
			})
			w.wantUnavailable(p, func() { w.issuer.follow(responding(token.Approved)) })
		})
	}
}

// TestTrailOfAnIssuerThatDoesNotAnswer holds that the trail says what came in the
// answer's place.
func TestTrailOfAnIssuerThatDoesNotAnswer(t *testing.T) {
	spoiling := func(change func(*specs.Message)) func(*world) {
		return func(w *world) {
			w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
				answer := responding(token.Approved)(ctx, question, raw)
				change(answer)
				return answer
			})
		}
	}
	for _, c := range []struct {
		ofActivation, ofTap string
		begin               func(w *world)
	}{
		{"nothing received in ", "nothing received in ", func(w *world) { w.issuer.follow(silent) }},
		{"differs in field 37", "differs in field 37", spoiling(func(m *specs.Message) { m.Set(specs.P(37), "999999999999") })},
		{"undecodable in field ", "undecodable in field ", func(w *world) { w.issuer.garbling.Store(true) }},
		{"answered by a 0110 of another kind", "what came cannot be read", spoiling(crossKinds)},
		{"the peer is not connected", "the peer is not connected", absences[0].goAway},
	} {
		t.Run(c.ofActivation, func(t *testing.T) {
			w := newWorld(t, impatient, standingIn(token.StandIn{Taps: token.StandInApprove, TapAmountMax: amount}))
			p := w.activated()
			c.begin(w)
			w.wantDetail(w.wallet.activate(goodActivation(w)).TransactionID, "response 91: issuer did not answer: "+c.ofActivation)
			w.wantDetail(w.merchant.tap(w.tapOf(p)).TransactionID, "response 00: "+string(token.ReasonStoodIn)+": "+c.ofTap)
		})
	}
}

// wantDetail wants a detail in the trail of a transaction that begins like this.
func (w *world) wantDetail(transactionID, begins string) {
	w.Helper()
	entries, err := w.store.Explain(context.Background(), transactionID)
	w.must(err)
	if !slices.ContainsFunc(entries, func(e vault.Entry) bool { return strings.HasPrefix(e.Detail, begins) }) {
		w.Errorf("transaction %s is not explained by %q: %+v", transactionID, begins, entries)
	}
}

// crossKinds makes the answer to an activation that to a tap and vice versa.
func crossKinds(m *specs.Message) {
	if m.Has(specs.P(63, 3)) {
		m.Delete(specs.P(63, 3))
	} else {
		m.Set(specs.P(63, 3), string(token.NoticeCreated))
	}
}

// TestIssuerThatHangsUp holds that a question in flight ends at once.
func TestIssuerThatHangsUp(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.timeout = 2 * patience })
	s, questions, release := held()
	defer release()
	w.issuer.follow(s)
	answer := w.wallet.asking(goodActivation(w))
	got(t, questions, "the issuer's question")
	w.issuer.down()
	if a := got(t, answer, "the answer"); a.err != nil || a.answer.Text(specs.P(39)) != "91" {
		t.Errorf("answer %v, %v", a.answer, a.err)
	}
}

// TestRestart holds that what a run left without a conclusion is concluded by
// the next one: its code is good again and its repeat is answered.
func TestRestart(t *testing.T) {
	var left, fresh *messages.ActivationRequest
	w := newWorld(t, func(s *settings) {
		s.before = func(store vault.Store, c *clock) {
			w := &world{TB: t, clock: c, keys: newKeyring(t), store: store}
			left = goodActivation(w)
			fresh = w.activation(left.Activation.PAN, left.Activation.CVV2.Code)
			trace := left.Trace
			claimed, err := store.Claim(t.Context(), vault.Claim{
				Key:     "wallets/activation/" + trace.Acquirer + "/" + trace.Terminal + "/" + trace.RRN + "/" + trace.STAN,
				Content: left.Content(), Kind: vault.KindActivation, TransactionID: "000000000000042", At: c.Now(),
				PAN: left.Activation.PAN, Limits: policy, Spend: windowOf(c.Now()),
			})
			w.must(err)
			if claimed.State != vault.Won {
				t.Fatalf("the claim is %s", claimed.State)
			}
		}
	})
	w.wantNothingUnfinished()
	if a := w.wallet.activate(repeatOf(left).(*messages.ActivationRequest)); a.Outcome.Response != token.IssuerUnavailable ||
		a.TransactionID != "000000000000042" {
		t.Errorf("the repeat: 39=%s 62.2=%s", a.Outcome.Response, a.TransactionID)
	}
	w.wantReason("000000000000042", token.ReasonRestarted)
	if a := w.wallet.activate(fresh); a.Outcome.Response != token.Approved || a.Token == nil {
		t.Errorf("its code: 39=%s 44.10=%s", a.Outcome.Response, a.Outcome.Additional.CVV2)
	}
}

// TestStopBeforeItBegan holds that to be ended is no error, even before what the
// last run left behind is resolved.
func TestStopBeforeItBegan(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := w.gateway.Run(ctx); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestStopWhileTheIssuerThinks holds that a gateway which is told to end
// concludes what is under way, and the next one answers its repeat.
func TestStopWhileTheIssuerThinks(t *testing.T) {
	dir := t.TempDir()
	var r *messages.ActivationRequest
	t.Run("the first run", func(t *testing.T) {
		w := newWorld(t, func(s *settings) { s.dir = dir })
		s, questions, _ := held()
		w.issuer.follow(s)
		r = goodActivation(w)
		w.wallet.asking(r)
		got(t, questions, "the issuer's question")
	})
	w := newWorld(t, func(s *settings) { s.dir = dir })
	a := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest))
	if a.Outcome.Response != token.IssuerUnavailable {
		t.Errorf("the repeat: 39=%s", a.Outcome.Response)
	}
	w.wantNothingUnfinished()
}
