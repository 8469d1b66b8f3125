// Package emv computes what a payment chip and its issuer compute: card and
// session keys, application cryptograms and the issuer's answers to them, card
// verification values, and the TLV coding of the data they travel in.
//
// It never does I/O, keeps no state and draws no random numbers; keys and
// cryptograms are types that cannot be printed. All of it is published EMV
// practice on two-key Triple DES, which NIST has disallowed for new designs
// since 2023: treat it as scheme legacy. Where sources differ, the comment
// says which reading was taken. Start at CardKey and ApplicationCryptogram;
// for the coding, at ParseTLV.
package emv

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/internal/secret"
)

// KeyBytes is the length of a double-length TDES key (NIST SP 800-67 keying
// option 2).
const KeyBytes = 16

// Errors of keys. None of them carries the key.
var (
	ErrKeyLength  = errors.New("a TDES key has 16 bytes (32 hexadecimal digits)")
	ErrKeyMissing = errors.New("no key: load one before computing with it")
)

// Key is a double-length TDES key that cannot be printed. The zero value is no
// key. Keys are equal under == when all their bits are, parity included.
type Key struct {
	bytes secret.Text
}

// NewKey takes 16 bytes. Parity bits are neither checked nor changed.
func NewKey(b []byte) (Key, error) {
	if len(b) != KeyBytes {
		return Key{}, fmt.Errorf("%w, not %d bytes", ErrKeyLength, len(b))
	}
	return Key{bytes: secret.New(string(b))}, nil
}

// ParseKey reads 32 hexadecimal digits in either case.
func ParseKey(digits string) (Key, error) {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Key{}, ErrKeyLength // the decoder's own error would quote the key
	}
	return NewKey(b)
}

// Reveal gives the 16 bytes, or none of no key. Callers must not print, log or
// store them.
func (k Key) Reveal() []byte { return []byte(k.bytes.Reveal()) }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.bytes.IsZero() }

// CheckValue is the first three bytes of a zero block encrypted under k, as
// six hexadecimal digits: it names a key without giving it away. It is empty
// for no key.
func (k Key) CheckValue() string {
	if k.IsZero() {
		return ""
	}
	var block [blockBytes]byte
	k.raw().encrypt(block[:])
	return fmt.Sprintf("%X", block[:3])
}

// String is a mask.
func (k Key) String() string { return "[key]" }

// Format writes a mask for every verb.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k Key) raw() (r rawKey) {
	copy(r[:], k.bytes.Reveal())
	return r
}
