package load

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/token"
)

// Options say what load there is to be, and on whom.
type Options struct {
	Plan
	Wallet   Station // the door for activations, and for echoes
	Merchant Station // the door for taps and verifications
	Supply   Supply
	// OwnIssuer says that an Issuer of this package answers the gateway, so that
	// field 38 of every approval can be held against 62.2.
	OwnIssuer bool
	// DeclinesOK takes answers that are no approvals for right ones.
	DeclinesOK bool
	Random     io.Reader // draws accounts and the run's terminal ids
	// Tell hears how far the run is: while it is prepared, and then every
	// second. Optional.
	Tell func(Progress)
	// Dial connects to a door; TCP, with TLS where the station has it, when nil.
	Dial func(ctx context.Context, s Station) (net.Conn, error)
}

// Progress is how far a run is.
type Progress struct {
	Phase  string        // PhaseAccounts, PhaseTokens or PhaseLoad
	Took   time.Duration // since the phase began
	Done   int64         // accounts, tokens or answers
	Of     int64         // as many will be; 0 when nobody knows
	P99    time.Duration // of the latency so far, in PhaseLoad
	Faults int64         // that the oracle found so far
}

// Phases of a run.
const (
	PhaseAccounts = "accounts" // are enrolled and get codes
	PhaseTokens   = "tokens"   // are provisioned and loaded
	PhaseLoad     = "load"
)

// tellEvery is how often Options.Tell hears of a load.
const tellEvery = time.Second

// settleTime is how long the oracle listens when all is answered: for answers
// that come twice (ours).
const settleTime = 250 * time.Millisecond

// lateMax is how long after the end of its time a request may still start (ours):
// a machine that pauses for a moment leaves none out.
const lateMax = time.Second

// run is a load under way.
type run struct {
	Options
	schedule  Schedule
	tally     Tally
	given     *Given
	record    *recorder
	traffic   traffic
	conns     map[Kind][]*conn
	all       []*conn
	next      atomic.Uint64 // number of the next request
	sent      atomic.Uint64
	last      atomic.Int64 // when the last request started, a time.Duration after the beginning
	beginning time.Time

	stopped sync.Once
	why     error // it ended early
	stop    context.CancelFunc
	// interrupt ends what waits for an answer, too; it lives as long as load.
	interrupt context.Context
}

// Run prepares what the mix needs, puts the load on the gateway, and reports. An
// error is a load that could not begin; what went wrong in it stands in the
// report. When ctx ends the load does, and the report is of what was until then.
func Run(ctx context.Context, o Options) (Report, error) {
	o.Timeout = cmp.Or(o.Timeout, TimeoutDefault)
	if err := errors.Join(o.Plan.Check(), o.Supply.check(o.Plan)); err != nil {
		return Report{}, err
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	r := newRun(o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return Report{}, err
	}
	if err := r.prepare(ctx); err != nil {
		return Report{}, err
	}
	took := r.load(ctx)
	return r.report(took), nil
}

func newRun(o Options) *run {
	return &run{Options: o, schedule: o.Schedule(), given: NewGiven(), record: newRecorder(o.Plan), conns: make(map[Kind][]*conn)}
}

// connect opens the connections to the doors that the mix needs, and signs on.
func (r *run) connect(ctx context.Context) error {
	var nonce [8]byte // a trace of another run in the same hour would be taken for a repeat
	if _, err := io.ReadFull(r.Random, nonce[:]); err != nil {
		return fmt.Errorf("drawing terminal ids: %w", err)
	}
	drawn := binary.BigEndian.Uint64(nonce[:])
	run := base36(drawn>>32, 3)
	for _, door := range []struct {
		station Station
		kinds   []Kind
		needed  bool
	}{
		{r.Wallet, []Kind{Echo, Activation}, r.Mix.Has(Echo) || r.Mix.Has(Activation) || r.Mix.Has(Tap)},
		{r.Merchant, []Kind{Tap, Verify}, r.Mix.Has(Tap) || r.Mix.Has(Verify)},
	} {
		for range r.Connections {
			if !door.needed {
				break
			}
			socket, err := r.Dial(ctx, door.station)
			if err != nil {
				return fmt.Errorf("cannot reach the gateway at %s: is it running? %w", door.station.Addr, err)
			}
			c := newConn(socket, door.station, run+base36(uint64(len(r.all)), 2), drawn, &r.tally)
			r.all = append(r.all, c)
			if err := c.signOn(ctx, r.Timeout); err != nil {
				return err
			}
			for _, k := range door.kinds {
				r.conns[k] = append(r.conns[k], c)
			}
		}
	}
	return nil
}

func (r *run) close() {
	for _, c := range r.all {
		c.close()
	}
}

// load runs until the schedule is over and everything is answered or lost, or
// ctx ends. It gives how long requests started.
func (r *run) load(ctx context.Context) time.Duration {
	r.interrupt = ctx
	ctx, r.stop = context.WithCancel(ctx)
	defer r.stop()
	r.beginning = time.Now()
	var workers, telling sync.WaitGroup
	over, end := context.WithCancel(context.Background())
	telling.Go(func() { r.tell(over) })
	for range r.InFlight {
		workers.Go(func() { r.work(ctx) })
	}
	workers.Wait()
	end()
	telling.Wait()
	if r.schedule.Open() && ctx.Err() == nil {
		r.record.unsent(r.Plan, r.sent.Load(), r.Duration+lateMax)
	}
	r.settle(r.interrupt)
	if r.interrupt.Err() != nil {
		r.halt(errInterrupted)
	}
	started := time.Duration(r.last.Load())
	if r.why != nil {
		return started
	}
	return max(started, r.Duration)
}

var errInterrupted = errors.New("interrupted")

// halt ends the load early. The first reason counts.
func (r *run) halt(why error) {
	r.stopped.Do(func() { r.why = why })
	r.stop()
}

// settle listens a little longer.
func (r *run) settle(ctx context.Context) {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tell reports every second.
func (r *run) tell(over context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			answers, p99 := r.record.soFar()
			r.say(Progress{Phase: PhaseLoad, Took: time.Since(r.beginning), Done: answers, Of: int64(r.schedule.Total()), P99: p99, Faults: r.tally.Sum()})
		case <-over.Done():
			return
		}
	}
}

func (r *run) say(p Progress) {
	if r.Tell != nil {
		r.Tell(p)
	}
}

// work takes requests one after the other. As many workers as requests may be
// in flight: when all wait, the next request starts late, and its latency
// counts from when it should have started.
func (r *run) work(ctx context.Context) {
	timer := stoppedTimer()
	defer timer.Stop()
	for {
		n := r.next.Add(1) - 1
		intended, ok := r.begin(ctx, timer, n)
		if !ok {
			return
		}
		if err := r.one(ctx, timer, n, intended); err != nil {
			r.halt(err)
			return
		}
	}
}

// begin waits for a request's start. It is false when there is none to start
// any more.
func (r *run) begin(ctx context.Context, timer *time.Timer, n uint64) (intended time.Duration, ok bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	now := time.Since(r.beginning)
	if !r.schedule.Open() {
		return now, now < r.Duration
	}
	intended, ok = r.schedule.At(n)
	if !ok || now >= r.Duration+lateMax {
		return 0, false
	}
	if intended <= now {
		return intended, true
	}
	timer.Reset(intended - now)
	select {
	case <-timer.C:
		return intended, true
	case <-ctx.Done():
		return 0, false
	}
}

// one makes a request, asks it, and counts what came of it. The error ends the
// load: there is nothing to ask with.
func (r *run) one(ctx context.Context, timer *time.Timer, n uint64, intended time.Duration) error {
	k := r.Mix.At(r.Seed, n)
	conns := r.conns[k]
	c := conns[n%uint64(len(conns))]
	a, err := r.traffic.make(ctx, c, k, n)
	if err != nil {
		return err
	}
	defer a.free()
	r.sent.Add(1)
	r.record.started(k)
	t := timing{intended: intended, sent: time.Since(r.beginning)}
	r.last.Store(int64(t.sent))
	answer, err := c.ask(r.interrupt, a.question, a.request, timer, r.Timeout)
	switch {
	case errors.Is(err, errNoAnswer):
		t.done = time.Since(r.beginning)
		r.record.lost(k, t)
		return nil
	case errors.Is(err, errInterrupted):
		return err
	case err != nil:
		return fmt.Errorf("asking at %s: %w", c.station.Addr, err)
	}
	t.done = answer.At.Sub(r.beginning)
	v := a.question.Check(answer, r.given)
	if v.Wrong != "" {
		r.tally.Add(v.Fault, v.Wrong)
	}
	r.record.answered(k, t, cmp.Or(v.Response, noResponse))
	return nil
}

// noResponse stands for the response of an answer that has none.
const noResponse token.Response = "--"
