package phone

import (
	"errors"
	"fmt"
	"math"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Errors of Remote.
var (
	ErrNotRemote  = errors.New("a cloud token pays at terminals only: its limited-use keys make no cryptogram without one")
	ErrCounterEnd = errors.New("the token's counter has reached its end: it can pay no more")
)

// RemotePayment is what a phone gives a merchant for a payment without a
// terminal, in an app or on a web page. Number, Expiry and the cryptogram
// print masked.
type RemotePayment struct {
	Number    card.PAN // the token's number
	Sequence  card.Sequence
	Expiry    card.Expiry
	Requestor string // token requestor id, 11 digits
	Remote    emv.Remote
}

// Remote pays with the token of this reference without a terminal: amount is in
// minor units of currency, ISO 4217 numeric as a number, and unpredictable is
// fresh for every payment. It counts as a tap does. Only a token with a card
// key can (ErrNotRemote); an amount or currency that chip data cannot hold
// gives emv.ErrInput and is not counted.
func (p *Phone) Remote(reference string, amount uint64, currency uint16, unpredictable [4]byte) (RemotePayment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(reference)
	if i < 0 {
		return RemotePayment{}, ErrNotLoaded
	}
	return p.tokens[i].remote(amount, currency, unpredictable)
}

func (a *application) remote(amount uint64, currency uint16, unpredictable [4]byte) (RemotePayment, error) {
	switch {
	case a.version == emv.Version43:
		return RemotePayment{}, ErrNotRemote
	case a.atc == math.MaxUint16:
		return RemotePayment{}, ErrCounterEnd
	}
	in := emv.RemoteInput(amount, currency, a.atc+1, unpredictable)
	made, err := emv.ApplicationCryptogram(a.material.CardKey, in)
	if err != nil {
		return RemotePayment{}, fmt.Errorf("paying without a terminal: %w", err)
	}
	a.count()
	m := a.material
	return RemotePayment{
		Number: m.Number, Sequence: m.Sequence, Expiry: m.Expiry, Requestor: m.Requestor,
		Remote: emv.Remote{ATC: a.atc, Unpredictable: unpredictable, Cryptogram: made},
	}, nil
}
