package token

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Lengths of minted values.
const (
	NumberDigits        = 16 // of a token number
	ReferenceBytes      = 16 // 32 hexadecimal characters on the wire
	TransactionIDDigits = 15 // field 62.2
	validYears          = 3  // ours: a token outlives no phone contract by much
)

// Minting is what a new token is made of beside its request.
type Minting struct {
	Numbers       card.Range // that its number is drawn from; not for one that is Brought
	Brought       Brought    // by a provider that mints itself; zero otherwise
	Issuer        string     // name of the issuer that owns the PAN
	TransactionID string     // 62.2 of the activation
	KeyVersion    int
	Version       emv.Version // of cryptograms of a token in a secure element; 18 when 0
	Merchant      string      // field 42 of who asks; kept of a card-on-file token only
	Outcome       Outcome     // of the activation: whether it is active, or waits and for what
	At            time.Time
}

// Brought is a token that its provider has minted.
type Brought struct {
	Number    card.PAN
	Expiry    card.Expiry
	Reference string // 32 hexadecimal characters
}

// Mint makes the token of a request whose outcome mints one. random supplies
// every digit of chance of a token that is not brought: the number's, behind
// the lowest digits of the range, then the reference's. It fails when random
// does, on a zero range, and on an outcome that mints none.
func Mint(random io.Reader, a Activation, m Minting) (Token, error) {
	status := m.Outcome.Mints()
	if status == "" {
		return Token{}, errNoToken
	}
	t := Token{
		Number: m.Brought.Number, Sequence: 1, Expiry: m.Brought.Expiry, Reference: m.Brought.Reference,
		Status: status, Type: a.Type, Requestor: a.Requestor, DeviceID: a.Device.ID,
		PAN: a.PAN, PANSequence: a.Sequence, PANExpiry: a.Expiry, Issuer: m.Issuer,
		TransactionID: m.TransactionID, KeyVersion: m.KeyVersion, Created: m.At, Version: versionOf(a.Type, m.Version),
	}
	if a.Type == CardOnFile {
		t.Merchant = m.Merchant
	}
	if status == Inactive && (m.Outcome.Method == ByPasscode || m.Outcome.Method == "") {
		t.Passcode = Passcode{Number: 1, Expires: m.At.Add(PasscodeFor)}
	}
	if !t.Number.IsZero() {
		return t, nil
	}
	t.Expiry = card.ExpiryAfter(m.At, validYears)
	if err := t.draw(random, m.Numbers); err != nil {
		return Token{}, err
	}
	return t, nil
}

// draw gives a token its number and reference. A reference begins with the
// digits of the activation's transaction, so that a store has the newest beside
// each other; 68 bits of chance follow them.
func (t *Token) draw(random io.Reader, numbers card.Range) (err error) {
	if t.Number, err = drawNumber(random, numbers); err != nil {
		return err
	}
	drawn := make([]byte, ReferenceBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return fmt.Errorf("drawing a token reference: %w", err)
	}
	reference := []byte(hex.EncodeToString(drawn))
	copy(reference, t.TransactionID)
	t.Reference = string(reference)
	return nil
}

// versionOf is the version of a token's cryptograms: a cloud token's is 43,
// those of tokens with a card key can be chosen.
func versionOf(t Type, wanted emv.Version) emv.Version {
	switch t {
	case Cloud:
		return emv.Version43
	case SecureElement:
		return cmp.Or(wanted, emv.Version18)
	default:
		return emv.Version18
	}
}

// Versions lists the versions that tokens in a secure element may use.
var Versions = []emv.Version{emv.Version10, emv.Version17, emv.Version18}

var errNoToken = errors.New("the outcome makes no token")

var errNoRange = errors.New("a token number needs a token range")

func drawNumber(random io.Reader, numbers card.Range) (card.PAN, error) {
	if numbers.IsZero() {
		return card.PAN{}, errNoRange
	}
	return card.DrawPAN(random, numbers, NumberDigits)
}

// DrawTransactionID draws a transaction identifier for field 62.2, 15 digits. It
// fails when random does.
func DrawTransactionID(random io.Reader) (string, error) {
	digits, err := card.DrawDigits(random, TransactionIDDigits)
	if err != nil {
		return "", fmt.Errorf("drawing a transaction identifier: %w", err)
	}
	return digits, nil
}
