package specs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FieldMax is the highest field number: two bitmaps of 64 bits (ISO 8583:1987).
const FieldMax = 128

// Path names one value of a message. Its number is field, sub and tag in 8, 8
// and 16 bits, so that paths sort in the order of the wire. It is written
//
//	2           a field
//	63.3        a subfield of a field with a bitmap of its own, decimal
//	123.01.04   a tag in a set, both hexadecimal
//	55.01.9F26  a BER tag in a set
//
// Set 00 stands for a field that has tags but no sets. The zero Path names no
// value.
type Path uint32

// P makes a path of a field, a field and a subfield, or a field, a set and a
// tag. It is meant for constants: numbers that do not fit panic.
func P(field int, more ...int) Path {
	p, ok := makePath(field, more...)
	if !ok {
		panic(fmt.Sprintf("specs: no path %d %v", field, slices.Clone(more))) // of the clone, so that more costs nothing
	}
	return p
}

func makePath(field int, more ...int) (Path, bool) {
	if field < 0 || field > FieldMax || len(more) > 2 {
		return 0, false
	}
	p := Path(field) << 24
	switch len(more) {
	case 1:
		return p | Path(more[0])<<16, more[0] > 0 && more[0] <= 0xFF
	case 2:
		inRange := more[0] >= 0 && more[0] <= 0xFF && more[1] > 0 && more[1] <= 0xFFFF
		return p | Path(more[0])<<16 | Path(more[1]), inRange
	}
	return p, true
}

// ParsePath reads what String writes and nothing else.
func ParsePath(s string) (Path, error) {
	parts := strings.Split(s, ".")
	base := 10
	if len(parts) == 3 {
		base = 16
	}
	field, err := strconv.Atoi(parts[0])
	more := make([]int, 0, 2)
	for _, part := range parts[1:] {
		n, partErr := strconv.ParseUint(part, base, 16)
		if partErr != nil {
			err = partErr
		}
		more = append(more, int(n))
	}
	p, ok := makePath(field, more...)
	if err != nil || !ok || p.String() != s {
		return 0, fmt.Errorf("%q is no path: write it like 2, 63.3 or 123.01.04", s)
	}
	return p, nil
}

// Field is the number of the field.
func (p Path) Field() int { return int(p >> 24) }

// Sub is the number of the subfield or set, 0 when there is none.
func (p Path) Sub() int { return int(p >> 16 & 0xFF) }

// Tag is the tag inside a set, 0 when there is none.
func (p Path) Tag() int { return int(p & 0xFFFF) }

// depth is how many elements a value is inside of.
func (p Path) depth() int {
	depth := 0
	if p.Sub() > 0 {
		depth++
	}
	if p.Tag() > 0 {
		depth++
	}
	return depth
}

// String writes the path as the type's comment shows.
func (p Path) String() string { return string(p.Append(nil)) }

// Append appends String.
func (p Path) Append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, int64(p.Field()), 10)
	switch {
	case p.Tag() > 0:
		dst = appendHex(append(dst, '.'), []byte{byte(p.Sub())})
		dst = append(dst, '.')
		if p.Tag() > 0xFF {
			dst = appendHex(dst, []byte{byte(p.Tag() >> 8)})
		}
		return appendHex(dst, []byte{byte(p.Tag())})
	case p.Sub() > 0:
		return strconv.AppendInt(append(dst, '.'), int64(p.Sub()), 10)
	}
	return dst
}

// setPath is the path of a whole set, for faults.
func setPath(field, set int) string { return fmt.Sprintf("%d.%02X", field, set) }

// Shifts of a Path that leave its field, and its field and set.
const (
	toField = 24
	toSet   = 16
)
