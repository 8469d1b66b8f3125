package terminal

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/secret"
)

const (
	cidTypeBits    = 0xC0 // of tag 9F27: which cryptogram it is, EMV Book 3 table 15
	track2BytesMax = 19   // 37 digits and padding, ISO/IEC 7813
)

// tagTokenRequestor is the token requestor id, 11 digits in 6 bytes (EMV
// Payment Tokenisation Framework).
const tagTokenRequestor emv.Tag = 0x9F19

// Track2 is track 2 equivalent data (tag 57): number, D, expiry, service code
// and the rest. It prints masked.
type Track2 struct {
	digits secret.Text
}

// Reveal gives the digits with the separator D and without padding. Callers
// must not print, log or store them.
func (t Track2) Reveal() string { return t.digits.Reveal() }

// IsZero reports whether the card gave no track 2.
func (t Track2) IsZero() bool { return t.digits.IsZero() }

// String is the mask of a secret.
func (t Track2) String() string { return secret.Mask }

// Format writes the mask for every verb.
func (t Track2) Format(f fmt.State, _ rune) { fmt.Fprint(f, secret.Mask) }

// MarshalText is the mask.
func (t Track2) MarshalText() ([]byte, error) { return []byte(secret.Mask), nil }

// objects are the data objects a card gave, by tag.
type objects map[emv.Tag][]byte

// add takes the objects of a template in. One that comes twice in a tap is an
// error (EMV Book 3 7.5 leaves the choice to the terminal).
func (o objects) add(list []emv.TLV) error {
	for _, object := range list {
		if len(object.Children) > 0 {
			if err := o.add(object.Children); err != nil {
				return err
			}
			continue
		}
		if _, twice := o[object.Tag]; twice {
			return fmt.Errorf("%w: it gives %s twice", ErrAnswer, object.Tag)
		}
		o[object.Tag] = object.Value
	}
	return nil
}

// tap makes sense of all that the card gave.
func (o objects) tap(purchase Purchase) (Tap, error) {
	if cid, ok := o[emv.TagCID]; ok && (len(cid) != 1 || cid[0]&cidTypeBits != emv.CIDRequest) {
		return Tap{}, ErrNotOnline
	}
	tap := Tap{Chip: purchase.input()}
	for _, read := range []func(*Tap) error{o.readTrack2, o.readNumber, o.readExpiry, o.readSequence, o.readRequestor, o.readChip} {
		if err := read(&tap); err != nil {
			return Tap{}, err
		}
	}
	return tap, nil
}

func (o objects) readTrack2(tap *Tap) error {
	raw, ok := o[emv.TagTrack2]
	if !ok {
		return missing(emv.TagTrack2, "track 2")
	}
	digits := strings.TrimRight(strings.ToUpper(hex.EncodeToString(raw)), "F")
	number, rest, ok := strings.Cut(digits, "D")
	if !ok || len(raw) > track2BytesMax || len(rest) < 7 || !decimal(rest) {
		return fmt.Errorf("%w: track 2 is not number, D, expiry and service code", ErrAnswer)
	}
	var err error
	if tap.Number, err = card.ParsePAN(number); err != nil {
		return fmt.Errorf("%w: track 2: %w", ErrAnswer, err)
	}
	if tap.Expiry, err = card.ParseExpiry(rest[:4]); err != nil {
		return fmt.Errorf("%w: track 2: %w", ErrAnswer, err)
	}
	tap.Track2 = Track2{digits: secret.New(digits)}
	return nil
}

// readNumber holds the number of tag 5A, if any, against that of track 2.
func (o objects) readNumber(tap *Tap) error {
	raw, ok := o[emv.TagPAN]
	if !ok {
		return nil
	}
	number, err := card.ParsePAN(strings.TrimRight(strings.ToUpper(hex.EncodeToString(raw)), "F"))
	if err != nil {
		return fmt.Errorf("%w: tag 5A: %w", ErrAnswer, err)
	}
	if number != tap.Number {
		return fmt.Errorf("%w: tag 5A and track 2 give different numbers", ErrAnswer)
	}
	return nil
}

// readExpiry holds the date of tag 5F24, if any, against that of track 2.
func (o objects) readExpiry(tap *Tap) error {
	raw, ok := o[emv.TagExpiryDate]
	if !ok {
		return nil
	}
	digits := hex.EncodeToString(raw)
	if len(digits) != 6 || !decimal(digits) {
		return fmt.Errorf("%w: tag 5F24 is not YYMMDD", ErrAnswer)
	}
	expiry, err := card.ParseExpiry(digits[:4])
	if err != nil {
		return fmt.Errorf("%w: tag 5F24: %w", ErrAnswer, err)
	}
	if expiry != tap.Expiry {
		return fmt.Errorf("%w: tag 5F24 and track 2 give different expiry dates", ErrAnswer)
	}
	return nil
}

func (o objects) readSequence(tap *Tap) error {
	raw, ok := o[emv.TagPANSequence]
	if !ok {
		return nil
	}
	sequence, err := card.ParseSequence(hex.EncodeToString(raw))
	if err != nil || len(raw) != 1 {
		return fmt.Errorf("%w: tag 5F34: %w", ErrAnswer, card.ErrSequence)
	}
	tap.Sequence = sequence
	return nil
}

func (o objects) readRequestor(tap *Tap) error {
	raw, ok := o[tagTokenRequestor]
	if !ok {
		return nil
	}
	digits := hex.EncodeToString(raw)
	if len(digits) != 12 || !decimal(digits) || digits[0] != '0' {
		return fmt.Errorf("%w: tag 9F19 is not a token requestor id of 11 digits", ErrAnswer)
	}
	tap.Requestor = digits[1:]
	return nil
}

// readChip adds the card's part to what the cryptogram covers.
func (o objects) readChip(tap *Tap) error {
	profile, counter, data := o[emv.TagAIP], o[emv.TagATC], o[emv.TagIAD]
	switch {
	case len(profile) != 2:
		return missing(emv.TagAIP, "interchange profile")
	case len(counter) != 2:
		return missing(emv.TagATC, "transaction counter")
	case len(data) == 0 || len(data) > 32:
		return missing(emv.TagIAD, "issuer application data")
	}
	cryptogram, err := emv.NewCryptogram(o[emv.TagARQC])
	if err != nil || len(o[emv.TagARQC]) != 8 {
		return missing(emv.TagARQC, "cryptogram")
	}
	tap.Chip.AIP, tap.Chip.IAD = [2]byte(profile), data
	tap.Chip.ATC = uint16(counter[0])<<8 | uint16(counter[1])
	tap.Cryptogram = cryptogram
	return nil
}

func missing(tag emv.Tag, name string) error {
	return fmt.Errorf("%w: tag %s, %s, is missing or has a wrong length", ErrAnswer, tag, name)
}

func decimal(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
