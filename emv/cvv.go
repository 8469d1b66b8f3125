package emv

import "fmt"

// CVVDigits is the length of the block that CVV works on: two DES blocks.
const CVVDigits = 32

// cvvLength is the length of a card verification value in digits.
const cvvLength = 3

// CVVBlockBytes is the length of that block, two digits to a byte.
const CVVBlockBytes = CVVDigits / 2

// CVV computes a card verification value over 32 decimal digits, by the
// published algorithm E_A(D_B(E_A(E_A(B1) xor B2))): the decimal nibbles of the
// result, then its letters minus 10, and of these the first three. The layout
// of the digits is the caller's: see package dcvv2. It is empty for no key or
// for anything but 32 digits.
func CVV(k Key, digits string) string {
	if k.IsZero() || len(digits) != CVVDigits || !allDigits(digits) {
		return ""
	}
	ready := k.raw().ready()
	value := ready.cvv([CVVBlockBytes]byte(appendBCD(nil, digits)))
	return string(value[:])
}

func (k *readyKey) cvv(block [CVVBlockBytes]byte) [cvvLength]byte {
	return firstDigits(k.mac(block[:]))
}

// cvvs is cvv of two blocks at once.
func (k *readyKey) cvvs(one, two [CVVBlockBytes]byte) (a, b [cvvLength]byte) {
	g, h := k.a.turnTwo(split([blockBytes]byte(one[:])), split([blockBytes]byte(two[:])), encrypting)
	g, h = g.xor(split([blockBytes]byte(one[blockBytes:]))), h.xor(split([blockBytes]byte(two[blockBytes:])))
	g, h = k.a.turnTwo(g, h, encrypting)
	g, h = k.b.turnTwo(g, h, decrypting)
	g, h = k.a.turnTwo(g, h, encrypting)
	return firstDigits(g.joined()), firstDigits(h.joined())
}

func firstDigits(sum [blockBytes]byte) (value [cvvLength]byte) {
	decimalise(value[:], sum[:])
	return value
}

// CVVCipher computes many values under one card's key. It cannot be printed.
// The zero value gives zero bytes, which are no digits.
type CVVCipher struct {
	key *readyKey
}

// CardCVVCipher makes the card key of its encrypted input ready: what a master
// key, wherever it is held, makes of CardKeyInput (EMV Book 2 A1.4). Odd parity
// makes no difference to a computation, so it is not set.
func CardCVVCipher(encrypted [KeyBytes]byte) CVVCipher {
	ready := rawKey(encrypted).ready()
	return CVVCipher{key: &ready}
}

// CVV is the function CVV under the cipher's key, of digits packed two to a
// byte, as three characters.
func (c CVVCipher) CVV(block [CVVBlockBytes]byte) (value [cvvLength]byte) {
	if c.key == nil {
		return value
	}
	return c.key.cvv(block)
}

// CVVs is CVV of two blocks at once, which takes little longer than one.
func (c CVVCipher) CVVs(one, two [CVVBlockBytes]byte) (a, b [cvvLength]byte) {
	if c.key == nil {
		return a, b
	}
	return c.key.cvvs(one, two)
}

// String is a mask.
func (c CVVCipher) String() string { return "[key]" }

// Format writes a mask for every verb.
func (c CVVCipher) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (c CVVCipher) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
