package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/firsttap/firsttap/card"
)

// CipherKeyBytes is the length of both keys of a Cipher: AES-256 and
// HMAC-SHA256.
const CipherKeyBytes = 32

// sealVersion is the first byte of a sealed PAN: the version of the key and
// layout it is sealed under, so that a rotation can tell old from new.
const sealVersion = 1

// Errors of a Cipher. None carries a PAN or a key.
var (
	ErrCipherKey = errors.New("a vault key has 32 bytes, and its two keys differ")
	ErrSealed    = errors.New("the sealed PAN does not open: it was changed, belongs to another record, or was sealed under another key")
)

// Cipher seals the PANs and token numbers that a store keeps, and makes the
// references they are found by. It may be used by many goroutines and shows
// neither its keys nor anything made from them.
type Cipher struct {
	parts func() *cipherParts // fmt shows no more of a function than its address
}

type cipherParts struct {
	gcm       cipher.AEAD
	reference *hasher
	content   *hasher
	check     []byte
}

// NewCipher takes the sealing key (AES-256-GCM) and the reference key
// (HMAC-SHA256), 32 bytes each and not the same (ErrCipherKey).
func NewCipher(sealKey, referenceKey []byte) (*Cipher, error) {
	if len(sealKey) != CipherKeyBytes || len(referenceKey) != CipherKeyBytes || bytes.Equal(sealKey, referenceKey) {
		return nil, ErrCipherKey
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	content, err := hkdf.Expand(sha256.New, referenceKey, "firsttap vault content", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("reference key: %w", err)
	}
	check, err := hkdf.Expand(sha256.New, append(bytes.Clone(sealKey), referenceKey...), "firsttap vault check", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key check: %w", err)
	}
	parts := &cipherParts{gcm: gcm, reference: newHasher(bytes.Clone(referenceKey)), content: newHasher(content), check: check}
	return &Cipher{parts: func() *cipherParts { return parts }}, nil
}

// Seal encrypts a PAN: one byte of version, then nonce, ciphertext and tag of
// AES-256-GCM. The PAN's reference is associated data, so a sealed PAN moved
// to another record does not open.
func (c Cipher) Seal(pan card.PAN) []byte {
	return c.parts().gcm.Seal([]byte{sealVersion}, nil, []byte(pan.Reveal()), associated(c.Reference(pan)))
}

// Unseal gives back the PAN of a reference, or ErrSealed.
func (c Cipher) Unseal(reference string, sealed []byte) (card.PAN, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return card.PAN{}, ErrSealed
	}
	digits, err := c.parts().gcm.Open(nil, nil, sealed[1:], associated(reference))
	if err != nil {
		return card.PAN{}, ErrSealed
	}
	return card.ParsePAN(string(digits))
}

// Reference is the keyed hash that a PAN is found by: HMAC-SHA256 under the
// reference key, 64 hexadecimal characters (PCI DSS 3.5.1.1).
func (c Cipher) Reference(pan card.PAN) string {
	return hex.EncodeToString(c.parts().reference.sum([]byte(pan.Reveal())))
}

// Fingerprint is the keyed hash of a request's content, 32 bytes. Its key is
// derived from the reference key, so it never equals a reference.
func (c Cipher) Fingerprint(content []byte) []byte {
	return c.parts().content.sum(content)
}

// KeyCheck tells two pairs of keys apart, 32 bytes. A store keeps it, so that
// it is never opened under keys that would find nothing of what it holds.
func (c Cipher) KeyCheck() []byte { return bytes.Clone(c.parts().check) }

// Format writes what a cipher is and nothing of its keys.
func (c Cipher) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[vault cipher]") }

// String is what Format writes.
func (c Cipher) String() string { return "[vault cipher]" }

// MarshalText is what Format writes.
func (c Cipher) MarshalText() ([]byte, error) { return []byte("[vault cipher]"), nil }

func associated(reference string) []byte {
	return append([]byte{sealVersion}, reference...)
}

// hasher is HMAC-SHA256 under one key. It keeps states that have taken the key
// in, which is half of the work for a short message.
type hasher struct{ states sync.Pool }

func newHasher(key []byte) *hasher {
	h := new(hasher)
	h.states.New = func() any { return hmac.New(sha256.New, key) }
	return h
}

func (h *hasher) sum(message []byte) []byte {
	mac := h.states.Get().(hash.Hash)
	defer h.states.Put(mac)
	mac.Reset()
	mac.Write(message)
	return mac.Sum(nil)
}
