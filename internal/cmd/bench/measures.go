package main

// measured is one line of the table. Values that are not there are nil.
type measured struct {
	Name    string   `json:"name"`
	Unit    unit     `json:"unit"`
	Goal    *goal    `json:"goal,omitempty"`
	Ours    *float64 `json:"ours,omitempty"`
	Moov    *float64 `json:"moov,omitempty"`
	Ratio   *float64 `json:"ratio,omitempty"` // how many times as good as moov
	Met     *bool    `json:"met,omitempty"`   // of a goal, when it was measured
	Latency *latency `json:"latencyMs,omitempty"`
}

type unit string

const (
	perSecond    unit = "a second"
	nanoseconds  unit = "ns"
	milliseconds unit = "ms"
	allocations  unit = "allocations"
)

// moreIsBetter says which way a ratio goes.
func (u unit) moreIsBetter() bool { return u == perSecond }

// goal is what ours is held to: at least or at most so much, or so many times as
// good as moov.
type goal struct {
	AtLeast   float64 `json:"atLeast,omitempty"`
	AtMost    float64 `json:"atMost,omitempty"`
	None      bool    `json:"none,omitempty"` // at most 0
	TimesMoov float64 `json:"timesMoov,omitempty"`
}

func (g goal) met(m measured) bool {
	switch {
	case g.TimesMoov > 0:
		return m.Ratio != nil && *m.Ratio >= g.TimesMoov
	case g.AtLeast > 0:
		return *m.Ours >= g.AtLeast
	default:
		return *m.Ours <= g.AtMost
	}
}

// A value is found in what the runs gave, or is not there.
type value func(findings) *float64

// measures are all lines of the table. The goals are those of docs/performance.md.
var measures = []struct {
	name       string
	unit       unit
	goal       *goal
	ours, moov value
	latency    *load // whose percentiles stand beside it
}{
	{name: "typed turn, activation request", unit: nanoseconds, goal: &goal{TimesMoov: 100}, ours: of("TurnView", "ns/op"), moov: of("TurnMoov", "ns/op")},
	{name: "typed turn, activation request: allocations", unit: allocations, goal: &goal{None: true}, ours: of("TurnView", "allocs/op"), moov: of("TurnMoov", "allocs/op")},
	{name: "parse, activation request", unit: nanoseconds, ours: of("CodecParse/visa-style", "ns/op"), moov: of("MoovUnpackStockEncoders", "ns/op")},
	{name: "parse, activation request: allocations", unit: allocations, ours: of("CodecParse/visa-style", "allocs/op"), moov: of("MoovUnpackStockEncoders", "allocs/op")},
	{name: "write, activation request", unit: nanoseconds, ours: of("CodecAppend/visa-style", "ns/op"), moov: of("MoovPackStockEncoders", "ns/op")},
	{name: "write, activation request: allocations", unit: allocations, ours: of("CodecAppend/visa-style", "allocs/op"), moov: of("MoovPackStockEncoders", "allocs/op")},
	{name: "echo, connections alone, 256 in flight", unit: perSecond, ours: rate("Echo"), moov: rate("MoovEcho")},
	{name: "echo, connections alone, 256 in flight: allocations", unit: allocations, ours: of("Echo", "allocs/op"), moov: of("MoovEcho", "allocs/op")},
	{name: "echo, 256 in flight", unit: perSecond, goal: &goal{AtLeast: 200_000}, ours: loadRate("echo", many), moov: rate("MoovEcho"), latency: &load{"echo", many}},
	{name: "echo, 256 in flight: p99", unit: milliseconds, ours: p99("echo", many), moov: of("MoovEcho", "p99-ms")},
	{name: "echo, one in flight: p50", unit: milliseconds, ours: p50("echo", 1), latency: &load{"echo", 1}},
	{name: "activation, 256 in flight", unit: perSecond, goal: &goal{AtLeast: 20_000}, ours: loadRate("activation", many), latency: &load{"activation", many}},
	{name: "activation, 256 in flight: p99", unit: milliseconds, goal: &goal{AtMost: 20}, ours: p99("activation", many)},
	{name: "activation, one in flight: p50", unit: milliseconds, goal: &goal{AtMost: 1}, ours: p50("activation", 1), latency: &load{"activation", 1}},
	{name: "tap, 256 in flight", unit: perSecond, goal: &goal{AtLeast: 25_000}, ours: loadRate("tap", many), latency: &load{"tap", many}},
	{name: "tap, one in flight: p50", unit: milliseconds, ours: p50("tap", 1), latency: &load{"tap", 1}},
}

func of(name, unit string) value {
	return func(f findings) *float64 {
		if v, ok := f.benchmarks[name][unit]; ok {
			return &v
		}
		return nil
	}
}

// rate is how often a benchmark's operation is done in a second.
func rate(name string) value {
	return func(f findings) *float64 {
		if ns := of(name, "ns/op")(f); ns != nil {
			v := 1e9 / *ns
			return &v
		}
		return nil
	}
}

func loadRate(kind string, inFlight int) value {
	return loadValue(kind, inFlight, func(l loaded) float64 { return l.PerSecond })
}

func p50(kind string, inFlight int) value {
	return loadValue(kind, inFlight, func(l loaded) float64 { return l.Kinds[0].Latency.P50 })
}

func p99(kind string, inFlight int) value {
	return loadValue(kind, inFlight, func(l loaded) float64 { return l.Kinds[0].Latency.P99 })
}

func loadValue(kind string, inFlight int, pick func(loaded) float64) value {
	return func(f findings) *float64 {
		l, ok := f.loads[load{kind, inFlight}]
		if !ok {
			return nil
		}
		v := pick(l)
		return &v
	}
}

// weigh holds what was found against moov and the goals.
func weigh(f findings) []measured {
	var list []measured
	for _, m := range measures {
		line := measured{Name: m.name, Unit: m.unit, Goal: m.goal, Ours: m.ours(f)}
		if m.moov != nil {
			line.Moov = m.moov(f)
		}
		line.Ratio = ratio(line)
		if m.goal != nil && line.Ours != nil {
			met := m.goal.met(line)
			line.Met = &met
		}
		if m.latency != nil {
			if l, ok := f.loads[*m.latency]; ok {
				line.Latency = &l.Kinds[0].Latency
			}
		}
		list = append(list, line)
	}
	return list
}

func ratio(m measured) *float64 {
	if m.Unit == allocations || m.Ours == nil || m.Moov == nil || *m.Ours <= 0 || *m.Moov <= 0 {
		return nil
	}
	r := *m.Moov / *m.Ours
	if m.Unit.moreIsBetter() {
		r = 1 / r
	}
	return &r
}
