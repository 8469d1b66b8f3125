package main

import (
	"fmt"
	"strings"
)

// line says in one line how a package went. Packages without tests say
// nothing.
func (t *tally) line(name string, e event, passed, skipped int) {
	if e.Action == "skip" {
		return
	}
	word := "ok  "
	if e.Action == "fail" {
		word = "FAIL"
	}
	text := fmt.Sprintf("%s  %-28s %4d passed", word, name, passed)
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	fmt.Fprintf(t.out, "%s  %.1fs\n", text, e.Elapsed)
}

// summary names what failed and what was skipped, and ends with the count.
func (t *tally) summary() {
	fmt.Fprintln(t.out)
	for _, f := range t.failed {
		fmt.Fprintf(t.out, "failed   %s\n", f.name)
	}
	for _, s := range t.skipped {
		fmt.Fprintf(t.out, "skipped  %s: %s\n", s.name, strings.Join(strings.Fields(s.text), " "))
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, len(t.failed), len(t.skipped))
}

// prose is what a test said, without the marks of the test runner.
func prose(output []string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Join(output, "")) {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "=== ") || strings.HasPrefix(text, "--- ") || text == "FAIL" || text == "PASS" {
			continue
		}
		b.WriteString(strings.TrimPrefix(line, "    "))
	}
	return b.String()
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
