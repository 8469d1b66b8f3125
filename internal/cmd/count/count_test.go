package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each file in testdata holds events as go test -json writes them, and what
// count prints about them. Times are left out of the events.
func TestReports(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no reports in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			tally := newTally(&out)
			if err := tally.read(strings.NewReader(part(t, a, "events"))); err != nil {
				t.Fatal(err)
			}
			tally.summary()
			if want := part(t, a, "printed"); out.String() != want {
				t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
			}
			for name, all := range map[string]bool{"exit": false, "exit-require-all": true} {
				want := strings.TrimSpace(part(t, a, name)) == "0"
				if tally.good(all) != want {
					t.Errorf("%s: good is %v, want %v", name, !want, want)
				}
			}
		})
	}
}

func part(t *testing.T, a *txtar.Archive, name string) string {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no part %q", name)
	}
	return string(a.Files[i].Data)
}

func TestGroups(t *testing.T) {
	got := groups([]string{"./card", "--", "-race", "./gateway", "--"})
	if len(got) != 2 || !slices.Equal(got[0], []string{"./card"}) || !slices.Equal(got[1], []string{"-race", "./gateway"}) {
		t.Errorf("got %q", got)
	}
}

func TestGoTestThatCannotBegin(t *testing.T) {
	var out strings.Builder
	tally := newTally(&out)
	run(tally, []string{"./no/such/folder"})
	if tally.good(false) {
		t.Errorf("a folder that does not exist passed:\n%s", out.String())
	}
}
