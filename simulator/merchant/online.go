package merchant

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
)

// Entry modes of what comes without a terminal (field 22).
const (
	keyed  = "0100"
	onFile = "1000"
)

// Verify asks whether an account is good, with what the cardholder has typed
// in: an account verification of no amount.
func (m *Merchant) Verify(ctx context.Context, c site.Card) (messages.RemoteAnswer, error) {
	return m.ask(ctx, m.byCard(c, messages.AccountVerification, 0))
}

// Sell takes an e-commerce payment of amount, in minor units, with what the
// cardholder has typed in.
func (m *Merchant) Sell(ctx context.Context, c site.Card, amount uint64) (messages.RemoteAnswer, error) {
	return m.ask(ctx, m.byCard(c, messages.ECommercePayment, amount))
}

// SellByToken takes an e-commerce payment of amount from the token of this
// reference on a phone, which signs it in the merchant's app.
func (m *Merchant) SellByToken(ctx context.Context, p *phone.Phone, reference string, amount uint64) (messages.RemoteAnswer, error) {
	signed, err := m.sign(p, reference, amount)
	if err != nil {
		return messages.RemoteAnswer{}, err
	}
	return m.ask(ctx, m.byToken(signed, amount, keyed))
}

// SellOnFile takes a payment with a token that the merchant has on file, which
// needs no cryptogram.
func (m *Merchant) SellOnFile(ctx context.Context, t messages.TokenData, amount uint64) (messages.RemoteAnswer, error) {
	return m.ask(ctx, m.byToken(phone.RemotePayment{Number: t.Number, Sequence: 1, Expiry: t.Expiry, Requestor: t.Requestor}, amount, onFile))
}

// sign lets the phone sign a payment, with a number that the merchant draws.
func (m *Merchant) sign(p *phone.Phone, reference string, amount uint64) (phone.RemotePayment, error) {
	currency, err := strconv.ParseUint(m.options.Currency, 10, 16)
	if err != nil {
		return phone.RemotePayment{}, fmt.Errorf("the merchant's currency must be three digits: %w", err)
	}
	var unpredictable [4]byte
	if _, err := io.ReadFull(m.options.Station.Random, unpredictable[:]); err != nil {
		return phone.RemotePayment{}, err
	}
	return p.Remote(reference, amount, uint16(currency), unpredictable)
}

func (m *Merchant) byCard(c site.Card, condition string, amount uint64) *messages.RemoteRequest {
	r := m.remote(condition, keyed, amount)
	r.Number, r.Expiry = c.PAN, c.Expiry
	r.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: c.Code}
	return r
}

func (m *Merchant) byToken(p phone.RemotePayment, amount uint64, entryMode string) *messages.RemoteRequest {
	r := m.remote(messages.ECommercePayment, entryMode, amount)
	r.Number, r.Sequence, r.Expiry, r.Requestor, r.Cryptogram = p.Number, p.Sequence, p.Expiry, p.Requestor, p.Remote
	return r
}

func (m *Merchant) remote(condition, entryMode string, amount uint64) *messages.RemoteRequest {
	return &messages.RemoteRequest{
		Trace: m.station.NextTrace(), Local: messages.LocalAt(m.options.Station.Now()),
		Place: messages.Place{
			Category: m.options.Category, Country: m.options.Country, Currency: m.options.Currency,
			EntryMode: entryMode, Condition: condition, Name: m.options.Name,
		},
		Amount: amount,
	}
}

func (m *Merchant) ask(ctx context.Context, r *messages.RemoteRequest) (messages.RemoteAnswer, error) {
	typed, err := m.station.Ask(ctx, r)
	if err != nil {
		return messages.RemoteAnswer{}, err
	}
	answer, ok := typed.(*messages.RemoteAnswer)
	if !ok {
		return messages.RemoteAnswer{}, fmt.Errorf("the gateway answered a payment without a terminal with a %s of another kind", typed.MTI())
	}
	return *answer, nil
}

// Reverse undoes a tap, as a merchant does whose goods stay on the shelf.
func (m *Merchant) Reverse(ctx context.Context, r Receipt) (messages.ReversalAnswer, error) {
	a := r.Answer
	return m.station.Reverse(ctx, &messages.Reversal{
		Trace: a.Trace, Number: a.Number, Amount: a.Amount, TransactionID: a.TransactionID,
		AuthorizationID: a.Outcome.AuthorizationID, Answered: a.Outcome.Response,
		Setting: messages.Setting{Category: m.options.Category, EntryMode: contactless, Condition: presented, Currency: a.Currency},
	})
}

// ReverseOnline is Reverse of a payment without a terminal.
func (m *Merchant) ReverseOnline(ctx context.Context, a messages.RemoteAnswer) (messages.ReversalAnswer, error) {
	return m.station.Reverse(ctx, &messages.Reversal{
		Trace: a.Trace, Number: a.Number, Amount: a.Amount, TransactionID: a.TransactionID,
		AuthorizationID: a.Outcome.AuthorizationID, Answered: a.Outcome.Response,
		Setting: messages.Setting{Category: m.options.Category, EntryMode: keyed, Condition: a.Condition, Currency: a.Currency},
	})
}
