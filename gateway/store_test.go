package gateway_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// brittle is a store whose methods fail on demand.
type brittle struct {
	vault.Store
	mu     sync.Mutex
	broken map[string]bool
}

var errBroken = errors.New("the disk is full")

func (b *brittle) set(broken bool, methods ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range methods {
		b.broken[m] = broken
	}
}

func (b *brittle) fault(method string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken[method] {
		return errBroken
	}
	return nil
}

func (b *brittle) Account(ctx context.Context, pan card.PAN, at time.Time) (vault.Account, error) {
	if err := b.fault("Account"); err != nil {
		return vault.Account{}, err
	}
	return b.Store.Account(ctx, pan, at)
}

func (b *brittle) ScopeFailures(ctx context.Context, scope string, at time.Time) (int, error) {
	if err := b.fault("ScopeFailures"); err != nil {
		return 0, err
	}
	return b.Store.ScopeFailures(ctx, scope, at)
}

func (b *brittle) Claim(ctx context.Context, c vault.Claim) (vault.ClaimResult, error) {
	if err := b.fault("Claim"); err != nil {
		return vault.ClaimResult{}, err
	}
	return b.Store.Claim(ctx, c)
}

func (b *brittle) Conclude(ctx context.Context, c vault.Conclusion) error {
	if err := b.fault("Conclude"); err != nil {
		return err
	}
	return b.Store.Conclude(ctx, c)
}

func (b *brittle) Transaction(ctx context.Context, key string) (vault.Transaction, error) {
	if err := b.fault("Transaction"); err != nil {
		return vault.Transaction{}, err
	}
	return b.Store.Transaction(ctx, key)
}

func (b *brittle) Token(ctx context.Context, number card.PAN) (token.Token, error) {
	if err := b.fault("Token"); err != nil {
		return token.Token{}, err
	}
	return b.Store.Token(ctx, number)
}

func (b *brittle) TokenByReference(ctx context.Context, reference string) (token.Token, error) {
	if err := b.fault("TokenByReference"); err != nil {
		return token.Token{}, err
	}
	return b.Store.TokenByReference(ctx, reference)
}

func (b *brittle) Due(ctx context.Context, at time.Time, after int64, limit int) ([]vault.QueuedNotice, error) {
	if err := b.fault("Due"); err != nil {
		return nil, err
	}
	return b.Store.Due(ctx, at, after, limit)
}

func (b *brittle) Acknowledge(ctx context.Context, ids []int64, at time.Time) error {
	if err := b.fault("Acknowledge"); err != nil {
		return err
	}
	return b.Store.Acknowledge(ctx, ids, at)
}

func newBrittleWorld(t *testing.T) (*world, *brittle) {
	b := &brittle{broken: make(map[string]bool)}
	w := newWorld(t, func(s *settings) {
		s.wrap = func(store vault.Store) vault.Store {
			b.Store = store
			return b
		}
	})
	return w, b
}

// TestStoreFails holds that a store that cannot do its work costs an answer of
// 96 and nothing else: the same code and the same counter are good afterwards.
func TestStoreFails(t *testing.T) {
	for _, method := range []string{"Account", "ScopeFailures", "Claim", "Conclude"} {
		t.Run("activation, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			r := goodActivation(w)
			store.set(true, method)
			a := w.wallet.activate(r)
			if o := a.Outcome; o.Response != token.Malfunction || o.Additional.CVV2 != dcvv2.NotProcessed || a.Token != nil {
				t.Errorf("39=%s 44.10=%s token %v", o.Response, o.Additional.CVV2, a.Token)
			}
			store.set(false, method)
			w.until("nothing is unfinished", w.nothingUnfinished)
			if a := w.wallet.activate(w.activation(r.Activation.PAN, r.Activation.CVV2.Code)); a.Outcome.Response != token.Approved {
				t.Errorf("afterwards: 39=%s 44.10=%s", a.Outcome.Response, a.Outcome.Additional.CVV2)
			}
			w.wantTokens(1)
		})
	}
	for _, method := range []string{"Token", "Claim", "Conclude"} {
		t.Run("tap, "+method, func(t *testing.T) {
			w, store := newBrittleWorld(t)
			p := w.activated()
			r := w.tapOf(p)
			store.set(true, method)
			if a := w.merchant.tap(r); a.Outcome.Response != token.Malfunction || !a.ARPC.IsZero() {
				t.Errorf("39=%s ARPC %v", a.Outcome.Response, !a.ARPC.IsZero())
			}
			store.set(false, method)
			w.until("nothing is unfinished", w.nothingUnfinished)
			if a := w.merchant.tap(w.tapOf(p)); a.Outcome.Response != token.Approved {
				t.Errorf("the next tap: 39=%s", a.Outcome.Response)
			}
		})
	}
}

func (w *world) nothingUnfinished() bool {
	list, err := w.store.Unfinished(context.Background())
	w.must(err)
	return len(list) == 0
}

// TestRepeatOfWhatCouldNotBeConcluded holds that a request which was claimed
// and answered with 96 does not stay under way, without an answer, for ever.
func TestRepeatOfWhatCouldNotBeConcluded(t *testing.T) {
	w, store := newBrittleWorld(t)
	activation, tap := goodActivation(w), w.tapOf(w.activated())
	store.set(true, "Conclude")
	w.wallet.activate(activation)
	w.merchant.tap(tap)
	store.set(false, "Conclude")
	w.until("nothing is unfinished", w.nothingUnfinished)
	if a := w.wallet.activate(repeatOf(activation).(*messages.ActivationRequest)); a.Outcome.Response != token.Malfunction ||
		a.Outcome.Additional.CVV2 != dcvv2.NotProcessed {
		t.Errorf("the activation: 39=%s", a.Outcome.Response)
	}
	if a := w.merchant.tap(repeatOf(tap).(*messages.TapRequest)); a.Outcome.Response != token.Malfunction {
		t.Errorf("the tap: 39=%s", a.Outcome.Response)
	}
}

func TestRepeatWhileTheTokenCannotBeRead(t *testing.T) {
	w, store := newBrittleWorld(t)
	r := goodActivation(w)
	first := w.wallet.activate(r)
	again := repeatOf(r).(*messages.ActivationRequest)
	store.set(true, "TokenByReference")
	if a := w.wallet.activate(again); a.Outcome.Response != token.Malfunction || a.Token != nil {
		t.Errorf("39=%s token %v", a.Outcome.Response, a.Token)
	}
	store.set(false, "TokenByReference")
	if a := w.wallet.activate(again); a.Token == nil || *a.Token != *first.Token {
		t.Errorf("afterwards: 39=%s token %v", a.Outcome.Response, a.Token)
	}
}

func TestNoticesWhileTheStoreFails(t *testing.T) {
	w, store := newBrittleWorld(t)
	store.set(true, "Due", "Acknowledge")
	w.wallet.activate(goodActivation(w))
	w.until("the fault is logged", func() bool {
		return len(w.log.find(func(e logEvent) bool { return e.Message == "cannot read notices" })) > 0
	})
	store.set(false, "Due")
	w.gateway.WakeNotices()
	w.until("the fault is logged", func() bool {
		return len(w.log.find(func(e logEvent) bool { return e.Message == "cannot record a notice" })) > 0
	})
	store.set(false, "Acknowledge")
	w.gateway.WakeNotices()
	w.untilAcknowledged(1)
}
