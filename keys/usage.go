package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/cmac"
)

// use is what the header of a key block says of a usage (ANSI X9.143).
type use struct {
	usage      string
	mode       byte
	algorithms map[int]byte // by the key's length in bytes
	generated  int          // length of a key that the ring generates
}

var uses = map[Usage]use{
	// E6: EMV master key, other; X: may derive keys and nothing else.
	DCVV2: {usage: "E6", mode: 'X', algorithms: map[int]byte{16: 'T', 32: 'A'}, generated: 16},
	// C0: card verification key; C: generate and verify.
	CVK: {usage: "C0", mode: 'C', algorithms: map[int]byte{16: 'T'}, generated: 16},
	// E0: EMV master key for application cryptograms.
	Token: {usage: "E0", mode: 'X', algorithms: map[int]byte{16: 'T'}, generated: 16},
	// D0: symmetric data encryption; B: both ways.
	PANSeal: {usage: "D0", mode: 'B', algorithms: map[int]byte{32: 'A'}, generated: 32},
	// M7: HMAC; C: generate and verify.
	PANReference: {usage: "M7", mode: 'C', algorithms: map[int]byte{32: 'H'}, generated: 32},
	Passcode:     {usage: "M7", mode: 'C', algorithms: map[int]byte{32: 'H'}, generated: 32},
	// K1: key block protection key; B: wraps and unwraps.
	Transport: {usage: "K1", mode: 'B', algorithms: map[int]byte{16: 'A', 32: 'A'}, generated: 32},
}

const (
	labelID    = "LB"
	hashID     = "HM" // hash of an HMAC key, required for algorithm H
	hashSHA256 = "21"
)

// headerOf is the header of a key's block. The label binds the block to its
// range, so that blocks cannot change places in the file.
func headerOf(w Wanted, algorithm byte) Header {
	u := uses[w.Usage]
	h := Header{
		Usage: u.usage, Algorithm: algorithm, Mode: u.mode,
		Version: versionField(w), Exportability: byte(w.Exportability.orNever()),
		Optional: []OptionalBlock{{ID: labelID, Value: w.String()}},
	}
	if algorithm == 'H' {
		h.Optional = append(h.Optional, OptionalBlock{ID: hashID, Value: hashSHA256})
	}
	return h
}

// versionField is the two characters of a header's key version.
func versionField(w Wanted) string { return fmt.Sprintf("%02d", w.Version) }

// sameHeader compares what a block says with what its name calls for.
func sameHeader(got, want Header) error {
	for _, part := range []struct{ name, got, want string }{
		{"usage", got.Usage, want.Usage},
		{"algorithm", string(got.Algorithm), string(want.Algorithm)},
		{"mode", string(got.Mode), string(want.Mode)},
		{"version", got.Version, want.Version},
		{"exportability", string(got.Exportability), string(want.Exportability)},
		{"label", got.optional(labelID), want.optional(labelID)},
		{"hash", got.optional(hashID), want.optional(hashID)},
	} {
		if part.got != part.want {
			return fmt.Errorf("%w: its block's %s is %q, not %q", ErrKey, part.name, part.got, part.want)
		}
	}
	return nil
}

// algorithmOf checks a key's length and gives its algorithm.
func algorithmOf(u Usage, key []byte) (byte, error) {
	algorithm, ok := uses[u].algorithms[len(key)]
	if !ok {
		return 0, fmt.Errorf("%w: a %s key does not have %d bytes", ErrKey, u, len(key))
	}
	return algorithm, weakness(algorithm, key)
}

// weakness refuses keys that are no keys: all zero, and triple DES with equal
// halves. Parity bits of a DES key do not count.
func weakness(algorithm byte, key []byte) error {
	sound := slices.Clone(key)
	if algorithm == 'T' {
		oddParity(sound)
		if string(sound[:8]) == string(sound[8:16]) {
			return fmt.Errorf("%w: its two halves are equal, which makes it single DES", ErrKey)
		}
	}
	if len(bytes.TrimLeft(key, "\x00")) == 0 {
		return fmt.Errorf("%w: it is all zero", ErrKey)
	}
	return nil
}

// draw makes a new key of a length in bytes.
func draw(u Usage, length int, random io.Reader) ([]byte, error) {
	key := make([]byte, length)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	if uses[u].algorithms[len(key)] == 'T' {
		oddParity(key)
	}
	return key, nil
}

// oddParity sets the lowest bit of each byte, as DES keys have it.
func oddParity(key []byte) {
	for i, b := range key {
		key[i] = b&0xFE | byte(bits.OnesCount8(b&0xFE)+1)&1
	}
}

func algorithmName(algorithm byte) string {
	return map[byte]string{'T': "TDES", 'A': "AES", 'H': "HMAC"}[algorithm]
}

// checkValue gives the first three bytes, as six hexadecimal digits, of: a zero
// block enciphered (TDES, ANSI X9.24-1), the CMAC of a zero block (AES), the
// HMAC-SHA256 of nothing (HMAC, ours).
func checkValue(algorithm byte, key []byte) string {
	switch algorithm {
	case 'T':
		k, err := emv.NewKey(key)
		if err != nil {
			return ""
		}
		return k.CheckValue()
	case 'A':
		block, err := aes.NewCipher(key)
		if err != nil {
			return ""
		}
		sum := cmac.Sum(block, make([]byte, aes.BlockSize))
		return upperHex(sum[:3])
	default:
		return upperHex(hmac.New(sha256.New, key).Sum(nil)[:3])
	}
}
