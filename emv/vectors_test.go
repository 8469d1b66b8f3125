package emv_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/golden"
)

// failer is what the helpers need of a test, of a fuzz target or of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func key(t failer, digits string) emv.Key {
	t.Helper()
	k, err := emv.ParseKey(digits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unhex(t failer, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cryptogram(t failer, digits string) emv.Cryptogram {
	t.Helper()
	c, err := emv.NewCryptogram(unhex(t, digits))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shown(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// worked is the payment that cryptograms.txt is about.
func worked(t failer, iad string) emv.Input {
	t.Helper()
	return emv.Input{
		AmountAuthorised: 1250, Country: 840, Currency: 840,
		Date: [3]byte{0x26, 0x11, 0x22}, Unpredictable: [4]byte{0x1A, 0x2B, 0x3C, 0x4D},
		AIP: [2]byte{0x20, 0x00}, ATC: 7, IAD: unhex(t, iad),
	}
}

func TestCardKeyVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "card-keys.txt", 5) {
		option, master, pan, psn, want := row[0], key(t, row[1]), row[2], row[3], row[4]
		if got := emv.CardKeyBy(option, master, pan, psn); shown(got.Reveal()) != want {
			t.Errorf("option %s, %s: %X, want %s", option, pan, got.Reveal(), want)
		}
		number, err := card.ParsePAN(pan)
		if err != nil {
			continue // the published one without a check digit
		}
		seq, err := card.ParseSequence(psn)
		if err != nil {
			t.Fatal(err)
		}
		if got := emv.CardKey(master, number, seq); got != key(t, want) {
			t.Errorf("CardKey of %s chose another option than %s", pan, option)
		}
	}
}

func TestSessionKeyVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "session-keys.txt", 3) {
		atc := unhex(t, row[1])
		got := emv.SessionKey(key(t, row[0]), uint16(atc[0])<<8|uint16(atc[1]))
		if shown(got.Reveal()) != row[2] {
			t.Errorf("ATC %s: %X, want %s", row[1], got.Reveal(), row[2])
		}
	}
}

func TestLimitedUseKeyVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "limited-use-keys.txt", 3) {
		got, err := emv.LimitedUseKey(key(t, row[0]), row[1])
		if err != nil || shown(got.Reveal()) != row[2] {
			t.Errorf("index %s: %X, %v, want %s", row[1], got.Reveal(), err, row[2])
		}
	}
}

func TestCryptogramVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "cryptograms.txt", 4) {
		version, k, in, want := row[0], key(t, row[1]), worked(t, row[2]), cryptogram(t, row[3])
		got, err := emv.ApplicationCryptogram(k, in)
		if err != nil || got != want {
			t.Errorf("version %s: %X, %v, want %s", version, got.Reveal(), err, row[3])
		}
		if !emv.VerifyCryptogram(k, in, want) {
			t.Errorf("version %s does not verify", version)
		}
		if emv.VerifyCryptogram(key(t, "FEDCBA98765432100123456789ABCDEF"), in, want) {
			t.Errorf("version %s verifies under another key", version)
		}
	}
}

func TestARPCVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "arpc.txt", 5) {
		k, arqc, more := key(t, row[1]), cryptogram(t, row[2]), unhex(t, row[3])
		var got emv.Cryptogram
		if row[0] == "1" {
			got = emv.ARPC1(k, arqc, [2]byte(more))
			if !emv.VerifyARPC1(k, arqc, [2]byte(more), got) || emv.VerifyARPC1(k, arqc, [2]byte{'0', '5'}, got) {
				t.Errorf("method 1 over %s verifies wrongly", row[2])
			}
		} else {
			got = emv.ARPC2(k, arqc, [4]byte(more))
			if !emv.VerifyARPC2(k, arqc, [4]byte(more), got) {
				t.Errorf("method 2 over %s does not verify", row[2])
			}
		}
		if got != cryptogram(t, row[4]) {
			t.Errorf("method %s over %s: %X, want %s", row[0], row[2], got.Reveal(), row[4])
		}
	}
}

func TestCVVVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "cvv.txt", 3) {
		if got := emv.CVV(key(t, row[0]), row[1]); got != row[2] {
			t.Errorf("%s: %s, want %s", row[1], got, row[2])
		}
	}
}

func TestCheckValueVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "check-values.txt", 2) {
		if got := key(t, row[0]).CheckValue(); got != row[1] {
			t.Errorf("check value %s, want %s", got, row[1])
		}
	}
}
