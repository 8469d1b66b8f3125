package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/terminal"
	"github.com/firsttap/firsttap/token"
)

// Currency and country of all requests, ISO numeric.
const (
	currency, currencyNumber = "840", 840
	country, countryNumber   = "840", 840
)

// Places of the requests: those that the simulated wallet and merchant have.
var (
	activationPlace = messages.Place{
		Category: "6012", Country: country, EntryMode: "0100", Condition: messages.AccountVerification,
		Name: messages.NameAndPlace("FIRSTTAP LOAD", "SAN FRANCISCO", "US"), Currency: currency,
	}
	tapPlace = messages.Place{
		Category: "5462", Country: country, EntryMode: "0710", Condition: "00",
		Name: activationPlace.Name, Currency: currency,
	}
	verifyPlace = messages.Place{
		Category: "5462", Country: country, EntryMode: "0100", Condition: messages.AccountVerification,
		Name: activationPlace.Name, Currency: currency,
	}
	opinion = token.Wallet{Recommendation: "0", Version: "1", DeviceScore: "5", AccountScore: "4", Source: "K"}
)

// What ends a load early.
var (
	errAccounts = errors.New("all accounts are used up: give more, or let codes be used again")
	errTokens   = errors.New("all tokens are used up: their counters have reached their end")
	errCodes    = errors.New("the accounts' codes are over")
)

// account is a card with its codes.
type account struct {
	pan      card.PAN
	sequence card.Sequence
	expiry   card.Expiry
	codes    []client.Code
}

// code is the one to show at a time: the latest that has begun. The network
// says whether it is still good.
func (a *account) code(now time.Time) (dcvv2.Code, error) {
	for i := len(a.codes) - 1; i >= 0; i-- {
		if !now.Before(a.codes[i].ValidFrom) {
			return a.codes[i].Code, nil
		}
	}
	return dcvv2.Code{}, errCodes
}

// payer is a phone with one token, which makes one tap at a time.
type payer struct {
	phone *phone.Phone
	taps  int
}

// tapsMax is how many taps a token makes: its counter has two bytes.
const tapsMax = 1<<16 - 1

// traffic makes the requests of a run. It may be used by many goroutines.
type traffic struct {
	requestor     string
	authorization func(transactionID string) string
	reuse         bool

	accounts []account
	used     atomic.Uint64
	payers   chan *payer // those that are free
	left     atomic.Int64
}

// ask makes a request and asks it on c. It gives the answer, its question, and
// when the request left.
type asked struct {
	question *Question
	request  messages.Message
	free     func() // gives back what the request has lent
}

// make makes the request of this number.
func (t *traffic) make(ctx context.Context, c *conn, k Kind, n uint64) (asked, error) {
	q := &Question{Kind: k, Currency: currency, Authorization: t.authorization, answer: make(chan Answer, 1)}
	switch k {
	case Echo:
		return asked{q, c.network(q, messages.Echo), func() {}}, nil
	case Tap:
		return t.tap(ctx, c, q, n)
	}
	a, err := t.account()
	if err != nil {
		return asked{}, err
	}
	return t.byCode(c, q, a, n)
}

// account is the next one.
func (t *traffic) account() (*account, error) {
	n := t.used.Add(1) - 1
	if n >= uint64(len(t.accounts)) && !t.reuse {
		return nil, errAccounts
	}
	return &t.accounts[n%uint64(len(t.accounts))], nil
}

// byCode makes an activation or a verification, with the code of an account.
func (t *traffic) byCode(c *conn, q *Question, a *account, n uint64) (asked, error) {
	now := time.Now()
	code, err := a.code(now)
	if err != nil {
		return asked{}, err
	}
	q.Trace, q.Number = c.trace(now), a.pan
	presented := dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code}
	if q.Kind == Verify {
		return asked{q, &messages.RemoteRequest{
			Trace: q.Trace, Local: messages.LocalAt(now), Place: verifyPlace,
			Number: a.pan, Expiry: a.expiry, Sequence: a.sequence, CVV2: presented,
		}, func() {}}, nil
	}
	return asked{q, t.activation(q, a, presented, deviceID(n), now), func() {}}, nil
}

func (t *traffic) activation(q *Question, a *account, code dcvv2.Presented, device string, now time.Time) *messages.ActivationRequest {
	return &messages.ActivationRequest{
		Trace: q.Trace, Local: messages.LocalAt(now), Place: activationPlace,
		Activation: token.Activation{
			PAN: a.pan, Sequence: a.sequence, Expiry: a.expiry, CVV2: code,
			Requestor: t.requestor, Type: token.SecureElement, Wallet: opinion,
			Device: token.Device{Type: "01", Language: "en", ID: device, PhoneLast4: "0100", Name: "LOAD PHONE"},
		},
	}
}

// deviceID is a device that fetches no key: 48 hexadecimal characters.
func deviceID(n uint64) string {
	return fmt.Sprintf("%016x%016x%016x", scatter(n), scatter(n+1), scatter(n+2))
}

// tap makes a payment with a phone that makes no other meanwhile, so that its
// counter never goes back.
func (t *traffic) tap(ctx context.Context, c *conn, q *Question, n uint64) (asked, error) {
	p, err := t.payer(ctx)
	if err != nil {
		return asked{}, err
	}
	now := time.Now()
	q.Trace, q.Amount = c.trace(now), amountOf(n)
	purchase := terminal.Purchase{Amount: q.Amount, Currency: currencyNumber, Country: countryNumber, Date: now}
	binary.BigEndian.PutUint32(purchase.Unpredictable[:], uint32(scatter(n)))
	read, err := terminal.Read(ctx, p.phone.Card(), purchase)
	if err != nil {
		t.free(p)
		return asked{}, fmt.Errorf("reading a phone: %w", err)
	}
	q.Number = read.Number
	q.Confirm = func(a messages.TapAnswer) error {
		if a.ARPC.IsZero() {
			return nil // some versions of cryptograms have no answer
		}
		return terminal.Complete(context.WithoutCancel(ctx), p.phone.Card(), terminal.IssuerAnswer{ARPC: a.ARPC, CSU: a.CSU, ARC: a.ARC})
	}
	request := &messages.TapRequest{
		Trace: q.Trace, Local: messages.LocalAt(now), Place: tapPlace, Requestor: read.Requestor,
		Tap: token.Tap{
			Number: read.Number, Sequence: read.Sequence, Expiry: read.Expiry, Amount: q.Amount,
			Chip: read.Chip, Cryptogram: read.Cryptogram,
		},
	}
	return asked{q, request, func() { t.free(p) }}, nil
}

// amountOf is a canary: 0.01 to 99,999.99, and no neighbour has the same.
func amountOf(n uint64) uint64 { return n%9_999_999 + 1 }

func (t *traffic) payer(ctx context.Context) (*payer, error) {
	select {
	case p, ok := <-t.payers:
		if !ok {
			return nil, errTokens
		}
		p.taps++
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// free gives a phone back. When the last counter has reached its end there are
// none any more.
func (t *traffic) free(p *payer) {
	if p.taps < tapsMax {
		t.payers <- p
		return
	}
	if t.left.Add(-1) == 0 {
		close(t.payers)
	}
}
