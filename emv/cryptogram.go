package emv

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/internal/secret"
)

// Length of a cryptogram in bytes: 8 for what a card or a method 1 issuer
// sends (9F26), 4 for ARPC method 2.
const (
	CryptogramBytesMin = 4
	CryptogramBytesMax = 8
)

// Limits of numbers in chip data, by the digits of their tags.
const (
	AmountMax = 999_999_999_999 // 9F02 and 9F03: 12 digits
	CodeMax   = 999             // 9F1A and 5F2A: three digits of ISO 3166 and 4217
)

// Errors of cryptograms. None of them carries one.
var (
	ErrCryptogramLength = errors.New("a cryptogram has 4 to 8 bytes")
	ErrInput            = errors.New("chip data is out of range")
)

// Cryptogram is an ARQC or ARPC that cannot be printed. The zero value is
// none. For comparing what came from outside use VerifyCryptogram,
// VerifyARPC1 or VerifyARPC2, which take constant time.
type Cryptogram struct {
	bytes secret.Text
}

// NewCryptogram takes 4 to 8 bytes.
func NewCryptogram(b []byte) (Cryptogram, error) {
	if len(b) < CryptogramBytesMin || len(b) > CryptogramBytesMax {
		return Cryptogram{}, fmt.Errorf("%w, not %d", ErrCryptogramLength, len(b))
	}
	return Cryptogram{bytes: secret.New(string(b))}, nil
}

// Reveal gives the bytes. Callers must not print, log or store them.
func (c Cryptogram) Reveal() []byte { return []byte(c.bytes.Reveal()) }

// IsZero reports whether c is none.
func (c Cryptogram) IsZero() bool { return c.bytes.IsZero() }

// String is a mask.
func (c Cryptogram) String() string { return "[cryptogram]" }

// Format writes a mask for every verb.
func (c Cryptogram) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (c Cryptogram) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c Cryptogram) equals(computed []byte) bool {
	return !c.IsZero() && subtle.ConstantTimeCompare(c.Reveal(), computed) == 1
}

// Input is the data that a cryptogram covers, as terminal and card hold it.
type Input struct {
	AmountAuthorised uint64  // 9F02, minor units of Currency, at most AmountMax
	AmountOther      uint64  // 9F03, likewise
	Country          uint16  // 9F1A, ISO 3166 numeric as a number: 840
	Currency         uint16  // 5F2A, ISO 4217 numeric as a number: 840
	TVR              [5]byte // 95, terminal verification results
	Date             [3]byte // 9A, packed digits YYMMDD
	Type             byte    // 9C, packed digits: 00 is a purchase
	Unpredictable    [4]byte // 9F37, the terminal's random number
	AIP              [2]byte // 82, application interchange profile
	ATC              uint16  // 9F36, application transaction counter
	IAD              []byte  // 9F10, issuer application data, 7 to 32 bytes
}

// Validate reports the first value that its tag cannot hold, wrapping ErrInput
// or ErrIAD.
func (in Input) Validate() error {
	switch {
	case in.AmountAuthorised > AmountMax:
		return fmt.Errorf("%w: the amount (9F02) has over 12 digits", ErrInput)
	case in.AmountOther > AmountMax:
		return fmt.Errorf("%w: the other amount (9F03) has over 12 digits", ErrInput)
	case in.Country > CodeMax:
		return fmt.Errorf("%w: country (9F1A) %d has over 3 digits", ErrInput, in.Country)
	case in.Currency > CodeMax:
		return fmt.Errorf("%w: currency (5F2A) %d has over 3 digits", ErrInput, in.Currency)
	}
	_, err := VersionOf(in.IAD)
	return err
}

// ApplicationCryptogram computes the cryptogram (9F26) of the version that
// in.IAD names: 10, 17, 18, 22 or 43. For 18 and 22 it derives the session key
// from cardKey itself; for 43 cardKey is the limited-use key. It fails on no
// key (ErrKeyMissing) and on what Validate refuses.
func ApplicationCryptogram(cardKey Key, in Input) (Cryptogram, error) {
	sum, err := applicationCryptogram(cardKey, in)
	if err != nil {
		return Cryptogram{}, err
	}
	return NewCryptogram(sum[:])
}

// VerifyCryptogram reports whether got is the cryptogram of in, in constant
// time. It is false for whatever ApplicationCryptogram refuses.
func VerifyCryptogram(cardKey Key, in Input, got Cryptogram) bool {
	sum, err := applicationCryptogram(cardKey, in)
	return err == nil && got.equals(sum[:])
}

func applicationCryptogram(cardKey Key, in Input) (sum [blockBytes]byte, err error) {
	if cardKey.IsZero() {
		return sum, ErrKeyMissing
	}
	if err := in.Validate(); err != nil {
		return sum, err
	}
	version, err := VersionOf(in.IAD)
	if err != nil {
		return sum, err
	}
	key := cardKey.raw()
	if version == Version18 || version == Version22 {
		key = sessionKey(key, in.ATC)
	}
	ready := key.ready()
	return ready.mac(in.covered(version)), nil
}

// covered is the data a cryptogram is made of. Zero padding is left to the
// MAC.
func (in Input) covered(version Version) []byte {
	cvr := in.IAD[iadCVROffset : iadCVROffset+iadCVRBytes]
	b := make([]byte, 0, 80) // 33 bytes of elements, 32 of 9F10, 8 of padding
	switch version {
	case Version17:
		b = appendBCDNumber(b, in.AmountAuthorised, 6)
		b = append(b, in.Unpredictable[:]...)
		return append(b, byte(in.ATC>>8), byte(in.ATC), cvr[1])
	case Version10:
		return append(in.appendElements(b), cvr...)
	default:
		return padded(append(in.appendElements(b), in.IAD...))
	}
}

// appendElements writes 9F02 9F03 9F1A 95 5F2A 9A 9C 9F37 82 9F36.
func (in Input) appendElements(b []byte) []byte {
	b = appendBCDNumber(b, in.AmountAuthorised, 6)
	b = appendBCDNumber(b, in.AmountOther, 6)
	b = appendBCDNumber(b, uint64(in.Country), 2)
	b = append(b, in.TVR[:]...)
	b = appendBCDNumber(b, uint64(in.Currency), 2)
	b = append(b, in.Date[:]...)
	b = append(b, in.Type)
	b = append(b, in.Unpredictable[:]...)
	b = append(b, in.AIP[:]...)
	return append(b, byte(in.ATC>>8), byte(in.ATC))
}
