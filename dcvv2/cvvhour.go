package dcvv2

import (
	"fmt"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// ProfileCVVHour is the scheme-like default profile (ours): the published CVV
// algorithm over the digits
//
//	HHHHHH ‖ PAN without its first six ‖ YYMM ‖ 9WW ‖ zeros to 32
//
// under the card key that EMV option A (B for PANs over 16 digits) derives
// from a 16-byte master key, PAN and sequence number. HHHHHH is the window's
// first hour since 1970 and WW the window's hours. One master key serves one
// range, because the first six digits drop out. The generation is not used.
const ProfileCVVHour = "cvv-hour"

const (
	firstHourMax    = 999_999 // six digits: until January 2084
	issuerDigits    = 6       // leading digits of the PAN that drop out
	firstHourDigits = 6
	serviceCodeCVV2 = "000"
	serviceDigits   = 3 // of a service code, and of the 9WW in its place
)

type cvvHour struct{}

// Name is ProfileCVVHour.
func (cvvHour) Name() string { return ProfileCVVHour }

// KeyBytes is 16: a double-length TDES key.
func (cvvHour) KeyBytes() int { return MasterKeyBytesMin }

// Derivation is DeriveTDES.
func (cvvHour) Derivation() Derivation { return DeriveTDES }

func (p cvvHour) account(k Master, a Account, hours int) (codes, error) {
	input := emv.CardKeyInput(a.PAN, a.Sequence)
	derived, err := k.Derive(p.Derivation(), input[:])
	if err != nil {
		return nil, fmt.Errorf("%s wants a master key of %d bytes: %w", p.Name(), p.KeyBytes(), err)
	}
	return &cvvHourCodes{
		cipher: emv.CardCVVCipher([emv.KeyBytes]byte(derived[:emv.KeyBytes])),
		block:  packed(zeroFilled(0, firstHourDigits), a.PAN.Reveal()[issuerDigits:], a.Expiry.YYMM(), zeroFilled(900+int64(hours), serviceDigits)),
	}, nil
}

type cvvHourCodes struct {
	cipher emv.CVVCipher
	block  [emv.CVVBlockBytes]byte // but for the first hour
}

func (c *cvvHourCodes) two(one, other Window) (a, b digits, err error) {
	if other.IsZero() {
		a = c.cipher.CVV(c.at(one))
	} else {
		a, b = c.cipher.CVVs(c.at(one), c.at(other))
		if err = other.expressible(); err != nil {
			b = digits{}
		}
	}
	if failed := one.expressible(); failed != nil {
		a, err = digits{}, failed
	}
	return a, b, err
}

// at is the block of a window.
func (c *cvvHourCodes) at(w Window) [emv.CVVBlockBytes]byte {
	block, hour := c.block, w.firstHour()
	block[0], block[1], block[2] = twoDigits(hour/10_000), twoDigits(hour/100), twoDigits(hour)
	return block
}

// twoDigits packs the last two digits of n into a byte.
func twoDigits(n int64) byte { return byte(n/10%10)<<4 | byte(n%10) }

// expressible checks the index before it is multiplied, so that none overflows
// into a good hour.
func (w Window) expressible() error {
	if w.Index < 0 || w.Index > firstHourMax/int64(w.Hours) {
		return fmt.Errorf("%w: it must begin from 1970 to January 2084", ErrWindow)
	}
	return nil
}

// StaticCVV computes the value printed or coded on a card once and for all, by
// the published CVV algorithm over PAN ‖ YYMM ‖ service code ‖ zeros to 32.
// The service code is three digits: 000 for CVV2, 999 for iCVV, the track's own
// for CVV. It fails on no key (emv.ErrKeyMissing), an account without PAN or
// expiry (ErrAccount) and any other service code (ErrServiceCode).
func StaticCVV(k emv.Key, pan card.PAN, expiry card.Expiry, serviceCode string) (Code, error) {
	if k.IsZero() {
		return Code{}, emv.ErrKeyMissing
	}
	if pan.IsZero() || expiry.IsZero() {
		return Code{}, ErrAccount
	}
	if len(serviceCode) != serviceDigits || !allDigits(serviceCode) {
		return Code{}, ErrServiceCode
	}
	return ParseCode(emv.CVV(k, block(pan.Reveal(), expiry.YYMM(), serviceCode)))
}

// packed is block with two digits to a byte.
func packed(parts ...string) (b [emv.CVVBlockBytes]byte) {
	digits := block(parts...)
	for i := range b {
		b[i] = (digits[2*i]-'0')<<4 | (digits[2*i+1] - '0')
	}
	return b
}

// VerifyStatic reports, in constant time, whether c is the static CVV2 (service
// code 000) of a card. Where StaticCVV fails it is not.
func VerifyStatic(k emv.Key, pan card.PAN, expiry card.Expiry, c Code) bool {
	static, err := StaticCVV(k, pan, expiry, serviceCodeCVV2)
	return err == nil && digits([]byte(static.Reveal())).are(c) == 1
}

// block joins digits and fills them with zeros to the length that emv.CVV
// takes. Parts are at most 19 + 4 + 3 digits, so they always fit.
func block(parts ...string) string {
	var b [emv.CVVDigits]byte
	n := 0
	for _, part := range parts {
		n += copy(b[n:], part)
	}
	for ; n < len(b); n++ {
		b[n] = '0'
	}
	return string(b[:])
}

func zeroFilled(n int64, size int) string {
	b := make([]byte, size)
	for i := size - 1; i >= 0; i-- {
		b[i], n = '0'+byte(n%10), n/10
	}
	return string(b)
}
