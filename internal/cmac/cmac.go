// Package cmac is AES-CMAC (NIST SP 800-38B, RFC 4493), which key blocks and a
// code profile use. It knows neither. Start at New.
package cmac

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// Key is a key made ready for many sums. It holds its subkeys behind a pointer,
// which prints as an address. The zero value is no key.
type Key struct {
	ready *ready
}

type ready struct {
	block  cipher.Block
	k1, k2 [aes.BlockSize]byte
}

// New makes the cipher block, which is AES with a key of 16, 24 or 32 bytes,
// ready for CMAC.
func New(block cipher.Block) Key {
	r := &ready{block: block}
	block.Encrypt(r.k1[:], r.k1[:])
	double(&r.k1, &r.k1)
	double(&r.k2, &r.k1)
	return Key{ready: r}
}

// Sum is the 16-byte authentication code of message under the cipher block.
func Sum(block cipher.Block, message []byte) [aes.BlockSize]byte { return New(block).Sum(message) }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.ready == nil }

// Sum is the 16-byte authentication code of message. It may be called by many
// goroutines at once; no key panics.
func (k Key) Sum(message []byte) [aes.BlockSize]byte {
	var state [aes.BlockSize]byte
	for len(message) > aes.BlockSize {
		subtle.XORBytes(state[:], state[:], message[:aes.BlockSize])
		k.ready.block.Encrypt(state[:], state[:])
		message = message[aes.BlockSize:]
	}
	subtle.XORBytes(state[:], state[:], message)
	if len(message) == aes.BlockSize {
		subtle.XORBytes(state[:], state[:], k.ready.k1[:])
	} else {
		state[len(message)] ^= 0x80
		subtle.XORBytes(state[:], state[:], k.ready.k2[:])
	}
	k.ready.block.Encrypt(state[:], state[:])
	return state
}

// double multiplies by x in GF(2^128), in constant time.
func double(d, b *[aes.BlockSize]byte) {
	carry := b[0] >> 7
	for i := range len(b) - 1 {
		d[i] = b[i]<<1 | b[i+1]>>7
	}
	d[len(d)-1] = b[len(b)-1]<<1 ^ 0x87&-carry
}
