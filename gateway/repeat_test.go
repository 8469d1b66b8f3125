package gateway_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// repeatOf is the repeat of a request: 0101, stamped anew.
func repeatOf(m messages.Message) messages.Message {
	switch r := m.(type) {
	case *messages.ActivationRequest:
		again := *r
		again.Repeat, again.Trace = true, later(r.Trace)
		return &again
	case *messages.RemoteRequest:
		again := *r
		again.Repeat, again.Trace = true, later(r.Trace)
		return &again
	case *messages.TapRequest:
		again := *r
		again.Repeat, again.Trace = true, later(r.Trace)
		return &again
	}
	panic("no such request")
}

// withoutTimes is a message on the wire without field 7.
func withoutTimes(t testing.TB, m *specs.Message) []byte {
	t.Helper()
	bare := m.Clone()
	bare.Delete(specs.P(7))
	wire, err := codec.Append(nil, bare)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// wantSameAnswer asks, asks again three times, also on another connection,
// and wants the same answer byte for byte but for its times.
func wantSameAnswer(t *testing.T, s *station, door string, request messages.Message) messages.Message {
	t.Helper()
	first := s.askRaw(encode(t, request))
	other := s.dial(door)
	for n, asker := range []*station{s, other, s} {
		again := asker.askRaw(encode(t, repeatOf(request)))
		if got, want := withoutTimes(t, again), withoutTimes(t, first); !bytes.Equal(got, want) {
			t.Errorf("repeat %d is answered differently:\n%s", n+1, cmp.Diff(want, got))
		}
		if stamp := again.Text(specs.P(7)); stamp != "1122235959" {
			t.Errorf("the repeat's answer has the stamp %s, not the repeat's", stamp)
		}
	}
	typed, err := messages.Decode(first)
	s.must(err)
	return typed
}

func TestRepeatedActivations(t *testing.T) {
	for name, test := range map[string]struct {
		word    token.Response // the issuer's
		request func(*world) *messages.ActivationRequest
		want    token.Response
		tokens  int
		asked   int
	}{
		"approved":             {"00", goodActivation, "00", 1, 1},
		"declined by issuer":   {"05", goodActivation, "05", 0, 1},
		"declined by the code": {"00", codeWith(dcvv2.Wrong), "N7", 0, 0},
		"without a code":       {"00", presenting(dcvv2.PresenceNone), "00", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.issuer.follow(responding(test.word))
			r := test.request(w)
			a := as[*messages.ActivationAnswer](t, wantSameAnswer(t, w.wallet, wallets, r))
			if a.Outcome.Response != test.want {
				t.Errorf("39=%s, not %s", a.Outcome.Response, test.want)
			}
			w.wantTokens(test.tokens)
			if asked := len(saw[*messages.ActivationRequest](w.issuer)); asked != test.asked {
				t.Errorf("the issuer was asked %d times, not %d", asked, test.asked)
			}
			account, err := w.store.Account(t.Context(), r.Activation.PAN, w.clock.Now())
			w.must(err)
			if failures := account.Attempts.FailuresInDay; (failures == 1) != (test.want == token.CVV2Failed) || failures > 1 {
				t.Errorf("%d failures were counted", failures)
			}
		})
	}
}

// TestRepeatAfterTheTokenChanged holds that a repeat hears what was said, not
// what is so now.
func TestRepeatAfterTheTokenChanged(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	first := w.wallet.activate(r)
	_, err := w.store.Step(t.Context(), token.Change{Reference: first.Token.Reference, Event: token.Suspend, By: token.Operator}, w.clock.Now())
	w.must(err)
	again := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest))
	if *again.Token != *first.Token {
		t.Errorf("token %+v, not %+v", again.Token, first.Token)
	}
}

// TestRepeatThatComesFirst is served like its original, which was lost.
func TestRepeatThatComesFirst(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	if a := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest)); a.Outcome.Response != token.Approved {
		t.Errorf("39=%s", a.Outcome.Response)
	}
	w.wantTokens(1)
}

func TestRepeatedTaps(t *testing.T) {
	for name, test := range map[string]struct {
		word token.Response
		want token.Response
		arpc bool
		tap  func(*world, *phone) *messages.TapRequest
	}{
		"approved":              {"00", "00", true, (*world).tapOf},
		"declined by issuer":    {"51", "51", true, (*world).tapOf},
		"declined by the check": {"00", "Q1", false, alteredAmount},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.activated()
			w.issuer.follow(responding(test.word))
			r := test.tap(w, p)
			a := as[*messages.TapAnswer](t, wantSameAnswer(t, w.merchant, merchants, r))
			if a.Outcome.Response != test.want || a.ARPC.IsZero() == test.arpc {
				t.Errorf("39=%s, ARPC %v", a.Outcome.Response, !a.ARPC.IsZero())
			}
			if test.arpc {
				w.wantARPC(p, r, a)
			}
			if asked := len(saw[*messages.TapRequest](w.issuer)); asked > 1 {
				t.Errorf("the issuer was asked %d times", asked)
			}
		})
	}
}

func alteredAmount(w *world, p *phone) *messages.TapRequest {
	r := w.tapOf(p)
	r.Tap.Amount++
	r.Tap.Chip.AmountAuthorised++
	return r
}

// TestRepeatUnderWay holds that a repeat of a request that the issuer still
// thinks about is not answered, and that the request is, once.
func TestRepeatUnderWay(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	activation, tap := goodActivation(w), w.tapOf(p)
	for _, test := range []struct {
		name    string
		station *station
		request messages.Message
		trace   messages.Trace
	}{
		{"activation", w.wallet, activation, activation.Trace},
		{"tap", w.merchant, tap, tap.Trace},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, questions, release := held()
			defer release()
			w.issuer.follow(s)
			first := test.station.asking(test.request)
			got(t, questions, "the issuer's question")

			ctx, cancel := context.WithCancel(context.Background())
			repeat := test.station.askingUntil(ctx, repeatOf(test.request))
			w.until("the repeat is seen", func() bool { return len(w.log.of(test.trace.STAN)) == 1 })
			if e := w.log.of(test.trace.STAN)[0]; e.Answered || e.Note != "repeat of a request under way" {
				t.Errorf("the repeat: %+v", e)
			}
			release()
			if a := got(t, first, "the answer"); a.err != nil || a.answer.Text(specs.P(39)) != "00" {
				t.Errorf("the first: %v, %v", a.answer, a.err)
			}
			cancel()
			if a := got(t, repeat, "the repeat's end"); a.err == nil {
				t.Error("the repeat was answered too")
			}
			again := test.station.askRaw(encode(t, repeatOf(test.request)))
			if again.Text(specs.P(39)) != "00" {
				t.Errorf("a repeat after the answer: %s", again.Text(specs.P(39)))
			}
		})
	}
}

// asked is what became of a question that asking asks.
type asked struct {
	answer *specs.Message
	err    error
}

// asking asks without waiting.
func (s *station) asking(m messages.Message) <-chan asked {
	return s.askingUntil(context.Background(), m)
}

func (s *station) askingUntil(ctx context.Context, m messages.Message) <-chan asked {
	s.Helper()
	raw := encode(s, m)
	done := make(chan asked, 1)
	go func() {
		answer, err := s.conn.Ask(ctx, raw)
		done <- asked{answer, err}
	}()
	return done
}

func TestSameTraceWithOtherContent(t *testing.T) {
	w := newWorld(t)
	first := goodActivation(w)
	w.wallet.activate(first)
	other := goodActivation(w)
	other.Trace = later(first.Trace)
	if a := w.wallet.activate(other); a.Outcome.Response != token.DuplicateTrace || a.Token != nil || a.TransactionID != "" {
		t.Errorf("an activation: 39=%s, token %v", a.Outcome.Response, a.Token)
	}
	w.wantTokens(1)
	other.Trace = w.newTrace() // the code of the refused one is still good
	if a := w.wallet.activate(other); a.Outcome.Response != token.Approved {
		t.Errorf("with a trace of its own: 39=%s", a.Outcome.Response)
	}

	p := w.activated()
	tap := w.tapOf(p)
	w.merchant.tap(tap)
	next := w.tapOf(p)
	next.Trace = later(tap.Trace)
	if a := w.merchant.tap(next); a.Outcome.Response != token.DuplicateTrace || !a.ARPC.IsZero() {
		t.Errorf("a tap: 39=%s", a.Outcome.Response)
	}
	next.Trace = w.newTrace() // its counter was not spent
	if a := w.merchant.tap(next); a.Outcome.Response != token.Approved {
		t.Errorf("with a trace of its own: 39=%s", a.Outcome.Response)
	}
}

func TestRequestorHangsUpAfterAsking(t *testing.T) {
	w := newWorld(t)
	s, questions, release := held()
	defer release()
	w.issuer.follow(s)
	gone := w.dial(wallets)
	r := goodActivation(w)
	unheard := gone.asking(r)
	got(t, questions, "the issuer's question")
	closing := make(chan struct{})
	go func() {
		defer close(closing)
		gone.conn.Close()
	}()
	got(t, gone.conn.Done(), "the end of the connection")
	if a := got(t, unheard, "the end of the question"); a.err == nil {
		t.Fatal("the question was answered")
	}
	got(t, closing, "the closing")
	release()
	w.until("the request is concluded", func() bool { return len(w.log.of(r.STAN)) == 1 })
	a := w.wallet.activate(repeatOf(r).(*messages.ActivationRequest))
	if a.Outcome.Response != token.Approved || a.Token == nil {
		t.Errorf("the repeat: 39=%s, token %v", a.Outcome.Response, a.Token)
	}
	w.wantTokens(1)
	w.wantNothingUnfinished()
}
