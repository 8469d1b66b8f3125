package gateway_test

import (
	"context"
	"fmt"
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
	list, err := w.store.Due(context.Background(), at, 0, vault.ListMax)
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

// notices of one issuer that may be under way at once (docs of notifier).
const noticesInFlight = 64

// notify queues notices about a token, as of that many transactions.
func (w *world) notify(reference string, count int) {
	w.Helper()
	for n := range count {
		w.must(w.store.Notify(context.Background(), token.Notice{
			TransactionID: fmt.Sprintf("%015d", n+1), Reason: token.NoticeProvisioned, Reference: reference, Result: "00",
		}, w.clock.Now()))
	}
	w.gateway.WakeNotices()
}

// TestManyNotices holds that more than may be under way come once each.
func TestManyNotices(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	const many = 4*noticesInFlight + 1
	w.notify(p.Reference, many)
	w.wantAllSent()
	told := make(map[string]int)
	for _, n := range w.issuer.notices(token.NoticeProvisioned) {
		told[n.TransactionID]++
	}
	for transaction, times := range told {
		if times != 1 {
			t.Errorf("the issuer was told of %s %d times", transaction, times)
		}
	}
	if len(told) != many {
		t.Errorf("the issuer was told of %d transactions, not %d", len(told), many)
	}
}

// TestNoticeUnderWayIsNotSentAgain looks for others while the answer to one is
// still to come.
func TestNoticeUnderWayIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.wantAllSent()
	answered := make(chan struct{})
	w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		if n, ok := question.(*messages.Notification); ok && n.Reason == token.NoticeProvisioned {
			<-answered
		}
		return responding(token.Approved)(ctx, question, raw)
	})
	w.notify(p.Reference, 1)
	w.untilTold(token.NoticeProvisioned, 1)
	w.step(p, token.Suspend)
	w.gateway.WakeNotices()
	w.untilTold(token.NoticeSuspended, 1) // that look has passed over the first
	close(answered)
	w.wantAllSent()
	w.untilTold(token.NoticeProvisioned, 1)
}

// TestSilentIssuerKeepsNoOtherWaiting queues more notices for an issuer that
// never answers than may be under way, and then one for another issuer.
func TestSilentIssuerKeepsNoOtherWaiting(t *testing.T) {
	w := newWorld(t, whole, func(s *settings) { s.timeout = time.Hour })
	p := w.activated()
	w.wantAllSent()
	w.issuer.follow(func(ctx context.Context, _ messages.Message, _ *specs.Message) *specs.Message {
		<-ctx.Done()
		return nil
	})
	w.notify(p.Reference, 4*noticesInFlight)
	w.until("as many as may be are under way", func() bool { return len(w.issuer.notices(token.NoticeProvisioned)) == noticesInFlight })

	pan := w.account(otherRange)
	w.enrol(pan)
	if a := w.wallet.activate(w.activation(pan, w.code(pan, 0))); a.Token == nil {
		t.Fatalf("39=%s", a.Outcome.Response)
	}
	w.until("the other issuer is told", func() bool { return len(w.other.notices(token.NoticeCreated)) == 1 })
	if n := len(w.issuer.notices(token.NoticeProvisioned)); n != noticesInFlight {
		t.Errorf("%d notices are under way at the silent issuer, not %d", n, noticesInFlight)
	}
	for _, q := range w.due(w.clock.Now().Add(never)) {
		if q.Tries != 0 {
			t.Error("a notice that made way counts as tried")
		}
	}
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
