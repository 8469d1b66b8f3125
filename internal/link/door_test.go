package link

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a listener without a socket.
type gate struct {
	arrivals chan arrival
	closed   chan struct{}
	once     sync.Once
	asked    func() // called by each Accept
}

type arrival struct {
	conn net.Conn
	err  error
}

func newGate() *gate {
	return &gate{arrivals: make(chan arrival), closed: make(chan struct{}), asked: func() {}}
}

func (g *gate) Accept() (net.Conn, error) {
	g.asked()
	select {
	case a := <-g.arrivals:
		return a.conn, a.err
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return nil
}

func (g *gate) Addr() net.Addr { return &net.TCPAddr{} }

// arrive connects a peer.
func (g *gate) arrive(t testing.TB) peer {
	near, far := net.Pipe()
	g.arrivals <- arrival{conn: near}
	t.Cleanup(func() { _ = far.Close() })
	return peer{t, far}
}

// serving serves until the test's end.
func serving(t testing.TB, l net.Listener, opts Options) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, opts) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestServeAndDial(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	stop := serving(t, l, options(t.Output(), answering))
	c, err := Dial(t.Context(), l.Addr().String(), nil, options(t.Output(), silent))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a, err := c.Ask(t.Context(), echo(1)); err != nil || a.Text(fieldResponse) != "00" {
		t.Errorf("answer %v, %v", a, err)
	}
	stop()
	got(t, c.Done(), "the end of the connection")
	if _, err := Dial(t.Context(), l.Addr().String(), nil, options(t.Output(), silent)); err == nil {
		t.Error("the door is still open")
	}
}

func TestFullDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		g := newGate()
		stop := serving(t, g, options(&log, answering))
		var peers []peer
		for range connectionsMax {
			peers = append(peers, g.arrive(t))
		}
		synctest.Wait()
		log.wantWarnings(t)
		g.arrive(t).wantEnd()
		log.wantWarnings(t, "door is full")
		for _, one := range []int{0, connectionsMax - 1} {
			peers[one].send(echo(one))
			peers[one].readMessage()
		}

		_ = peers[0].Conn.Close()
		synctest.Wait()
		next := g.arrive(t)
		next.send(echo(1))
		next.readMessage()
		stop()
		for _, p := range peers[1:] {
			p.wantEnd()
		}
	})
}

func TestAcceptErrorsAreWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var waits []time.Duration
		last := time.Now()
		g.asked = func() {
			waits = append(waits, time.Since(last))
			last = time.Now()
		}
		serving(t, g, options(io.Discard, answering))
		for range 10 {
			g.arrivals <- arrival{err: syscall.EMFILE}
		}
		p := g.arrive(t)
		p.send(echo(1))
		p.readMessage()
		g.arrivals <- arrival{err: syscall.EMFILE} // after a success the waits begin anew
		g.arrive(t)
		want := []time.Duration{0}
		for wait := acceptBackOffMin; len(want) <= 10; wait *= 2 {
			want = append(want, min(wait, acceptBackOffMax))
		}
		want = append(want, 0, acceptBackOffMin, 0)
		synctest.Wait()
		if !slices.Equal(waits, want) {
			t.Errorf("waits are %v, not %v", waits, want)
		}
	})
}

func TestServeEndsWhileItWaitsOutAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		stop := serving(t, g, options(io.Discard, answering))
		for range 9 {
			g.arrivals <- arrival{err: syscall.EMFILE}
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestClosedListenerEndsServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		done := make(chan error, 1)
		go func() { done <- Serve(t.Context(), g, options(t.Output(), answering)) }()
		p := g.arrive(t)
		_ = g.Close()
		if err := <-done; err != nil {
			t.Errorf("serving ended with %v", err)
		}
		p.wantEnd()
	})
}

func TestDialNobody(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	addr := l.Addr().String()
	_ = l.Close()
	var refused *net.OpError
	if _, err := Dial(t.Context(), addr, nil, options(t.Output(), silent)); !errors.As(err, &refused) {
		t.Errorf("dialling nobody: %v", err)
	}
}
