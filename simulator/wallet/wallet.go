// Package wallet is the simulated token requestor with one phone: it turns
// what a person types from the issuer's page into a token on the phone.
//
// It asks the gateway for the token over ISO 8583 and fetches the token's key
// over its own HTTPS channel. The token lives in the phone's secure element, or
// as a cloud token in the wallet's software: then its keys run out, and Ready
// fetches more. The wallet never sees another card's data and never pays by
// itself: the phone does, when a merchant's terminal reads it. Start at Open and
// Provision.
package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/token"
)

// Options say how the wallet reaches the network and whose phone it is on.
type Options struct {
	Station    station.Options
	ChannelURL string       // of the phones' HTTPS door
	HTTP       *http.Client // trusts that door
	Requestor  string       // token requestor id, 11 digits
	Type       token.Type   // of the tokens it asks for; token.SecureElement when empty
	Device     token.Device // ID is filled in from the phone's key
	Opinion    token.Wallet // what the wallet thinks of its requests; one that recommends approval when zero
	Phone      *phone.Phone
	// ReplenishBelow makes Ready replenish a cloud token that has fewer uses
	// left, 1 to token.LentUsesMax; ReplenishBelowDefault when 0.
	ReplenishBelow int
}

// Place of an activation in Visa-style messages: keyed, a verification without
// authorization, merchant category of financial institutions (public traces).
var place = messages.Place{
	Category: "6012", Country: "840", EntryMode: "0100", Condition: "51",
	Name: messages.NameAndPlace("FIRSTTAP WALLET", "SAN FRANCISCO", "US"), Currency: "840",
}

// opinion is what a wallet thinks that has no doubts.
var opinion = token.Wallet{Recommendation: "0", Version: "1", DeviceScore: "5", AccountScore: "4", Source: "K"}

// Wallet is a signed-on token requestor.
type Wallet struct {
	options Options
	station *station.Station
	last    atomic.Pointer[messages.ActivationRequest]
}

// Provisioning is what became of a request for a token.
type Provisioning struct {
	Answer   messages.ActivationAnswer
	KeyCheck string // check value of the key on the phone; "" without one
}

// Approved reports whether the phone has a token that can pay.
func (p Provisioning) Approved() bool { return p.KeyCheck != "" }

// Open connects the wallet to the gateway.
func Open(ctx context.Context, o Options) (*Wallet, error) {
	o.Type, o.ReplenishBelow = cmp.Or(o.Type, token.SecureElement), cmp.Or(o.ReplenishBelow, ReplenishBelowDefault)
	if err := o.check(); err != nil {
		return nil, err
	}
	s, err := station.Dial(ctx, o.Station)
	if err != nil {
		return nil, err
	}
	return &Wallet{options: o, station: s}, nil
}

func (o Options) check() error {
	types := token.Types
	switch {
	case len(o.Requestor) != token.RequestorDigits:
		return fmt.Errorf("a token requestor id has %d digits", token.RequestorDigits)
	case !slices.Contains(types, o.Type):
		return fmt.Errorf("a token's type is one of %v, not %q", types, o.Type)
	case o.ReplenishBelow < 1 || o.ReplenishBelow > token.LentUsesMax:
		return fmt.Errorf("a token is replenished below 1 to %d uses, not %d", token.LentUsesMax, o.ReplenishBelow)
	}
	return nil
}

// Close ends the connection.
func (w *Wallet) Close() { w.station.Close() }

// Manage signs on or off, or sends an echo.
func (w *Wallet) Manage(ctx context.Context, code messages.NetworkCode) error {
	return w.station.Manage(ctx, code)
}

// Phone is the phone that the wallet is on.
func (w *Wallet) Phone() *phone.Phone { return w.options.Phone }

// Provision asks for a token for the card that a person has typed in and, when
// it is granted and active, loads it. One that is not active yet waits for Load.
// A refusal is a Provisioning; an error means that no decision was had, or that
// the key could not be loaded.
func (w *Wallet) Provision(ctx context.Context, c site.Card) (Provisioning, error) {
	answer, err := w.Request(ctx, c)
	if err != nil {
		return Provisioning{}, err
	}
	p := Provisioning{Answer: answer}
	if answer.Token == nil || answer.Token.Status != token.Active {
		return p, nil
	}
	p.KeyCheck, err = w.Load(ctx, answer.Token.Reference)
	return p, err
}

// Request asks for a token and gives the network's answer.
func (w *Wallet) Request(ctx context.Context, c site.Card) (messages.ActivationAnswer, error) {
	request := w.request(c)
	w.last.Store(request)
	return w.ask(ctx, request)
}

// Repeat sends the last request again (0101), as a wallet does that has heard no
// answer. It gives an error before the first.
func (w *Wallet) Repeat(ctx context.Context) (messages.ActivationAnswer, error) {
	last := w.last.Load()
	if last == nil {
		return messages.ActivationAnswer{}, errors.New("there is no request to repeat")
	}
	again := *last
	again.Repeat, again.Transmitted = true, messages.Stamp(w.options.Station.Now())
	return w.ask(ctx, &again)
}

func (w *Wallet) ask(ctx context.Context, request *messages.ActivationRequest) (messages.ActivationAnswer, error) {
	typed, err := w.station.Ask(ctx, request)
	if err != nil {
		return messages.ActivationAnswer{}, err
	}
	answer, ok := typed.(*messages.ActivationAnswer)
	if !ok {
		return messages.ActivationAnswer{}, fmt.Errorf("the gateway answered an activation with a %s of another kind", typed.MTI())
	}
	return *answer, nil
}

func (w *Wallet) request(c site.Card) *messages.ActivationRequest {
	device := w.options.Device
	device.ID = w.channel().DeviceID()
	return &messages.ActivationRequest{
		Trace: w.station.NextTrace(), Local: messages.LocalAt(w.options.Station.Now()), Place: place,
		Activation: token.Activation{
			PAN: c.PAN, Expiry: c.Expiry,
			CVV2:      dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: c.Code},
			Requestor: w.options.Requestor, Type: w.options.Type, Device: device,
			Wallet: cmp.Or(w.options.Opinion, opinion),
		},
	}
}

func (w *Wallet) channel() client.Phone {
	return client.Phone{
		BaseURL: w.options.ChannelURL, HTTP: w.options.HTTP,
		Key: w.options.Phone.Key(), Now: w.options.Station.Now,
	}
}
