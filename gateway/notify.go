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

// Limits of notices and advices. All are ours.
const (
	noticeBatch      = 64              // read from the store at once
	noticeLook       = time.Second     // between looks when nobody nudges
	noticeBackOffMin = 2 * time.Second // before the second try
	noticeBackOffMax = 5 * time.Minute
)

// notifier sends queued notices (0620) and advices (0120, 0420) to issuers
// until each is acknowledged, with growing waits between tries.
type notifier struct {
	gateway *Gateway
	wake    chan struct{}
	turn    chan struct{} // held while a batch is sent, and for good after finish
	last    sync.Once     // the finish
}

func newNotifier(g *Gateway) *notifier {
	return &notifier{gateway: g, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// finish waits for the batch that is being sent, until ctx ends, and lets no
// other begin.
func (n *notifier) finish(ctx context.Context) {
	n.last.Do(func() {
		select {
		case n.turn <- struct{}{}:
		case <-ctx.Done():
		}
	})
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
		select {
		case n.turn <- struct{}{}:
			n.sendDue(ctx)
			<-n.turn
		case <-ctx.Done():
			return
		}
		select {
		case <-n.wake:
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// sendDue sends advices first: what money hangs on comes before what is told.
func (n *notifier) sendDue(ctx context.Context) {
	g := n.gateway
	now := g.Now()
	advices, err := g.Store.DueAdvices(ctx, now, noticeBatch)
	n.complain(ctx, "cannot read advices", err)
	notices, err := g.Store.Due(ctx, now, noticeBatch)
	n.complain(ctx, "cannot read notices", err)
	var sending sync.WaitGroup
	for _, q := range advices {
		sending.Go(func() { n.send(ctx, n.advice(ctx, q)) })
	}
	for _, q := range notices {
		sending.Go(func() { n.send(ctx, n.notice(q)) })
	}
	sending.Wait()
}

func (n *notifier) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		n.gateway.Log.Error().Err(err).Msg(what)
	}
}

// letter is a notice or an advice on its way.
type letter struct {
	what          string // for the log: "notice" or "advice"
	mti, reason   string
	issuer        string
	transactionID string
	tries         int
	message       messages.Message // nil: it is over, and nobody is told
	acknowledge   func(ctx context.Context, at time.Time) error
	postpone      func(ctx context.Context, until time.Time, sent bool) error
}

func (n *notifier) notice(q vault.QueuedNotice) letter {
	g := n.gateway
	l := letter{
		what: "notice", mti: "0620", reason: string(q.Notice.Reason), issuer: q.Token.Issuer,
		transactionID: q.Notice.TransactionID, tries: q.Tries,
		acknowledge: func(ctx context.Context, at time.Time) error { return g.Store.Acknowledge(ctx, q.ID, at) },
		postpone: func(ctx context.Context, until time.Time, sent bool) error {
			return g.Store.Postpone(ctx, q.ID, until, sent)
		},
	}
	if !overtaken(q) {
		l.message = g.notification(q)
	}
	return l
}

// overtaken reports whether a notice brings a passcode that is good no more,
// because another one was drawn or the token is active.
func overtaken(q vault.QueuedNotice) bool {
	return q.Notice.Reason == token.NoticePasscode && q.Notice.Passcode != q.Token.Passcode.Number
}

func (n *notifier) advice(ctx context.Context, q vault.QueuedAdvice) letter {
	g := n.gateway
	message := adviceMessage(q, g.tokenIn(ctx, q.Advice), g.Now())
	return letter{
		what: "advice", mti: message.MTI(), reason: string(q.Advice.Kind), issuer: q.Advice.Question.Issuer,
		transactionID: q.Advice.TransactionID, tries: q.Tries, message: message,
		acknowledge: func(ctx context.Context, at time.Time) error { return g.Store.AcknowledgeAdvice(ctx, q.ID, at) },
		postpone: func(ctx context.Context, until time.Time, sent bool) error {
			return g.Store.PostponeAdvice(ctx, q.ID, until, sent)
		},
	}
}

func (n *notifier) send(ctx context.Context, l letter) {
	g := n.gateway
	log := g.Log.With().Str("mti", l.mti).Str("reason", l.reason).
		Str("issuer", l.issuer).Str("transaction", l.transactionID).Int("try", l.tries+1).Logger()
	var err error
	defer func() { n.complain(ctx, "cannot record a "+l.what, err) }()
	defer g.survive(&err)
	if failed := n.deliver(ctx, l); failed == nil {
		err = l.acknowledge(ctx, g.Now())
		log.Info().Msg(l.what + " acknowledged")
	} else {
		wait, sent := backOff(l.tries), !notSent(failed)
		if !sent {
			wait = noticeBackOffMin // nobody was bothered
		}
		err = l.postpone(ctx, g.Now().Add(wait), sent)
		log.Warn().Err(failed).Dur("wait_ms", wait).Msg(l.what + " postponed")
	}
}

func (n *notifier) deliver(ctx context.Context, l letter) error {
	if l.message == nil {
		return nil
	}
	typed, err := n.gateway.askTyped(ctx, l.issuer, l.message)
	if err != nil {
		return err
	}
	response, ok := acknowledgement(l.message, typed)
	if !ok {
		return fmt.Errorf("answered by a %s", typed.MTI())
	}
	if _, reversal := l.message.(*messages.Reversal); reversal && response == token.RecordNotFound {
		return nil // the issuer never had what is undone
	}
	if response != token.Approved {
		return fmt.Errorf("answered with response code %s", response)
	}
	return nil
}

// acknowledgement is what an answer of the right kind says.
func acknowledgement(sent, answer messages.Message) (response token.Response, ok bool) {
	switch a := answer.(type) {
	case *messages.NotificationAnswer:
		_, ok = sent.(*messages.Notification)
		return a.Response, ok
	case *messages.AdviceAnswer:
		_, ok = sent.(*messages.Advice)
		return a.Response, ok
	case *messages.ReversalAnswer:
		_, ok = sent.(*messages.Reversal)
		return a.Response, ok
	}
	return "", false
}

func (g *Gateway) notification(q vault.QueuedNotice) *messages.Notification {
	stan := g.nextSTAN()
	n := &messages.Notification{
		PAN: q.Token.PAN,
		Trace: messages.Trace{
			Transmitted: messages.Stamp(g.Now()), STAN: stan, Acquirer: g.Institution, RRN: messages.RRN(g.Now(), stan),
		},
		TransactionID: q.Notice.TransactionID, Reason: q.Notice.Reason,
		Token: messages.TokenDataOf(q.Token), Result: q.Notice.Result,
	}
	switch q.Notice.Reason {
	case token.NoticePasscode:
		n.Code = g.Passcodes.Passcode(q.Notice.Reference, q.Notice.Passcode)
		n.CodeExpires, n.Method = q.Token.Passcode.Expires, token.ByPasscode
	case token.NoticeExpiry, token.NoticeReplaced:
		n.PANExpiry, n.PANSequence = q.Token.PANExpiry, q.Token.PANSequence
	}
	return n
}

func backOff(tries int) time.Duration {
	wait := noticeBackOffMin
	for range min(tries, 16) {
		wait = min(2*wait, noticeBackOffMax)
	}
	return wait
}
