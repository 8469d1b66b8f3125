package link

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// Session is what a connection's peer has said about itself. It begins signed
// off, and ends with its connection.
type Session struct{ signedOn atomic.Bool }

// SignedOn reports whether the peer has signed on and not off again.
func (s *Session) SignedOn() bool { return s != nil && s.signedOn.Load() }

// Set says that the peer has signed on, or off.
func (s *Session) Set(signedOn bool) { s.signedOn.Store(signedOn) }

// Session is the connection's.
func (c *Conn) Session() *Session { return &c.session }

// InFlight is how many questions wait for their answers on the connection.
func (c *Conn) InFlight() int { return c.pending.len() }

// drainLook is how often a connection that drains is looked at (ours).
const drainLook = 5 * time.Millisecond

// Drain lets what is under way on the connection end, until ctx does, and then
// closes it. Requests that come meanwhile have Inbound.Draining.
func (c *Conn) Drain(ctx context.Context) {
	c.draining.Store(true)
	for !c.quiet() && ctx.Err() == nil && c.ctx.Err() == nil {
		sleep(ctx, drainLook)
	}
	c.Close()
}

// quiet reports that nothing is handled, waited for or about to be written.
func (c *Conn) quiet() bool {
	return c.handling.Load() == 0 && c.unsent.Load() == 0 && c.pending.len() == 0
}

// abandon has the connection end with a reset. What the peer did not take would
// else stay in the system for minutes, and the peer not hear of the end.
func (c *Conn) abandon() {
	socket := c.socket.Conn
	if secured, ok := socket.(*tls.Conn); ok {
		socket = secured.NetConn()
	}
	if t, ok := socket.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}
