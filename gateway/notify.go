package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Limits of notices. All are ours.
const (
	noticeBatch      = 64              // read from the store at once
	noticeLook       = time.Second     // between looks when nobody nudges
	noticeBackOffMin = 2 * time.Second // before the second try
	noticeBackOffMax = 5 * time.Minute
)

// notifier sends queued notices to issuers (0620) until each is acknowledged
// (0630), with growing waits between tries.
type notifier struct {
	gateway *Gateway
	wake    chan struct{}
}

// nudge makes the notifier look now. It never waits.
func (n *notifier) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) run(ctx context.Context) {
	look := time.NewTicker(noticeLook)
	defer look.Stop()
	for {
		n.sendDue(ctx)
		select {
		case <-n.wake:
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *notifier) sendDue(ctx context.Context) {
	g := n.gateway
	due, err := g.Store.Due(ctx, g.Now(), noticeBatch)
	if err != nil {
		if ctx.Err() == nil {
			g.Log.Error().Err(err).Msg("cannot read notices")
		}
		return
	}
	var sending sync.WaitGroup
	for _, q := range due {
		sending.Go(func() { n.send(ctx, q) })
	}
	sending.Wait()
}

func (n *notifier) send(ctx context.Context, q vault.QueuedNotice) {
	g := n.gateway
	log := g.Log.With().Str("mti", "0620").Str("reason", string(q.Notice.Reason)).
		Str("issuer", q.Token.Issuer).Str("transaction", q.Notice.TransactionID).Int("try", q.Tries+1).Logger()
	var err error
	if failed := n.deliver(ctx, q); failed == nil {
		err = g.Store.Acknowledge(ctx, q.ID, g.Now())
		log.Info().Msg("notice acknowledged")
	} else {
		wait := backOff(q.Tries)
		err = g.Store.Postpone(ctx, q.ID, g.Now().Add(wait))
		log.Warn().Err(failed).Dur("wait_ms", wait).Msg("notice postponed")
	}
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Msg("cannot record a notice")
	}
}

func (n *notifier) deliver(ctx context.Context, q vault.QueuedNotice) error {
	g := n.gateway
	typed, err := g.askTyped(ctx, q.Token.Issuer, g.notification(q))
	if err != nil {
		return err
	}
	answer, ok := typed.(*messages.NotificationAnswer)
	if !ok {
		return fmt.Errorf("answered by a %s", typed.MTI())
	}
	if answer.Response != token.Approved {
		return fmt.Errorf("answered with response code %s", answer.Response)
	}
	return nil
}

func (g *Gateway) notification(q vault.QueuedNotice) *messages.Notification {
	stan := g.nextSTAN()
	return &messages.Notification{
		PAN: q.Token.PAN,
		Trace: messages.Trace{
			Transmitted: messages.Stamp(g.Now()), STAN: stan, Acquirer: g.Institution, RRN: messages.RRN(g.Now(), stan),
		},
		TransactionID: q.Notice.TransactionID, Reason: q.Notice.Reason,
		Token: messages.TokenDataOf(q.Token), Result: q.Notice.Result,
	}
}

func backOff(tries int) time.Duration {
	wait := noticeBackOffMin
	for range min(tries, 16) {
		wait = min(2*wait, noticeBackOffMax)
	}
	return wait
}
