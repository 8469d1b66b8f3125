// Package wallet is the simulated token requestor with one phone: it turns
// what a person types from the issuer's page into a token on the phone.
//
// It asks the gateway for the token over ISO 8583 and fetches the token's key
// over its own HTTPS channel. It never sees another card's data and never pays
// by itself: the phone does, when a merchant's terminal reads it. Start at
// Open and Provision.
package wallet

import (
	"context"
	"fmt"
	"net/http"

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
	Device     token.Device // ID is filled in from the phone's key
	Phone      *phone.Phone
}

// Place of an activation in Visa-style messages: keyed, a verification without
// authorization, merchant category of financial institutions (public traces).
var place = messages.Place{
	Category: "6012", Country: "840", EntryMode: "0100", Condition: "51",
	Name: messages.NameAndPlace("FIRSTTAP WALLET", "SAN FRANCISCO", "US"), Currency: "840",
}

// Wallet is a signed-on token requestor.
type Wallet struct {
	options Options
	station *station.Station
}

// Provisioning is what became of a request for a token.
type Provisioning struct {
	Answer   messages.ActivationAnswer
	KeyCheck string // check value of the card key on the phone; "" without a token
}

// Approved reports whether the phone has a token that can pay.
func (p Provisioning) Approved() bool { return p.KeyCheck != "" }

// Open connects the wallet to the gateway.
func Open(ctx context.Context, o Options) (*Wallet, error) {
	if len(o.Requestor) != token.RequestorDigits {
		return nil, fmt.Errorf("a token requestor id has %d digits", token.RequestorDigits)
	}
	s, err := station.Dial(ctx, o.Station)
	if err != nil {
		return nil, err
	}
	return &Wallet{options: o, station: s}, nil
}

// Close ends the connection.
func (w *Wallet) Close() { w.station.Close() }

// Phone is the phone that the wallet is on.
func (w *Wallet) Phone() *phone.Phone { return w.options.Phone }

// Provision asks for a token for the card that a person has typed in and, when
// it is granted, loads it. A refusal is a Provisioning; an error means that no
// decision was had, or that the key could not be loaded.
func (w *Wallet) Provision(ctx context.Context, c site.Card) (Provisioning, error) {
	answer, err := w.Request(ctx, c)
	if err != nil {
		return Provisioning{}, err
	}
	p := Provisioning{Answer: answer}
	if answer.Token == nil {
		return p, nil
	}
	p.KeyCheck, err = w.Load(ctx, answer.Token.Reference)
	return p, err
}

// Request asks for a token and gives the network's answer.
func (w *Wallet) Request(ctx context.Context, c site.Card) (messages.ActivationAnswer, error) {
	typed, err := w.station.Ask(ctx, w.request(c))
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
			Requestor: w.options.Requestor, Type: token.SecureElement, Device: device,
			Wallet: token.Wallet{Recommendation: "0", Version: "1", DeviceScore: "5", AccountScore: "4", Source: "K"},
		},
	}
}

// Load fetches the token's key material, puts it on the phone, and tells the
// network how that went. It gives the key's check value.
func (w *Wallet) Load(ctx context.Context, reference string) (check string, err error) {
	channel := w.channel()
	m, err := channel.FetchKey(ctx, reference)
	if err != nil {
		return "", fmt.Errorf("fetching the token's key: %w", err)
	}
	err = w.options.Phone.Load(phone.Material{
		Number: m.Number, Sequence: m.Sequence, Expiry: m.Expiry, CardKey: m.CardKey, Reference: reference,
		Requestor: w.options.Requestor, AID: m.AID, Version: int(m.CryptogramVersion),
		KeyIndex: m.KeyIndex, ServiceCode: m.ServiceCode, Discretionary: m.Discretionary,
	})
	if err != nil {
		_ = channel.Report(ctx, reference, client.ResultFailure)
		return "", fmt.Errorf("loading the token on the phone: %w", err)
	}
	if err := channel.Report(ctx, reference, client.ResultSuccess); err != nil {
		return "", fmt.Errorf("reporting the loaded token: %w", err)
	}
	return m.CardKey.CheckValue(), nil
}

func (w *Wallet) channel() client.Phone {
	return client.Phone{
		BaseURL: w.options.ChannelURL, HTTP: w.options.HTTP,
		Key: w.options.Phone.Key(), Now: w.options.Station.Now,
	}
}
