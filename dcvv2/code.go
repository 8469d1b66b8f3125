package dcvv2

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/secret"
)

// CodeDigits is the length of a code; leading zeros count.
const CodeDigits = 3

// Errors of codes and accounts. None of them carries a value.
var (
	ErrCode        = errors.New("a code is three digits")
	ErrAccount     = errors.New("an account needs a PAN and an expiry date")
	ErrServiceCode = errors.New("a service code is three digits")
)

// Code is a card verification value that cannot be printed. The zero value is
// no code.
type Code struct {
	digits secret.Text
}

// ParseCode reads three digits.
func ParseCode(s string) (Code, error) {
	if len(s) != CodeDigits || !allDigits(s) {
		return Code{}, ErrCode
	}
	return Code{digits: secret.New(s)}, nil
}

// Reveal gives the three digits, or nothing of no code. Callers must not
// print, log or store them.
func (c Code) Reveal() string { return c.digits.Reveal() }

// IsZero reports whether c is no code.
func (c Code) IsZero() bool { return c.digits.IsZero() }

// String is three stars.
func (c Code) String() string { return "***" }

// Format writes three stars for every verb.
func (c Code) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText is three stars, so JSON, YAML and zerolog show no more than fmt
// does.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// digits are a code inside a computation. They never leave the package: what
// does is a Code.
type digits [CodeDigits]byte

// code makes a Code of three digits. It hides a part of allCodes, which needs
// no memory.
func (d digits) code() Code {
	n := 100*int(d[0]-'0') + 10*int(d[1]-'0') + int(d[2]-'0')
	return Code{digits: secret.New(allCodes[CodeDigits*n : CodeDigits*(n+1)])}
}

// allCodes is "000001002" and so on to "999".
var allCodes = func() string {
	b := make([]byte, 0, CodeDigits*1000)
	for n := range uint64(1000) {
		d := digitsOf(n)
		b = append(b, d[:]...)
	}
	return string(b)
}()

// digitsOf gives the last three digits of n.
func digitsOf(n uint64) digits {
	return digits{'0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)}
}

// are is 1 when d is the code c and 0 when it is not, or c is none, in constant
// time.
func (d digits) are(c Code) int {
	return subtle.ConstantTimeCompare(d[:], []byte(c.Reveal()))
}

// Result is what the outside learns of a code: field 44 position 10 (public
// acquirer response lists). The zero value is no result.
type Result byte

// Results.
const (
	Match            Result = 'M'
	NoMatch          Result = 'N'
	NotProcessed     Result = 'P'
	ShouldBePresent  Result = 'S'
	NotParticipating Result = 'U'
)

// String is the letter of the wire, or nothing of no result.
func (r Result) String() string {
	if r == 0 {
		return ""
	}
	return string(rune(r))
}

// Values of Presented.Presence: field 126.10 position 1 (Thredd EHI).
const (
	PresenceNone      byte = '0' // deliberately not sent
	PresenceGiven     byte = '1'
	PresenceIllegible byte = '2'
	PresenceDynamic   byte = '3' // a dynamic CVV2
	PresenceNotOnCard byte = '9'
)

// Presented is what a request says about its code (field 126.10).
type Presented struct {
	Presence byte // one of the Presence values; 0 when the field is absent
	Code     Code
}

// HasCode reports whether there is a code to check.
func (p Presented) HasCode() bool {
	return (p.Presence == PresenceGiven || p.Presence == PresenceDynamic) && !p.Code.IsZero()
}

// Account is what a code is computed of, beside key and window.
type Account struct {
	PAN      card.PAN
	Sequence card.Sequence
	Expiry   card.Expiry
	// Generation counts enrolments. Profiles that use it void all codes of
	// earlier ones; cvv-hour does not.
	Generation uint16
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
