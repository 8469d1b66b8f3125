package link

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// resting is how many wait for work when all else is done.
func resting(w *crew) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.idle)
}

// A crew has as many as worked at once, whatever they have handled, and nobody
// once its connections have ended: synctest.Test would not end.
func TestCrewIsAsLargeAsItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var under atomic.Int32
		o := options(io.Discard, func(_ context.Context, in Inbound) *specs.Message {
			under.Add(1)
			defer under.Add(-1)
			<-release
			return answerTo(in.Message)
		})
		o.crew = new(crew)
		c, far := begin(t, t.Context(), o)
		const most = 3
		for round := range 5 {
			for n := range most {
				far.send(echo(round*most + n))
			}
			synctest.Wait()
			if n := under.Load(); n != most {
				t.Fatalf("round %d: %d are handled, not %d", round, n, most)
			}
			for range most {
				release <- struct{}{}
				far.readMessage()
			}
			if n := resting(o.crew); n != most {
				t.Errorf("round %d: %d rest, not %d", round, n, most)
			}
		}
		c.Close()
		if n := resting(o.crew); n != 0 {
			t.Errorf("%d rest at the end", n)
		}
	})
}

// Whom nobody needs goes home, and whoever is needed stays.
func TestCrewShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		o := options(io.Discard, refusing(release))
		o.crew = new(crew)
		_, far := begin(t, t.Context(), o)
		for n := range 3 {
			far.send(echo(n))
		}
		synctest.Wait()
		close(release)
		for range 3 {
			far.readMessage()
		}
		if n := resting(o.crew); n != 3 {
			t.Errorf("%d rest, not 3", n)
		}
		for n := range 6 { // one at a time
			time.Sleep(restTime / 2)
			far.send(echo(n))
			far.readMessage()
		}
		if n := resting(o.crew); n != 1 {
			t.Errorf("%d rest while one is needed", n)
		}
		time.Sleep(3 * restTime)
		if n := resting(o.crew); n != 0 {
			t.Errorf("%d rest while nobody is needed", n)
		}
	})
}

// Who works for a connection goes on working for the others.
func TestCrewOutlivesAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		serving(t, g, options(io.Discard, answering))
		first, second := g.arrive(t), g.arrive(t)
		for n := range 3 {
			first.send(echo(n))
			first.wantResponse(n, "00")
		}
		_ = first.Close()
		synctest.Wait()
		second.send(echo(9))
		second.wantResponse(9, "00")
	})
}

// A handler that panics takes nobody out of the crew.
func TestCrewSurvivesPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		o := options(&log, func(_ context.Context, in Inbound) *specs.Message {
			if in.Message.Text(fieldTrace) == "000001" {
				panic("on purpose")
			}
			return answerTo(in.Message)
		})
		o.crew = new(crew)
		_, far := begin(t, t.Context(), o)
		far.send(echo(1))
		synctest.Wait()
		far.send(echo(2))
		far.wantResponse(2, "00")
		if n := resting(o.crew); n != 1 {
			t.Errorf("%d rest, not the one that worked twice", n)
		}
		log.wantWarnings(t, "a handler panicked")
	})
}
