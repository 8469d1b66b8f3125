package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/specs"
)

// patience bounds every wait on a real socket; nothing should take as long.
const patience = 10 * time.Second

var (
	codec      = specs.VisaStyleCodec()
	framing, _ = specs.FramingByName(specs.FramingVAP)

	fieldTransmitted = specs.P(7)
	fieldTrace       = specs.P(11)
	fieldResponse    = specs.P(39)
	fieldCode        = specs.P(70)
)

// noLeaks fails a test that leaves a goroutine behind. Call it first.
func noLeaks(t testing.TB) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// echo is a question, the n-th of its connection.
func echo(n int) *specs.Message {
	m := specs.NewMessage("0800")
	m.Set(fieldTransmitted, "1122123456")
	m.Set(fieldTrace, fmt.Sprintf("%06d", n))
	m.Set(fieldCode, "301")
	return m
}

// answerTo is the answer to an echo.
func answerTo(m *specs.Message) *specs.Message {
	a := m.Clone()
	a.SetMTI("0810")
	a.Set(fieldResponse, "00")
	return a
}

func traceKey(m *specs.Message) string { return m.Text(fieldTrace) }

func answering(_ context.Context, in Inbound) *specs.Message { return answerTo(in.Message) }

func silent(context.Context, Inbound) *specs.Message { return nil }

func options(log io.Writer, handle Handler) Options {
	return Options{
		Name: "test", Codec: codec, Framing: framing, Key: traceKey, Handle: handle, Log: zerolog.New(log),
		Header: specs.Header{Destination: 200001, Source: 400000},
	}
}

// logbook keeps log events.
type logbook struct {
	mu     sync.Mutex
	events []string
}

func (b *logbook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, string(line))
	return len(line), nil
}

// messages lists what the events of a level and above say.
func (b *logbook) messages(level zerolog.Level) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, line := range b.events {
		var event struct {
			Level   zerolog.Level `json:"level"`
			Message string        `json:"message"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return []string{"not JSON: " + line}
		}
		if event.Level >= level {
			list = append(list, event.Message)
		}
	}
	return list
}

// wantWarnings wants exactly these events of level warn and above.
func (b *logbook) wantWarnings(t testing.TB, want ...string) {
	t.Helper()
	if got := b.messages(zerolog.WarnLevel); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("warnings are %q, not %q", got, want)
	}
}

// peer is the far end of a connection, played byte by byte.
type peer struct {
	testing.TB
	net.Conn
}

// begin takes the near end of a pipe and plays the far end.
func begin(t testing.TB, ctx context.Context, opts Options) (*Conn, peer) {
	t.Helper()
	near, far := net.Pipe()
	return beginOn(t, ctx, near, far, opts)
}

// beginLoopback does so with a real socket.
func beginLoopback(t testing.TB, opts Options) (*Conn, peer) {
	t.Helper()
	l := listen(t)
	dialled := make(chan net.Conn, 1)
	go func() {
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
		}
		dialled <- far
	}()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return beginOn(t, t.Context(), near, <-dialled, opts)
}

func beginOn(t testing.TB, ctx context.Context, near, far net.Conn, opts Options) (*Conn, peer) {
	t.Helper()
	c, err := newConn(ctx, near, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = far.Close()
		c.Close()
	})
	return c, peer{t, far}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (p peer) read() specs.Frame {
	p.Helper()
	frame, err := framing.Read(p.Conn, nil)
	if err != nil {
		p.Fatalf("the peer read no frame: %v", err)
	}
	return frame
}

func (p peer) readMessage() *specs.Message {
	p.Helper()
	m, err := codec.Parse(p.read().Body)
	if err != nil {
		p.Fatal(err)
	}
	return m
}

func (p peer) send(m *specs.Message) {
	p.Helper()
	body, err := codec.Append(nil, m)
	if err != nil {
		p.Fatal(err)
	}
	p.sendBody(specs.Header{Destination: 400000, Source: 200001}, body)
}

func (p peer) sendBody(h specs.Header, body []byte) {
	p.Helper()
	frame, err := framing.Append(nil, h, body)
	if err != nil {
		p.Fatal(err)
	}
	p.write(frame)
}

func (p peer) write(b []byte) {
	p.Helper()
	if _, err := p.Write(b); err != nil {
		p.Fatalf("the peer could not write: %v", err)
	}
}

// wantEnd wants the connection to be closed by the near end.
func (p peer) wantEnd() {
	p.Helper()
	if b, err := io.ReadAll(p.Conn); len(b) > 0 || errors.Is(err, context.DeadlineExceeded) {
		p.Errorf("the connection is not closed: %d bytes, %v", len(b), err)
	}
}

// badBody is an echo whose field 70 holds no digits.
func badBody(t testing.TB, m *specs.Message) []byte {
	t.Helper()
	body, err := codec.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(body, []byte{0x03, 0x01}) {
		t.Fatalf("an echo does not end with its code: %x", body)
	}
	body[len(body)-1] = 0xFF
	return body
}

// asked is what became of a question that asking asks.
type asked struct {
	answer *specs.Message
	err    error
}

// asking asks without waiting.
func asking(ctx context.Context, c *Conn, m *specs.Message) <-chan asked {
	done := make(chan asked, 1)
	go func() {
		answer, err := c.Ask(ctx, m)
		done <- asked{answer, err}
	}()
	return done
}

// got waits for something, but not for ever.
func got[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come within %v", what, patience)
		panic("not reached")
	}
}
