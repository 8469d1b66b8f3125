// Command bench measures firsttap beside moov's library and beside its own goals.
//
//	bench [-duration 5s] [-strict] [-json bench.json]
//
// It runs the benchmarks that matter with go test, then `firsttap load --self`
// with echoes, activations and taps, 256 in flight and one, each in a run of its
// own. It prints one table and writes the same as JSON. Goals are for two cores
// that load, gateway and issuer share; other machines differ, so a missed goal is
// said and is no failure, but with -strict. The exit code is 1 when something
// could not be measured. The program measures nothing itself. Start at main.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(bench(ctx, os.Args[1:], os.Stdout, os.Stderr, execute))
}

// settings are what is measured how.
type settings struct {
	duration  time.Duration // of each load
	benchtime time.Duration // of each benchmark, three times
	firsttap  string        // the program
	json      string        // file
	strict    bool
}

// durationMin is the least time that says something (ours).
const durationMin = 100 * time.Millisecond

// bench is main with all that it touches. It gives the exit code.
func bench(ctx context.Context, args []string, out, progress io.Writer, run command) int {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "of each load; longer is steadier")
	flags.DurationVar(&s.benchtime, "benchtime", 500*time.Millisecond, "of each benchmark, which runs three times: the fastest counts")
	flags.StringVar(&s.firsttap, "firsttap", "bin/firsttap", "the `program` to measure")
	flags.StringVar(&s.json, "json", "bench.json", "`file` to write the same into as JSON")
	flags.BoolVar(&s.strict, "strict", false, "exit 1 when a goal is missed, too")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || s.duration < durationMin || s.benchtime < durationMin:
		fmt.Fprintf(progress, "bench: it takes flags only, and times from %v on: see bench -help\n", durationMin)
		return 2
	}
	found, failed := measure(ctx, s, run, progress)
	if ctx.Err() != nil {
		fmt.Fprintln(progress, "bench: interrupted")
		return 1
	}
	r := report{Machine: found.machine(), Seconds: s.duration.Seconds(), Measures: weigh(found)}
	if err := r.write(out, s.json); err != nil {
		fmt.Fprintln(progress, "bench:", err)
		return 1
	}
	for _, err := range failed {
		fmt.Fprintln(progress, "bench: not measured:", err)
	}
	if len(failed) > 0 || s.strict && !r.met() {
		return 1
	}
	return 0
}

// command runs a program and gives what it prints.
type command func(ctx context.Context, name string, args ...string) (string, error)

// execute is a command that is really run. The error has the end of what the
// program complained of.
func execute(ctx context.Context, name string, args ...string) (string, error) {
	var complaints strings.Builder
	c := exec.CommandContext(ctx, name, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLine(complaints.String()))
	}
	return string(out), err
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// machine is the shape of what was measured on. It names no host.
type machine struct {
	Cores    int    `json:"cores"`
	CPU      string `json:"cpu,omitempty"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Go       string `json:"go"`
	Firsttap string `json:"firsttap"`
}

func (f findings) machine() machine {
	return machine{Cores: runtime.NumCPU(), CPU: f.cpu, OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Firsttap: f.version}
}
