package card_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
)

func TestParsePAN(t *testing.T) {
	for _, c := range []struct {
		name, digits string
		want         error
	}{
		{"12 digits", "476173900007", card.ErrPANLength},
		{"13 digits, the fewest", "4761739001231", nil},
		{"16 digits", "4761739001010010", nil},
		{"19 digits, the most", "4761739000000000126", nil},
		{"20 digits", "47617390000000001266", card.ErrPANLength},
		{"nothing", "", card.ErrPANLength},
		{"a letter", "476173900101001O", card.ErrPANDigits},
		{"a space", "4761739001010 10", card.ErrPANDigits},
		{"digits of another script", "47617390010100" + "٠", card.ErrPANDigits},
		{"a wrong last digit", "4761739001010011", card.ErrPANLuhn},
		{"two digits swapped", "4761739001010100", card.ErrPANLuhn},
	} {
		p, err := card.ParsePAN(c.digits)
		if !errors.Is(err, c.want) || p.IsZero() != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && len(c.digits) > 6 && strings.Contains(err.Error(), c.digits[:6]) {
			t.Errorf("%s: the error shows digits: %v", c.name, err)
		}
		if err == nil && p.Reveal() != c.digits {
			t.Errorf("%s: came back as %s", c.name, p.Reveal())
		}
	}
}

func TestPANsCompareByDigits(t *testing.T) {
	a, b := card.MustPAN("4761739001010010"), card.MustPAN("4761739001010010")
	if a != b || a == card.MustPAN("4000001234567899") || a.IsZero() || !(card.PAN{}).IsZero() {
		t.Error("PANs are equal exactly when their digits are")
	}
}

func TestMaskDigits(t *testing.T) {
	for digits, want := range map[string]string{
		"4761739001010010":    "476173******0010",
		"4761739001231":       "476173***1231",
		"4761739000000000126": "476173*********0126",
		"476173900123":        "************",
		"4761":                "****",
		"":                    "",
	} {
		if got := card.MaskDigits(digits); got != want {
			t.Errorf("%q is shown as %q, want %q", digits, got, want)
		}
	}
}

func TestCardDataIsNeverPrinted(t *testing.T) {
	const clear, masked, yymm = "4761739001010010", "476173******0010", "3112"
	pan, expiry := card.MustPAN(clear), card.MustExpiry(yymm)
	holder := struct {
		PAN    card.PAN
		Expiry card.Expiry
		pan    card.PAN
		expiry card.Expiry
	}{pan, expiry, pan, expiry}
	for _, v := range []any{pan, &pan, expiry, &expiry, holder, &holder, []card.PAN{pan}, map[card.PAN]card.Expiry{pan: expiry}} {
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{string(encoded)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		for _, text := range texts {
			for _, secret := range []string{clear, fmt.Sprintf("%x", clear), clear[6:12], yymm, fmt.Sprintf("%x", yymm)} {
				if strings.Contains(text, secret) {
					t.Errorf("%T shows %q in %q", v, secret, text)
				}
			}
		}
	}
	if pan.String() != masked || fmt.Sprintf("%20d", pan) != masked || expiry.String() != "****" {
		t.Errorf("masks are %s and %s", pan, expiry)
	}
}

func TestCompletePAN(t *testing.T) {
	if p, err := card.CompletePAN("476173900101001"); err != nil || p.Reveal() != "4761739001010010" {
		t.Errorf("%s, %v", p.Reveal(), err)
	}
	for digits, want := range map[string]error{"": card.ErrPANLength, "47617390000": card.ErrPANLength, "4761739000000000000": card.ErrPANLength, "47617390010100x": card.ErrPANDigits} {
		if _, err := card.CompletePAN(digits); !errors.Is(err, want) {
			t.Errorf("%d digits: %v, want %v", len(digits), err, want)
		}
	}
}

// TestLuhnFindsMistypedDigits: the check digit shows every single wrong digit.
func TestLuhnFindsMistypedDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := card.CompletePAN(rapid.StringMatching(`4761739[0-9]{5,11}`).Draw(t, "digits"))
		if err != nil {
			t.Fatal(err)
		}
		digits := []byte(p.Reveal())
		at := rapid.IntRange(0, len(digits)-1).Draw(t, "at")
		digits[at] = '0' + (digits[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "more")))%10
		if _, err := card.ParsePAN(string(digits)); !errors.Is(err, card.ErrPANLuhn) {
			t.Fatalf("a wrong digit passes: %v", err)
		}
	})
}

func FuzzParsePAN(f *testing.F) {
	for _, seed := range []string{"4761739001010010", "4761739001231", "4761739000000000126", "4761739001010011", "", "0", "0000000000000", "4761739001010010 ", "47617390010100é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := card.ParsePAN(s)
		if err != nil {
			if !p.IsZero() || s != "" && strings.Contains(err.Error(), s) && len(s) >= card.PANDigitsMin {
				t.Errorf("error with a PAN: %v", err)
			}
			return
		}
		if p.Reveal() != s || len(p.Masked()) != len(s) || p.Masked() == s {
			t.Errorf("%q came back as %q, shown as %q", s, p.Reveal(), p)
		}
		if again, err := card.CompletePAN(s[:len(s)-1]); err != nil || again != p {
			t.Errorf("%q is completed to %q, %v", s[:len(s)-1], again.Reveal(), err)
		}
	})
}
