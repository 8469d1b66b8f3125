package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// ConnectionsMax is how many lines a pool may have: the most that a host of one
// station is likely to take (ours).
const ConnectionsMax = 16

// Pool is the connections of one peer that questions are asked on: those that
// its lines dial, and those that come in at a door with it in its Options. Make
// one with NewPool.
type Pool struct {
	name    string
	demands bool
	lines   []*Line

	mu       sync.Mutex
	accepted map[*Conn]struct{}
	turn     int
	closed   bool
}

// NewPool makes a pool of lines, which Run keeps up. Connections that come in at
// a door are asked on at once, or, when the sign-on is demanded, while their
// session is signed on.
func NewPool(name string, signOnDemanded bool, lines ...*Line) *Pool {
	var shared Options
	for i, l := range lines {
		if i == 0 {
			shared = l.Options.shared()
		}
		l.Options.rate, l.Options.places, l.Options.crew, l.Options.order, l.Options.sheds = shared.rate, shared.places, shared.crew, shared.order, true
	}
	return &Pool{name: name, demands: signOnDemanded, lines: lines, accepted: make(map[*Conn]struct{})}
}

// Run keeps the lines up until ctx ends.
func (p *Pool) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, l := range p.lines {
		running.Go(func() { l.Run(ctx) })
	}
	running.Wait()
}

// Ask asks on the connection that has the fewest questions waiting, the one
// after the last among equals. It gives ErrDown when there is none, and then
// the question was not sent; an error that is none of ErrDown, ErrBusy and
// ErrDuplicate says that the peer may have got it.
func (p *Pool) Ask(ctx context.Context, question *specs.Message) (*specs.Message, error) {
	var tried map[*Conn]bool
	for {
		c := p.pick(tried)
		if c == nil {
			return nil, fmt.Errorf("%s: %w", p.name, ErrDown)
		}
		answer, sent, err := c.ask(ctx, question)
		if err == nil || sent || !errors.Is(err, ErrClosed) {
			return answer, err
		}
		if tried == nil {
			tried = make(map[*Conn]bool)
		}
		tried[c] = true // it ended before the question left
	}
}

// pick chooses a connection that was not tried.
func (p *Pool) pick(tried map[*Conn]bool) *Conn {
	live := p.Live()
	if len(live) == 0 {
		return nil
	}
	p.mu.Lock()
	p.turn++
	turn := p.turn
	p.mu.Unlock()
	var best *Conn
	for i := range live {
		c := live[(turn+i)%len(live)]
		if !tried[c] && (best == nil || c.InFlight() < best.InFlight()) {
			best = c
		}
	}
	return best
}

// Live lists the connections that can be asked on now, the lines' first.
func (p *Pool) Live() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	return p.open(func(c *Conn) bool { return !p.demands || c.session.SignedOn() })
}

// open lists the lines' connections, and those that came in and fit.
func (p *Pool) open(fits func(*Conn) bool) (list []*Conn) {
	for _, l := range p.lines {
		if c := l.conn.Load(); c != nil {
			list = append(list, c)
		}
	}
	for c := range p.accepted {
		if fits(c) && c.ctx.Err() == nil && !c.draining.Load() {
			list = append(list, c)
		}
	}
	return list
}

// IsUp reports whether there is a connection to ask on.
func (p *Pool) IsUp() bool { return len(p.Live()) > 0 }

// WaitUp waits until there is a connection to ask on.
func (p *Pool) WaitUp(ctx context.Context) error {
	for !p.IsUp() {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", p.name, ErrDown)
		}
		sleep(ctx, 5*time.Millisecond)
	}
	return nil
}

// Drain asks no more, and lets what is under way on every connection end until
// ctx does. The lines are not dialled again, so that Run ends.
func (p *Pool) Drain(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.lines {
		l.stopped.Store(true)
	}
	conns := p.open(func(*Conn) bool { return true })
	p.mu.Unlock()
	drainAll(ctx, conns)
}

// join and leave are called by doors; a nil pool has no part in it.
func (p *Pool) join(c *Conn) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted[c] = struct{}{}
}

func (p *Pool) leave(c *Conn) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.accepted, c)
}
