package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/firsttap/firsttap/token"
)

// Histograms count microseconds. What is past the highest counts as that.
const (
	latencyMax    = DurationMax + TimeoutMax // of a request that starts late at the end of the longest load
	latencyDigits = 3                        // that are right: 0.1 %
)

// intervalsMax is how many intervals a load without steps has in its report
// (ours): a picture shows no more.
const intervalsMax = 60

// intervalMin is the shortest interval: shorter ones hold too few answers.
const intervalMin = 100 * time.Millisecond

// timing is when things happened to a request, after the load's beginning.
type timing struct {
	intended time.Duration // it should have started
	sent     time.Duration // it was given to its connection
	done     time.Duration // its answer was there, or was given up
}

// series is what is counted of one kind.
type series struct {
	sent, unsent     int64
	latency, service *hdrhistogram.Histogram
	responses        map[token.Response]int64
}

// recorder counts what happens, and when. It may be used by many goroutines.
type recorder struct {
	schedule Schedule
	length   time.Duration // of an interval

	mu        sync.Mutex
	kinds     map[Kind]*series
	intervals []*hdrhistogram.Histogram
	all       *hdrhistogram.Histogram
	answers   int64
}

func newRecorder(p Plan) *recorder {
	r := &recorder{schedule: p.Schedule(), kinds: make(map[Kind]*series), all: newHistogram()}
	for _, part := range p.Mix {
		r.kinds[part.Kind] = &series{latency: newHistogram(), service: newHistogram(), responses: make(map[token.Response]int64)}
	}
	count := p.Steps
	if count == 1 {
		count = int(min(intervalsMax, max(1, p.Duration/intervalMin)))
	}
	r.length = p.Duration / time.Duration(count)
	for range count {
		r.intervals = append(r.intervals, newHistogram())
	}
	return r
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, latencyMax.Microseconds(), latencyDigits)
}

// add counts count values of d. The histogram takes all between its limits.
func add(h *hdrhistogram.Histogram, d time.Duration, count int64) {
	_ = h.RecordValues(min(max(d.Microseconds(), 1), latencyMax.Microseconds()), count)
}

// started counts a request that leaves.
func (r *recorder) started(k Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[k].sent++
}

// answered counts an answer.
func (r *recorder) answered(k Kind, t timing, response token.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers++
	r.kinds[k].responses[response]++
	add(r.kinds[k].service, t.done-t.sent, 1)
	r.took(k, t.intended, t.done-t.intended, 1)
}

// lost counts a request without an answer: with as long as was waited for it.
func (r *recorder) lost(k Kind, t timing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took(k, t.intended, t.done-t.intended, 1)
}

// unsentParts is into how many parts the requests that never started are cut,
// which count with the wait of their middle one.
const unsentParts = 1000

// unsent counts the requests from first on, which should have started before
// end and did not. Each counts with as long as it has waited by then.
func (r *recorder) unsent(p Plan, first uint64, end time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := r.schedule.Total()
	if first >= total {
		return
	}
	part := max(1, (total-first)/unsentParts)
	for n := first; n < total; n += part {
		count := min(part, total-n)
		intended, _ := r.schedule.At(n + count/2)
		k := p.Mix.At(p.Seed, n+count/2)
		r.kinds[k].unsent += int64(count)
		r.took(k, intended, end-intended, int64(count))
	}
}

// took counts latencies. The lock is held.
func (r *recorder) took(k Kind, intended, latency time.Duration, count int64) {
	add(r.kinds[k].latency, latency, count)
	add(r.all, latency, count)
	at := min(int(intended/r.length), len(r.intervals)-1)
	add(r.intervals[at], latency, count)
}

// soFar is how many answers there were, and the 99th percentile of all.
func (r *recorder) soFar() (answers int64, p99 time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answers, time.Duration(r.all.ValueAtQuantile(99)) * time.Microsecond
}
