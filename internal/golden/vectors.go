package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Vectors reads the table testdata/vectors/name of the package under test: its
// rows, each cut into columns at blanks. Lines that begin with # are comments.
// A table without rows, or a row of another width, fails the test.
func Vectors(t testing.TB, name string, columns int) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		row := strings.Fields(line)
		if len(row) == 0 || row[0] == "#" {
			continue
		}
		if len(row) != columns {
			t.Fatalf("%s: a row of %d columns, not %d: %q", name, len(row), columns, line)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}
