package load

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/firsttap/firsttap/token"
)

// Report is what a load measured. It has no card data.
type Report struct {
	OK          bool         `json:"ok"`            // see Troubles
	Mix         string       `json:"mix"`           // as ParseMix reads it
	Rate        int          `json:"ratePerSecond"` // that was asked for; 0 is max
	InFlight    int          `json:"inFlight"`      // at most
	Connections int          `json:"connections"`   // to each door
	DurationMS  float64      `json:"durationMs"`    // in which requests started
	Seed        uint64       `json:"seed"`          // of the order of the kinds
	Sent        int64        `json:"sent"`          // requests that left
	Unsent      int64        `json:"unsent"`        // that should have, and had no place in flight until the end
	Answered    int64        `json:"answered"`      // whatever the answer
	Approved    int64        `json:"approved"`      // with response 00
	PerSecond   float64      `json:"answeredPerSecond"`
	Oracle      Oracled      `json:"oracle"`
	Kinds       []KindReport `json:"kinds"`              // in the order of the mix
	Intervals   []Interval   `json:"intervals"`          // by when requests should have started
	Steps       bool         `json:"steps"`              // the intervals are steps of a growing rate
	Examples    []string     `json:"examples,omitempty"` // of what the oracle found
	Ended       string       `json:"ended,omitempty"`    // why before its time
}

// Oracled is what the oracle counted. All must be zero.
type Oracled struct {
	Lost       int64 `json:"lost"`
	Late       int64 `json:"late"`
	Doubled    int64 `json:"doubled"`
	MixedUp    int64 `json:"mixedUp"`
	Unasked    int64 `json:"unasked"`
	Unreadable int64 `json:"unreadable"`
	Collisions int64 `json:"collisions"`
}

// Sum is how many faults there were.
func (o Oracled) Sum() int64 {
	return o.Lost + o.Late + o.Doubled + o.MixedUp + o.Unasked + o.Unreadable + o.Collisions
}

// KindReport is what was measured of one kind.
type KindReport struct {
	Kind      Kind                     `json:"kind"`
	Sent      int64                    `json:"sent"`
	Unsent    int64                    `json:"unsent"`
	Answered  int64                    `json:"answered"`
	PerSecond float64                  `json:"answeredPerSecond"`
	Responses map[token.Response]int64 `json:"responses"` // field 39
	// Latency counts from when a request should have started, with those that
	// were lost or never started; Service from when it was given to its
	// connection, of those that were answered.
	Latency Percentiles `json:"latencyMs"`
	Service Percentiles `json:"serviceMs"`
}

// Percentiles are of times, in milliseconds.
type Percentiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Interval is a part of a load: what of its requests should have started in it.
type Interval struct {
	FromMS  float64     `json:"fromMs"`
	ToMS    float64     `json:"toMs"`
	Rate    float64     `json:"ratePerSecond"` // of such requests
	Latency Percentiles `json:"latencyMs"`
}

func percentiles(h *hdrhistogram.Histogram) Percentiles {
	at := func(q float64) float64 { return milliseconds(time.Duration(h.ValueAtQuantile(q)) * time.Microsecond) }
	return Percentiles{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: milliseconds(time.Duration(h.Max()) * time.Microsecond)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *run) report(took time.Duration) Report {
	rec := r.record
	rec.mu.Lock()
	defer rec.mu.Unlock()
	seconds := took.Seconds()
	report := Report{
		Mix: r.Mix.String(), Rate: r.Rate, InFlight: r.InFlight, Connections: r.Connections,
		DurationMS: milliseconds(took), Seed: r.Seed, Steps: r.Steps > 1, Examples: r.tally.Examples(),
		Oracle: Oracled{
			Lost: r.tally.Count(Lost), Late: r.tally.Count(Late), Doubled: r.tally.Count(Doubled), MixedUp: r.tally.Count(MixedUp),
			Unasked: r.tally.Count(Unasked), Unreadable: r.tally.Count(Unreadable), Collisions: r.tally.Count(Collision),
		},
	}
	if r.why != nil {
		report.Ended = r.why.Error()
	}
	for _, part := range r.Mix {
		k := rec.kinds[part.Kind].report(part.Kind, seconds)
		report.Kinds = append(report.Kinds, k)
		report.Sent, report.Unsent, report.Answered = report.Sent+k.Sent, report.Unsent+k.Unsent, report.Answered+k.Answered
		report.Approved += k.Responses[token.Approved]
	}
	report.PerSecond = perSecond(report.Answered, seconds)
	for i, h := range rec.intervals {
		from := time.Duration(i) * rec.length
		if from >= took {
			break
		}
		report.Intervals = append(report.Intervals, Interval{
			FromMS: milliseconds(from), ToMS: milliseconds(from + rec.length),
			Rate: perSecond(h.TotalCount(), rec.length.Seconds()), Latency: percentiles(h),
		})
	}
	report.OK = len(report.Troubles(r.DeclinesOK)) == 0
	return report
}

func (s *series) report(k Kind, seconds float64) KindReport {
	report := KindReport{
		Kind: k, Sent: s.sent, Unsent: s.unsent, Responses: s.responses,
		Latency: percentiles(s.latency), Service: percentiles(s.service),
	}
	for _, n := range s.responses {
		report.Answered += n
	}
	report.PerSecond = perSecond(report.Answered, seconds)
	return report
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(int64(float64(n)/seconds*10+0.5)) / 10
}

// Troubles says what is not as it should be: faults that the oracle found, an
// early end, and requests that were declined, unless declines are expected.
func (r Report) Troubles(declines bool) []string {
	var list []string
	if n := r.Oracle.Sum(); n > 0 {
		list = append(list, fmt.Sprintf("the oracle found %d faults", n))
	}
	if r.Ended != "" {
		list = append(list, "ended early: "+r.Ended)
	}
	if n := r.Answered - r.Approved; n > 0 && !declines {
		list = append(list, fmt.Sprintf("%d of %d requests were not approved", n, r.Answered))
	}
	if r.Answered == 0 {
		list = append(list, "nothing was answered")
	}
	return list
}

// Write writes the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	rate := "max"
	if r.Rate > 0 {
		rate = fmt.Sprintf("%d/s", r.Rate)
	}
	fmt.Fprintf(&b, "%s at %s, %d in flight, connections to each door: %d, %.1f s\n\n", r.Mix, rate, r.InFlight, r.Connections, r.DurationMS/1000)
	fmt.Fprintf(&b, "%-11s %10s %10s  %9s %9s %9s %9s %9s  ms\n", "", "answered", "a second", "p50", "p90", "p99", "p99.9", "max")
	for _, k := range r.Kinds {
		k.row(&b, string(k.Kind), true, k.Latency)
		k.row(&b, "  once sent", false, k.Service)
	}
	fmt.Fprintf(&b, "\n%d sent, %d answered, %d approved, %.0f a second", r.Sent, r.Answered, r.Approved, r.PerSecond)
	if r.Unsent > 0 {
		fmt.Fprintf(&b, "; %d had no place in flight until the end", r.Unsent)
	}
	b.WriteString("\n")
	r.declines(&b)
	o := r.Oracle
	fmt.Fprintf(&b, "oracle: %d lost, %d late, %d doubled, %d mixed up, %d unasked, %d unreadable, %d collisions\n",
		o.Lost, o.Late, o.Doubled, o.MixedUp, o.Unasked, o.Unreadable, o.Collisions)
	for _, example := range r.Examples {
		fmt.Fprintf(&b, "  %s\n", example)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (k KindReport) row(b *strings.Builder, name string, counted bool, p Percentiles) {
	answered, rate := "", ""
	if counted {
		answered, rate = fmt.Sprint(k.Answered), fmt.Sprintf("%.0f", k.PerSecond)
	}
	fmt.Fprintf(b, "%-11s %10s %10s  %9.3f %9.3f %9.3f %9.3f %9.3f\n", name, answered, rate, p.P50, p.P90, p.P99, p.P999, p.Max)
}

// declines says which responses there were beside approvals.
func (r Report) declines(b *strings.Builder) {
	for _, k := range r.Kinds {
		var codes []string
		for code, n := range k.Responses {
			if code != token.Approved {
				codes = append(codes, fmt.Sprintf("%d with response %s", n, code))
			}
		}
		slices.Sort(codes)
		if len(codes) > 0 {
			fmt.Fprintf(b, "%s: %s\n", k.Kind, strings.Join(codes, ", "))
		}
	}
}
