package link

import (
	"sync"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// work hands a question to a worker. When all are busy the reading stops, and
// with it the peer: a handler must not ask on such a connection. On one that is
// made to be asked on, a question beyond those is refused in place, so that the
// answers that the workers wait for are always read.
func (c *Conn) work(h specs.Header, in Inbound) {
	c.turn.requests++
	c.opts.neighbour.asks()
	c.handling.Add(1) // before draining is looked at: what is taken is waited for
	in.Draining = c.draining.Load()
	in.Throttled = !c.opts.rate.take()
	if !c.enter(in) {
		in.Throttled = true // or the connection has ended, and nobody hears it
		defer c.handling.Add(-1)
		defer c.recovered()
		c.handle(h, in)
		return
	}
	c.done.Add(1)
	j := job{conn: c, header: h, in: in, slot: c.slot()}
	if c.opts.Subject != nil && in.Message != nil {
		j.subject = c.opts.Subject(in.Message)
	}
	if c.opts.order.begin(j) {
		c.opts.crew.take(j)
	}
}

// enter takes a worker's place, of the connection and of its door, and reports
// that there is none for a question that is to be refused.
func (c *Conn) enter(in Inbound) bool {
	shed := c.opts.sheds || in.Throttled
	if !c.sit(c.workers, shed) {
		return false
	}
	if c.opts.places != nil && !c.sit(c.opts.places, shed) {
		<-c.workers
		return false
	}
	return true
}

// sit takes a place, and waits for one unless what comes is to be shed.
func (c *Conn) sit(places chan struct{}, shed bool) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
	}
	if shed {
		return false
	}
	select {
	case places <- struct{}{}:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// leave gives back what enter took.
func (c *Conn) leave() {
	if c.opts.places != nil {
		<-c.opts.places
	}
	<-c.workers
}

// rate is a bucket that fills with a second's requests: a pause of a second
// allows a burst of as many. A nil rate allows everything.
type rate struct {
	perSecond float64
	mu        sync.Mutex
	left      float64
	filled    time.Time
}

func newRate(perSecond int) *rate {
	if perSecond <= 0 {
		return nil
	}
	return &rate{perSecond: float64(perSecond), left: float64(perSecond), filled: time.Now()}
}

// take takes one request out, and reports whether there was one.
func (r *rate) take() bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.left = min(r.perSecond, r.left+now.Sub(r.filled).Seconds()*r.perSecond)
	r.filled = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
