package link

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// refusing answers what is throttled or comes while the connection drains with
// 91, and holds all else until release is closed.
func refusing(release <-chan struct{}) Handler {
	return func(ctx context.Context, in Inbound) *specs.Message {
		a := answerTo(in.Message)
		if in.Throttled || in.Draining {
			a.Set(fieldResponse, "91")
			return a
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return a
	}
}

func (p peer) wantResponse(trace int, response string) {
	p.Helper()
	m := p.readMessage()
	if want := echo(trace).Text(fieldTrace); m.Text(fieldTrace) != want || m.Text(fieldResponse) != response {
		p.Errorf("got %s with %s, want %s with %s", m.Text(fieldTrace), m.Text(fieldResponse), want, response)
	}
}

func TestConnectionsOfADoorAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		o := options(&log, answering)
		o.ConnectionsMax = 2
		g := newGate()
		serving(t, g, o)
		for n := range 2 {
			p := g.arrive(t)
			p.send(echo(n))
			p.wantResponse(n, "00")
		}
		g.arrive(t).wantEnd()
		log.wantWarnings(t, "door is full")
	})
}

// Where nothing is asked, what is beyond the requests handled at once waits in
// the socket.
func TestInFlightStopsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		o := options(io.Discard, refusing(release))
		o.InFlight = 2
		c, far := begin(t, t.Context(), o)
		for n := range 3 {
			far.send(echo(n))
		}
		synctest.Wait()
		if n := c.handling.Load(); n != 3 { // two are handled, one was read and waits
			t.Errorf("%d were read", n)
		}
		close(release)
		for range 3 {
			if m := far.readMessage(); m.Text(fieldResponse) != "00" {
				t.Errorf("%s is answered with %s", m.Text(fieldTrace), m.Text(fieldResponse))
			}
		}
	})
}

// A connection that is asked on is read whatever its handlers wait for: they
// may wait for an answer on it.
func TestInFlightOfAConnectionThatIsAskedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, nil)
		o.InFlight, o.sheds = 2, true
		var c *Conn
		o.Handle = func(ctx context.Context, in Inbound) *specs.Message {
			a := answerTo(in.Message)
			if in.Throttled {
				a.Set(fieldResponse, "91")
				return a
			}
			question := echo(900)
			question.Set(fieldTrace, "9"+in.Message.Text(fieldTrace)[1:])
			if _, err := c.Ask(ctx, question); err != nil {
				t.Errorf("asking on the connection that is handled: %v", err)
			}
			return a
		}
		c, far := begin(t, t.Context(), o)
		var questions []*specs.Message
		for n := range 2 {
			far.send(echo(n))
			questions = append(questions, far.readMessage())
		}
		far.send(echo(2))
		far.wantResponse(2, "91")
		for n := range 2 {
			far.send(answerTo(questions[n]))
			far.wantResponse(n, "00")
		}
	})
}

func TestRequestsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		close(release)
		o := options(io.Discard, refusing(release))
		o.RequestsPerSecond = 3
		g := newGate()
		serving(t, g, o)
		one, other := g.arrive(t), g.arrive(t)
		for n := range 3 {
			one.send(echo(n))
			one.wantResponse(n, "00")
		}
		other.send(echo(3)) // the limit is of the door, not of the connection
		other.wantResponse(3, "91")
		time.Sleep(time.Second/3 + time.Millisecond)
		other.send(echo(4))
		other.wantResponse(4, "00")
		one.send(echo(5))
		one.wantResponse(5, "91")
		time.Sleep(time.Minute) // a long pause allows no more than a second's
		for n := 6; n < 9; n++ {
			one.send(echo(n))
			one.wantResponse(n, "00")
		}
		one.send(echo(9))
		one.wantResponse(9, "91")
	})
}

func TestTimeoutsOfAStation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, refusing(nil))
		o.IdleTimeout, o.AnswerTimeout = time.Minute, 7*time.Second
		c, far := begin(t, t.Context(), o)
		began := time.Now()
		far.send(echo(1)) // its handler waits until its time is over
		far.readMessage()
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("a handler had %v", took)
		}
		began = time.Now()
		done := asking(t.Context(), c, echo(2))
		far.readMessage()
		if a := <-done; !errors.Is(a.err, context.DeadlineExceeded) || time.Since(began) != 7*time.Second {
			t.Errorf("the wait for an answer ended after %v with %v", time.Since(began), a.err)
		}
		<-c.Done()
		if took := time.Since(began); took != time.Minute-7*time.Second { // the peer's last byte was its echo
			t.Errorf("closed %v after the question", took)
		}
	})
}

// What is cut off after 5 s where nothing is said is cut off sooner here.
func TestTimesOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, answering)
		o.Times = Times{Frame: time.Second, Write: 2 * time.Second, Rest: 3 * time.Second}
		began := time.Now()
		slow, begins := begin(t, t.Context(), o)
		begins.write([]byte{0x00})
		<-slow.Done()
		if took := time.Since(began); took != time.Second {
			t.Errorf("half a frame had %v", took)
		}
		began = time.Now()
		deaf, asks := begin(t, t.Context(), o)
		asks.send(echo(1))
		<-deaf.Done()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("a write had %v", took)
		}
		rests, asks := begin(t, t.Context(), o)
		asks.send(echo(2))
		asks.readMessage()
		if n := resting(rests.opts.crew); n != 1 {
			t.Errorf("%d rest", n)
		}
		time.Sleep(2*3*time.Second - time.Millisecond) // needed by nobody since the first look
		if n := resting(rests.opts.crew); n != 1 {
			t.Errorf("%d rest before their time is over", n)
		}
		time.Sleep(time.Millisecond)
		if n := resting(rests.opts.crew); n != 0 {
			t.Errorf("%d rest for ever", n)
		}
	})
}

func TestSessionOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []bool
		o := options(io.Discard, func(_ context.Context, in Inbound) *specs.Message {
			seen = append(seen, in.Session.SignedOn())
			in.Session.Set(!in.Session.SignedOn())
			return answerTo(in.Message)
		})
		g := newGate()
		serving(t, g, o)
		one, other := g.arrive(t), g.arrive(t)
		for n, p := range []peer{one, other, one, one} {
			p.send(echo(n))
			p.wantResponse(n, "00")
		}
		if want := []bool{false, false, true, false}; !equal(seen, want) {
			t.Errorf("signed on: %v, want %v", seen, want)
		}
	})
	if (*Session)(nil).SignedOn() {
		t.Error("no session is signed on")
	}
}

func equal(a, b []bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestDrainLetsWhatIsUnderWayEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		g := newGate()
		s := NewServer(g, options(io.Discard, refusing(release)))
		ended := make(chan error, 1)
		go func() { ended <- s.Run(t.Context()) }()
		idle, busy := g.arrive(t), g.arrive(t)
		busy.send(echo(1))
		synctest.Wait()
		drained := make(chan struct{})
		go func() {
			s.Drain(t.Context())
			close(drained)
		}()
		idle.wantEnd()
		busy.send(echo(2))
		busy.wantResponse(2, "91")
		select {
		case <-drained:
			t.Error("drained with a request under way")
		default:
		}
		close(release)
		busy.wantResponse(1, "00")
		busy.wantEnd()
		<-drained
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// An answer that was given is delivered before the connection ends.
func TestDrainWaitsForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := begin(t, t.Context(), options(io.Discard, answering))
		far.send(echo(1))
		synctest.Wait()
		drained := make(chan struct{})
		go func() {
			c.Drain(t.Context())
			close(drained)
		}()
		time.Sleep(writeTimeout - time.Millisecond)
		far.wantResponse(1, "00")
		<-drained
	})
}

func TestDrainHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := begin(t, t.Context(), options(io.Discard, refusing(nil)))
		far.send(echo(1))
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Drain(ctx)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// New connections have the new options while those before them drain.
func TestChangeOfADoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		g := newGate()
		s := NewServer(g, options(io.Discard, refusing(release)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		before := g.arrive(t)
		before.send(echo(1))
		synctest.Wait()
		go s.Change(options(io.Discard, answering))(t.Context())
		synctest.Wait()
		after := g.arrive(t)
		after.send(echo(2))
		after.wantResponse(2, "00")
		close(release)
		before.wantResponse(1, "00")
		before.wantEnd()
		after.send(echo(3))
		after.wantResponse(3, "00")
		cancel()
		<-ended
		after.wantEnd()
	})
}

// A peer with a short idle time is asked whether it is there in the half of it.
func TestIdlePingOfAShortIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		o := options(io.Discard, silent)
		o.IdleTimeout = 20 * time.Second
		pinged := make(chan struct{}, 16)
		c, err := newConn(t.Context(), near, o, func(*Conn) { pinged <- struct{}{} })
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-pinged
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("pinged after %v", took)
		}
		_ = far.Close()
		c.Close()
	})
}
