package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/internal/secret"
)

// Limits of passcodes. All are ours.
const (
	PasscodeDigits   = 6
	PasscodeTriesMax = 3                // of one passcode
	PasscodesMax     = 3                // drawn for one token
	PasscodeFor      = 30 * time.Minute // one exactly this old is expired
	passcodeKeyBytes = 32
)

// Method is how a token that waits for its step-up becomes active (field 123
// set 01 tag 0D; the numbers are ours). The zero value leaves it open.
type Method string

// Methods.
const (
	ByPasscode   Method = "01" // the cardholder types a passcode into the wallet
	ByCallCentre Method = "02" // the cardholder calls the issuer
	ByIssuerApp  Method = "03" // the cardholder confirms in the issuer's app
)

// Word is the method as people, settings and JSON read it; "" for one that is
// left open.
func (m Method) Word() string {
	switch m {
	case ByPasscode:
		return "passcode"
	case ByCallCentre:
		return "call-centre"
	case ByIssuerApp:
		return "app"
	default:
		return ""
	}
}

// Methods lists every method.
var Methods = []Method{ByPasscode, ByCallCentre, ByIssuerApp}

// Passcode is the state of the passcode of an inactive token. The digits are
// nowhere: PasscodeKey computes them.
type Passcode struct {
	Number  int       // how many were drawn; 0 when the issuer wants another way
	Expires time.Time // of the last one
	Tries   int       // wrong ones, of the last one
}

// What came of a passcode (Notice.Result of a NoticeTried, 123.01.0E).
const (
	PasscodeRight  = "00"
	PasscodeWrong  = "01"
	PasscodesTried = "02" // wrong, and the last try of this passcode
)

// ActivationCode is the digits of a passcode (123.01.0B). It prints masked.
type ActivationCode struct {
	digits secret.Text
}

// ErrActivationCode says what a passcode looks like. It carries no value.
var ErrActivationCode = errors.New("a passcode has 4 to 8 digits")

// Lengths of a passcode as messages carry it: other networks' differ.
const (
	activationCodeMin = 4
	activationCodeMax = 8
)

// ParseActivationCode reads 4 to 8 digits.
func ParseActivationCode(s string) (ActivationCode, error) {
	if len(s) < activationCodeMin || len(s) > activationCodeMax {
		return ActivationCode{}, ErrActivationCode
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return ActivationCode{}, ErrActivationCode
		}
	}
	return ActivationCode{digits: secret.New(s)}, nil
}

// Reveal gives the digits, or nothing of none. Callers must not print, log or
// store them.
func (c ActivationCode) Reveal() string { return c.digits.Reveal() }

// IsZero reports whether c is none.
func (c ActivationCode) IsZero() bool { return c.digits.IsZero() }

// String is a mask.
func (c ActivationCode) String() string { return "******" }

// Format writes a mask for every verb.
func (c ActivationCode) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (c ActivationCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// PasscodeKey computes passcodes, so that none is ever stored. It prints
// masked; the zero value is no key.
type PasscodeKey struct {
	key secret.Text
}

// ErrPasscodeKey says what a key for passcodes must be.
var ErrPasscodeKey = errors.New("a key for passcodes has 32 bytes")

// NewPasscodeKey takes 32 bytes.
func NewPasscodeKey(key []byte) (PasscodeKey, error) {
	if len(key) != passcodeKeyBytes {
		return PasscodeKey{}, ErrPasscodeKey
	}
	return PasscodeKey{key: secret.New(string(key))}, nil
}

// IsZero reports whether k is no key.
func (k PasscodeKey) IsZero() bool { return k.key.IsZero() }

// Passcode computes the number-th passcode of a token: HMAC-SHA256 over
// reference and number, cut to six digits as HOTP does (RFC 4226 5.3). The
// input is ours.
func (k PasscodeKey) Passcode(reference string, number int) ActivationCode {
	if k.IsZero() || number <= 0 {
		return ActivationCode{}
	}
	mac := hmac.New(sha256.New, []byte(k.key.Reveal()))
	fmt.Fprintf(mac, "passcode %s %d", reference, number)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0F
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7FFFFFFF % 1_000_000
	return ActivationCode{digits: secret.New(fmt.Sprintf("%0*d", PasscodeDigits, n))}
}

// equals compares in constant time.
func (c ActivationCode) equals(other ActivationCode) bool {
	return !c.IsZero() && subtle.ConstantTimeCompare([]byte(c.Reveal()), []byte(other.Reveal())) == 1
}
