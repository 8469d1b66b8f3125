package link

import (
	"net"
	"time"
)

// timedSocket gives every read and write its deadline, which
// iso8583-connection does not. Only the reading goroutine may call Read, begin
// and end.
type timedSocket struct {
	net.Conn
	idle  time.Duration // that a read may wait between frames
	times Times

	inFrame bool
	due     time.Time // of the frame that has begun and had to wait; zero otherwise
}

// begin says that a frame's first byte was read, end that its last was.
func (s *timedSocket) begin() { s.inFrame = true }
func (s *timedSocket) end()   { s.inFrame, s.due = false, time.Time{} }

func (s *timedSocket) Read(b []byte) (int, error) {
	due := s.due
	switch {
	case !s.inFrame:
		due = time.Now().Add(s.idle)
	case due.IsZero():
		due = time.Now().Add(s.times.Frame)
		s.due = due
	}
	_ = s.SetReadDeadline(due) // fails on a closed socket, and the read says so
	return s.Conn.Read(b)
}

func (s *timedSocket) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(s.times.Write)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}
