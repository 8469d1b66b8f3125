package load

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/firsttap/firsttap/messages"
)

// Fault is a class of what must not happen to an answer.
type Fault int

// Classes of faults. Collisions are answers that say that two requests are one
// (39 = 94), or give what was given before: a transaction id (62.2) or a token.
const (
	Lost       Fault = iota // no answer came
	Late                    // it came after the time-out
	Doubled                 // it came again
	MixedUp                 // it is about another request
	Unasked                 // no request has its trace
	Unreadable              // it cannot be decoded
	Collision               // two requests are taken for one
	faults
)

// String is the fault's name in reports.
func (f Fault) String() string {
	return [faults]string{"lost", "late", "doubled", "mixed up", "unasked", "unreadable", "collisions"}[f]
}

// Tally counts faults, of all connections together. Its zero value is ready.
type Tally struct {
	counts [faults]atomic.Int64

	mu       sync.Mutex
	examples []string
}

// examplesMax is how many faults a report describes (ours): who has more has
// one cause, not many.
const examplesMax = 10

// Add counts a fault. what describes it without card data.
func (t *Tally) Add(f Fault, what string) {
	t.counts[f].Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.examples) < examplesMax {
		t.examples = append(t.examples, f.String()+": "+what)
	}
}

// Count is how often a fault was.
func (t *Tally) Count(f Fault) int64 { return t.counts[f].Load() }

// Sum is how many faults there were.
func (t *Tally) Sum() (n int64) {
	for f := range t.counts {
		n += t.counts[f].Load()
	}
	return n
}

// Examples describes the first faults.
func (t *Tally) Examples() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.examples...)
}

// pastMax is how many requests of a connection that wait no more are
// remembered, for telling an answer that is late or doubled from one that was
// never asked for (ours): those of some seconds.
const pastMax = 8192

// Oracle knows the requests of one connection and finds the one of an answer.
// It knows no socket, and may be used by many goroutines. Make one with
// NewOracle.
type Oracle struct {
	tally *Tally
	seed  maphash.Seed

	mu      sync.Mutex
	waiting map[string]*Question // by field 11
	past    *recent[pastState]
	closed  bool
}

// pastState is what became of a request.
type pastState byte

const (
	answered pastState = iota + 1
	expired
	lateAnswered
	withdrawn
)

// NewOracle makes an oracle that counts into tally.
func NewOracle(tally *Tally) *Oracle {
	return &Oracle{
		tally: tally, seed: maphash.MakeSeed(),
		waiting: make(map[string]*Question), past: newRecent[pastState](pastMax),
	}
}

// Sent registers a request before it leaves. It is false for one whose trace
// number another waits with, which must not be sent, and when the connection
// has ended.
func (o *Oracle) Sent(q *Question) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	if _, taken := o.waiting[q.Trace.STAN]; taken {
		o.tally.Add(Collision, fmt.Sprintf("trace number %s is under way already", q.Trace.STAN))
		return false
	}
	o.waiting[q.Trace.STAN] = q
	return true
}

// Answered finds the request of an answer and delivers it, or counts what is
// wrong: that nobody waits for it.
func (o *Oracle) Answered(a Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q, waits := o.waiting[a.Trace.STAN]
	if waits && q.fits(a.Trace) {
		o.take(q, a)
		return
	}
	switch mark := o.mark(a.Trace); o.past.at(mark) {
	case answered, lateAnswered:
		o.tally.Add(Doubled, about(a.Trace))
	case expired:
		o.past.put(mark, lateAnswered)
		o.tally.counts[Lost].Add(-1)
		o.tally.Add(Late, about(a.Trace))
	case withdrawn:
	default:
		if waits {
			o.take(q, a) // Check says what differs
			return
		}
		o.tally.Add(Unasked, about(a.Trace))
	}
}

// take ends a wait. The lock is held.
func (o *Oracle) take(q *Question, a Answer) {
	delete(o.waiting, q.Trace.STAN)
	o.past.put(o.mark(q.Trace), answered)
	q.answer <- a
}

// Expired ends the wait for an answer that did not come in time, and counts it
// lost. It is false when the answer came in the same moment.
func (o *Oracle) Expired(q *Question) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[q.Trace.STAN] != q {
		return false
	}
	delete(o.waiting, q.Trace.STAN)
	o.past.put(o.mark(q.Trace), expired)
	o.tally.Add(Lost, fmt.Sprintf("%s, %s", q.Kind, about(q.Trace)))
	return true
}

// Withdrawn ends the wait for a request that did not leave, or whose answer is
// of no interest any more. It is false when the answer came in the same moment.
func (o *Oracle) Withdrawn(q *Question) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[q.Trace.STAN] != q {
		return false
	}
	delete(o.waiting, q.Trace.STAN)
	o.past.put(o.mark(q.Trace), withdrawn)
	return true
}

// mark names a trace by the fields that every answer has.
func (o *Oracle) mark(t messages.Trace) uint64 {
	return maphash.Comparable(o.seed, messages.Trace{Transmitted: t.Transmitted, STAN: t.STAN, RRN: t.RRN, Terminal: t.Terminal})
}

func about(t messages.Trace) string {
	return fmt.Sprintf("37 = %s, 11 = %s, 41 = %s", t.RRN, t.STAN, t.Terminal)
}

// Close ends all waits, and refuses further ones: the connection has ended with
// err. What waited is lost.
func (o *Oracle) Close(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for stan, q := range o.waiting {
		delete(o.waiting, stan)
		o.tally.Add(Lost, fmt.Sprintf("the connection ended, %s, %s", q.Kind, about(q.Trace)))
		q.answer <- Answer{err: err}
	}
}
