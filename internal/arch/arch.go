// Package arch holds the rules of the tree: who may import whom, what the core
// must not touch, how long things may be, what must be documented, and where
// secrets may be in clear.
//
// A rule looks at source text only. It never builds, runs or fetches anything,
// and never changes a file. Each fault says where it is, what is wrong and why
// the rule exists; when a rule is wrong, change the rule in the same commit as
// the code that shows it. Start at Rules; `go test ./internal/arch` applies
// them.
package arch

import (
	"cmp"
	"fmt"
	"slices"
)

// Module is the module path that imports of the tree begin with.
const Module = "github.com/firsttap/firsttap"

// A Fault is one place that breaks a rule.
type Fault struct {
	Path string // from the root, with slashes
	Line int    // from 1; 0 when the fault is of the whole file or folder
	Text string // what is wrong
}

// String is the fault as compilers write it: path:line: text.
func (f Fault) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Path, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Text)
}

// A Rule is one thing that holds for the whole tree, and why.
type Rule struct {
	Name   string
	Reason string
	Check  func(*Tree) []Fault
}

// Rules are all rules of the tree.
func Rules() []Rule {
	return []Rule{
		{"imports", "arrows point down, so that each room can be read, tested and replaced alone", imports},
		{"purity", "time and randomness are arguments of the core, so that every decision can be repeated", purity},
		{"sizes", "what does not fit on a screen or two is not read, only searched", sizes},
		{"docs", "a reader starts at the doc comments, and the compiler does not ask for them", docs},
		{"names", "one thing has one name, and a name says what is inside", names},
		{"fields", "field numbers stand in specs and messages only, so that another wire profile is a change there", fieldNumbers},
		{"marks", "what is unfinished belongs to an issue, where somebody will look", marks},
		{"machines", "a fresh clone on another machine must work, and a path tells about whoever wrote it", machines},
		{"skips", "a test that steps aside must say so in the last lines of make test, through internal/need", skips},
		{"reveal", "every place that handles a clear secret is on a short list with its reason", reveals},
		{"secrets", "a secret is a type that prints masked; a string or byte slice prints in clear", secretFields},
		{"dependencies", "each direct dependency has somebody's reason, licence and limit in docs/dependencies.md", dependencies},
		{"lines", "a recipe that does not fit on a line is not read", longLines},
	}
}

// Faults applies r to t. The faults come in order of path and line.
func (r Rule) Faults(t *Tree) []Fault {
	faults := r.Check(t)
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return faults
}
