package load

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

func TestSchedule(t *testing.T) {
	s := Plan{Rate: 200, Duration: 2 * time.Second, Steps: 1}.Schedule()
	if s.Total() != 400 {
		t.Errorf("200 a second for 2 s are %d", s.Total())
	}
	for n, want := range map[uint64]time.Duration{0: 0, 1: 5 * time.Millisecond, 200: time.Second, 399: 1995 * time.Millisecond} {
		if at, ok := s.At(n); !ok || at != want {
			t.Errorf("number %d starts at %v, %v, not at %v", n, at, ok, want)
		}
	}
	if _, ok := s.At(400); ok {
		t.Error("number 400 is past the end")
	}
}

// In steps the rate grows evenly, and no step takes from the next.
func TestSteps(t *testing.T) {
	s := Plan{Rate: 400, Duration: 4 * time.Second, Steps: 4}.Schedule()
	counts, last := make([]int, 4), time.Duration(-1)
	for n := range s.Total() {
		at, ok := s.At(n)
		if !ok || at <= last || at >= 4*time.Second {
			t.Fatalf("number %d starts at %v after %v", n, at, last)
		}
		counts[s.StepOf(at)]++
		last = at
	}
	for step, count := range counts {
		if want := 100 * (step + 1); count != want || math.Abs(s.RateAt(step)-float64(want)) > 0.001 {
			t.Errorf("step %d has %d requests at %.1f a second, not %d", step, count, s.RateAt(step), want)
		}
	}
	if s.StepOf(-time.Second) != 0 || s.StepOf(time.Hour) != 3 {
		t.Error("a time outside all steps belongs to the nearest")
	}
}

// Requests start as the schedule says, whether answers come or not.
func TestTheLoadIsOpen(t *testing.T) {
	for name, script := range map[string]func(*fake, int, messages.Message, *specs.Message){
		"answered": nil,
		"ignored":  func(*fake, int, messages.Message, *specs.Message) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var arrivals []time.Time
				f := &fake{t: t, script: script, arrived: func(int) {
					mu.Lock()
					defer mu.Unlock()
					arrivals = append(arrivals, time.Now())
				}}
				p := Plan{Mix: Mix{{Echo, 1}}, Rate: 100, Duration: time.Second, InFlight: 100, Connections: 2}
				began := time.Now()
				f.play(t, p)
				mu.Lock()
				defer mu.Unlock()
				if len(arrivals) != 100 {
					t.Fatalf("%d requests arrived, not 100", len(arrivals))
				}
				for n, at := range arrivals {
					if want, _ := p.Schedule().At(uint64(n)); at.Sub(began) != want {
						t.Fatalf("number %d arrived %v after the beginning, not %v", n, at.Sub(began), want)
					}
				}
			})
		})
	}
}

// A gateway that stalls for two seconds makes two hundred requests late, not
// one: they count from when they should have started.
func TestAStallIsNotOmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: func(f *fake, n int, _ messages.Message, answer *specs.Message) {
			if n == 100 {
				time.Sleep(2 * time.Second) // virtual time: the gateway reads nothing meanwhile
			}
			f.send(answer)
		}}
		got := f.play(t, Plan{Mix: Mix{{Echo, 1}}, Rate: 100, Duration: 4 * time.Second, InFlight: 1, Connections: 1, Timeout: 5 * time.Second})
		k := got.Kinds[0]
		if k.Answered != 400 || got.Oracle.Sum() != 0 {
			t.Fatalf("%d answers, %+v", k.Answered, got.Oracle)
		}
		// Numbers 100 to 299 should have started in the stall, and waited for its end.
		for _, c := range []struct {
			name      string
			got, want float64 // ms
		}{
			{"p50", k.Latency.P50, 0},
			{"p90", k.Latency.P90, 1600},
			{"p99", k.Latency.P99, 1960},
			{"max", k.Latency.Max, 2000},
			{"p50 once sent", k.Service.P50, 0},
			{"p99 once sent", k.Service.P99, 0},
			{"max once sent", k.Service.Max, 2000},
		} {
			if math.Abs(c.got-c.want) > 20 { // two requests
				t.Errorf("%s is %.1f ms, not %.0f", c.name, c.got, c.want)
			}
		}
	})
}

// Requests that never start, for want of a place, count with their wait.
func TestUnsentRequestsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: func(f *fake, _ int, _ messages.Message, answer *specs.Message) {
			time.Sleep(100 * time.Millisecond) // virtual time: ten a second is all it can
			f.send(answer)
		}}
		got := f.play(t, Plan{Mix: Mix{{Echo, 1}}, Rate: 100, Duration: 2 * time.Second, InFlight: 1, Connections: 1})
		k := got.Kinds[0]
		if k.Sent != 30 || k.Unsent != 170 || got.Unsent != 170 || got.DurationMS < 2900 || got.PerSecond > 10.4 {
			t.Fatalf("%d sent and %d unsent of 200, in %.0f ms", k.Sent, k.Unsent, got.DurationMS)
		}
		// The last may start at 3 s. The 30th should have at 0.29 s and was
		// answered at 3.0 s; the one behind it had waited for 2.7 s by then.
		if k.Latency.P50 < 1700 || k.Latency.P50 > 1900 || k.Latency.Max < 2700 || k.Latency.Max > 2730 || k.Service.Max > 101 {
			t.Errorf("latency %+v, once sent %+v", k.Latency, k.Service)
		}
	})
}

// At rate max another request follows each answer, until the time is over.
func TestMaxFollowsTheAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		under, most := 0, 0
		f := &fake{t: t, script: func(f *fake, _ int, _ messages.Message, answer *specs.Message) {
			mu.Lock()
			under++
			most = max(most, under)
			mu.Unlock()
			time.AfterFunc(100*time.Millisecond, func() {
				mu.Lock()
				under--
				mu.Unlock()
				f.send(answer)
			})
		}}
		got := f.play(t, Plan{Mix: Mix{{Echo, 1}}, Duration: time.Second, InFlight: 8, Connections: 1})
		if got.Sent != 80 || most != 8 || got.Unsent != 0 {
			t.Errorf("%d sent, %d at once, %d unsent", got.Sent, most, got.Unsent)
		}
	})
}
