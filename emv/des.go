package emv

import (
	"fmt"
	"math/bits"
)

// rawKey is a key inside a computation. It never leaves the package: what does
// is a Key.
type rawKey [KeyBytes]byte

func (r rawKey) key() Key {
	k, err := NewKey(r[:])
	if err != nil {
		panic(err) // not reached: a rawKey has a key's length
	}
	return k
}

// encrypt encrypts whole blocks in place, each on its own.
func (r rawKey) encrypt(blocks []byte) {
	k := r.ready()
	for ; len(blocks) >= blockBytes; blocks = blocks[blockBytes:] {
		encrypted := k.encrypt([blockBytes]byte(blocks))
		copy(blocks, encrypted[:])
	}
}

// readyKey is a key made ready for many computations: its left half a and its
// right half b. Whoever keeps one keeps a pointer, which prints as an address
// even where Format is not called, inside unexported fields.
type readyKey struct{ a, b subkeys }

func (r rawKey) ready() readyKey {
	return readyKey{newSubkeys([blockBytes]byte(r[:blockBytes])), newSubkeys([blockBytes]byte(r[blockBytes:]))}
}

// encrypt is TDES of one block.
func (k *readyKey) encrypt(block [blockBytes]byte) [blockBytes]byte {
	return k.a.encrypt(k.b.decrypt(k.a.encrypt(split(block)))).joined()
}

// mac is ISO 9797-1 MAC algorithm 3: single DES in CBC mode under a, the last
// block decrypted under b and encrypted under a. A short last block counts as
// filled with zeros.
func (k *readyKey) mac(data []byte) [blockBytes]byte {
	var h halves
	for ; len(data) > blockBytes; data = data[blockBytes:] {
		h = k.a.encrypt(h.xor(split([blockBytes]byte(data))))
	}
	var last [blockBytes]byte
	copy(last[:], data)
	h = k.a.encrypt(h.xor(split(last)))
	return k.a.encrypt(k.b.decrypt(h)).joined()
}

// Format writes a mask for every verb.
func (k *readyKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key]") }

// Encrypter is a key made ready for many encryptions. It cannot be printed.
type Encrypter struct {
	key *readyKey
}

// NewEncrypter makes k ready. No key gives the zero value.
func NewEncrypter(k Key) Encrypter {
	if k.IsZero() {
		return Encrypter{}
	}
	ready := k.raw().ready()
	return Encrypter{key: &ready}
}

// IsZero reports whether e has no key.
func (e Encrypter) IsZero() bool { return e.key == nil }

// Encrypt encrypts two blocks, each on its own (TDES-ECB). Without a key it
// gives zeros.
func (e Encrypter) Encrypt(in [KeyBytes]byte) (out [KeyBytes]byte) {
	if e.IsZero() {
		return out
	}
	left, right := e.key.encrypt([blockBytes]byte(in[:blockBytes])), e.key.encrypt([blockBytes]byte(in[blockBytes:]))
	copy(out[:], left[:])
	copy(out[blockBytes:], right[:])
	return out
}

// String is a mask.
func (e Encrypter) String() string { return "[key]" }

// Format writes a mask for every verb.
func (e Encrypter) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (e Encrypter) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// withOddParity sets the last bit of every byte so that its ones are odd.
func (r rawKey) withOddParity() rawKey {
	for i, b := range r {
		r[i] = b&0xFE | byte(1^bits.OnesCount8(b>>1)&1)
	}
	return r
}

// MAC is ISO 9797-1 MAC algorithm 3 (the "retail MAC") over input that is
// padded already. Input that does not fill its last block counts as filled
// with zeros, which is padding method 1. No key gives zeros.
func MAC(k Key, blocks []byte) [8]byte {
	if k.IsZero() {
		return [8]byte{}
	}
	ready := k.raw().ready()
	return ready.mac(blocks)
}

// padded appends ISO 9797-1 padding method 2: 80 and zeros to a whole block.
func padded(b []byte) []byte {
	b = append(b, 0x80)
	for len(b)%blockBytes != 0 {
		b = append(b, 0)
	}
	return b
}
