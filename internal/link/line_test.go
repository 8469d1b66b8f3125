package link

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// run runs a line until the test's end.
func (l *Line) begin(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func waitUp(t testing.TB, l *Line) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.WaitUp(ctx); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition that no channel tells of.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func TestLineComesBack(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	stop := serving(t, l, options(t.Output(), answering))
	var signedOn atomic.Int32
	line := &Line{
		Addr: l.Addr().String(), Options: options(t.Output(), silent),
		Up: func(ctx context.Context, c *Conn) error {
			_, err := c.Ask(ctx, echo(int(signedOn.Add(1))))
			return err
		},
	}
	if _, err := line.Ask(t.Context(), echo(1)); !errors.Is(err, ErrDown) {
		t.Errorf("before it runs: %v", err)
	}
	line.begin(t)
	waitUp(t, line)
	if a, err := line.Ask(t.Context(), echo(9)); err != nil || a.Text(fieldResponse) != "00" {
		t.Errorf("answer %v, %v", a, err)
	}

	stop()
	until(t, "the line goes down", func() bool { return !line.IsUp() })
	began := time.Now()
	if _, err := line.Ask(t.Context(), echo(10)); !errors.Is(err, ErrDown) {
		t.Errorf("while the peer is away: %v", err)
	}
	if took := time.Since(began); took > redialBackOffMin {
		t.Errorf("it took %v to say so", took)
	}

	again, err := net.Listen("tcp", line.Addr)
	if err != nil {
		t.Fatal(err)
	}
	serving(t, again, options(t.Output(), answering))
	waitUp(t, line)
	if _, err := line.Ask(t.Context(), echo(11)); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	if n := signedOn.Load(); n != 2 {
		t.Errorf("signed on %d times, not twice", n)
	}
}

func TestFailingSignOnClosesAndIsTriedAgain(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	var connections atomic.Int32
	serving(t, l, options(t.Output(), func(_ context.Context, in Inbound) *specs.Message {
		a := answerTo(in.Message)
		if connections.Add(1) <= 2 {
			a.Set(fieldResponse, "91")
		}
		return a
	}))
	refused := errors.New("refused")
	var failed []*Conn
	line := &Line{
		Addr: l.Addr().String(), Options: options(t.Output(), silent),
		Up: func(ctx context.Context, c *Conn) error {
			a, err := c.Ask(ctx, echo(1))
			if err == nil && a.Text(fieldResponse) != "00" {
				failed = append(failed, c)
				err = refused
			}
			return err
		},
	}
	line.begin(t)
	waitUp(t, line)
	if n := connections.Load(); n != 3 {
		t.Errorf("%d sign-ons, not 3", n)
	}
	for _, c := range failed {
		select {
		case <-c.Done():
		default:
			t.Error("a connection that is not signed on stays open")
		}
	}
}

func TestWaitUpGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Line{}).WaitUp(ctx); !errors.Is(err, ErrDown) {
		t.Errorf("it ended with %v", err)
	}
}
