package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
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

// payer is a phone with one token, which makes one tap at a time. A terminal
// reads it once, through all its commands; later taps differ in counter, amount
// and number only, and in the cryptogram over them.
type payer struct {
	key   emv.Key
	first terminal.Tap
	atc   uint16 // of the last tap
}

// newPayer reads a phone that has a token with this card key.
func newPayer(ctx context.Context, held phone.Card, key emv.Key, now time.Time) (*payer, error) {
	purchase := terminal.Purchase{Currency: currencyNumber, Country: countryNumber, Date: now}
	first, err := terminal.Read(ctx, held, purchase)
	if err != nil {
		return nil, fmt.Errorf("reading a phone: %w", err)
	}
	return &payer{key: key, first: first, atc: first.Chip.ATC}, nil
}

// tap is the next tap.
func (p *payer) tap(amount uint64, unpredictable uint32) (token.Tap, error) {
	p.atc++
	in := p.first.Chip
	in.ATC, in.AmountAuthorised = p.atc, amount
	binary.BigEndian.PutUint32(in.Unpredictable[:], unpredictable)
	made, err := emv.ApplicationCryptogram(p.key, in)
	return token.Tap{
		Number: p.first.Number, Sequence: p.first.Sequence, Expiry: p.first.Expiry, Amount: amount, Chip: in, Cryptogram: made,
	}, err
}

var errRefused = errors.New("the issuer's cryptogram is not of this tap")

// confirm checks the issuer's cryptogram as the phone would. Some versions have
// none.
func (p *payer) confirm(made token.Tap, a messages.TapAnswer) error {
	version, err := emv.VersionOf(made.Chip.IAD)
	switch {
	case a.ARPC.IsZero():
		return nil
	case err != nil:
		return err
	case version == emv.Version18 && emv.VerifyTapARPC2(p.key, made.Chip.ATC, made.Cryptogram, a.CSU, a.ARPC):
		return nil
	case version != emv.Version18 && emv.VerifyARPC1(p.key, made.Cryptogram, a.ARC, a.ARPC):
		return nil
	}
	return errRefused
}

// atcMax is the last counter of a token: it has two bytes.
const atcMax = math.MaxUint16

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

// asked is a request that is ready to leave.
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
	made, err := p.tap(q.Amount, uint32(scatter(n)))
	if err != nil {
		t.free(p)
		return asked{}, fmt.Errorf("making a tap: %w", err)
	}
	q.Number = made.Number
	q.Confirm = func(a messages.TapAnswer) error { return p.confirm(made, a) }
	request := &messages.TapRequest{
		Trace: q.Trace, Local: messages.LocalAt(now), Place: tapPlace, Requestor: p.first.Requestor, Tap: made,
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
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// free gives a phone back. When the last counter has reached its end there are
// none any more.
func (t *traffic) free(p *payer) {
	if p.atc < atcMax {
		t.payers <- p
		return
	}
	if t.left.Add(-1) == 0 {
		close(t.payers)
	}
}
