package phone

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Limits of the phone's door. A frame is a length of two bytes, big-endian,
// and one command or answer (ours).
const (
	ConnectionsMax = 8                // terminals that may queue for one phone
	IdleTimeout    = 30 * time.Second // for the next command; a host's answer may lie between two
	WriteTimeout   = 5 * time.Second  // for one answer to leave
	AnswerTimeout  = 10 * time.Second // for a remote card's answer where the context sets no earlier deadline
)

const lengthBytes = 2

// Errors of frames.
var (
	ErrFrame = errors.New("the length of a card frame is out of range")
	ErrGone  = errors.New("the card is gone")
)

// Serve answers terminals that connect to l until ctx ends, then closes l and
// every connection and returns nil. A failing listener gives its error.
func (p *Phone) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var terminals sync.WaitGroup
	defer terminals.Wait()
	defer cancel()
	places := make(chan struct{}, ConnectionsMax)
	for {
		conn, err := l.Accept()
		if err != nil {
			return endOf(ctx, err)
		}
		select {
		case places <- struct{}{}:
			terminals.Go(func() { p.serve(ctx, conn); <-places })
		default:
			conn.Close()
		}
	}
}

func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("accepting a terminal: %w", err)
}

// serve answers one terminal until it goes, sends a bad frame or is idle.
func (p *Phone) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	for {
		if conn.SetReadDeadline(time.Now().Add(IdleTimeout)) != nil {
			return
		}
		command, err := readFrame(conn, CommandBytesMax)
		if err != nil {
			return
		}
		if conn.SetWriteDeadline(time.Now().Add(WriteTimeout)) != nil {
			return
		}
		if writeFrame(conn, p.Transmit(command)) != nil {
			return
		}
	}
}

// Remote is a card behind a connection. It takes one command at a time, and
// is gone for good after a failed one, so that no answer meets the wrong
// command.
type Remote struct {
	mu   sync.Mutex
	conn net.Conn
	gone bool
}

// Dial reaches the phone that Serve offers at addr (host:port).
func Dial(ctx context.Context, addr string) (*Remote, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reaching the phone: %w", err)
	}
	return NewRemote(conn), nil
}

// NewRemote makes a card of a connection whose other end is a phone. The
// Remote owns conn from then on.
func NewRemote(conn net.Conn) *Remote { return &Remote{conn: conn} }

// Transmit sends one command and waits for its answer. It ends with ctx.
func (r *Remote) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil, ErrGone
	}
	answer, err := r.exchange(ctx, command)
	if err != nil {
		r.gone = true
		r.conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return answer, nil
}

// Close takes the phone away from the terminal.
func (r *Remote) Close() error { return r.conn.Close() }

func (r *Remote) exchange(ctx context.Context, command []byte) ([]byte, error) {
	if len(command) > CommandBytesMax {
		return nil, fmt.Errorf("%w: a command has at most %d bytes, not %d", ErrFrame, CommandBytesMax, len(command))
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { r.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := writeFrame(r.conn, command); err != nil {
		return nil, err
	}
	return readFrame(r.conn, AnswerBytesMax)
}

func readFrame(r io.Reader, bytesMax int) ([]byte, error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n == 0 || n > bytesMax {
		return nil, fmt.Errorf("%w: 1 to %d bytes, not %d", ErrFrame, bytesMax, n)
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, b []byte) error {
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, lengthBytes+len(b)), uint16(len(b)))
	_, err := w.Write(append(frame, b...))
	return err
}
