package link

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

func TestJitterStaysWithinItsBounds(t *testing.T) {
	for _, wait := range []time.Duration{redialBackOffMin, redialBackOffMax} {
		least := (&Line{Jitter: func() float64 { return 0 }}).jittered(wait)
		most := (&Line{Jitter: func() float64 { return 1 - 1e-9 }}).jittered(wait)
		if least != wait/2 || most >= wait || most < wait-time.Millisecond {
			t.Errorf("of %v: from %v to %v", wait, least, most)
		}
		for range 100 {
			if drawn := (&Line{}).jittered(wait); drawn < wait/2 || drawn >= wait {
				t.Errorf("of %v: %v", wait, drawn)
			}
		}
	}
}

// askers counts which connections of a host are asked.
type askers struct {
	mu    sync.Mutex
	asked map[*Session]int
}

func (a *askers) handle(_ context.Context, in Inbound) *specs.Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[*Session]int{}
	}
	a.asked[in.Session]++
	return answerTo(in.Message)
}

func poolOf(t *testing.T, addr string, lines int) *Pool {
	t.Helper()
	var list []*Line
	for range lines {
		list = append(list, &Line{Addr: addr, Options: options(t.Output(), silent)})
	}
	p := NewPool("issuer", true, list...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

func TestPoolAsksOnAllItsConnections(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	var host askers
	serving(t, l, options(t.Output(), host.handle))
	p := poolOf(t, l.Addr().String(), 3)
	until(t, "three connections", func() bool { return len(p.Live()) == 3 })
	for n := range 6 {
		if _, err := p.Ask(t.Context(), echo(n)); err != nil {
			t.Fatal(err)
		}
	}
	for session, n := range host.asked {
		if n != 2 {
			t.Errorf("%p was asked %d times", session, n)
		}
	}
	if len(host.asked) != 3 {
		t.Errorf("%d connections were asked", len(host.asked))
	}
}

// The connection with the fewest questions is asked.
func TestPoolPrefersIdleConnections(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	release := make(chan struct{})
	var held atomic.Int32
	serving(t, l, options(t.Output(), func(_ context.Context, in Inbound) *specs.Message {
		if held.Add(1) == 1 {
			<-release
		}
		return answerTo(in.Message)
	}))
	p := poolOf(t, l.Addr().String(), 2)
	until(t, "two connections", func() bool { return len(p.Live()) == 2 })
	waits := make(chan error, 1)
	go func() {
		_, err := p.Ask(context.Background(), echo(0))
		waits <- err
	}()
	until(t, "one waits", func() bool { return held.Load() == 1 })
	busy := 0
	for n := 1; n < 6; n++ {
		for _, c := range p.Live() {
			busy = max(busy, c.InFlight())
		}
		if c := p.pick(nil); c.InFlight() != 0 {
			t.Error("the busy connection is asked")
		}
	}
	if busy != 1 {
		t.Errorf("%d wait on one connection", busy)
	}
	close(release)
	if err := <-waits; err != nil {
		t.Error(err)
	}
}

func TestPoolOutlivesConnections(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	serving(t, l, options(t.Output(), answering))
	p := poolOf(t, l.Addr().String(), 3)
	until(t, "three connections", func() bool { return len(p.Live()) == 3 })
	for n, c := range p.Live()[:2] {
		c.Close()
		if _, err := p.Ask(t.Context(), echo(n)); err != nil {
			t.Errorf("after losing %d: %v", n+1, err)
		}
	}
	until(t, "three connections again", func() bool { return len(p.Live()) == 3 })
}

func TestPoolThatIsDownSaysSo(t *testing.T) {
	p := NewPool("issuer", false, &Line{})
	if _, err := p.Ask(t.Context(), echo(1)); !errors.Is(err, ErrDown) || p.IsUp() {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.WaitUp(ctx); !errors.Is(err, ErrDown) {
		t.Errorf("got %v", err)
	}
}

// No answer in time is told from nobody to ask.
func TestPoolTellsSilenceFromDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("issuer", false)
		o := options(io.Discard, silent)
		o.Pool = p
		g := newGate()
		serving(t, g, o)
		far := g.arrive(t)
		synctest.Wait() // it has a seat
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _, _ = framing.Read(far.Conn, nil) }()
		if _, err := p.Ask(ctx, echo(1)); errors.Is(err, ErrDown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no answer gives %v", err)
		}
		go func() {
			_, _ = framing.Read(far.Conn, nil)
			_ = far.Conn.Close()
		}()
		if _, err := p.Ask(t.Context(), echo(2)); errors.Is(err, ErrDown) || !errors.Is(err, ErrClosed) {
			t.Errorf("an end after the question gives %v", err)
		}
		synctest.Wait()
		if _, err := p.Ask(t.Context(), echo(3)); !errors.Is(err, ErrDown) {
			t.Errorf("nobody gives %v", err)
		}
	})
}

// Connections that come in are asked on once they have signed on, where that is
// demanded.
func TestConnectionsThatComeInJoinAPool(t *testing.T) {
	for _, demanded := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool("issuer", demanded)
			o := options(io.Discard, func(_ context.Context, in Inbound) *specs.Message {
				in.Session.Set(in.Message.Text(fieldCode) == "001")
				return answerTo(in.Message)
			})
			o.Pool = p
			g := newGate()
			serving(t, g, o)
			far := g.arrive(t)
			synctest.Wait()
			if p.IsUp() == demanded {
				t.Errorf("demanded %v: up %v before the sign-on", demanded, p.IsUp())
			}
			signOn := echo(1)
			signOn.Set(fieldCode, "001")
			far.send(signOn)
			far.wantResponse(1, "00")
			go func() { far.send(answerTo(far.readMessage())) }()
			if _, err := p.Ask(t.Context(), echo(2)); err != nil {
				t.Errorf("demanded %v: %v", demanded, err)
			}
			far.send(echo(3)) // signs off, as the handler has it
			far.wantResponse(3, "00")
			if p.IsUp() == demanded {
				t.Errorf("demanded %v: up %v after the sign-off", demanded, p.IsUp())
			}
			_ = far.Conn.Close()
			synctest.Wait()
			if p.IsUp() || len(p.accepted) > 0 {
				t.Error("a connection that ended is in the pool still")
			}
		})
	}
}

func TestDrainedPoolIsNotDialledAnew(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	var dialled atomic.Int32
	release := make(chan struct{})
	o := options(t.Output(), func(_ context.Context, in Inbound) *specs.Message {
		dialled.Add(1)
		<-release
		return answerTo(in.Message)
	})
	serving(t, l, o)
	p := NewPool("issuer", false, &Line{Addr: l.Addr().String(), Options: options(t.Output(), silent)})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(context.Background())
	}()
	until(t, "it is up", p.IsUp)
	waits := make(chan error, 1)
	go func() {
		_, err := p.Ask(context.Background(), echo(1))
		waits <- err
	}()
	until(t, "a question waits", func() bool { return dialled.Load() == 1 })
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		p.Drain(context.Background())
	}()
	until(t, "it asks no more", func() bool { return !p.IsUp() })
	if _, err := p.Ask(t.Context(), echo(2)); !errors.Is(err, ErrDown) {
		t.Errorf("while it drains: %v", err)
	}
	close(release)
	if err := got(t, waits, "the answer"); err != nil {
		t.Errorf("the question under way: %v", err)
	}
	got(t, drained, "the drain's end")
	got(t, ended, "the end of its lines")
}
