// Package cmac is AES-CMAC (NIST SP 800-38B, RFC 4493), which key blocks and a
// code profile use. It knows neither. Start at Sum.
package cmac

import (
	"crypto/aes"
	"crypto/cipher"
)

// Sum is the 16-byte authentication code of message under the cipher block,
// which is AES with a key of 16, 24 or 32 bytes.
func Sum(block cipher.Block, message []byte) [aes.BlockSize]byte {
	var k1, k2, state [aes.BlockSize]byte
	block.Encrypt(k1[:], k1[:])
	k1 = doubled(k1)
	k2 = doubled(k1)
	for len(message) > aes.BlockSize {
		mix(state[:], message[:aes.BlockSize])
		block.Encrypt(state[:], state[:])
		message = message[aes.BlockSize:]
	}
	mix(state[:], message)
	if len(message) == aes.BlockSize {
		mix(state[:], k1[:])
	} else {
		state[len(message)] ^= 0x80
		mix(state[:], k2[:])
	}
	block.Encrypt(state[:], state[:])
	return state
}

// doubled multiplies by x in GF(2^128), in constant time.
func doubled(b [aes.BlockSize]byte) (d [aes.BlockSize]byte) {
	for i := range b {
		d[i] = b[i] << 1
		if i+1 < len(b) {
			d[i] |= b[i+1] >> 7
		}
	}
	d[len(d)-1] ^= 0x87 & -(b[0] >> 7)
	return d
}

func mix(into, from []byte) {
	for i := range from {
		into[i] ^= from[i]
	}
}
