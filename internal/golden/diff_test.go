package golden

import (
	"strings"
	"testing"
)

func TestDiffShowsTheLinesThatDiffer(t *testing.T) {
	got := diff("a\nb\nc", "a\nx\nc\nd")
	want := "line 2\n  file: b\n  got:  x\nline 4\n  file: (none)\n  got:  d\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if diff("same", "same") != "" {
		t.Error("equal texts differ")
	}
}

func TestDiffStaysShort(t *testing.T) {
	got := diff(strings.Repeat("a\n", 100), strings.Repeat("b\n", 100))
	if n := strings.Count(got, "line "); n != diffLinesMax {
		t.Errorf("%d lines shown, want %d", n, diffLinesMax)
	}
}
