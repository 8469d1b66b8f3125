package emv

import (
	"crypto/cipher"
	"crypto/des" // the schemes' algorithm: see the package comment
	"crypto/subtle"
	"fmt"
	"math/bits"
)

const blockBytes = des.BlockSize

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
	c := r.cipher()
	for ; len(blocks) >= blockBytes; blocks = blocks[blockBytes:] {
		c.Encrypt(blocks, blocks)
	}
}

func (r rawKey) cipher() cipher.Block {
	var triple [3 * des.BlockSize]byte
	copy(triple[:], r[:])
	copy(triple[KeyBytes:], r[:blockBytes])
	c, err := des.NewTripleDESCipher(triple[:])
	if err != nil {
		panic(err) // not reached: the length is right
	}
	return c
}

// Encrypter is a key made ready for many encryptions. It cannot be printed.
type Encrypter struct {
	block cipher.Block
}

// NewEncrypter makes k ready. No key gives the zero value.
func NewEncrypter(k Key) Encrypter {
	if k.IsZero() {
		return Encrypter{}
	}
	return Encrypter{block: k.raw().cipher()}
}

// IsZero reports whether e has no key.
func (e Encrypter) IsZero() bool { return e.block == nil }

// Encrypt encrypts two blocks, each on its own (TDES-ECB). Without a key it
// gives zeros.
func (e Encrypter) Encrypt(in [KeyBytes]byte) (out [KeyBytes]byte) {
	if e.IsZero() {
		return out
	}
	e.block.Encrypt(out[:blockBytes], in[:blockBytes])
	e.block.Encrypt(out[blockBytes:], in[blockBytes:])
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

// macKey is a key made ready for many MACs: single DES under its left half a
// and its right half b. It prints as a mask even though Format is not called
// inside unexported fields, because it holds pointers only.
type macKey struct {
	a, b cipher.Block
}

func (r rawKey) mac() macKey {
	a, errA := des.NewCipher(r[:blockBytes])
	b, errB := des.NewCipher(r[blockBytes:])
	if errA != nil || errB != nil {
		panic("emv: half a key is no DES key") // not reached: the length is right
	}
	return macKey{a: a, b: b}
}

// sum is ISO 9797-1 MAC algorithm 3: single DES in CBC mode under a, the last
// block decrypted under b and encrypted under a. A short last block counts as
// filled with zeros.
func (m macKey) sum(data []byte) [blockBytes]byte {
	var s [blockBytes]byte
	for {
		n := min(len(data), blockBytes)
		subtle.XORBytes(s[:n], s[:n], data[:n])
		m.a.Encrypt(s[:], s[:])
		if data = data[n:]; len(data) == 0 {
			break
		}
	}
	m.b.Decrypt(s[:], s[:])
	m.a.Encrypt(s[:], s[:])
	return s
}

// Format writes a mask for every verb.
func (m macKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key]") }

// MAC is ISO 9797-1 MAC algorithm 3 (the "retail MAC") over input that is
// padded already. Input that does not fill its last block counts as filled
// with zeros, which is padding method 1. No key gives zeros.
func MAC(k Key, blocks []byte) [8]byte {
	if k.IsZero() {
		return [8]byte{}
	}
	return k.raw().mac().sum(blocks)
}

// padded appends ISO 9797-1 padding method 2: 80 and zeros to a whole block.
func padded(b []byte) []byte {
	b = append(b, 0x80)
	for len(b)%blockBytes != 0 {
		b = append(b, 0)
	}
	return b
}
