package emv

import "fmt"

// CVVDigits is the length of the block that CVV works on: two DES blocks.
const CVVDigits = 32

// cvvLength is the length of a card verification value in digits.
const cvvLength = 3

// CVV computes a card verification value over 32 decimal digits, by the
// published algorithm E_A(D_B(E_A(E_A(B1) xor B2))): the decimal nibbles of the
// result, then its letters minus 10, and of these the first three. The layout
// of the digits is the caller's: see package dcvv2. It is empty for no key or
// for anything but 32 digits.
func CVV(k Key, digits string) string {
	return NewCVVCipher(k).CVV(digits)
}

// CVVCipher computes many values under one key faster than CVV does. It
// cannot be printed. The zero value gives empty values.
type CVVCipher struct {
	mac macKey
}

// NewCVVCipher makes k ready. No key gives the zero value.
func NewCVVCipher(k Key) CVVCipher {
	if k.IsZero() {
		return CVVCipher{}
	}
	return CVVCipher{mac: k.raw().mac()}
}

// CVV is the function CVV under the cipher's key.
func (c CVVCipher) CVV(digits string) string {
	if c.mac.a == nil || len(digits) != CVVDigits || !allDigits(digits) {
		return ""
	}
	var blocks [2 * blockBytes]byte
	sum := c.mac.sum(appendBCD(blocks[:0], digits))
	return string(decimalised(sum[:])[:cvvLength])
}

// String is a mask.
func (c CVVCipher) String() string { return "[key]" }

// Format writes a mask for every verb.
func (c CVVCipher) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (c CVVCipher) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
