// Package merchant is the simulated shop: a terminal that reads phones and the
// acquirer behind it that asks the gateway; and a web shop that takes cards and tokens.
//
// It sees tokens and never the PAN behind them, but for cards that people type
// into the web shop. Start at Open, Tap and Sell.
package merchant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/simulator/terminal"
	"github.com/firsttap/firsttap/token"
)

// Options say where the shop is and how it reaches the gateway.
type Options struct {
	Station  station.Options
	Name     string // field 43, 40 characters; see messages.NameAndPlace
	Category string // field 18, four digits
	Country  string // field 19, ISO 3166 numeric
	Currency string // field 49, ISO 4217 numeric
	// Tamper changes a request after the phone has signed it, for attack
	// cases. Optional.
	Tamper func(*messages.TapRequest)
	// Predictable makes a weak terminal for attack cases, which has the same
	// "unpredictable" number for every tap: Predicted.
	Predictable bool
}

// contactless is field 22 of a tap: contactless chip, PIN entry possible.
const contactless = "0710"

// presented is field 25 of a tap: a normal presentment.
const presented = "00"

// Merchant is an open shop.
type Merchant struct {
	options Options
	station *station.Station
}

// ARPCResult is what the phone made of the issuer's answer.
type ARPCResult string

// Results of the phone's check.
const (
	ARPCVerified ARPCResult = "verified"
	ARPCRefused  ARPCResult = "refused"
	ARPCNone     ARPCResult = "none" // the answer carried none
)

// Receipt is what became of a tap.
type Receipt struct {
	Answer     messages.TapAnswer
	ARPC       ARPCResult
	Transcript []terminal.Exchange
	ATC        uint16
}

// Approved reports whether goods may change hands.
func (r Receipt) Approved() bool {
	return r.Answer.Outcome.Response == token.Approved && r.ARPC != ARPCRefused
}

// ARQC is what the network found of the phone's cryptogram.
func (r Receipt) ARQC() string { return ARQC(r.Answer.Outcome.Additional.Authentication) }

// ARQC says 44.8 in a word: "verified", "failed", or "unchecked" when a
// request was refused before its cryptogram was looked at, or has none.
func ARQC(a token.Authentication) string {
	switch a {
	case token.ARQCVerified:
		return "verified"
	case token.ARQCFailed:
		return "failed"
	}
	return "unchecked"
}

// Open connects the merchant to the gateway.
func Open(ctx context.Context, o Options) (*Merchant, error) {
	s, err := station.Dial(ctx, o.Station)
	if err != nil {
		return nil, err
	}
	return &Merchant{options: o, station: s}, nil
}

// Close ends the connection.
func (m *Merchant) Close() { m.station.Close() }

// Tap takes a payment of amount, in minor units, from a card held to the
// terminal. A decline is a Receipt; an error means that no decision was had.
func (m *Merchant) Tap(ctx context.Context, card terminal.Card, amount uint64) (Receipt, error) {
	purchase, err := m.purchase(amount)
	if err != nil {
		return Receipt{}, err
	}
	read, err := terminal.Read(ctx, card, purchase)
	if err != nil {
		return Receipt{Transcript: read.Transcript}, fmt.Errorf("reading the phone: %w", err)
	}
	receipt := Receipt{Transcript: read.Transcript, ATC: read.Chip.ATC, ARPC: ARPCNone}
	request := m.request(read, amount)
	if m.options.Tamper != nil {
		m.options.Tamper(request)
	}
	typed, err := m.station.Ask(ctx, request)
	if err != nil {
		return receipt, err
	}
	answer, ok := typed.(*messages.TapAnswer)
	if !ok {
		return receipt, fmt.Errorf("the gateway answered a tap with a %s of another kind", typed.MTI())
	}
	receipt.Answer = *answer
	if !answer.ARPC.IsZero() {
		receipt.ARPC, err = complete(ctx, card, answer)
	}
	return receipt, err
}

// complete brings the issuer's answer to the phone.
func complete(ctx context.Context, card terminal.Card, a *messages.TapAnswer) (ARPCResult, error) {
	err := terminal.Complete(ctx, card, terminal.IssuerAnswer{ARPC: a.ARPC, CSU: a.CSU, ARC: a.ARC})
	switch {
	case errors.Is(err, terminal.ErrIssuerRefused):
		return ARPCRefused, nil
	case err != nil:
		return ARPCNone, fmt.Errorf("completing at the phone: %w", err)
	}
	return ARPCVerified, nil
}

func (m *Merchant) purchase(amount uint64) (terminal.Purchase, error) {
	p := terminal.Purchase{Amount: amount, Date: m.options.Station.Now()}
	country, err := strconv.ParseUint(m.options.Country, 10, 16)
	if err != nil {
		return p, fmt.Errorf("the terminal's country must be three digits: %w", err)
	}
	currency, err := strconv.ParseUint(m.options.Currency, 10, 16)
	if err != nil {
		return p, fmt.Errorf("the terminal's currency must be three digits: %w", err)
	}
	p.Country, p.Currency = uint16(country), uint16(currency)
	if m.options.Predictable {
		p.Unpredictable = Predicted
		return p, nil
	}
	_, err = io.ReadFull(m.options.Station.Random, p.Unpredictable[:])
	return p, err
}

func (m *Merchant) request(read terminal.Tap, amount uint64) *messages.TapRequest {
	return &messages.TapRequest{
		Trace: m.station.NextTrace(), Local: messages.LocalAt(m.options.Station.Now()),
		Place: messages.Place{
			Category: m.options.Category, Country: m.options.Country, Currency: m.options.Currency,
			EntryMode: contactless, Condition: presented, Name: m.options.Name,
		},
		Tap: token.Tap{
			Number: read.Number, Sequence: read.Sequence, Expiry: read.Expiry, Amount: amount,
			Chip: read.Chip, Cryptogram: read.Cryptogram,
		},
		Requestor: read.Requestor,
	}
}
