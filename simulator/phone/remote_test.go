package phone_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
)

var fresh = [4]byte{0x1A, 0x2B, 0x3C, 0x4D}

func TestAPaymentWithoutATerminal(t *testing.T) {
	key, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{phone.Version10, phone.Version17, phone.Version18} {
		p := atSeven(t, version)
		paid, err := p.Remote(tokenReference, 1250, 840, fresh)
		if err != nil {
			t.Fatal(err)
		}
		if paid.Number.Reveal() != number || paid.Sequence != 1 || paid.Expiry.YYMM() != "2912" || paid.Requestor != "40010030273" {
			t.Errorf("another token paid: %+v", paid)
		}
		if paid.Remote.ATC != 7 || paid.Remote.Unpredictable != fresh || p.LastTap().ATC != 7 {
			t.Errorf("the payment is %+v", paid.Remote)
		}
		if !emv.VerifyCryptogram(key, emv.RemoteInput(1250, 840, 7, fresh), paid.Remote.Cryptogram) {
			t.Errorf("version %d: the cryptogram does not verify", version)
		}
		if emv.VerifyCryptogram(key, emv.RemoteInput(1251, 840, 7, fresh), paid.Remote.Cryptogram) {
			t.Error("the cryptogram does not cover the amount")
		}
		if shown := fmt.Sprintf("%+v", paid); strings.Contains(shown, number) || strings.Contains(shown, "2912") {
			t.Errorf("the payment shows %s", shown)
		}
	}
}

func TestPaymentsThatCannotBe(t *testing.T) {
	p := atSeven(t, phone.Version18)
	for name, c := range map[string]struct {
		amount   uint64
		currency uint16
	}{"amount of 13 digits": {emv.AmountMax + 1, 840}, "currency of 4 digits": {1250, emv.CodeMax + 1}} {
		if _, err := p.Remote(tokenReference, c.amount, c.currency, fresh); !errors.Is(err, emv.ErrInput) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	if p.LastTap().ATC != 6 {
		t.Error("a refused payment was counted")
	}
	if _, err := p.Remote(tokenReference, emv.AmountMax, emv.CodeMax, fresh); err != nil {
		t.Errorf("the most of everything: %v", err)
	}
	if _, err := p.Remote("unknown", 1250, 840, fresh); !errors.Is(err, phone.ErrNotLoaded) {
		t.Errorf("an unknown token gave %v", err)
	}
	if _, err := cloudPhone(t, worn, 5).Remote(tokenReference, 1250, 840, fresh); !errors.Is(err, phone.ErrNotRemote) {
		t.Errorf("a cloud token gave %v", err)
	}
	p.SetCounter(65534)
	if _, err := p.Remote(tokenReference, 1250, 840, fresh); err != nil {
		t.Errorf("the last payment of all: %v", err)
	}
	if _, err := p.Remote(tokenReference, 1250, 840, fresh); !errors.Is(err, phone.ErrCounterEnd) {
		t.Errorf("one more gave %v", err)
	}
}

// Taps and payments without a terminal count together, and the issuer's answer
// to a tap is not awaited any more when another payment came between.
func TestOneCounterForBoth(t *testing.T) {
	p := atSeven(t, phone.Version18)
	ask(t, p, selectAID, options)
	if _, err := p.Remote(tokenReference, 1250, 840, fresh); err != nil {
		t.Fatal(err)
	}
	if _, status := ask(t, p, command91("F2087F2200800000")); status != "6985" {
		t.Errorf("the answer to the tap before was answered %s", status)
	}
	if got := p.LastTap(); got != (phone.LastTap{ATC: 8, Answer: phone.NoAnswer}) {
		t.Errorf("the phone remembers %+v", got)
	}
}
