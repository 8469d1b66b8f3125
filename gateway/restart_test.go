package gateway_test

import (
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// TestRestartUndoesWhatWasUnderWay kills a gateway while the issuer thinks: the
// next one answers repeats with 91, makes no token, tells the issuer to undo,
// and still grants reversals.
func TestRestartUndoesWhatWasUnderWay(t *testing.T) {
	dir := t.TempDir()
	var activation, reversed *messages.ActivationRequest
	var tap *messages.TapRequest
	var asked []messages.Trace
	var p *phone
	t.Run("the first run", func(t *testing.T) {
		b := &brittle{broken: make(map[string]bool)}
		w := newWorld(t, func(s *settings) {
			s.dir = dir
			s.wrap = func(store vault.Store) vault.Store { b.Store = store; return b }
		})
		p = w.activated()
		w.wantAllSent()
		s, questions, release := held()
		w.issuer.follow(s)
		activation, reversed, tap = goodActivation(w), goodActivation(w), w.tapOf(p)
		for _, one := range []struct {
			by *station
			m  messages.Message
		}{{w.wallet, activation}, {w.wallet, reversed}, {w.merchant, tap}} {
			one.by.asking(one.m)
			got(t, questions, "the issuer's question")
		}
		w.reversed(w.wallet, w.reversalOf(reversed), token.Approved)
		b.set(true, "Conclude")
		for _, q := range saw[*messages.ActivationRequest](w.issuer)[1:] {
			asked = append(asked, q.Trace)
		}
		for _, q := range saw[*messages.TapRequest](w.issuer) {
			asked = append(asked, q.Trace)
		}
		release()
		w.stop()
	})
	w := newWorld(t, func(s *settings) { s.dir = dir })
	w.wantNothingUnfinished()
	w.untilAllSent()
	undone := saw[*messages.Reversal](w.issuer)
	if len(undone) != len(asked) || len(asked) != 3 {
		t.Fatalf("the issuer is told to undo %d of %d questions", len(undone), len(asked))
	}
	for _, r := range undone {
		known := false
		for _, trace := range asked {
			known = known || r.Original == messages.OriginalOf("0100", trace)
		}
		if !known || r.Activation != (r.Number != p.pan) {
			t.Errorf("the issuer is told to undo %+v", r)
		}
	}
	for _, one := range []struct {
		by *station
		m  messages.Message
	}{{w.wallet, activation}, {w.wallet, reversed}, {w.merchant, tap}} {
		if a := one.by.askRaw(encode(t, repeatOf(one.m))); a.Text(specs.P(39)) != "91" || a.Has(specs.P(123, 1, 1)) {
			t.Errorf("the repeat of a %s gets 39=%s", one.m.MTI(), a.Text(specs.P(39)))
		}
		w.reversed(one.by, w.reversalOf(one.m), token.Approved)
	}
	w.wantAllSent()
	w.untilReversed(len(asked))
	w.wantTokens(1)
	w.wantTap(p, token.Approved)
	fresh := w.activation(activation.Activation.PAN, activation.Activation.CVV2.Code)
	if a := w.wallet.activate(fresh); a.Outcome.Response != token.Approved {
		t.Errorf("the code of what was under way: 39=%s", a.Outcome.Response)
	}
}

// TestReversalOfWhatTimedOut is granted without a second word to the issuer.
func TestReversalOfWhatTimedOut(t *testing.T) {
	w := newWorld(t, impatient)
	p := w.activated()
	activation, tap := goodActivation(w), w.tapOf(p)
	w.issuer.follow(silentButFor[*messages.Reversal])
	w.wallet.activate(activation)
	w.merchant.tap(tap)
	w.untilReversed(2)
	w.reversed(w.wallet, w.reversalOf(activation), token.Approved)
	w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	w.issuer.follow(responding(token.Approved))
	w.untilAllSent()
	w.untilReversed(2)
}
