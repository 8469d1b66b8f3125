// Package terminal is the merchant's contactless reader: it takes a card or
// phone through one tap and gives what a merchant needs for an authorization.
//
// It speaks the commands that a real reader sends (EMV Books 1 and 3, EMV
// Contactless Book B): SELECT of the directory and the application, GET
// PROCESSING OPTIONS, READ RECORD, and after the issuer has answered EXTERNAL
// AUTHENTICATE. It never checks a cryptogram, for it has no key, and never
// speaks ISO 8583. Cards are not trusted: every length and number they give
// has a limit.
//
// Start at Read; Complete ends the tap. Which version of cryptogram a card makes
// is between the card and its issuer: the terminal passes on what it is given.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Limits on what a card may make a terminal do.
const (
	AnswerBytesMax = 256 + 2         // a short answer and its status word, ISO/IEC 7816-4
	RecordsMax     = 16              // read in one tap; contactless cards have about three
	AmountMax      = 999_999_999_999 // minor units: 12 digits of tag 9F02
)

// Errors that Read and Complete wrap.
var (
	ErrPurchase      = errors.New("the purchase cannot be put to a card")
	ErrAnswer        = errors.New("the card's answer cannot be read")
	ErrNotOnline     = errors.New("the card did not ask for the issuer's word")
	ErrIssuerAnswer  = errors.New("the issuer's answer cannot be put to a card")
	ErrIssuerRefused = errors.New("the card refused the issuer's answer: its cryptogram does not verify")
)

// Card is whatever answers card commands: a simulated phone, or a real card or
// phone on a contactless reader, whose driver fills this in. The bytes are those
// that a reader's own call takes and gives (PC/SC: SCardTransmit), so nothing
// else is needed; a driver settles 61xx and 6Cxx itself (ISO/IEC 7816-4).
type Card interface {
	// Transmit sends one short command (ISO/IEC 7816-4, at most 261 bytes) and
	// gives the answer, at most AnswerBytesMax, whose last two bytes are the
	// status word. An error is a card that does not answer any more. It ends
	// with ctx.
	Transmit(ctx context.Context, command []byte) ([]byte, error)
}

// Purchase is what is to be paid.
type Purchase struct {
	Amount        uint64    // minor units of Currency, at most AmountMax
	Currency      uint16    // ISO 4217 numeric, as a number: 840
	Country       uint16    // ISO 3166-1 numeric of the terminal, as a number: 840
	Date          time.Time // of the transaction, in the terminal's place
	Unpredictable [4]byte   // fresh for every tap
	Type          byte      // tag 9C: first two digits of the processing code, 00 purchase
}

// Tap is what a card gave for a purchase. Number, Expiry, Track2 and
// Cryptogram print masked.
type Tap struct {
	Number     card.PAN // the token's number
	Sequence   card.Sequence
	Expiry     card.Expiry
	Requestor  string // token requestor id of tag 9F19, 11 digits; "" when the card gave none
	Track2     Track2
	Chip       emv.Input
	Cryptogram emv.Cryptogram
	AID        []byte
	Transcript []Exchange
}

// CommandError says at which command a tap broke. Status is 0 when no answer
// could be read.
type CommandError struct {
	Command string // as EMV Book 3 names it
	Status  uint16
	Err     error // nil when the status word says it all
}

// Error names the command, and the status word or what else went wrong.
func (e *CommandError) Error() string {
	switch {
	case e.Status != 0 && e.Status != statusOK:
		return fmt.Sprintf("%s: the card answered %04X (%s)", e.Command, e.Status, meaning(e.Status))
	default:
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
}

// Unwrap gives Err.
func (e *CommandError) Unwrap() error { return e.Err }

// Read takes card through a tap for purchase. A failure is a *CommandError but
// for a purchase that no card could be asked (ErrPurchase). The Tap that comes
// with an error holds the transcript as far as it went.
func Read(ctx context.Context, c Card, purchase Purchase) (Tap, error) {
	if err := purchase.check(); err != nil {
		return Tap{}, err
	}
	s := &session{card: c}
	tap, err := s.read(ctx, purchase)
	tap.Transcript = s.transcript
	return tap, err
}

func (s *session) read(ctx context.Context, purchase Purchase) (Tap, error) {
	aid, err := s.selectDirectory(ctx)
	if err != nil {
		return Tap{}, err
	}
	list, err := s.selectApplication(ctx, aid)
	if err != nil {
		return Tap{}, err
	}
	found, err := s.processingOptions(ctx, list, purchase)
	if err != nil {
		return Tap{}, err
	}
	if err := s.readRecords(ctx, found); err != nil {
		return Tap{}, err
	}
	tap, err := found.tap(purchase)
	if err != nil {
		return Tap{}, &CommandError{Command: "reading the card", Err: err}
	}
	tap.AID = aid
	return tap, nil
}

func (p Purchase) check() error {
	switch {
	case p.Amount > AmountMax:
		return fmt.Errorf("%w: an amount has at most 12 digits", ErrPurchase)
	case p.Currency > 999 || p.Country > 999:
		return fmt.Errorf("%w: currency and country have three digits", ErrPurchase)
	case p.Type>>4 > 9 || p.Type&0x0F > 9:
		return fmt.Errorf("%w: the type is two packed digits", ErrPurchase)
	case p.Date.IsZero():
		return fmt.Errorf("%w: it has no date", ErrPurchase)
	}
	return nil
}
