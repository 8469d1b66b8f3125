// Package golden compares bytes on the wire with annotated files that people
// read and programs in any language can parse.
//
// A golden file has one element on each line: its offset in hexadecimal, its
// bytes, and what they mean.
//
//	# 0100 activation, as a wallet sends it
//	0000: 0100              # message type
//	0002: 7238648128E1B00A  # bitmap
//
// An element of more than 16 bytes goes on in lines without a note. A line
// that begins with # is prose.
//
// The package never decides what the bytes mean: the caller gives the
// elements. Start at Check; `go test ./messages -update` writes the files
// anew, and UPDATE=1 does so for a run over packages that do not all know the
// flag.
package golden

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew instead of comparing with them")

// A Line is one element of a message: where it begins in bytes from the
// first, its bytes, and what they mean. A Line without bytes is a heading.
type Line struct {
	Offset int
	Bytes  []byte
	Note   string
}

// Check fails t when the file at path does not hold exactly these elements,
// and shows the first lines that differ. Under -update it writes the file.
func Check(t testing.TB, path string, lines []Line) {
	t.Helper()
	got, err := Format(lines)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	CheckText(t, path, got)
}

// CheckText is Check for a file of plain text, such as a program's output.
func CheckText(t testing.TB, path, got string) {
	t.Helper()
	if updating() {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden file (write it with -update, then read it): %v", err)
	}
	if d := diff(string(want), got); d != "" {
		t.Errorf("%s differs (if the change is meant, run the test with -update and read the diff):\n%s", path, d)
	}
}

// Load gives the bytes of the golden file at path without its notes.
func Load(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden file: %v", err)
	}
	lines, err := Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return Join(lines)
}

// Join puts the bytes of all lines together.
func Join(lines []Line) []byte {
	var b []byte
	for _, l := range lines {
		b = append(b, l.Bytes...)
	}
	return b
}

func updating() bool { return *update || os.Getenv("UPDATE") == "1" }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, []byte(text)) {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// diffLinesMax is how many differing lines a failure shows: enough to see what
// happened, few enough to read.
const diffLinesMax = 8

func diff(want, got string) string {
	if want == got {
		return ""
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	shown := 0
	for i := range max(len(w), len(g)) {
		wl, gl := line(w, i), line(g, i)
		if wl == gl {
			continue
		}
		if shown++; shown > diffLinesMax {
			b.WriteString("  ... and more\n")
			break
		}
		fmt.Fprintf(&b, "line %d\n  file: %s\n  got:  %s\n", i+1, wl, gl)
	}
	return b.String()
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}
