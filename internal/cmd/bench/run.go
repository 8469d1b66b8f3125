package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// findings are what the runs gave, as they came.
type findings struct {
	version    string
	cpu        string
	benchmarks map[string]benchmark // by name
	loads      map[load]loaded
}

// load is one run of `firsttap load`.
type load struct {
	kind     string
	inFlight int
}

// many is how many requests are in flight in the goals.
const many = 256

// loads are all runs, in order.
var loads = []load{
	{"echo", many},
	{"echo", 1},
	{"activation", many},
	{"activation", 1},
	{"tap", many},
	{"tap", 1},
}

// suites are the benchmarks by package: those whose values are in the table.
var suites = []struct{ folder, pattern string }{
	{"./specs", `^Benchmark(Turn(Moov|View)|Codec(Parse|Append)|Moov(Unpack|Pack)StockEncoders)$`},
	{"./internal/link", `^Benchmark(Moov)?Echo$`},
}

// repeats is how often a benchmark runs: on a machine that others use, too, the
// fastest says most.
const repeats = 3

// measure runs all, one after the other, and says on progress where it is. What
// failed is missing in what it found.
func measure(ctx context.Context, s settings, run command, progress io.Writer) (found findings, failed []error) {
	found = findings{benchmarks: map[string]benchmark{}, loads: map[load]loaded{}}
	n, of := 0, len(suites)+len(loads)
	tell := func(what string) {
		n++
		fmt.Fprintf(progress, "bench %d/%d: %s\n", n, of, what)
	}
	note := func(err error) {
		if err != nil && ctx.Err() == nil {
			failed = append(failed, err)
		}
	}
	out, err := run(ctx, s.firsttap, "--version")
	note(err)
	found.version = versionIn(out)
	for _, suite := range suites {
		tell("benchmarks in " + suite.folder)
		out, err := run(ctx, "go", "test", "-trimpath", "-run", "^$", "-bench", suite.pattern, "-benchmem",
			"-benchtime", s.benchtime.String(), "-count", fmt.Sprint(repeats), suite.folder)
		note(err)
		found.read(out)
	}
	for _, l := range loads {
		tell(fmt.Sprintf("%s, %d in flight, %v", l.kind, l.inFlight, s.duration))
		got, err := l.run(ctx, s.duration, s.firsttap, run)
		note(err)
		if err == nil {
			found.loads[l] = got
		}
	}
	return found, failed
}

// versionIn is the version in what `firsttap --version` prints.
func versionIn(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

// loaded is what bench reads of a load's report.
type loaded struct {
	OK        bool    `json:"ok"`
	PerSecond float64 `json:"answeredPerSecond"`
	Kinds     []struct {
		Latency latency `json:"latencyMs"`
	} `json:"kinds"`
}

// latency is in milliseconds.
type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
}

func (l load) run(ctx context.Context, duration time.Duration, firsttap string, run command) (got loaded, err error) {
	out, err := run(ctx, firsttap, "load", "--self", "--mix", l.kind, "--in-flight", fmt.Sprint(l.inFlight),
		"--duration", duration.String(), "--json")
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return got, fmt.Errorf("the report of the load of %ss: %w", l.kind, err)
	}
	if !got.OK || len(got.Kinds) != 1 {
		return got, fmt.Errorf("the load of %ss was not as it should be: firsttap load --self --mix %s", l.kind, l.kind)
	}
	return got, nil
}
