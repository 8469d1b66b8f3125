// Command count runs go test and ends with a plain count.
//
//	count [-skipped reason] -- ./card/... -- -race ./gateway/...
//
// Each group after -- is one run of go test -json with these arguments. One
// line says how each package went; failures show what the test said; what was
// skipped, and why, stands in the last lines. The very last line has the form
//
//	41 passed, 0 failed, 1 skipped
//
// A test that only groups subtests is not counted beside them. The exit code
// is 1 when anything failed, and under REQUIRE=all when anything was skipped.
// The program never runs a test twice and never hides one. Start at main.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/firsttap/firsttap/internal/need"
)

func main() {
	var skipped reasons
	flag.Var(&skipped, "skipped", "a `reason` why something was left out of the run; may be repeated")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "count: say what to test, such as: count -- ./card/... -- -race ./gateway/...")
		os.Exit(2)
	}
	t := newTally(os.Stdout)
	for _, reason := range skipped {
		t.skip("make test", reason)
	}
	for _, args := range groups(flag.Args()) {
		run(t, args)
	}
	t.summary()
	if !t.good(need.All()) {
		os.Exit(1)
	}
}

// reasons is a flag that may be given more than once.
type reasons []string

func (r *reasons) String() string     { return strings.Join(*r, "; ") }
func (r *reasons) Set(s string) error { *r = append(*r, s); return nil }

// groups cuts args at each --. Empty groups are left out.
func groups(args []string) [][]string {
	var all [][]string
	var group []string
	for _, a := range append(args, "--") {
		if a != "--" {
			group = append(group, a)
			continue
		}
		if len(group) > 0 {
			all = append(all, group)
		}
		group = nil
	}
	return all
}

// run gives what go test says to t. When go test could not even begin, that is
// one failure.
func run(t *tally, args []string) {
	// A cached result would not see a change that only the built binary has.
	cmd := exec.Command("go", append([]string{"test", "-count=1", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.fail("go test", err.Error())
		return
	}
	before := len(t.failed)
	err = errors.Join(t.read(out), drain(out), cmd.Wait())
	if err != nil && len(t.failed) == before {
		t.fail("go test "+strings.Join(args, " "), err.Error())
	}
}

// drain reads what is left, so that go test never waits for a reader.
func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
