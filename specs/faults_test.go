package specs_test

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/specs"
)

// Each row of testdata/faults.txt is a message that breaks one rule of
// visa-style; those of faults-ascii87.txt are characters, not hexadecimal.

type faultRow struct {
	name, kind, path string
	offset           int
	body             []byte
}

func TestFaults(t *testing.T) {
	t.Run(specs.NameVisaStyle, func(t *testing.T) { checkFaults(t, specs.VisaStyleCodec(), faultRows(t)) })
	t.Run(specs.NameASCII87, func(t *testing.T) { checkFaults(t, codecByName(t, specs.NameASCII87), asciiFaultRows(t)) })
}

func checkFaults(t *testing.T, codec *specs.Codec, rows []faultRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := codec.Parse(row.body)
			f := (*specs.FormatError)(nil)
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a *FormatError", err)
			}
			if f.Kind.String() != row.kind || f.Offset != row.offset || f.Path != row.path {
				t.Errorf("got %v, want field %s at byte %d: %s", f, row.path, row.offset, row.kind)
			}
			if in := codec.Inspect(row.body); in.Fault == nil || *in.Fault != *f {
				t.Errorf("Inspect gives %v, Parse %v", in.Fault, f)
			}
		})
	}
}

func faultRows(t testing.TB) []faultRow {
	t.Helper()
	return faultTable(t, "testdata/faults.txt", func(text string) []byte { return unhex(t, text) })
}

func asciiFaultRows(t testing.TB) []faultRow {
	t.Helper()
	return faultTable(t, "testdata/faults-ascii87.txt", func(text string) []byte {
		message, err := strconv.Unquote(`"` + strings.ReplaceAll(text, " ", "") + `"`)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return []byte(message)
	})
}

func faultTable(t testing.TB, file string, body func(string) []byte) []faultRow {
	t.Helper()
	var rows []faultRow
	for _, columns := range tableRows(t, file, 5) {
		offset, err := strconv.Atoi(columns[2])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, faultRow{
			name: columns[0], kind: columns[1], offset: offset, path: columns[3],
			body: body(columns[4]),
		})
	}
	return rows
}

// tableRows reads a text table: columns parted by "|", comments behind "#".
func tableRows(t testing.TB, file string, columns int) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.Split(line, "|")
		if len(row) != columns {
			t.Fatalf("%s: %d columns in %q, want %d", file, len(row), line, columns)
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		rows = append(rows, row)
	}
	return rows
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}
