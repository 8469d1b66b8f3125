package golden

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// rowBytesMax is how many bytes stand on one row: 32 hex digits leave room for
// the note on a line of 80.
const rowBytesMax = 16

// Format writes lines as a golden file. It refuses offsets that do not follow
// from the bytes before, so that a file never lies about where an element is.
func Format(lines []Line) (string, error) {
	width, next := 0, 0
	for _, l := range lines {
		if l.Offset != next {
			return "", fmt.Errorf("element %q says offset %d, but %d bytes precede it", l.Note, l.Offset, next)
		}
		if strings.ContainsAny(l.Note, "\r\n") {
			return "", fmt.Errorf("the note of the element at %d has more than one line", l.Offset)
		}
		width, next = max(width, min(len(l.Bytes), rowBytesMax)), next+len(l.Bytes)
	}
	var b strings.Builder
	for _, l := range lines {
		writeElement(&b, l, 2*width)
	}
	return b.String(), nil
}

func writeElement(b *strings.Builder, l Line, width int) {
	if len(l.Bytes) == 0 {
		fmt.Fprintf(b, "# %s\n", l.Note)
		return
	}
	for i := 0; i < len(l.Bytes); i += rowBytesMax {
		row := l.Bytes[i:min(i+rowBytesMax, len(l.Bytes))]
		text := fmt.Sprintf("%04X: %-*X", l.Offset+i, width, row)
		if i == 0 && l.Note != "" {
			text += "  # " + l.Note
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
}

// Parse reads a golden file. Rows that continue an element come back as lines
// without a note; prose is left out. Errors name the line of the file.
func Parse(text string) ([]Line, error) {
	var lines []Line
	next := 0
	for i, row := range strings.Split(text, "\n") {
		row = strings.TrimSpace(row)
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		l, err := parseRow(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if l.Offset != next {
			return nil, fmt.Errorf("line %d: says offset %04X, but %04X bytes precede it", i+1, l.Offset, next)
		}
		lines, next = append(lines, l), next+len(l.Bytes)
	}
	return lines, nil
}

func parseRow(row string) (Line, error) {
	body, note, _ := strings.Cut(row, "#")
	offset, digits, found := strings.Cut(body, ":")
	if !found {
		return Line{}, fmt.Errorf("want offset: hex  # note, not %q", row)
	}
	at, err := strconv.ParseUint(strings.TrimSpace(offset), 16, 31)
	if err != nil {
		return Line{}, fmt.Errorf("offset %q is not hexadecimal", offset)
	}
	value, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		return Line{}, fmt.Errorf("bytes at %04X: %w", at, err)
	}
	return Line{Offset: int(at), Bytes: value, Note: strings.TrimSpace(note)}, nil
}
