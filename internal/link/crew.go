package link

import (
	"slices"
	"sync"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// crew is the goroutines that handle the requests of a door or pool. Who has
// handled one waits for the next, since its stack has grown to what a handler
// needs. There are never more than requests may be handled at once, and none
// after the last connection has ended.
type crew struct {
	restTime time.Duration

	mu    sync.Mutex
	conns int
	idle  []chan job  // the last to rest works first: its stack is still in the cache
	spare int         // of them, the first: those that nobody needed since the last look
	look  *time.Timer // runs while somebody rests
}

// job is a request to be handled.
type job struct {
	conn    *Conn
	header  specs.Header
	in      Inbound
	subject uint64        // see Options.Subject
	slot    chan struct{} // to be given back when it is claimed; see Neighbours
}

func newCrew(t Times) *crew { return &crew{restTime: t.orDefault().Rest} }

func (w *crew) join() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns++
}

func (w *crew) part() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns--; w.conns > 0 {
		return
	}
	w.dismiss(len(w.idle))
	if w.look != nil {
		w.look.Stop()
		w.look = nil
	}
}

// dismiss sends the first home. The lock is held.
func (w *crew) dismiss(count int) {
	for _, hand := range w.idle[:count] {
		close(hand)
	}
	w.idle = slices.Delete(w.idle, 0, count)
	w.spare = len(w.idle)
}

// thin sends home whom nobody needed for restTime.
func (w *crew) thin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.look == nil {
		return // the last connection has ended
	}
	w.dismiss(w.spare)
	if len(w.idle) == 0 {
		w.look = nil
		return
	}
	w.look.Reset(w.restTime)
}

// take gives a job to one that rests, or to a new one.
func (w *crew) take(j job) {
	hand := w.rested()
	if hand == nil {
		hand = make(chan job, 1)
		go w.work(hand)
	}
	hand <- j
}

func (w *crew) rested() (hand chan job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.idle) - 1; last >= 0 {
		hand, w.idle = w.idle[last], w.idle[:last]
		w.spare = min(w.spare, last)
	}
	return hand
}

func (w *crew) work(hand chan job) {
	for j := range hand {
		j.do()
		rests := w.rest(hand) // before its place is free: who takes that finds a hand, and there are no more than places
		j.end()
		if !rests {
			return
		}
	}
}

// rest reports whether there may be more work.
func (w *crew) rest(hand chan job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == 0 {
		return false
	}
	w.idle = append(w.idle, hand)
	if w.look == nil {
		w.look = time.AfterFunc(w.restTime, w.thin)
	}
	return true
}

func (j job) do() {
	defer j.conn.recovered()
	if j.subject != 0 || j.slot != nil {
		j.in.Claimed = sync.OnceFunc(j.claimed)
		defer j.in.Claimed()
	}
	j.conn.handle(j.header, j.in)
}

func (j job) claimed() {
	if j.slot != nil {
		<-j.slot
	}
	if j.subject == 0 {
		return
	}
	if next, ok := j.conn.opts.order.next(j.subject); ok {
		next.conn.opts.crew.take(next)
	}
}

func (j job) end() {
	j.conn.leave()
	j.conn.handling.Add(-1)
	j.conn.done.Done()
}

// order is who waits for whom: jobs of one subject begin one after the other. Who
// waits has a place of those that are handled at once, and no hand of the crew.
type order struct {
	mu     sync.Mutex
	behind map[uint64][]job // subjects of those that have begun, with who waits behind them
}

// begin reports whether a job may begin now; else next gives it when it may.
func (o *order) begin(j job) bool {
	if j.subject == 0 {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting, busy := o.behind[j.subject]
	if busy {
		waiting = append(waiting, j)
	}
	if o.behind == nil {
		o.behind = make(map[uint64][]job)
	}
	o.behind[j.subject] = waiting
	return !busy
}

// next gives the job that may begin in the place of one of its subject.
func (o *order) next(subject uint64) (next job, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting := o.behind[subject]
	if len(waiting) == 0 {
		delete(o.behind, subject)
		return job{}, false
	}
	o.behind[subject] = waiting[1:]
	return waiting[0], true
}
