package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/internal/golden"
)

// fake answers for go and firsttap as a machine would that is always the same.
type fake struct {
	testing.TB
	rates  map[load]float64 // answered a second
	breaks string           // in the arguments of what fails
	asked  []string
}

// steady is a machine that meets every goal, some of them just so.
func steady(t testing.TB) *fake {
	return &fake{TB: t, rates: map[load]float64{
		{"echo", 256}: 212345.6, {"echo", 1}: 9000, {"activation", 256}: 20_000, {"activation", 1}: 1500, {"tap", 256}: 25_000.1, {"tap", 1}: 1700,
	}}
}

func (f *fake) run(_ context.Context, name string, args ...string) (string, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	f.asked = append(f.asked, line)
	switch {
	case f.breaks != "" && strings.Contains(line, f.breaks):
		return "", errors.New("it broke")
	case name == "go":
		return f.file(filepath.Base(args[len(args)-1]) + ".txt"), nil
	case slices.Equal(args, []string{"--version"}):
		return "firsttap v1.2.3 (go1.26.0 linux/amd64)\n", nil
	}
	for l, rate := range f.rates {
		if strings.Contains(line, fmt.Sprintf("--mix %s --in-flight %d ", l.kind, l.inFlight)) {
			return f.load(l, rate), nil
		}
	}
	f.Errorf("nobody asks %s", line)
	return "", nil
}

func (f *fake) file(name string) string {
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	return string(raw)
}

// load is a report as `firsttap load --json` writes it, so far as it is read.
func (f *fake) load(l load, rate float64) string {
	mean := 1000 * float64(l.inFlight) / rate
	return fmt.Sprintf(`{"ok": true, "mix": "%s=1", "answeredPerSecond": %.1f, "oracle": {"lost": 0}, "kinds": [
		{"kind": "%[1]s", "latencyMs": {"p50": %.3[3]f, "p90": %.3[3]f, "p99": %.3[4]f, "p99.9": %.3[5]f, "max": 99}}]}`,
		l.kind, rate, mean, mean*1.5, mean*2)
}

// ran is a run of bench: its exit code, and what it printed and wrote.
type ran struct {
	code                int
	out, progress, file string
}

func runBench(t *testing.T, f *fake, args ...string) ran {
	t.Helper()
	var out, progress strings.Builder
	file := filepath.Join(t.TempDir(), "bench.json")
	r := ran{code: bench(t.Context(), append(args, "-json", file), &out, &progress, f.run)}
	if raw, err := os.ReadFile(file); err == nil {
		r.file = string(raw)
	}
	r.out, r.progress = out.String(), progress.String()
	return r
}

func TestGoalsMet(t *testing.T) {
	f := steady(t)
	r := runBench(t, f, "-strict", "-duration", "7s")
	if r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.progress)
	}
	golden.CheckText(t, "testdata/met.txt", beside(r.out))
	golden.CheckText(t, "testdata/met.json", onAnyMachine(t, r.file))
	if want := 1 + len(suites) + len(loads); len(f.asked) != want || strings.Count(r.progress, "\n") != want-1 {
		t.Errorf("%d runs, not %d, and it says\n%s", len(f.asked), want, r.progress)
	}
	if last := f.asked[len(f.asked)-1]; last != "bin/firsttap load --self --mix tap --in-flight 1 --duration 7s --json" {
		t.Errorf("the last is %s", last)
	}
}

func TestGoalsMissed(t *testing.T) {
	f := steady(t)
	f.rates[load{"activation", 256}] = 19_999
	f.rates[load{"activation", 1}] = 999
	f.rates[load{"tap", 256}] = 24_999
	r := runBench(t, f)
	if r.code != 0 {
		t.Errorf("a goal that is missed is no failure: exit %d: %s", r.code, r.progress)
	}
	golden.CheckText(t, "testdata/missed.txt", beside(r.out))
	if r := runBench(t, f, "-strict"); r.code != 1 || r.file == "" {
		t.Errorf("with -strict it is: exit %d", r.code)
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	f := steady(t)
	f.breaks = "--mix activation --in-flight 1 "
	r := runBench(t, f)
	if r.code != 1 || !strings.Contains(r.progress, "not measured: it broke") {
		t.Errorf("exit %d: %s", r.code, r.progress)
	}
	golden.CheckText(t, "testdata/missing.txt", beside(r.out))
	f.breaks = "./specs" // no benchmark is there
	if r := runBench(t, f); r.code != 1 || !strings.Contains(r.out, "2 not measured") {
		t.Errorf("exit %d: %s", r.code, r.out)
	}
}

func TestALoadThatIsNotRight(t *testing.T) {
	for _, report := range []string{`{"ok": false, "kinds": [{}]}`, `{"ok": true, "kinds": []}`, `{"ok": tru`, ``} {
		_, err := load{"tap", 1}.run(t.Context(), 1, "firsttap", func(context.Context, string, ...string) (string, error) { return report, nil })
		if err == nil {
			t.Errorf("%s passes", report)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := steady(t)
	var out, progress strings.Builder
	code := bench(ctx, []string{"-json", filepath.Join(t.TempDir(), "bench.json")}, &out, &progress, func(ctx context.Context, name string, args ...string) (string, error) {
		cancel()
		return f.run(ctx, name, args...)
	})
	if code != 1 || out.String() != "" || !strings.HasSuffix(progress.String(), "interrupted\n") {
		t.Errorf("exit %d: %s%s", code, out.String(), progress.String())
	}
}

func TestFlags(t *testing.T) {
	for args, code := range map[string]int{"-help": 0, "-duration 99ms": 2, "-benchtime 1ms": 2, "-what": 2, "specs": 2} {
		f := steady(t)
		r := runBench(t, f, strings.Fields(args)...)
		if r.code != code || len(f.asked) > 0 || r.progress == "" {
			t.Errorf("%s: exit %d after %q: %s", args, r.code, f.asked, r.progress)
		}
	}
}

func TestReadLine(t *testing.T) {
	for line, want := range map[string]benchmark{
		"BenchmarkEcho-2 17678 60171 ns/op 5682 B/op 46 allocs/op": {"ns/op": 60171, "B/op": 5682, "allocs/op": 46},
		"BenchmarkEcho 17678 0.25 ns/op":                           {"ns/op": 0.25},
		"BenchmarkEcho-2 17678 60171":                              nil,
		"BenchmarkEcho-2 17678 60171 ns/op 5682":                   nil,
		"BenchmarkEcho-2 17678 fast ns/op":                         nil,
		"BenchmarkEcho-2 17678 4 B/op":                             nil,
		"--- FAIL: BenchmarkEcho-2 1 2 ns/op":                      nil,
		"":                                                         nil,
	} {
		name, got, ok := readLine(line)
		if !ok {
			got = nil
		}
		if diff := cmp.Diff(want, got); diff != "" || ok && name != "Echo" {
			t.Errorf("%s: %s: %s", line, name, diff)
		}
	}
	if name, _, _ := readLine("BenchmarkCodecParse/visa-style 10 1 ns/op"); name != "CodecParse/visa-style" {
		t.Errorf("on one processor it is called %s", name)
	}
}

func TestValuesAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{perSecond, 0, "0/s"},
		{perSecond, 999.4, "999/s"},
		{perSecond, 1000, "1,000/s"},
		{perSecond, 1234567, "1,234,567/s"},
		{nanoseconds, 12.34, "12.3 ns"},
		{nanoseconds, 999, "999 ns"},
		{nanoseconds, 1234, "1.23 us"},
		{nanoseconds, 152345, "152 us"},
		{milliseconds, 0.025, "0.025 ms"},
		{milliseconds, 20, "20 ms"},
		{allocations, 703, "703"},
	} {
		if got := c.unit.text(&c.value); got != c.want {
			t.Errorf("%v %s is shown as %s, not %s", c.value, c.unit, got, c.want)
		}
	}
}

// beside is a table without its first line, which names the machine.
func beside(out string) string {
	_, rest, _ := strings.Cut(out, "\n")
	return rest
}

// onAnyMachine is a report as JSON with another machine in it.
func onAnyMachine(t *testing.T, file string) string {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(file), &r); err != nil {
		t.Fatal(err)
	}
	if m := r.Machine; m.Cores < 1 || m.OS == "" || m.Arch == "" || !strings.HasPrefix(m.Go, "go") || m.CPU != "Some CPU @ 2.00GHz" || m.Firsttap != "v1.2.3" {
		t.Errorf("it was measured on %+v", m)
	}
	r.Machine = machine{Cores: 2, OS: "linux", Arch: "amd64", Go: "go1.26.0", Firsttap: r.Machine.Firsttap}
	again, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(again) + "\n"
}
