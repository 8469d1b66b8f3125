package siege_test

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// Bounds of what an attack from one station may make the whole process take,
// the attacker's own sockets included. The design's numbers.
const (
	goroutinesMax = 1000
	heapMax       = 64 << 20 // bytes
)

// Marks of an attack that is over.
const (
	goroutinesSlack = 16
	heapSlack       = 8 << 20 // bytes: pools, the log that is kept, the store's cache
)

// walls watch goroutines and memory while an attack is under way.
type walls struct {
	*town
	goroutines int
	heap       uint64

	mostGoroutines int // these two are the watcher's until unwatched returns
	mostHeap       uint64
	unwatched      func()
}

func newWalls(w *town) *walls { return &walls{town: w} }

// under runs an attack, wants the witness to be served while it is on, and all
// to be as before once it is over.
func (w *walls) under(attack func()) {
	w.Helper()
	w.witness.activated() // warms up what is made once
	w.goroutines, w.heap = runtime.NumGoroutine(), heapNow(true)
	w.watch()
	attack()
	w.served()
	w.unwatch()
	w.stand()
}

// served wants the witness to get tokens.
func (w *walls) served() {
	w.Helper()
	for range 5 {
		w.witness.activated()
	}
}

func (w *walls) watch() {
	w.mostGoroutines, w.mostHeap = 0, 0
	stopped, ended := make(chan struct{}), make(chan struct{})
	w.unwatched = sync.OnceFunc(func() {
		close(stopped)
		<-ended
	})
	w.Cleanup(w.unwatched)
	go func() {
		defer close(ended)
		look := time.NewTicker(2 * time.Millisecond)
		defer look.Stop()
		for {
			w.mostGoroutines = max(w.mostGoroutines, runtime.NumGoroutine())
			w.mostHeap = max(w.mostHeap, heapNow(false))
			select {
			case <-look.C:
			case <-stopped:
				return
			}
		}
	}()
}

func (w *walls) unwatch() {
	w.Helper()
	w.unwatched()
	grown := int64(w.mostHeap) - int64(w.heap)
	w.Logf("at most %d goroutines, and %.1f MB more than before", w.mostGoroutines, float64(grown)/(1<<20))
	if w.mostGoroutines > goroutinesMax {
		w.Errorf("%d goroutines, the bound is %d", w.mostGoroutines, goroutinesMax)
	}
	if grown > heapMax {
		w.Errorf("%d bytes more than before, the bound is %d", grown, heapMax)
	}
}

// stand wants goroutines and memory to be back to where they were.
func (w *walls) stand() {
	w.Helper()
	w.until("goroutines back to where they were", func() bool { return runtime.NumGoroutine() <= w.goroutines+goroutinesSlack })
	w.until("memory back to where it was", func() bool { return heapNow(true) <= w.heap+heapSlack })
}

// heapNow is the bytes of objects on the heap; collected first, only of those
// that live.
func heapNow(collected bool) uint64 {
	if collected {
		runtime.GC()
	}
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
