package phone

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/emv"
)

// Digits of what goes into tags 9F19 and 57.
const (
	requestorDigits    = 11 // EMV Payment Tokenisation Framework
	serviceCodeDigits  = 3  // ISO/IEC 7813
	track2Digits       = 37 // with the separator, ISO/IEC 7813
	defaultServiceCode = "201"
	defaultKeyIndex    = 1
)

// install makes an application of key material that is complete.
func install(m Material) (*application, error) {
	if len(m.AID) == 0 {
		m.AID = AID()
	}
	m.Version = cmp.Or(m.Version, Version18)
	m.KeyIndex = cmp.Or(m.KeyIndex, defaultKeyIndex)
	m.ServiceCode = cmp.Or(m.ServiceCode, defaultServiceCode)
	version, known := emv.VersionOfNumber(m.Version)
	if !known || !slices.Contains(computed, version) {
		return nil, fmt.Errorf("%w: cryptogram version %d is not one this phone computes; it computes 10, 17, 18 and 43", ErrMaterial, m.Version)
	}
	if err := cmp.Or(m.check(), m.checkKeys(version)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMaterial, err)
	}
	room := m.discretionaryMax()
	m.Discretionary = cmp.Or(m.Discretionary, strings.Repeat("0", room))
	if len(m.Discretionary) > room || !decimal(m.Discretionary) {
		return nil, fmt.Errorf("%w: track 2 has room for %d more digits", ErrMaterial, room)
	}
	app := &application{material: m, version: version, answer: NoAnswer}
	if version == emv.Version43 {
		app.lent = []lentKey{{LentKey: m.Lent}}
	}
	return app, nil
}

// computed are the versions of cryptograms that a phone makes.
var computed = []emv.Version{emv.Version10, emv.Version17, emv.Version18, emv.Version43}

// checkKeys wants the kind of key that goes with the version, and no other.
func (m Material) checkKeys(version emv.Version) error {
	lends := version == emv.Version43
	switch {
	case lends && !m.CardKey.IsZero():
		return errors.New("a cloud token must not have a card key on the phone")
	case lends:
		return m.Lent.check()
	case m.CardKey.IsZero():
		return errors.New("it has no card key")
	case m.Lent != LentKey{}:
		return errors.New("limited-use keys are for cryptogram version 43 only")
	}
	return nil
}

func (m Material) check() error {
	switch {
	case m.Number.IsZero():
		return errors.New("it has no token number")
	case m.Expiry.IsZero():
		return errors.New("it has no expiry date")
	case m.Reference == "":
		return errors.New("it has no token reference")
	case len(m.AID) < aidBytesMin || len(m.AID) > aidBytesMax:
		return fmt.Errorf("an application identifier has %d to %d bytes, not %d", aidBytesMin, aidBytesMax, len(m.AID))
	case len(m.Requestor) != requestorDigits || !decimal(m.Requestor):
		return fmt.Errorf("a token requestor id has %d digits", requestorDigits)
	case len(m.ServiceCode) != serviceCodeDigits || !decimal(m.ServiceCode):
		return fmt.Errorf("a service code has %d digits", serviceCodeDigits)
	}
	return nil
}

// discretionaryMax is what track 2 leaves after number, D, expiry and code.
func (m Material) discretionaryMax() int {
	return track2Digits - len(m.Number.Reveal()) - 1 - 4 - serviceCodeDigits
}

// track2 is tag 57: number, D, expiry, service code and the rest.
func (m Material) track2() []byte {
	return packDigits(m.Number.Reveal() + "D" + m.Expiry.YYMM() + m.ServiceCode + m.Discretionary)
}

// packDigits packs decimal digits (and D) two to a byte, padded right with F.
func packDigits(s string) []byte {
	if len(s)%2 == 1 {
		s += "F"
	}
	packed, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return packed
}

func decimal(s string) bool { return strings.Trim(s, "0123456789") == "" }
