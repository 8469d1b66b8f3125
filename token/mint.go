package token

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firsttap/firsttap/card"
)

// Lengths of minted values.
const (
	NumberDigits        = 16 // of a token number
	ReferenceBytes      = 16 // 32 hexadecimal characters on the wire
	TransactionIDDigits = 15 // field 62.2
	validYears          = 3  // ours: a token outlives no phone contract by much
)

// Mint makes an active token for a request that its issuer approved. random
// supplies every digit of chance: the number's, behind the lowest digits of the
// token range numbers, then the reference's. It fails when random does and on a
// zero range.
func Mint(random io.Reader, numbers card.Range, a Activation, issuer, transactionID string, keyVersion int, at time.Time) (Token, error) {
	number, err := drawNumber(random, numbers)
	if err != nil {
		return Token{}, err
	}
	reference := make([]byte, ReferenceBytes)
	if _, err := io.ReadFull(random, reference); err != nil {
		return Token{}, fmt.Errorf("drawing a token reference: %w", err)
	}
	return Token{
		Number: number, Sequence: 1, Expiry: card.ExpiryAfter(at, validYears),
		Reference: hex.EncodeToString(reference), Status: Active, Type: a.Type,
		Requestor: a.Requestor, DeviceID: a.Device.ID,
		PAN: a.PAN, PANSequence: a.Sequence, PANExpiry: a.Expiry, Issuer: issuer,
		TransactionID: transactionID, KeyVersion: keyVersion, Created: at,
	}, nil
}

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
