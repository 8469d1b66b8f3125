package dcvv2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
)

func code(t failer, digits string) dcvv2.Code {
	t.Helper()
	c, err := dcvv2.ParseCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseCode(t *testing.T) {
	for _, digits := range []string{"000", "075", "999"} {
		if c := code(t, digits); c.Reveal() != digits || c.IsZero() || c != code(t, digits) {
			t.Errorf("%s came back as %s", digits, c.Reveal())
		}
	}
	for _, bad := range []string{"", "07", "0755", "75 ", "7x5", "-75", "１", "é5"} {
		if c, err := dcvv2.ParseCode(bad); !errors.Is(err, dcvv2.ErrCode) || !c.IsZero() || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	for _, seed := range []string{"075", "000", "", "75", "0755", "７"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := dcvv2.ParseCode(s)
		if (err == nil) != regexp.MustCompile(`^[0-9]{3}\z`).MatchString(s) || err == nil && c.Reveal() != s {
			t.Errorf("%q came back as %q, %v", s, c.Reveal(), err)
		}
	})
}

func TestMasterKeyHasSixteenToThirtyTwoBytes(t *testing.T) {
	for n := range 40 {
		k, err := dcvv2.NewMasterKey(make([]byte, n))
		good := n >= dcvv2.MasterKeyBytesMin && n <= dcvv2.MasterKeyBytesMax
		if good != (err == nil) || good == k.IsZero() || !good && !errors.Is(err, dcvv2.ErrMasterKeyLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestHasCode(t *testing.T) {
	for presence, want := range map[byte]bool{0: false, '0': false, '1': true, '2': false, '3': true, '9': false} {
		if got := (dcvv2.Presented{Presence: presence, Code: code(t, "075")}).HasCode(); got != want {
			t.Errorf("presence %q: %v", presence, got)
		}
		if (dcvv2.Presented{Presence: presence}).HasCode() {
			t.Errorf("presence %q without a code has one", presence)
		}
	}
}

func TestResultString(t *testing.T) {
	for r, want := range map[dcvv2.Result]string{0: "", dcvv2.Match: "M", dcvv2.NoMatch: "N", dcvv2.NotProcessed: "P", dcvv2.ShouldBePresent: "S", dcvv2.NotParticipating: "U"} {
		if r.String() != want {
			t.Errorf("%q, want %q", r, want)
		}
	}
}

func TestVerdictString(t *testing.T) {
	for v, want := range map[dcvv2.Verdict]string{dcvv2.Wrong: "wrong", dcvv2.Matched: "matched", dcvv2.TooEarly: "too early", dcvv2.Expired: "expired"} {
		if v.String() != want {
			t.Errorf("%q, want %q", v, want)
		}
	}
	if (dcvv2.Finding{}).Verdict != dcvv2.Wrong {
		t.Error("no finding must be a match by mistake")
	}
}

func TestStaticCVVNeedsAllItsParts(t *testing.T) {
	k, err := emv.ParseKey(masterDigits)
	if err != nil {
		t.Fatal(err)
	}
	pan, expiry := card.MustPAN("4761739001010010"), card.MustExpiry("3112")
	for _, c := range []struct {
		name    string
		key     emv.Key
		pan     card.PAN
		expiry  card.Expiry
		service string
		want    error
	}{
		{"all", k, pan, expiry, "201", nil},
		{"19 digits", k, card.MustPAN("4761739000000000126"), expiry, "201", nil},
		{"no key", emv.Key{}, pan, expiry, "201", emv.ErrKeyMissing},
		{"no PAN", k, card.PAN{}, expiry, "201", dcvv2.ErrAccount},
		{"no expiry", k, pan, card.Expiry{}, "201", dcvv2.ErrAccount},
		{"no service code", k, pan, expiry, "", dcvv2.ErrServiceCode},
		{"four digits", k, pan, expiry, "2010", dcvv2.ErrServiceCode},
		{"a letter", k, pan, expiry, "20x", dcvv2.ErrServiceCode},
	} {
		if got, err := dcvv2.StaticCVV(c.key, c.pan, c.expiry, c.service); !errors.Is(err, c.want) || got.IsZero() != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// addresses are what a secret shows inside an unexported field; three digits
// may well stand in one.
var addresses = regexp.MustCompile(`[0-9a-fA-F]{8,}`)

func TestSecretsAreNeverPrinted(t *testing.T) {
	const digits, pan = "075", "4761739001010010"
	c, k, a := code(t, digits), masterKey(t, masterDigits), account(t, pan, "00", "3112")
	presented := dcvv2.Presented{Presence: '3', Code: c}
	issued := dcvv2.Issued{Code: c, Slot: dcvv2.Slot{Window: dcvv2.Window{Index: 1, Hours: 1}}}
	holder := struct {
		Presented dcvv2.Presented
		Issued    []dcvv2.Issued
		Account   dcvv2.Account
		Key       dcvv2.MasterKey
		code      dcvv2.Code
		key       dcvv2.MasterKey
		issued    []dcvv2.Issued
	}{presented, []dcvv2.Issued{issued}, a, k, c, k, []dcvv2.Issued{issued}}

	short := []string{digits, fmt.Sprintf("%x", digits), "48 55 53", `"3112"`}
	long := []string{masterDigits, strings.ToLower(masterDigits), fmt.Sprint(k.Reveal()), string(k.Reveal()), fmt.Sprintf("%#v", k.Reveal()), pan, fmt.Sprintf("%x", pan)}
	for _, v := range []any{c, &c, k, &k, a, &a, presented, &presented, issued, &issued, holder, &holder, map[string]dcvv2.Code{"code": c}} {
		for _, text := range everyWay(t, v) {
			for _, secret := range long {
				if strings.Contains(text, secret) {
					t.Errorf("%T shows %q in %q", v, secret, text)
				}
			}
			for _, secret := range short {
				if strings.Contains(addresses.ReplaceAllString(text, ""), secret) {
					t.Errorf("%T shows %q in %q", v, secret, text)
				}
			}
		}
	}
	if c.String() != "***" || k.String() != "[key]" || fmt.Sprintf("%d", c) != "***" {
		t.Errorf("masks are %s and %s", c, k)
	}
}

// everyWay is v as all that prints or marshals would show it.
func everyWay(t *testing.T, v any) []string {
	t.Helper()
	var texts []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, v))
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return append(texts, string(encoded))
}
