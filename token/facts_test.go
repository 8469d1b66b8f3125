package token_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// The worked case: an account whose code of the hour from noon is 075 and of
// the next 917, and a token whose tap with counter 7 has the cryptogram below.
const (
	panDigits   = "4761739001010010"
	tokenDigits = "4895370012345671"
	masterHex   = "0123456789ABCDEFFEDCBA9876543210"
	codeOfNoon  = "075"
	codeOfOne   = "917"
	arqcHex     = "F8BF255996A9B002" // version 18
)

var (
	now        = time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)
	noon       = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tokenRange = card.MustRange("4895370")
)

// failer is what the makers need of a test and of a rapid check.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func unhex(t failer, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func codeMaster(t failer) dcvv2.MasterKey {
	t.Helper()
	k, err := dcvv2.NewMasterKey(unhex(t, masterHex))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func code(t failer, digits string) dcvv2.Code {
	t.Helper()
	c, err := dcvv2.ParseCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// activation asks for a token with a code typed in.
func activation(t failer, digits string) token.Activation {
	t.Helper()
	return token.Activation{
		PAN: card.MustPAN(panDigits), Expiry: card.MustExpiry("3112"),
		CVV2:      dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code(t, digits)},
		Requestor: "40010030273", Type: token.SecureElement, Device: token.Device{ID: "device"},
	}
}

// facts are of an enrolled account of a registered range with nothing failed.
func facts(t failer) token.ActivationFacts {
	t.Helper()
	return token.ActivationFacts{
		Registration: dcvv2.Registration{Range: card.MustRange("4761739"), Issuer: "first", Schedule: dcvv2.Always(dcvv2.DefaultPolicy())},
		Enrolment:    dcvv2.Enrolment{Enrolled: true},
		Keys:         codeMaster(t).Masters,
	}
}

func active() token.Token {
	return token.Token{
		Number: card.MustPAN(tokenDigits), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Reference: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", Status: token.Active, Type: token.SecureElement,
		Requestor: "40010030273", PAN: card.MustPAN(panDigits), PANExpiry: card.MustExpiry("3112"), Issuer: "first",
		ATC: 6,
	}
}

func cardKey(t failer) emv.Key {
	t.Helper()
	master, err := emv.ParseKey(masterHex)
	if err != nil {
		t.Fatal(err)
	}
	return emv.CardKey(master, card.MustPAN(tokenDigits), 1)
}

// goodTap is the worked tap with counter 7.
func goodTap(t failer) token.Tap {
	t.Helper()
	arqc, err := emv.NewCryptogram(unhex(t, arqcHex))
	if err != nil {
		t.Fatal(err)
	}
	return token.Tap{
		Number: card.MustPAN(tokenDigits), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Amount: 1250, Currency: "840", EntryMode: "0710", Cryptogram: arqc,
		Chip: emv.Input{
			AmountAuthorised: 1250, Country: 840, Currency: 840, Date: [3]byte{0x26, 0x11, 0x22},
			Unpredictable: [4]byte{0x1A, 0x2B, 0x3C, 0x4D}, AIP: [2]byte{0x20, 0x00}, ATC: 7,
			IAD: unhex(t, "06011203A00000"),
		},
	}
}

func tapFacts(t failer) token.TapFacts {
	t.Helper()
	return token.TapFacts{Token: active(), CardKey: cardKey(t)}
}

// sign makes the cryptogram anew after a change of the chip data.
func sign(t failer, tap *token.Tap) {
	t.Helper()
	var err error
	if tap.Cryptogram, err = emv.ApplicationCryptogram(cardKey(t), tap.Chip); err != nil {
		t.Fatal(err)
	}
}

// wrongCode is the code of no window near at.
func wrongCode(t testing.TB, at time.Time) string {
	t.Helper()
	near := map[string]bool{}
	for _, from := range []time.Time{at.Add(-24 * time.Hour), at} {
		issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), codeMaster(t).Masters, dcvv2.Account{
			PAN: card.MustPAN(panDigits), Expiry: card.MustExpiry("3112"),
		}, from, dcvv2.CodesMax, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range issued {
			near[one.Code.Reveal()] = true
		}
	}
	for _, digits := range []string{"000", "999", "123", "555"} {
		if !near[digits] {
			return digits
		}
	}
	t.Fatal("no wrong code found")
	return ""
}
