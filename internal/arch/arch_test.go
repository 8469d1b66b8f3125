package arch_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firsttap/firsttap/internal/arch"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestTree applies every rule to this very tree.
func TestTree(t *testing.T) {
	root := moduleRoot(t)
	tree, err := arch.Load(os.DirFS(root), tracked(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) == 0 || len(tree.Texts) == 0 {
		t.Fatalf("found %d packages and %d files below %s", len(tree.Packages), len(tree.Texts), root)
	}
	for _, rule := range arch.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			faults := rule.Faults(tree)
			for _, f := range faults {
				t.Error(f)
			}
			if len(faults) > 0 {
				t.Logf("why there is such a rule: %s", rule.Reason)
			}
		})
	}
}

// TestRulesCatch gives each rule a small bad tree. Lines of its comment that
// begin with ! are the faults to find, by place and the beginning of what is
// said; nothing else may be found.
func TestRulesCatch(t *testing.T) {
	for _, rule := range arch.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			a, err := txtar.ParseFile(filepath.Join("testdata", rule.Name+".txtar"))
			if err != nil {
				t.Fatalf("every rule needs a bad example: %v", err)
			}
			tree, err := arch.Load(files(a), nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, wanted(a), rule.Faults(tree))
			if rule.Reason == "" {
				t.Error("the rule has no reason")
			}
		})
	}
}

func wanted(a *txtar.Archive) []string {
	var want []string
	for line := range strings.Lines(string(a.Comment)) {
		if w, ok := strings.CutPrefix(strings.TrimSpace(line), "! "); ok {
			want = append(want, w)
		}
	}
	return want
}

func compare(t *testing.T, want []string, got []arch.Fault) {
	t.Helper()
	if len(want) == 0 {
		t.Error("the example holds nothing bad")
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			t.Errorf("not wanted: %s", got[i])
		case i >= len(got):
			t.Errorf("not found: %s", want[i])
		case !strings.HasPrefix(got[i].String(), want[i]):
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func files(a *txtar.Archive) fs.FS {
	tree := fstest.MapFS{}
	for _, f := range a.Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return tree
}

// TestLoadRefusesBrokenSource keeps a file that does not parse from passing
// every rule unseen.
func TestLoadRefusesBrokenSource(t *testing.T) {
	tree := fstest.MapFS{"card/card.go": {Data: []byte("package card\nfunc {")}}
	if _, err := arch.Load(tree, nil); err == nil || !strings.Contains(err.Error(), "card/card.go:2") {
		t.Errorf("got %v, want an error that names the place", err)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// tracked lists what git has or would take in; nil outside a checkout, where
// every file of the tree counts.
func tracked(root string) []string {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}
