package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Limits of notices and advices. All are ours.
const (
	noticeBatch      = 64                   // read from the store at once, beside those under way where all are read
	noticesInFlight  = 64                   // of one issuer
	noticesAnswered  = 256                  // of all issuers, that the store is to record
	noticePatience   = time.Second          // with an issuer that has as many, before its others make way
	noticeRest       = 10 * time.Second     // how far they do
	noticeLook       = time.Second          // between looks at all of them
	noticeGap        = 2 * time.Millisecond // between looks at the new ones: many come in one
	noticeBackOffMin = 2 * time.Second      // before the second try
	noticeBackOffMax = 5 * time.Minute
)

// notifier sends queued notices (0620) and advices (0120, 0420) to issuers
// until each is acknowledged, with growing waits between tries. An issuer that
// does not answer keeps no other waiting.
type notifier struct {
	gateway *Gateway
	wake    chan struct{} // for the new ones
	all     chan struct{} // for all
	seen    int64         // the notice up to which all have begun, or were put off; only run's goroutine touches it
	told    chan letter   // acknowledged by their issuers, to be recorded
	sending sync.WaitGroup

	mu     sync.Mutex
	flying map[letterID]flight
	busy   map[string]int  // letters that fly and are not answered, by issuer
	behind map[string]bool // issuers whose letters wait for a place
	ended  bool            // none begins any more
	landed chan struct{}   // closed when it has ended and none is under way
}

// letterID tells a notice or an advice from all others.
type letterID struct {
	what string
	id   int64
}

const (
	whatNotice = "notice"
	whatAdvice = "advice"
)

// flight is a letter under way.
type flight struct {
	issuer   string
	began    time.Time
	answered bool // or not to be: what remains is to record it
}

func newNotifier(g *Gateway) *notifier {
	return &notifier{
		gateway: g, wake: make(chan struct{}, 1), all: make(chan struct{}, 1), told: make(chan letter, noticesAnswered),
		flying: make(map[letterID]flight), busy: make(map[string]int), landed: make(chan struct{}),
	}
}

// finish lets no other letter begin, and waits for those under way until ctx
// ends.
func (n *notifier) finish(ctx context.Context) {
	n.mu.Lock()
	if !n.ended && len(n.flying) == 0 {
		close(n.landed)
	}
	n.ended = true
	n.mu.Unlock()
	select {
	case <-n.landed:
	case <-ctx.Done():
	}
}

// nudge makes the notifier look for what is new. It never waits.
func (n *notifier) nudge() { signal(n.wake) }

// nudgeAll makes it look at all that is due: also at what was put off.
func (n *notifier) nudgeAll() { signal(n.all) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (n *notifier) run(ctx context.Context) {
	defer n.sending.Wait()
	n.sending.Go(func() { n.record(ctx) })
	look := time.NewTicker(noticeLook)
	defer look.Stop()
	for {
		for n.look(ctx) {
		}
		select {
		case <-n.wake:
			time.Sleep(noticeGap)
			continue
		case <-n.all:
		case <-look.C:
		case <-ctx.Done():
			return
		}
		n.seen = 0
	}
}

// look begins to send what is due, of notices those that were not seen, and
// reports whether it is to look again at once, because some made way or there
// are more. Advices come first: what money hangs on before what is told.
func (n *notifier) look(ctx context.Context) (again bool) {
	before, busy := n.underWay() // read first: what ends meanwhile is not begun again
	oldest, answered := make(map[string]time.Time), 0
	for _, f := range before {
		if f.answered {
			answered++
			continue
		}
		if began, ok := oldest[f.issuer]; !ok || f.began.Before(began) {
			oldest[f.issuer] = f.began
		}
	}
	behind := make(map[string]bool)
	limit := noticeBatch
	if n.seen == 0 {
		limit = min(noticeBatch+len(before), vault.ListMax)
	}
	letters, more := n.due(ctx, limit)
	for _, l := range letters {
		_, flies := before[l.letterID]
		switch {
		case flies:
		case busy[l.issuer] < noticesInFlight && answered < noticesAnswered:
			busy[l.issuer]++
			n.begin(ctx, l)
		case !oldest[l.issuer].IsZero() && time.Since(oldest[l.issuer]) > noticePatience:
			err := l.postpone(ctx, n.gateway.Now().Add(noticeRest), false)
			n.complain(ctx, "cannot put a "+l.what+" off", err)
			again = again || err == nil
		default:
			behind[l.issuer] = true
		}
		if len(behind) == 0 && l.what == whatNotice {
			n.seen = l.id
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.behind = behind
	n.lookForOthers() // what ended meanwhile did not know of them
	return again || more && len(behind) == 0
}

// due reads letters, and reports whether there may be more notices.
func (n *notifier) due(ctx context.Context, limit int) (letters []letter, more bool) {
	g := n.gateway
	now := g.Now()
	advices, err := g.Store.DueAdvices(ctx, now, limit)
	n.complain(ctx, "cannot read advices", err)
	notices, err := g.Store.Due(ctx, now, n.seen, limit)
	n.complain(ctx, "cannot read notices", err)
	for _, q := range advices {
		letters = append(letters, n.advice(q))
	}
	for _, q := range notices {
		letters = append(letters, n.notice(q))
	}
	return letters, len(notices) == limit
}

func (n *notifier) underWay() (flying map[letterID]flight, busy map[string]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.flying), maps.Clone(n.busy)
}

func (n *notifier) begin(ctx context.Context, l letter) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	n.flying[l.letterID] = flight{issuer: l.issuer, began: time.Now()}
	n.busy[l.issuer]++
	n.sending.Go(func() {
		if over, err := n.send(ctx, l); over {
			n.end(l, err)
		}
	})
}

// answered gives a letter's place free.
func (n *notifier) answered(l letter) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free(l)
	n.lookForOthers()
}

func (n *notifier) free(l letter) {
	f := n.flying[l.letterID]
	if f.answered {
		return
	}
	f.answered = true
	n.flying[l.letterID] = f
	if n.busy[l.issuer]--; n.busy[l.issuer] == 0 {
		delete(n.busy, l.issuer)
	}
}

// end looks for those that wait, unless the store is in trouble: then the next
// look is soon enough.
func (n *notifier) end(l letter, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free(l) // where sending panicked
	delete(n.flying, l.letterID)
	if n.ended && len(n.flying) == 0 {
		close(n.landed)
	}
	if err == nil {
		n.lookForOthers()
	}
}

// lookForOthers looks for letters that wait for a place, when half of the places
// are free: one look then finds many.
func (n *notifier) lookForOthers() {
	answered := len(n.flying)
	for _, asked := range n.busy {
		answered -= asked
	}
	for issuer := range n.behind {
		if n.busy[issuer] <= noticesInFlight/2 && answered <= noticesAnswered/2 {
			n.nudge()
			return
		}
	}
}

func (n *notifier) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		n.gateway.Log.Error().Err(err).Msg(what)
	}
}

// send sends a letter. It is over when the letter was put off, or that could not
// be recorded, which is the error; an acknowledged one is over when record has
// recorded it.
func (n *notifier) send(ctx context.Context, l letter) (over bool, err error) {
	g := n.gateway
	defer func() { n.complain(ctx, "cannot record a "+l.what, err) }()
	over = true
	defer g.survive(&err)
	mti, failed := n.deliver(ctx, l)
	n.answered(l)
	tell := func(level zerolog.Level) *zerolog.Event {
		return g.Log.WithLevel(level).Str("mti", mti).Str("reason", l.reason).
			Str("issuer", l.issuer).Str("transaction", l.transactionID).Int("try", l.tries+1)
	}
	if failed == nil {
		tell(zerolog.InfoLevel).Msg(l.what + " acknowledged")
		select {
		case n.told <- l:
			return false, nil
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	wait, sent := backOff(l.tries), !notSent(failed)
	if !sent {
		wait = noticeBackOffMin // nobody was bothered
	}
	err = l.postpone(ctx, g.Now().Add(wait), sent)
	tell(zerolog.WarnLevel).Err(failed).Dur("wait_ms", wait).Msg(l.what + " postponed")
	return true, err
}

// record records acknowledgements until ctx ends, as many at once as there are.
func (n *notifier) record(ctx context.Context) {
	for {
		select {
		case l := <-n.told:
			all := map[string][]letter{l.what: {l}}
			for range len(n.told) {
				l := <-n.told
				all[l.what] = append(all[l.what], l)
			}
			n.acknowledge(ctx, all[whatNotice], n.gateway.Store.Acknowledge)
			n.acknowledge(ctx, all[whatAdvice], n.gateway.Store.AcknowledgeAdvices)
		case <-ctx.Done():
			return
		}
	}
}

// acknowledge records letters at once, or one by one where the store does not
// know one of them.
func (n *notifier) acknowledge(ctx context.Context, letters []letter, store func(context.Context, []int64, time.Time) error) {
	if len(letters) == 0 {
		return
	}
	err := n.surely(func() error { return store(ctx, idsOf(letters), n.gateway.Now()) })
	if errors.Is(err, vault.ErrNotFound) && len(letters) > 1 {
		for _, l := range letters {
			n.acknowledge(ctx, []letter{l}, store)
		}
		return
	}
	n.complain(ctx, "cannot record a "+letters[0].what, err)
	for _, l := range letters {
		n.end(l, err)
	}
}

func (n *notifier) surely(do func() error) (err error) {
	defer n.gateway.survive(&err)
	return do()
}

func idsOf(letters []letter) (ids []int64) {
	for _, l := range letters {
		ids = append(ids, l.id)
	}
	return ids
}

func (n *notifier) deliver(ctx context.Context, l letter) (mti string, err error) {
	if l.write == nil {
		return "0620", nil
	}
	message := l.write(ctx)
	return message.MTI(), n.tell(ctx, l.issuer, message)
}

func (n *notifier) tell(ctx context.Context, issuer string, message messages.Message) error {
	typed, err := n.gateway.askTyped(ctx, issuer, message)
	if err != nil {
		return err
	}
	response, ok := acknowledgement(message, typed)
	if !ok {
		return fmt.Errorf("answered by a %s", typed.MTI())
	}
	if _, reversal := message.(*messages.Reversal); reversal && response == token.RecordNotFound {
		return nil // the issuer never had what is undone
	}
	if response != token.Approved {
		return fmt.Errorf("answered with response code %s", response)
	}
	return nil
}

func backOff(tries int) time.Duration {
	wait := noticeBackOffMin
	for range min(tries, 16) {
		wait = min(2*wait, noticeBackOffMax)
	}
	return wait
}
