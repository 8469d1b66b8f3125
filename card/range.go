package card

import (
	"errors"
	"fmt"
	"strings"
)

// Leading digits that name an account range. Six is a whole BIN of old;
// eleven are as many as Visa-style account ranges use (ours).
const (
	RangeDigitsMin = 6
	RangeDigitsMax = 11
)

// ErrRange is what ParseRange wraps. It does not quote the input, which may be
// a PAN in the wrong place.
var ErrRange = errors.New("an account range is 6 to 11 leading digits, or LOW-HIGH of equal length")

// Range is a set of PANs by their leading digits, from low to high, both
// included. It names no account, so it prints in clear.
type Range struct {
	low, high string
}

// ParseRange reads "4761739" or "47617390-47617394".
func ParseRange(s string) (Range, error) {
	low, high, two := strings.Cut(s, "-")
	if !two {
		high = low
	}
	for _, part := range []string{low, high} {
		if len(part) < RangeDigitsMin || len(part) > RangeDigitsMax || !allDigits(part) {
			return Range{}, ErrRange
		}
	}
	if len(low) != len(high) || low > high {
		return Range{}, fmt.Errorf("%w: LOW is above HIGH or longer or shorter", ErrRange)
	}
	return Range{low: low, high: high}, nil
}

// MustRange is ParseRange for constants in tests and examples.
func MustRange(s string) Range {
	r, err := ParseRange(s)
	if err != nil {
		panic(err)
	}
	return r
}

// Contains reports whether p begins within the range.
func (r Range) Contains(p PAN) bool {
	digits := p.Reveal()
	if len(digits) < len(r.low) || r.low == "" {
		return false
	}
	lead := digits[:len(r.low)]
	return r.low <= lead && lead <= r.high
}

// Overlaps reports whether some PAN lies in both ranges.
func (r Range) Overlaps(o Range) bool {
	return pad(r.low, '0') <= pad(o.high, '9') && pad(o.low, '0') <= pad(r.high, '9')
}

// NarrowerThan reports whether r holds fewer PANs than o. Of two ranges that
// both contain a PAN, the narrower one's policy applies.
func (r Range) NarrowerThan(o Range) bool { return r.size() < o.size() }

// Low is the first run of leading digits in the range.
func (r Range) Low() string { return r.low }

// IsZero reports whether r is no range.
func (r Range) IsZero() bool { return r.low == "" }

// String is what ParseRange reads.
func (r Range) String() string {
	if r.low == r.high {
		return r.low
	}
	return r.low + "-" + r.high
}

// MarshalText is String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRange.
func (r *Range) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRange(string(b))
	return err
}

func (r Range) size() int {
	return number(pad(r.high, '9')) - number(pad(r.low, '0'))
}

func pad(s string, digit byte) string {
	return s + strings.Repeat(string(digit), RangeDigitsMax-len(s))
}
