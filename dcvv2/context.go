package dcvv2

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
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
func (a Account) derivation(windowHours int, keyBits uint32) ([]byte, error) {
	pan := a.PAN.Reveal()
	digits := pan + strings.Repeat("F", 2*contextPANBytes-len(pan)) + a.Sequence.Digits() + a.Expiry.YYMM()
	packed, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("packing an account: %w", err)
	}
	b := append([]byte{0, 0, 0, 1}, contextLabel...)
	b = append(append(b, 0), packed...)
	b = binary.BigEndian.AppendUint16(append(b, byte(windowHours)), a.Generation)
	return binary.BigEndian.AppendUint32(b, keyBits), nil
}

// wideKey derives the account's key of a profile whose master key has 32 bytes.
func (a Account) wideKey(p Profile, k Master, windowHours int, keyBits uint32) ([DerivedBytesMax]byte, error) {
	input, err := a.derivation(windowHours, keyBits)
	if err != nil {
		return [DerivedBytesMax]byte{}, err
	}
	key, err := k.Derive(p.Derivation(), input)
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
