package emv

import (
	"encoding/binary"
	"math/bits"
)

// DES of our own, because a code for a card never seen is mostly the making of
// key schedules, which takes crypto/des fifteen times as long, and because a
// chain of encryptions needs no permutations in between. It is held to
// crypto/des by a fuzz test. Like crypto/des it looks up tables at places that
// depend on secrets.

const (
	blockBytes = 8
	sevenBits  = 1<<7 - 1
	sixBits    = 1<<6 - 1
	halfKey    = 1<<28 - 1 // of C and of D
)

// subkeys are a DES key made ready: for each round 48 bits, six to a byte, those
// of the S-boxes 2, 4, 6 and 8 in the upper half, of 1, 3, 5 and 7 in the lower.
type subkeys [16]uint64

// halves is a block between its initial and its final permutation, each half
// turned left by one, so that the six bits for an S-box stand together.
type halves struct{ left, right uint32 }

// What seven bits of a key give to C and D, seven bits of C and D to a round's
// subkey, and six bits of a half to the other half. All are made once.
var (
	choice1 = tabled(sevenBitsOf(64, 8), permutedChoice1[:], func(cd uint64) uint64 { return cd })
	choice2 = tabled(sevenBitsOf(56, 7), permutedChoice2[:], spread)
	boxes   = boxesPermuted()
)

// sevenBitsOf gives the place from the right of the lowest of seven bits that
// a key of size bits has at i, where they come every step bits.
func sevenBitsOf(size, step int) func(i int) int {
	return func(i int) int { return size - 7 - step*i }
}

// tabled makes the tables of a choice. A permutation of bits adds up, so each
// entry is made of one with a bit less.
func tabled(place func(int) int, choice []byte, arranged func(uint64) uint64) (t [8][sevenBits + 1]uint64) {
	size := place(0) + 7
	for i := range t {
		for v := 1; v <= sevenBits; v++ {
			lowest := bits.TrailingZeros(uint(v))
			one := arranged(permuted(1<<(place(i)+lowest), size, choice))
			t[i][v] = t[i][v&(v-1)] | one
		}
	}
	return t
}

func permuted(in uint64, size int, places []byte) (out uint64) {
	for _, place := range places {
		out = out<<1 | in>>(size-int(place))&1
	}
	return out
}

// spread arranges the 48 bits of a round as subkeys has them.
func spread(key uint64) (round uint64) {
	for box := range 8 {
		six := key >> (42 - 6*box) & sixBits
		round |= six << (8*(3-box/2) + 32*(box%2))
	}
	return round
}

func boxesPermuted() (t [8][sixBits + 1]uint32) {
	for box := range t {
		for in := range t[box] {
			row, column := in>>4&2|in&1, in>>1&15
			out := uint64(substitutions[box][16*row+column]) << (28 - 4*box)
			t[box][in] = bits.RotateLeft32(uint32(permuted(out, 32, permutation[:])), 1)
		}
	}
	return t
}

func newSubkeys(key [blockBytes]byte) (k subkeys) {
	var cd uint64
	for i, b := range key {
		cd |= choice1[i][b>>1]
	}
	c, d := uint32(cd>>28), uint32(cd&halfKey)
	for i, n := range rotations {
		c, d = (c<<n|c>>(28-n))&halfKey, (d<<n|d>>(28-n))&halfKey
		k[i] = choice2[0][c>>21&sevenBits] | choice2[1][c>>14&sevenBits] | choice2[2][c>>7&sevenBits] | choice2[3][c&sevenBits] |
			choice2[4][d>>21&sevenBits] | choice2[5][d>>14&sevenBits] | choice2[6][d>>7&sevenBits] | choice2[7][d&sevenBits]
	}
	return k
}

// A round exclusive-ors to one half what the other and a subkey give, in two
// parts that are each small enough for the compiler to put in place.

func even(half uint32, key uint64) uint32 {
	t := half ^ uint32(key>>32)
	return boxes[7][t&sixBits] ^ boxes[5][t>>8&sixBits] ^ boxes[3][t>>16&sixBits] ^ boxes[1][t>>24&sixBits]
}

func odd(half uint32, key uint64) uint32 {
	t := bits.RotateLeft32(half, -4) ^ uint32(key)
	return boxes[6][t&sixBits] ^ boxes[4][t>>8&sixBits] ^ boxes[2][t>>16&sixBits] ^ boxes[0][t>>24&sixBits]
}

// Orders of the subkeys: what the number of a round is exclusive-ored with.
const (
	encrypting = 0
	decrypting = 15
)

func (k *subkeys) encrypt(h halves) halves { return k.turn(h, encrypting) }
func (k *subkeys) decrypt(h halves) halves { return k.turn(h, decrypting) }

// turn does the sixteen rounds.
func (k *subkeys) turn(h halves, order int) halves {
	l, r := h.left, h.right
	for i := 0; i < len(k); i += 2 {
		one, two := k[(i^order)&15], k[(i+1^order)&15]
		l ^= even(r, one) ^ odd(r, one)
		r ^= even(l, two) ^ odd(l, two)
	}
	return halves{r, l}
}

// turnTwo does them for two blocks at once. Each round waits for the one before
// it, so two rows of them take little longer than one.
func (k *subkeys) turnTwo(g, h halves, order int) (halves, halves) {
	l, r, m, s := g.left, g.right, h.left, h.right
	for i := 0; i < len(k); i += 2 {
		one, two := k[(i^order)&15], k[(i+1^order)&15]
		l ^= even(r, one) ^ odd(r, one)
		m ^= even(s, one) ^ odd(s, one)
		r ^= even(l, two) ^ odd(l, two)
		s ^= even(m, two) ^ odd(m, two)
	}
	return halves{r, l}, halves{s, m}
}

// split is the initial permutation, done by exchanging groups of bits.
func split(block [blockBytes]byte) halves {
	l, r := binary.BigEndian.Uint32(block[:4]), binary.BigEndian.Uint32(block[4:])
	l, r = exchange(l, r, 4, 0x0F0F0F0F)
	l, r = exchange(l, r, 16, 0x0000FFFF)
	r, l = exchange(r, l, 2, 0x33333333)
	r, l = exchange(r, l, 8, 0x00FF00FF)
	l, r = exchange(l, r, 1, 0x55555555)
	return halves{bits.RotateLeft32(l, 1), bits.RotateLeft32(r, 1)}
}

// joined is the final permutation, which undoes split.
func (h halves) joined() (block [blockBytes]byte) {
	l, r := bits.RotateLeft32(h.left, -1), bits.RotateLeft32(h.right, -1)
	l, r = exchange(l, r, 1, 0x55555555)
	r, l = exchange(r, l, 8, 0x00FF00FF)
	r, l = exchange(r, l, 2, 0x33333333)
	l, r = exchange(l, r, 16, 0x0000FFFF)
	l, r = exchange(l, r, 4, 0x0F0F0F0F)
	binary.BigEndian.PutUint32(block[:4], l)
	binary.BigEndian.PutUint32(block[4:], r)
	return block
}

// exchange puts the bits of b under mask in the place of those of a that are n
// further left, and the other way round.
func exchange(a, b uint32, n int, mask uint32) (uint32, uint32) {
	t := (a>>n ^ b) & mask
	return a ^ t<<n, b ^ t
}

func (h halves) xor(o halves) halves { return halves{h.left ^ o.left, h.right ^ o.right} }
