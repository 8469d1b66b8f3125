package link

import (
	"context"
	"io"
	"slices"
	"strconv"
	"sync"
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
		o.crew = newCrew(Times{})
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
		o.crew = newCrew(Times{})
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
		o.crew = newCrew(Times{})
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

// subjectOf is the hundreds of a trace number.
func subjectOf(m *specs.Message) uint64 {
	n, _ := strconv.Atoi(m.Text(fieldTrace))
	return uint64(n / 100)
}

// Requests of one subject begin one after the other, when the one before was
// claimed or has ended, however it ended; others do not wait for them.
func TestOrderOfASubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var begun []string
		tell := map[string]chan string{}
		for _, trace := range []string{"000100", "000101", "000102", "000103", "000200", "000001", "000002"} {
			tell[trace] = make(chan string)
		}
		o := options(io.Discard, func(_ context.Context, in Inbound) *specs.Message {
			trace := in.Message.Text(fieldTrace)
			mu.Lock()
			begun = append(begun, trace)
			mu.Unlock()
			for what := range tell[trace] {
				switch what {
				case "claim":
					in.Claimed()
					in.Claimed() // again: nothing
				case "panic":
					panic("a fault of the handler")
				}
			}
			return answerTo(in.Message)
		})
		o.Subject = subjectOf
		c, far := begin(t, t.Context(), o)
		for _, n := range []int{100, 101, 102, 103, 200, 1, 2} {
			far.send(echo(n))
		}
		wantBegun := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(begun)
			if !slices.Equal(begun, want) {
				t.Errorf("begun have %v, want %v", begun, want)
			}
		}
		wantBegun("000001", "000002", "000100", "000200")
		tell["000100"] <- "claim"
		wantBegun("000001", "000002", "000100", "000101", "000200")
		close(tell["000101"]) // ends without having claimed
		if m := far.readMessage(); m.Text(fieldTrace) != "000101" {
			t.Errorf("%s is answered", m.Text(fieldTrace))
		}
		wantBegun("000001", "000002", "000100", "000101", "000102", "000200")
		tell["000102"] <- "panic"
		wantBegun("000001", "000002", "000100", "000101", "000102", "000103", "000200")
		for _, trace := range []string{"000100", "000103", "000200", "000001", "000002"} {
			close(tell[trace])
			far.readMessage()
		}
		synctest.Wait()
		if n := len(c.opts.order.behind); n != 0 {
			t.Errorf("%d subjects are remembered", n)
		}
	})
}

// Who waits behind another when the connection ends, ends.
func TestOrderOfASubjectWhenTheConnectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, refusing(nil))
		o.Subject = subjectOf
		c, far := begin(t, t.Context(), o)
		for n := range 3 {
			far.send(echo(100 + n))
		}
		synctest.Wait()
		c.Close() // waits for all of them
		if n := len(c.opts.order.behind); n != 0 {
			t.Errorf("%d subjects are remembered", n)
		}
	})
}

// A peer that does not read its answers holds up nobody who asks about the same
// subject on another connection of its door.
func TestOrderOfASubjectBesideAPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, answering)
		o.Subject = subjectOf
		o = o.shared()
		deaf, asks := begin(t, t.Context(), o)
		fillQueue(t, deaf)
		asks.send(echo(100))
		synctest.Wait()
		if n := deaf.handling.Load(); n != 1 {
			t.Fatalf("%d requests are handled: an answer found room", n)
		}
		_, other := begin(t, t.Context(), o)
		began := time.Now()
		other.send(echo(101))
		other.wantResponse(101, "00")
		if took := time.Since(began); took != 0 {
			t.Errorf("the other's answer came after %v", took)
		}
	})
}
