// Package card knows what stands on a payment card: the primary account
// number (PAN), its sequence number, its expiry date, and the account ranges
// that issuers register.
//
// It never does I/O and never prints a PAN: a PAN shows its first six and last
// four digits wherever it is formatted, logged or marshalled (PCI DSS 3.4.1),
// and gives its digits only through Reveal. Start at ParsePAN.
package card

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/internal/secret"
)

// Length of a PAN in digits (ISO/IEC 7812-1 allows up to 19; 13 is the
// shortest that the networks ever issued).
const (
	PANDigitsMin = 13
	PANDigitsMax = 19
)

// Errors that ParsePAN wraps. None of them carries the digits.
var (
	ErrPANLength = errors.New("a PAN has 13 to 19 digits")
	ErrPANDigits = errors.New("a PAN has digits only")
	ErrPANLuhn   = errors.New("the PAN's last digit does not pass the Luhn check")
)

// PAN is a primary account number or a token number, which has the same form.
// The zero value is no PAN. PANs are equal under == when their digits are.
type PAN struct {
	digits secret.Text
}

// ParsePAN checks length, digits and Luhn check digit (ISO/IEC 7812-1 annex B).
func ParsePAN(s string) (PAN, error) {
	if len(s) < PANDigitsMin || len(s) > PANDigitsMax {
		return PAN{}, fmt.Errorf("%w, not %d", ErrPANLength, len(s))
	}
	if !allDigits(s) {
		return PAN{}, ErrPANDigits
	}
	if luhnSum(s)%10 != 0 {
		return PAN{}, ErrPANLuhn
	}
	return PAN{digits: secret.New(s)}, nil
}

// MustPAN is ParsePAN for constants in tests and examples: it panics on error.
func MustPAN(s string) PAN {
	p, err := ParsePAN(s)
	if err != nil {
		panic(err)
	}
	return p
}

// CompletePAN appends the Luhn check digit to the digits given, which are all
// digits of the PAN but its last.
func CompletePAN(digits string) (PAN, error) {
	if !allDigits(digits) {
		return PAN{}, ErrPANDigits
	}
	check := (10 - luhnSum(digits+"0")%10) % 10
	return ParsePAN(digits + string(rune('0'+check)))
}

// Reveal gives the clear digits. Callers must not print, log or store them.
func (p PAN) Reveal() string { return p.digits.Reveal() }

// IsZero reports whether p is no PAN.
func (p PAN) IsZero() bool { return p.digits.IsZero() }

// Masked shows the first six and the last four digits, the most that PCI DSS
// 3.4.1 lets anybody see without a business need.
func (p PAN) Masked() string { return MaskDigits(p.Reveal()) }

// String is Masked.
func (p PAN) String() string { return p.Masked() }

// Format writes Masked for every verb.
func (p PAN) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.Masked()) }

// MarshalText is Masked, so JSON, YAML and zerolog show no more than fmt does.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.Masked()), nil }

// MaskDigits shows the first six and last four of 13 or more digits and
// nothing of fewer.
func MaskDigits(s string) string {
	if len(s) < PANDigitsMin {
		return strings.Repeat("*", len(s))
	}
	return s[:6] + strings.Repeat("*", len(s)-10) + s[len(s)-4:]
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func luhnSum(s string) int {
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		d := int(s[i] - '0')
		if double {
			d = d*2/10 + d*2%10
		}
		sum, double = sum+d, !double
	}
	return sum
}
