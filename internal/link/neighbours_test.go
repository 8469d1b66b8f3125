package link

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/specs"
)

func TestWhoFloods(t *testing.T) {
	for name, test := range map[string]struct {
		asked  map[string]int64
		floods map[string]bool
	}{
		"alone":                 {map[string]int64{"loud": 1_000_000}, nil},
		"beside one that rests": {map[string]int64{"loud": 1_000_000, "quiet": 0}, nil},
		"as much as allowed":    {map[string]int64{"loud": 8*3 - 1, "quiet": 3}, nil},
		"one more":              {map[string]int64{"loud": 8 * 3, "quiet": 3}, map[string]bool{"loud": true}},
		"two and one":           {map[string]int64{"loud": 800, "louder": 80_000, "quiet": 100}, map[string]bool{"loud": true, "louder": true}},
		"beside the quietest":   {map[string]int64{"loud": 800, "between": 700, "quiet": 100}, map[string]bool{"loud": true}},
	} {
		t.Run(name, func(t *testing.T) {
			var all Neighbours
			for station, n := range test.asked {
				all.named(station).asked.Add(n)
			}
			now := time.Now()
			for station := range test.asked {
				if got := all.named(station).floods(now); got != test.floods[station] {
					t.Errorf("%s floods: %v", station, got)
				}
			}
		})
	}
}

// What was asked counts for a while, and is looked at ten times a second.
func TestWhoFloodsChanges(t *testing.T) {
	var all Neighbours
	loud, quiet := all.named("loud"), all.named("quiet")
	now := time.Now()
	look := func(after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		if loud.floods(now) != want {
			t.Errorf("floods: %v", !want)
		}
	}
	loud.asked.Add(1000)
	look(0, false)
	quiet.asks()
	look(lookEvery-1, false)
	look(1, true)
	for range looksKept - 1 {
		loud.asked.Add(1000)
		look(lookEvery, true)
	}
	loud.asked.Add(1000)
	look(lookEvery, false)
}

func TestNobodyBeside(t *testing.T) {
	var none *Neighbours
	n := none.named("a station")
	n.asks()
	if n.floods(time.Now()) {
		t.Error("a station without others floods")
	}
}

// beside are options of a station that floods, beside a quiet one.
func beside(log io.Writer, handle Handler) (Options, *Neighbours) {
	all := new(Neighbours)
	all.named("quiet").asks()
	o := options(log, handle)
	o.Neighbours = all
	return o, all
}

// Of the requests after the first turn 8 are at work; one that is claimed is
// that no more. A station without others has as many as its connection may.
func TestFloodIsHeldBack(t *testing.T) {
	for name, test := range map[string]struct {
		free  func(*Options) // not held back; nil where it is
		begin int64
	}{
		"beside another":  {nil, turnFrames + slotsMax},
		"alone":           {func(o *Options) { o.Neighbours = new(Neighbours) }, 64},
		"never held back": {func(o *Options) { o.NeverHeldBack = true }, 64},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log logbook
				var begun atomic.Int64
				claim, end := make(chan struct{}), make(chan struct{})
				o, _ := beside(&log, func(_ context.Context, in Inbound) *specs.Message {
					begun.Add(1)
					if n, _ := strconv.Atoi(in.Message.Text(fieldTrace)); n >= turnFrames {
						select {
						case <-claim:
							in.Claimed()
						case <-end:
						}
					}
					<-end
					return nil
				})
				if test.free != nil {
					test.free(&o)
				}
				_, far := begin(t, t.Context(), o)
				go func() {
					for n := range 64 {
						far.send(echo(n))
					}
				}()
				want := func(n int64) {
					t.Helper()
					time.Sleep(time.Second) // longer than any rest
					synctest.Wait()
					if got := begun.Load(); got != n {
						t.Errorf("%d have begun, not %d", got, n)
					}
				}
				want(test.begin)
				told := strings.Count(strings.Join(log.messages(zerolog.InfoLevel), "\n"), "held back")
				if told > 1 || (told == 1) != (test.free == nil) {
					t.Errorf("the log tells of it %d times", told)
				}
				if test.free == nil {
					claim <- struct{}{}
					want(test.begin + 1)
				}
				close(end)
				want(64)
			})
		})
	}
}

// Who asks eight times as much as another, and that is little, is not said to flood.
func TestTrickleIsNotToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		o, all := beside(&log, silent)
		c, far := begin(t, t.Context(), o)
		for n := range 4 * turnFrames {
			all.named("quiet").asked.Store(int64(n/turnFrames + 1))
			time.Sleep(10 * time.Millisecond)
			far.send(echo(n))
		}
		synctest.Wait()
		if lines := log.messages(zerolog.InfoLevel); !c.opts.neighbour.flood.Load() || len(lines) > 0 {
			t.Errorf("held back: %v; the log says %q", c.opts.neighbour.flood.Load(), lines)
		}
	})
}

// A turn that took a while is followed by a rest four times as long, and of 20 ms
// at most.
func TestFloodRests(t *testing.T) {
	for work, rest := range map[time.Duration]time.Duration{
		time.Millisecond: 4 * time.Millisecond, restMax / restTimes: restMax, restMax/restTimes + time.Microsecond: restMax,
	} {
		t.Run(work.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var mu sync.Mutex
				var at []time.Duration
				o, _ := beside(io.Discard, func(context.Context, Inbound) *specs.Message {
					mu.Lock()
					at = append(at, time.Since(began))
					mu.Unlock()
					time.Sleep(work)
					return nil
				})
				_, far := begin(t, t.Context(), o)
				for n := range 2*turnFrames + 1 {
					far.send(echo(n))
				}
				time.Sleep(time.Second)
				synctest.Wait()
				second, third := at[turnFrames+slotsMax], at[2*turnFrames]
				if second != work || third != work+rest {
					t.Errorf("the second turn went on after %v, the third began after %v", second, third)
				}
			})
		})
	}
}

// Connections of a station rest one after the other, and not when they have ended.
func TestRestsOfOneStation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := beside(io.Discard, silent)
		var list []*Conn
		for range 3 {
			c, _ := begin(t, t.Context(), o)
			list = append(list, c)
		}
		began := time.Now()
		var resting sync.WaitGroup
		var longest atomic.Int64
		for _, c := range list {
			resting.Go(func() {
				c.rest(10 * time.Millisecond)
				longest.Store(max(longest.Load(), int64(time.Since(began))))
			})
		}
		synctest.Wait()
		list[0].cancel() // it rests, or is about to
		resting.Wait()
		if got := time.Duration(longest.Load()); got != 20*time.Millisecond {
			t.Errorf("two rested for %v", got)
		}
	})
}

// An answer among what came is waited for: who reads it does not rest.
func TestAnswersAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, all := beside(io.Discard, silent)
		all.named(o.Name).asked.Add(1000)
		c, far := begin(t, t.Context(), o)
		all.named(o.Name).resting <- struct{}{} // nobody else can
		for n := range turnFrames {
			m := echo(n)
			if n == turnFrames/2 {
				m = answerTo(m)
			}
			far.send(m)
		}
		far.send(echo(turnFrames))
		synctest.Wait()
		if n := c.received.Load(); n != turnFrames+1 {
			t.Errorf("%d messages were read", n)
		}
		go func() {
			for n := range 2 * turnFrames {
				far.send(echo(n))
			}
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := c.received.Load(); n != 2*turnFrames {
			t.Errorf("without an answer among them, %d messages were read", n)
		}
		<-c.opts.neighbour.resting
		time.Sleep(time.Second)
		synctest.Wait()
		if n := c.received.Load(); n != 3*turnFrames+1 {
			t.Errorf("when the others have rested, %d messages were read", n)
		}
	})
}

// What is read whatever its handlers wait for waits for no slot.
func TestNoSlotWhereItIsAskedOn(t *testing.T) {
	n := new(Neighbours).named("an issuer")
	for sheds, want := range map[bool]chan struct{}{true: nil, false: n.slots} {
		c := &Conn{opts: Options{sheds: sheds, neighbour: n}, floods: true}
		if got := c.slot(); got != want {
			t.Errorf("sheds %v: %s", sheds, fmt.Sprint(got))
		}
	}
}
