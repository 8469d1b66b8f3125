package gateway_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// due lists the notices that wait to be sent at a time.
func (w *world) due(at time.Time) []vault.QueuedNotice {
	w.Helper()
	list, err := w.store.Due(context.Background(), at, vault.ListMax)
	w.must(err)
	return list
}

// never is later than any notice is due.
const never = 1000 * time.Hour

func (w *world) untilAcknowledged(n int) {
	w.Helper()
	w.until("the notice is acknowledged", func() bool { return len(w.trail(vault.EventNoticeAcknowledged)) == n })
	if left := w.due(w.clock.Now().Add(never)); len(left) != 0 {
		w.Errorf("%d notices still wait", len(left))
	}
}

func TestNoticeOfANewToken(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	a := w.wallet.activate(r)
	w.untilAcknowledged(1)
	seen := saw[*messages.Notification](w.issuer)
	if len(seen) != 1 {
		t.Fatalf("the issuer was told %d times", len(seen))
	}
	n := seen[0]
	if n.Reason != token.NoticeCreated || n.TransactionID != a.TransactionID || n.PAN != r.Activation.PAN || n.Token != *a.Token {
		t.Errorf("the issuer was told %+v", n)
	}
}

func TestNoNoticeWithoutAToken(t *testing.T) {
	w := newWorld(t)
	w.issuer.follow(responding(token.DoNotHonour))
	w.wallet.activate(goodActivation(w))
	w.wallet.activate(codeWith(0)(w))
	if queued := w.due(w.clock.Now().Add(never)); len(queued) != 0 {
		t.Errorf("%d notices are queued", len(queued))
	}
}

func TestNoticesOfAStep(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.untilAcknowledged(1)
	for n, step := range []struct {
		event  token.Event
		reason token.NoticeReason
		status token.Status
	}{
		{token.Suspend, token.NoticeSuspended, token.Suspended},
		{token.Resume, token.NoticeResumed, token.Active},
		{token.Suspend, token.NoticeSuspended, token.Suspended},
		{token.Deactivate, token.NoticeDeactivated, token.Deactivated},
	} {
		w.step(p, step.event)
		w.gateway.WakeNotices()
		w.untilAcknowledged(n + 2)
		seen := saw[*messages.Notification](w.issuer)
		if len(seen) != n+2 {
			t.Fatalf("after %s the issuer was told %d times", step.event, len(seen))
		}
		if got := seen[n+1]; got.Reason != step.reason || got.Token.Status != step.status || got.Token.Reference != p.Reference {
			t.Errorf("after %s the issuer was told %s, status %s", step.event, got.Reason, got.Token.Status)
		}
	}
}

// TestNoticeIsRetriedWithGrowingWaits refuses a notice again and again.
func TestNoticeIsRetriedWithGrowingWaits(t *testing.T) {
	w := newWorld(t)
	var willing atomic.Bool
	w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		if n, ok := question.(*messages.Notification); ok && !willing.Load() {
			return encode(t, n.Answer(token.Malfunction))
		}
		return responding(token.Approved)(ctx, question, raw)
	})
	w.wallet.activate(goodActivation(w))
	for try, wait := range []time.Duration{
		2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
		128 * time.Second, 256 * time.Second, 5 * time.Minute, 5 * time.Minute,
	} {
		w.until("the try is over", func() bool { return len(w.due(w.clock.Now())) == 0 })
		if early := w.due(w.clock.Now().Add(wait - time.Nanosecond)); len(early) != 0 {
			t.Fatalf("after try %d it waits less than %v", try+1, wait)
		}
		late := w.due(w.clock.Now().Add(wait))
		if len(late) != 1 || late[0].Tries != try+1 {
			t.Fatalf("after try %d: %+v are due after %v", try+1, late, wait)
		}
		w.clock.forward(wait)
		w.gateway.WakeNotices()
	}
	w.until("the last try is over", func() bool { return len(w.due(w.clock.Now())) == 0 })
	willing.Store(true)
	w.clock.forward(5 * time.Minute)
	w.gateway.WakeNotices()
	w.untilAcknowledged(1)
	w.clock.forward(never)
	w.gateway.WakeNotices()
	seen := saw[*messages.Notification](w.issuer)
	if len(seen) != 12 {
		t.Errorf("the issuer was told %d times, not 12", len(seen))
	}
	for _, n := range seen {
		if n.TransactionID != seen[0].TransactionID || n.Reason != token.NoticeCreated {
			t.Errorf("a try says %s about %s", n.Reason, n.TransactionID)
		}
	}
}

// TestNoticeOutlivesTheIssuersAbsence lets the issuer go away between its
// approval and the notice about it.
func TestNoticeOutlivesTheIssuersAbsence(t *testing.T) {
	w := newWorld(t)
	told := make(chan struct{}, 1)
	w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		if _, ok := question.(*messages.Notification); ok {
			told <- struct{}{}
			<-ctx.Done()
			return nil
		}
		return responding(token.Approved)(ctx, question, raw)
	})
	w.wallet.activate(goodActivation(w))
	got(t, told, "the notice")
	w.issuer.down()
	w.until("it is postponed", func() bool { return len(w.due(w.clock.Now())) == 0 })
	w.clock.forward(time.Minute)
	w.gateway.WakeNotices()
	w.until("it is postponed again", func() bool { return len(w.due(w.clock.Now())) == 0 })

	w.issuer.follow(responding(token.Approved))
	w.issuer.up()
	w.until("the line is up again", func() bool {
		w.clock.forward(time.Minute)
		w.gateway.WakeNotices()
		return len(w.trail(vault.EventNoticeAcknowledged)) == 1
	})
	w.wantTokens(1)
}

// TestNoticeOutlivesTheGateway stops the gateway before the issuer has taken
// the notice, and starts it anew.
func TestNoticeOutlivesTheGateway(t *testing.T) {
	dir := t.TempDir()
	t.Run("the first run", func(t *testing.T) {
		w := newWorld(t, func(s *settings) { s.dir = dir })
		told := make(chan struct{}, 1)
		w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
			if _, ok := question.(*messages.Notification); ok {
				told <- struct{}{}
				<-ctx.Done()
				return nil
			}
			return responding(token.Approved)(ctx, question, raw)
		})
		w.wallet.activate(goodActivation(w))
		got(t, told, "the notice")
	})
	w := newWorld(t, func(s *settings) { s.dir = dir })
	w.clock.forward(time.Minute) // the first try may have been postponed
	w.gateway.WakeNotices()
	w.untilAcknowledged(1)
}
