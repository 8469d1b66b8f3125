package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// deadline is a context with a deadline that makes its timer when it is first
// asked for more than that. Most requests end without having looked.
type deadline struct {
	parent context.Context
	at     time.Time

	once   sync.Once
	made   context.Context
	cancel context.CancelFunc
}

func newDeadline(parent context.Context, wait time.Duration) *deadline {
	return &deadline{parent: parent, at: time.Now().Add(wait)}
}

func (d *deadline) context() context.Context {
	d.once.Do(func() { d.made, d.cancel = context.WithDeadline(d.parent, d.at) })
	return d.made
}

// end cancels it, also for who asks from now on.
func (d *deadline) end() {
	d.once.Do(func() { d.made, d.cancel = ended, func() {} })
	d.cancel()
}

var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }
func (d *deadline) Done() <-chan struct{}       { return d.context().Done() }
func (d *deadline) Err() error                  { return d.context().Err() }
func (d *deadline) Value(key any) any           { return d.context().Value(key) }

// timedSocket gives every read and write its deadline, which
// iso8583-connection does not. Only the reading goroutine may call Read, begin
// and end.
type timedSocket struct {
	net.Conn
	idle  time.Duration // that a read may wait between frames
	times Times

	inFrame bool
	due     time.Time     // of the frame that has begun and had to wait; zero otherwise
	waited  time.Duration // in reads, since it was last set to 0
}

// begin says that a frame's first byte was read, end that its last was.
func (s *timedSocket) begin() { s.inFrame = true }
func (s *timedSocket) end()   { s.inFrame, s.due = false, time.Time{} }

func (s *timedSocket) Read(b []byte) (int, error) {
	began, due := time.Now(), s.due
	switch {
	case !s.inFrame:
		due = began.Add(s.idle)
	case due.IsZero():
		due = began.Add(s.times.Frame)
		s.due = due
	}
	_ = s.SetReadDeadline(due) // fails on a closed socket, and the read says so
	n, err := s.Conn.Read(b)
	s.waited += time.Since(began)
	return n, err
}

func (s *timedSocket) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(s.times.Write)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}
