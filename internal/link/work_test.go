package link

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/specs"
)

// All connections of a door together have workersPerDoor requests handled at
// once; one more waits until one of them ends.
func TestWorkersOfADoorAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under atomic.Int32
		release := make(chan struct{}, workersPerDoor+1)
		g := newGate()
		serving(t, g, options(io.Discard, func(_ context.Context, in Inbound) *specs.Message {
			under.Add(1)
			defer under.Add(-1)
			<-release
			return answerTo(in.Message)
		}))
		const each = workersPerDoor / 4 // of a connection: fewer than it may have
		var peers []peer
		for n := range workersPerDoor / each {
			p := g.arrive(t)
			peers = append(peers, p)
			for i := range each {
				p.send(echo(n*each + i))
			}
		}
		synctest.Wait()
		if n := under.Load(); n != workersPerDoor {
			t.Errorf("%d are handled, the limit is %d", n, workersPerDoor)
		}
		last := g.arrive(t)
		last.send(echo(workersPerDoor))
		synctest.Wait()
		if n := under.Load(); n != workersPerDoor {
			t.Errorf("with one past it, %d are handled", n)
		}
		for range workersPerDoor + 1 {
			release <- struct{}{}
		}
		for _, p := range peers {
			for range each {
				p.readMessage()
			}
		}
		last.wantResponse(workersPerDoor, "00")
	})
}

// A peer that does not take what is written to it is told of, once.
func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		var troubles []string
		o := options(&log, answering)
		o.Trouble = func(why string) { troubles = append(troubles, why) }
		c, far := begin(t, t.Context(), o)
		far.send(echo(1))
		<-c.Done()
		synctest.Wait()
		log.wantWarnings(t, NotReading+", connection closed")
		if len(troubles) != 1 || troubles[0] != NotReading {
			t.Errorf("told of %v", troubles)
		}
	})
}

// A peer that is gone is told of, once, though its connection's reader is at work
// and has not seen it.
func TestPeerThatIsGone(t *testing.T) {
	noLeaks(t)
	var log logbook
	release := make(chan struct{})
	o := options(&log, func(_ context.Context, in Inbound) *specs.Message {
		<-release
		return answerTo(in.Message)
	})
	o.InFlight = 1
	c, far := beginLoopback(t, o)
	for n := range 3 { // one is handled, one waits with the reader, one is read no more
		far.send(echo(n))
	}
	for c.handling.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := far.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = far.Conn.Close()
	release <- struct{}{}
	got(t, c.Done(), "the connection's end")
	close(release)
	c.Close()
	lines := slices.DeleteFunc(log.messages(zerolog.InfoLevel), func(s string) bool { return s == "answer not delivered" })
	if !slices.Equal(lines, []string{"connection lost"}) {
		t.Errorf("the log says %q", lines)
	}
}

// A peer that is given up hears of it: nothing is kept for it.
func TestAbandonedPeerIsReset(t *testing.T) {
	noLeaks(t)
	c, far := beginLoopback(t, options(io.Discard, answering))
	c.abandon()
	c.Close()
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("it reads %v", err)
	}
}

// A door that was shut takes nobody, and serves whom it has until it is drained.
func TestShutDoor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(l, options(io.Discard, answering))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	far, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	p := peer{t, far}
	p.send(echo(1))
	p.wantResponse(1, "00")
	s.Shut()
	if c, err := net.Dial("tcp", s.Address()); err == nil {
		_ = c.Close()
		t.Error("a shut door lets somebody in")
	}
	p.send(echo(2))
	p.wantResponse(2, "00")
	select {
	case <-ended:
		t.Error("Run ended before the drain")
	default:
	}
	s.Drain(t.Context())
	p.wantEnd()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
