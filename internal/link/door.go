package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// Serve accepts connections on l until ctx ends, then closes l and every
// connection and returns nil. A door that is full closes a further connection
// at once; accept errors that pass (out of file descriptors) are waited out.
func Serve(ctx context.Context, l net.Listener, opts Options) error {
	return NewServer(l, opts).Run(ctx)
}

// Server is a door whose options may change while it is open. Make one with
// NewServer.
type Server struct {
	listener net.Listener

	mu         sync.Mutex
	opts       Options
	conns      map[*Conn]struct{}
	handshakes int
	changes    int // how often opts were changed
	closing    bool
	gone       sync.WaitGroup // one per socket that was accepted

	drained chan struct{} // closed when Drain has ended
	once    sync.Once
}

// NewServer makes a door that opens with Run.
func NewServer(l net.Listener, opts Options) *Server {
	return &Server{listener: l, opts: opts.ofDoor(), conns: make(map[*Conn]struct{}), drained: make(chan struct{})}
}

// ofDoor makes options that all connections of a door share.
func (o Options) ofDoor() Options {
	o.sheds = o.sheds || o.Pool != nil
	return o.orDefault().shared()
}

// Run is Serve. It is called once.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	defer s.closeAll()
	backOff := acceptBackOffMin
	for {
		socket, err := s.listener.Accept()
		switch {
		case err == nil:
			backOff = acceptBackOffMin
			s.welcome(ctx, socket)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			s.awaitDrain(ctx)
			return nil
		default:
			opts := s.options()
			opts.Log.Warn().Str("station", opts.Name).Err(err).Dur("wait_ms", backOff).Msg("cannot accept")
			sleep(ctx, backOff)
			backOff = min(2*backOff, acceptBackOffMax)
		}
	}
}

// Address is where the door listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Connections lists the connections of the door that are open.
func (s *Server) Connections() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// Change gives the door other options, for connections that come from now on.
// Drain, to be called once, lets those that it has end, as Conn.Drain does.
func (s *Server) Change(opts Options) (drain func(ctx context.Context)) {
	s.mu.Lock()
	s.opts = opts.ofDoor()
	s.changes++
	s.mu.Unlock()
	before := s.Connections()
	return func(ctx context.Context) { drainAll(ctx, before) }
}

// Shut closes the door for new connections, and leaves those that it has. Run
// goes on until Drain has ended.
func (s *Server) Shut() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	_ = s.listener.Close()
}

// Drain shuts the door, and drains the connections that it has until ctx ends.
// Run returns then.
func (s *Server) Drain(ctx context.Context) {
	s.Shut()
	drainAll(ctx, s.Connections())
	s.once.Do(func() { close(s.drained) })
}

// awaitDrain waits for the end of a door that was shut on purpose.
func (s *Server) awaitDrain(ctx context.Context) {
	s.mu.Lock()
	shut := s.closing
	s.mu.Unlock()
	if !shut {
		return
	}
	select {
	case <-s.drained:
	case <-ctx.Done():
	}
}

func drainAll(ctx context.Context, conns []*Conn) {
	for _, c := range conns {
		c.draining.Store(true) // all of them, before the first is closed
	}
	var draining sync.WaitGroup
	for _, c := range conns {
		draining.Go(func() { c.Drain(ctx) })
	}
	draining.Wait()
}

func (s *Server) options() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts
}

// welcome gives a socket a place at the door, after its handshake where there
// is one to be had.
func (s *Server) welcome(ctx context.Context, socket net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full() {
		_ = socket.Close()
		return
	}
	if s.opts.TLS == nil {
		s.seat(ctx, socket, s.opts)
		return
	}
	if s.handshakes >= handshakesMax {
		s.opts.Log.Warn().Str("station", s.opts.Name).Int("handshakes", handshakesMax).Msg("too many handshakes at once")
		_ = socket.Close()
		return
	}
	s.handshakes++
	opts, changes := s.opts, s.changes
	s.gone.Go(func() { s.shake(ctx, socket, opts, changes) })
}

// full reports, and logs, that there is no place. The lock is held.
func (s *Server) full() bool {
	if s.closing {
		return true
	}
	if len(s.conns) < s.opts.ConnectionsMax {
		return false
	}
	s.opts.Log.Warn().Str("station", s.opts.Name).Int("connections", s.opts.ConnectionsMax).Msg("door is full")
	return true
}

// shake does a handshake, in a time of its own, and then seeks a place.
func (s *Server) shake(ctx context.Context, socket net.Conn, opts Options, changes int) {
	secured, err := secure(ctx, socket, opts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handshakes--
	if err != nil {
		opts.Log.Warn().Str("station", opts.Name).Str("remote", socket.RemoteAddr().String()).Err(err).Msg("connection refused")
		_ = socket.Close()
		return
	}
	if s.full() || s.changes != changes || ctx.Err() != nil {
		_ = socket.Close()
		return
	}
	s.seat(ctx, secured, opts)
}

func secure(ctx context.Context, socket net.Conn, opts Options) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.Times.Handshake)
	defer cancel()
	secured := tls.Server(socket, opts.TLS)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if opts.Admit != nil {
		return secured, opts.Admit(secured.ConnectionState())
	}
	return secured, nil
}

// seat makes a socket a connection of the door. The lock is held.
func (s *Server) seat(ctx context.Context, socket net.Conn, opts Options) {
	c, err := newConn(ctx, socket, opts, nil)
	if err != nil {
		opts.Log.Error().Str("station", opts.Name).Err(err).Msg("cannot serve a connection")
		_ = socket.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.gone.Add(1)
	context.AfterFunc(c.ctx, func() {
		defer s.gone.Done()
		opts.Pool.leave(c)
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

func (s *Server) closeAll() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	for _, c := range s.Connections() {
		c.cancel()
	}
	s.gone.Wait()
}

// Dial connects once; the connection ends with ctx. A nil config is plain TCP.
func Dial(ctx context.Context, addr string, config *tls.Config, opts Options) (*Conn, error) {
	return dial(ctx, addr, config, opts, nil)
}

func dial(ctx context.Context, addr string, config *tls.Config, opts Options, ping func(*Conn)) (*Conn, error) {
	dialing, cancel := context.WithTimeout(ctx, opts.Times.orDefault().Dial)
	defer cancel()
	var socket net.Conn
	var err error
	if config == nil {
		socket, err = (&net.Dialer{}).DialContext(dialing, "tcp", addr)
	} else {
		socket, err = (&tls.Dialer{Config: config}).DialContext(dialing, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	return newConn(ctx, socket, opts, ping)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
