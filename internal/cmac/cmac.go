// Package cmac is AES-CMAC (NIST SP 800-38B, RFC 4493), which key blocks and a
// code profile use. It knows neither. Start at New.
package cmac

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// Key is a key made ready for many sums. Whoever keeps one keeps a pointer:
// what fmt reaches through unexported fields prints as an address then.
type Key struct {
	block  cipher.Block
	k1, k2 [aes.BlockSize]byte
}

// New makes the cipher block, which is AES with a key of 16, 24 or 32 bytes,
// ready for CMAC.
func New(block cipher.Block) *Key {
	k := new(Key)
	k.Set(block)
	return k
}

// Set makes of k what New gives, in a place that is there already.
func (k *Key) Set(block cipher.Block) {
	k.block, k.k1 = block, [aes.BlockSize]byte{}
	block.Encrypt(k.k1[:], k.k1[:])
	k.k1 = doubled(k.k1)
	k.k2 = doubled(k.k1)
}

// Sum is the 16-byte authentication code of message under the cipher block.
func Sum(block cipher.Block, message []byte) [aes.BlockSize]byte { return New(block).Sum(message) }

// Sum is the 16-byte authentication code of message. It may be called by many
// goroutines at once.
func (k *Key) Sum(message []byte) [aes.BlockSize]byte {
	var state [aes.BlockSize]byte
	for len(message) > aes.BlockSize {
		subtle.XORBytes(state[:], state[:], message[:aes.BlockSize])
		k.block.Encrypt(state[:], state[:])
		message = message[aes.BlockSize:]
	}
	subtle.XORBytes(state[:], state[:], message)
	if len(message) == aes.BlockSize {
		subtle.XORBytes(state[:], state[:], k.k1[:])
	} else {
		state[len(message)] ^= 0x80
		subtle.XORBytes(state[:], state[:], k.k2[:])
	}
	k.block.Encrypt(state[:], state[:])
	return state
}

// doubled multiplies by x in GF(2^128), in constant time.
func doubled(b [aes.BlockSize]byte) (d [aes.BlockSize]byte) {
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	binary.BigEndian.PutUint64(d[:8], high<<1|low>>63)
	binary.BigEndian.PutUint64(d[8:], low<<1^0x87&-(high>>63))
	return d
}
