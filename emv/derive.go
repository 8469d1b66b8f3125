package emv

import (
	"crypto/sha1" // EMV Book 2 A1.4.2 derives with SHA-1
	"errors"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
)

// ErrIndex is what LimitedUseKey and LimitedUseIndex wrap.
var ErrIndex = errors.New("a limited-use key index is seven digits YHHHHCC")

// Parts of a limited-use key index: last digit of the year, hour of the year
// counted from 0001, counter of keys drawn in that hour.
const (
	IndexDigits       = 7
	IndexCounterMax   = 99
	diversifierDigits = 16
)

// CardKey derives a card's key from its issuer's master key: EMV Book 2 A1.4,
// option A for PANs up to 16 digits, option B above, with odd parity. No
// master key or no PAN gives no key.
func CardKey(master Key, pan card.PAN, seq card.Sequence) Key {
	if master.IsZero() || pan.IsZero() {
		return Key{}
	}
	return cardKey(master.raw(), pan.Reveal(), seq.Digits()).key()
}

func cardKey(master rawKey, pan, psn string) rawKey {
	derived := rawKey(diversifier(pan, psn))
	master.encrypt(derived[:])
	return derived.withOddParity()
}

// CardKeyInput is what a card's key is the TDES encryption of under its
// issuer's master key, block by block (EMV Book 2 A1.4): for a master key that
// does not leave where it is held. CardCVVCipher takes the result.
func CardKeyInput(pan card.PAN, seq card.Sequence) [KeyBytes]byte {
	return diversifier(pan.Reveal(), seq.Digits())
}

func diversifier(pan, psn string) (input [KeyBytes]byte) {
	digits := pan + psn
	if len(pan) > diversifierDigits {
		digits = optionB(digits)
	}
	return bothHalves(optionA(digits))
}

// bothHalves is y for the left half of a key and its complement for the right.
func bothHalves(y [blockBytes]byte) (input [KeyBytes]byte) {
	copy(input[:], y[:])
	for i, b := range y {
		input[blockBytes+i] = ^b
	}
	return input
}

// optionA takes the last 16 digits, filled up with zeros on the left.
func optionA(digits string) [blockBytes]byte {
	if missing := diversifierDigits - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	var y [blockBytes]byte
	appendBCD(y[:0], digits[len(digits)-diversifierDigits:])
	return y
}

// optionB takes the first 16 decimal digits of the SHA-1 of the packed digits;
// when there are fewer, the letters follow as A=0 to F=5.
func optionB(digits string) string {
	hash := sha1.Sum(appendBCD(nil, digits))
	var first [diversifierDigits]byte
	decimalise(first[:], hash[:])
	return string(first[:])
}

// decimalise fills digits, as characters, with the decimal nibbles of b from
// left to right and then its letters minus 10. There are enough of them.
func decimalise(digits, b []byte) {
	n := 0
	for _, letters := range [2]bool{false, true} {
		for _, c := range b {
			for _, nibble := range [2]byte{c >> 4, c & 0x0F} {
				if nibble > 9 != letters {
					continue
				}
				digits[n] = '0' + nibble%10
				if n++; n == len(digits) {
					return
				}
			}
		}
	}
}

// SessionKey derives the key of one transaction by the EMV common session key
// derivation (EMV Book 2 A1.3), with odd parity. No card key gives no key.
func SessionKey(cardKey Key, atc uint16) Key {
	if cardKey.IsZero() {
		return Key{}
	}
	return sessionKey(cardKey.raw(), atc).key()
}

func sessionKey(card rawKey, atc uint16) (s rawKey) {
	high, low := byte(atc>>8), byte(atc)
	copy(s[:], []byte{high, low, 0xF0})
	copy(s[blockBytes:], []byte{high, low, 0x0F})
	card.encrypt(s[:])
	return s.withOddParity()
}

// LimitedUseKey derives the key that a phone without a secure element is lent
// for a few taps (public descriptions of cloud-based payments): TDES under the
// card key of '1'‖index and of '2'‖index, packed and padded with 80 and zeros.
// Parity stays as it falls. The index is seven digits YHHHHCC.
func LimitedUseKey(cardKey Key, index string) (Key, error) {
	if cardKey.IsZero() {
		return Key{}, ErrKeyMissing
	}
	if len(index) != IndexDigits || !allDigits(index) {
		return Key{}, ErrIndex
	}
	b := padded(appendBCD(nil, "1"+index))
	b = append(b, padded(appendBCD(nil, "2"+index))...)
	cardKey.raw().encrypt(b)
	return NewKey(b)
}

// LimitedUseIndexAt is the index YHHHHCC of the counter-th key lent in the
// hour of t, in UTC. Counters start again from 0 after IndexCounterMax.
func LimitedUseIndexAt(t time.Time, counter int) string {
	t = t.UTC()
	hour := (t.YearDay()-1)*24 + t.Hour() + 1
	wrapped := (counter%(IndexCounterMax+1) + IndexCounterMax + 1) % (IndexCounterMax + 1)
	n := uint64(t.Year()%10)*1_000_000 + uint64(hour)*100 + uint64(wrapped)
	return digitsOf(n, IndexDigits)
}

func digitsOf(n uint64, size int) string {
	b := make([]byte, size)
	for i := size - 1; i >= 0; i-- {
		b[i], n = '0'+byte(n%10), n/10
	}
	return string(b)
}
