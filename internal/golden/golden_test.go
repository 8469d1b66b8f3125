package golden_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
)

var echo = []golden.Line{
	{Offset: 0, Note: "0800 echo"},
	{Offset: 0, Bytes: []byte{0x08, 0x00}, Note: "message type"},
	{Offset: 2, Bytes: []byte{0x82, 0x20, 0, 0, 0, 0, 0, 0}, Note: "bitmap: 1 7 11"},
	{Offset: 10, Bytes: bytes.Repeat([]byte{0xAB}, 18), Note: "a long element"},
	{Offset: 28, Bytes: []byte{1}},
}

func TestCheckAgainstFile(t *testing.T) {
	golden.Check(t, filepath.Join("testdata", "echo.txt"), echo)
	if got := golden.Load(t, filepath.Join("testdata", "echo.txt")); !bytes.Equal(got, golden.Join(echo)) {
		t.Errorf("Load gave %X", got)
	}
}

func TestFormatAndParseAreInverse(t *testing.T) {
	text, err := golden.Format(echo)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := golden.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden.Join(lines), golden.Join(echo)) {
		t.Errorf("bytes changed:\n%s", text)
	}
	if lines[0].Note != "message type" || lines[1].Note != "bitmap: 1 7 11" {
		t.Errorf("notes changed: %+v", lines)
	}
}

func TestFormatRefusesLies(t *testing.T) {
	for name, lines := range map[string][]golden.Line{
		"gap":       {{Offset: 1, Bytes: []byte{1}}},
		"overlap":   {{Bytes: []byte{1, 2}}, {Offset: 1, Bytes: []byte{3}}},
		"two lines": {{Bytes: []byte{1}, Note: "a\nb"}},
	} {
		if text, err := golden.Format(lines); err == nil {
			t.Errorf("%s: accepted as %q", name, text)
		}
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"0000 01", "line 1: want offset"},
		{"0000: 01\n0002: 02", "line 2: says offset 0002, but 0001"},
		{"zz: 01", "line 1: offset"},
		{"0000: 0", "line 1: bytes at 0000"},
	} {
		if _, err := golden.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0000: 0800  # message type\n")
	f.Add("# prose\n0000: 08 00\n0002: 01")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := golden.Parse(text)
		if err != nil {
			return
		}
		again, err := golden.Parse(must(golden.Format(withBytes(lines))))
		if err != nil || !bytes.Equal(golden.Join(again), golden.Join(lines)) {
			t.Fatalf("%q: %v after a round trip", text, err)
		}
	})
}

// withBytes leaves out rows without bytes, which Format writes as prose.
func withBytes(lines []golden.Line) []golden.Line {
	var kept []golden.Line
	for _, l := range lines {
		if len(l.Bytes) > 0 {
			kept = append(kept, golden.Line{Offset: l.Offset, Bytes: l.Bytes})
		}
	}
	return kept
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}
