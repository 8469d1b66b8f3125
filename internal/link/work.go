package link

import (
	"runtime"

	"github.com/firsttap/firsttap/specs"
)

// work hands a question to a worker. When all are busy the reading stops, and
// with it the peer: a handler must not ask on such a connection. On one that is
// made to be asked on, a question beyond those is refused in place, so that the
// answers that the workers wait for are always read.
func (c *Conn) work(h specs.Header, in Inbound) {
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
	c.opts.crew.take(job{c, h, in})
	if c.turn++; c.turn%turnRequests == 0 {
		runtime.Gosched() // lets the workers run before more is read: a flood must not fill the run queue before others
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
