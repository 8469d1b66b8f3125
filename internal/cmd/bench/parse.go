package main

import (
	"regexp"
	"strconv"
	"strings"
)

// benchmark is what go test says of one, by unit: ns/op, B/op, allocs/op, and
// what it reports itself.
type benchmark map[string]float64

// processors stand at the end of a benchmark's name, unless there is one.
var processors = regexp.MustCompile(`-[0-9]+$`)

// read takes in what `go test -bench` printed. Of a benchmark that ran more than
// once the fastest run counts, whole.
func (f *findings) read(out string) {
	for line := range strings.Lines(out) {
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			f.cpu = strings.TrimSpace(cpu)
		}
		name, b, ok := readLine(line)
		if !ok {
			continue
		}
		if before, ran := f.benchmarks[name]; !ran || b["ns/op"] < before["ns/op"] {
			f.benchmarks[name] = b
		}
	}
}

// readLine reads a line such as
//
//	BenchmarkEcho-2   17678   60171 ns/op   5682 B/op   46 allocs/op
func readLine(line string) (name string, b benchmark, ok bool) {
	words := strings.Fields(line)
	if len(words) < 4 || len(words)%2 != 0 || !strings.HasPrefix(words[0], "Benchmark") {
		return "", nil, false
	}
	b = benchmark{}
	for i := 2; i < len(words); i += 2 {
		value, err := strconv.ParseFloat(words[i], 64)
		if err != nil {
			return "", nil, false
		}
		b[words[i+1]] = value
	}
	name = processors.ReplaceAllString(strings.TrimPrefix(words[0], "Benchmark"), "")
	return name, b, b["ns/op"] > 0
}
