package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/simulator/story"
)

// TestREADMETellsTheTruth compares the README's picture of `make demo` with a
// run: the same lines, but for numbers and for the order of what goes on at
// the same time.
func TestREADMETellsTheTruth(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "```text\nfirsttap demo")
	shown, _, _ = strings.Cut("firsttap demo"+shown, "```")
	out, errs, err := firsttap(t, "demo", "--once", "--seed", "7", "--at", "2026-11-22T12:20:00Z")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if diff := cmp.Diff(numberless(shown), numberless(out)); diff != "" {
		t.Errorf("the README shows another story than the demo tells (-README +demo):\n%s", diff)
	}
}

// TestREADMEListsCases keeps the README's table and the cases together: what it
// shows is a case, and how many there are is true.
func TestREADMEListsCases(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| case | what goes wrong | answer |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(table, -1)
	if len(listed) < 10 {
		t.Errorf("the README lists %d cases", len(listed))
	}
	for _, one := range listed {
		if !slices.Contains(story.CaseNames(), one[1]) {
			t.Errorf("the README lists %s, which is no case", one[1])
		}
	}
	if count := fmt.Sprintf("all %d cases", len(story.CaseNames())); !strings.Contains(string(readme), count) {
		t.Errorf("the README does not say %q", count)
	}
}

var (
	numbers = regexp.MustCompile(`[0-9A-F]*[0-9][0-9A-F]*`)
	blanks  = regexp.MustCompile(` +`)
)

func numberless(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(blanks.ReplaceAllString(numbers.ReplaceAllString(line, "0"), " ")))
	}
	slices.Sort(lines)
	return lines
}
