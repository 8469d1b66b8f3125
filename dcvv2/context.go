package dcvv2

import (
	"encoding/binary"
	"fmt"
)

// What the profiles aes-cmac and totp derive an account's key from, by the
// counter mode of NIST SP 800-108: counter 1, label, zero byte, context, and
// the key's length in bits. Label and context are ours.
const (
	contextLabel    = "dCVV2/1"
	contextPANBytes = 10 // 19 digits and at least one F
	wideKeyBytes    = 32 // of the master key
)

// derivation is the input that makes an account's key of keyBits from the
// master key. The context is PAN (BCD, filled with F on the right), sequence
// number (BCD), expiry YYMM (BCD), window hours (1 byte) and generation (2
// bytes, big-endian), so a raised generation voids every code given out.
func (a Account) derivation(windowHours int, keyBits uint32) []byte {
	b := make([]byte, 0, 48)
	b = append(append(b, 0, 0, 0, 1), contextLabel...)
	b = append(b, 0)
	b = appendPacked(b, a.PAN.Reveal(), contextPANBytes)
	b = appendPacked(b, a.Sequence.Digits(), 1)
	b = appendPacked(b, a.Expiry.YYMM(), 2)
	b = binary.BigEndian.AppendUint16(append(b, byte(windowHours)), a.Generation)
	return binary.BigEndian.AppendUint32(b, keyBits)
}

// appendPacked appends size bytes of two digits each, F where there is none.
func appendPacked(b []byte, digits string, size int) []byte {
	for i := 0; i < 2*size; i += 2 {
		two := byte(0xFF)
		if i < len(digits) {
			two = (digits[i]-'0')<<4 | 0x0F
		}
		if i+1 < len(digits) {
			two = two&0xF0 | (digits[i+1] - '0')
		}
		b = append(b, two)
	}
	return b
}

// wideKey derives the account's key of a profile whose master key has 32 bytes.
func (a Account) wideKey(p Profile, k Master, windowHours int, keyBits uint32) ([DerivedBytesMax]byte, error) {
	key, err := k.Derive(p.Derivation(), a.derivation(windowHours, keyBits))
	if err != nil {
		return key, fmt.Errorf("%s wants a master key of %d bytes: %w", p.Name(), p.KeyBytes(), err)
	}
	return key, nil
}

// countable refuses windows before 1970.
func (w Window) countable() error {
	if w.Index < 0 {
		return fmt.Errorf("%w: it must begin after 1969", ErrWindow)
	}
	return nil
}
