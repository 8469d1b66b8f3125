package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of go test -json (go doc test2json). Elapsed is in
// seconds.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// test is one test or subtest while its package runs.
type test struct {
	name   string
	output []string
	result string // pass, fail, skip; empty while it runs
	parent bool   // it has subtests
	blamed bool   // a subtest of it failed
}

// room is one package while it runs.
type room struct {
	tests  []*test // in the order in which they began
	byName map[string]*test
	output []string // what no test said
}

// note is a failed or skipped test with what it said.
type note struct{ name, text string }

// tally adds up results and tells out how each package went.
type tally struct {
	out     io.Writer
	rooms   map[string]*room
	builds  map[string][]string // compiler output by import path
	passed  int
	failed  []note
	skipped []note
}

func newTally(out io.Writer) *tally {
	return &tally{out: out, rooms: map[string]*room{}, builds: map[string][]string{}}
}

// read takes in the output of one go test -json. Lines that are not events are
// shown as they are.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) == nil:
			t.take(e)
		default:
			fmt.Fprint(t.out, line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) take(e event) {
	switch {
	case e.Action == "build-output":
		t.builds[e.ImportPath] = append(t.builds[e.ImportPath], e.Output)
	case e.Package == "":
	case e.Test != "":
		t.room(e.Package).take(e)
	case e.Action == "output":
		r := t.room(e.Package)
		r.output = append(r.output, e.Output)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		t.close(e)
	}
}

func (t *tally) room(name string) *room {
	r := t.rooms[name]
	if r == nil {
		r = &room{byName: map[string]*test{}}
		t.rooms[name] = r
	}
	return r
}

func (r *room) take(e event) {
	x := r.test(e.Test)
	switch e.Action {
	case "output":
		x.output = append(x.output, e.Output)
	case "pass", "fail", "skip":
		x.result = e.Action
	}
}

// test finds or begins a test and marks the tests above it as parents.
func (r *room) test(name string) *test {
	if x := r.byName[name]; x != nil {
		return x
	}
	for _, above := range r.above(name) {
		above.parent = true
	}
	x := &test{name: name}
	r.tests, r.byName[name] = append(r.tests, x), x
	return x
}

// above gives the tests that hold the subtest name.
func (r *room) above(name string) []*test {
	var all []*test
	for i := range len(name) {
		if x := r.byName[name[:i]]; x != nil && name[i] == '/' {
			all = append(all, x)
		}
	}
	return all
}

// close counts a package that has ended and says how it went.
func (t *tally) close(e event) {
	r, name := t.room(e.Package), short(e.Package)
	delete(t.rooms, e.Package)
	passed, failed, skipped := t.passed, len(t.failed), len(t.skipped)
	for _, x := range slices.Backward(r.tests) {
		t.count(r, x, name)
	}
	if e.Action == "fail" && len(t.failed) == failed {
		said := slices.Concat(t.builds[e.FailedBuild], r.output)
		t.fail(name, prose(said))
	}
	slices.Reverse(t.failed[failed:])
	slices.Reverse(t.skipped[skipped:])
	t.line(name, e, t.passed-passed, len(t.skipped)-skipped)
	for _, f := range t.failed[failed:] {
		fmt.Fprintf(t.out, "  FAIL %s\n%s", f.name, indent(f.text))
	}
}

// count takes one test. Subtests come before the tests that hold them, so that
// a parent whose subtest failed is not counted again; what it said, such as
// the stack of a panic, goes to the subtest. A test that never ended took its
// package down.
func (t *tally) count(r *room, x *test, pkg string) {
	name, said := pkg+" "+x.name, prose(x.output)
	switch {
	case x.result == "" || x.result == "fail":
		if x.blamed {
			t.failed[len(t.failed)-1].text += said
			return
		}
		t.fail(name, said)
		for _, above := range r.above(x.name) {
			above.blamed = true
		}
	case x.parent:
	case x.result == "skip":
		t.skip(name, said)
	default:
		t.passed++
	}
}

func (t *tally) fail(name, text string) { t.failed = append(t.failed, note{name, text}) }
func (t *tally) skip(name, text string) { t.skipped = append(t.skipped, note{name, text}) }

// good reports whether the run may end with exit code 0.
func (t *tally) good(all bool) bool {
	return len(t.failed) == 0 && (!all || len(t.skipped) == 0)
}

// short is a package's path inside the module.
func short(pkg string) string {
	return strings.TrimPrefix(pkg, "github.com/firsttap/firsttap/")
}
