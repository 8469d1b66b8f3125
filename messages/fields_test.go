package messages_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// What happens when one value of a message is missing: the message can do
// without it, is refused with its path, or is another message. The table is a
// golden file, so that a change of what is mandatory is seen.
func TestWithoutEachValue(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What each message of the family can do without, from deleting its values in turn.\n")
	for _, e := range family() {
		fmt.Fprintf(&b, "\n= %s\n", e.title)
		m := encoded(t, e)
		for _, p := range m.Paths() {
			without := m.Clone()
			without.Delete(p)
			fmt.Fprintf(&b, "%-10s %s\n", p, lacking(t, e, without, p))
		}
	}
	golden.CheckText(t, filepath.Join("testdata", "mandatory.txt"), b.String())
}

func lacking(t *testing.T, e example, m *specs.Message, p specs.Path) string {
	t.Helper()
	typed, err := messages.Decode(m)
	var fault *messages.FieldError
	var unknown *messages.UnknownError
	switch {
	case errors.As(err, &unknown):
		return "marks it: without, no message of the family"
	case errors.As(err, &fault):
		if fault.Path != p.String() || !strings.Contains(fault.Problem, "mandatory") {
			t.Errorf("%s without %s: %v", e.name, p, err)
		}
		return "mandatory"
	case err != nil:
		t.Errorf("%s without %s: %T is neither error of the package", e.name, p, err)
	case fmt.Sprintf("%T", typed) != fmt.Sprintf("%T", e.typed):
		return fmt.Sprintf("marks it: without, a %T", typed)
	}
	return "optional"
}

func TestBadValues(t *testing.T) {
	const asked, tapped = "0100-activation-requestor", "0100-tap-merchant"
	for _, c := range []struct {
		what, message, path, value string
		want                       string // path and problem, as far as they matter
	}{
		{"account number that fails the Luhn check", asked, "2", "4761739001010011", "field 2: the PAN's last digit"},
		{"account number of 12 digits", asked, "2", "476173900101", "field 2: a PAN has 13 to 19 digits"},
		{"account number in a notification", "0620-created", "2", "4761739001010011", "field 2: the PAN's last digit"},
		{"processing code", asked, "3", "310000", "field 3: must be 000000"},
		{"processing code of a tap", tapped, "3", "200000", "field 3: must be 000000"},
		{"activation with an amount", asked, "4", "000000000100", "field 4: must be 000000000000"},
		{"amount of 11 digits", tapped, "4", "00000001250", "field 4: must be 12 digits"},
		{"amount with a sign", tapped, "4", "+00000001250", "field 4: must be 12 digits"},
		{"amount with a letter", tapped, "4", "00000000125O", "field 4: must be 12 digits"},
		{"expiry in month 13", asked, "14", "2913", "field 14: an expiry date is"},
		{"expiry in month 0", tapped, "14", "2900", "field 14: an expiry date is"},
		{"card sequence number over 99", asked, "23", "100", "field 23: a card sequence number is 00 to 99"},
		{"code presence unknown", asked, "126.10", "41 075", "field 126.10: must be six characters that begin with 0, 1, 2, 3 or 9"},
		{"code of two digits", asked, "126.10", "11  75", "field 126.10: a code is three digits"},
		{"code of four digits", asked, "126.10", "110075", "field 126.10: a code is three digits"},
		{"code with a hole", asked, "126.10", "1107 5", "field 126.10: a code is three digits"},
		{"code of letters", asked, "126.10", "11 O75", "field 126.10: a code is three digits"},
		{"CVV2 data of five characters", asked, "126.10", "11075", "field 126.10: must be six characters"},
		{"CVV2 result unknown", "0110-activation-declined", "44", "2         X", "field 44: position 11 must be M, N, P, S or U"},
		{"CVV2 result in lower case", "0100-activation-issuer", "44", "          m", "field 44: position 11 must be"},
		{"token number that fails the Luhn check", "0110-activation-approved", "123.01.01", "4895370012345672", "field 123.01.01: the PAN's last digit"},
		{"token expiry in month 13", "0620-created", "123.01.05", "2913", "field 123.01.05: an expiry date is"},
		{"tag 91 of 7 bytes", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00", "field 55.01.91: must have 8 or 10 bytes"},
		{"tag 91 of 9 bytes", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00\x00\x30", "field 55.01.91: must have 8 or 10 bytes"},
		{"tag 91 of 10 bytes, method 1", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00\x00\x30\x30", ""},
		{"cryptogram of 4 bytes", tapped, "55.01.9F26", "\xF8\xBF\x25\x59", "tag 9F26 has 4 bytes"},
		{"amount in the chip data with a letter", tapped, "55.01.9F02", "\x00\x00\x00\x00\x12\x5A", "tag 9F02 is not a number"},
		{"currency in the chip data over 999", tapped, "55.01.5F2A", "\x18\x40", "tag 5F2A is not a number"},
		{"cryptogram that is no ARQC", tapped, "55.01.9F27", "\x40", "tag 9F27 does not say"},
		{"tag of no use to a cryptogram alone", tapped, "55.01.9F6E", "\x20\x70\x00\x00", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := encoded(t, find(t, c.message))
			m.Set(path(t, c.path), c.value)
			_, err := messages.Decode(m)
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var fault *messages.FieldError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), c.value) {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

// No error shows what stood in the field, whichever field and whatever value.
func TestErrorsCarryNoValues(t *testing.T) {
	examples := family()
	rapid.Check(t, func(rt *rapid.T) {
		e := rapid.SampledFrom(examples).Draw(rt, "message")
		m := encoded(t, e)
		p := rapid.SampledFrom(m.Paths()).Draw(rt, "path")
		// Five digits or more stand in no text of an error but field 3's and 4's.
		value := rapid.StringMatching(`[1-9][0-9]{4,19}[A-Z]?`).Draw(rt, "value")
		m.Set(p, value)
		if _, err := messages.Decode(m); err != nil && strings.Contains(err.Error(), value) {
			rt.Errorf("%s: %v", p, err)
		}
	})
}

// The forms of 126.10 that are accepted.
func TestPresentedForms(t *testing.T) {
	for _, c := range []struct {
		form, code string
		has        bool
		written    string
	}{
		{"11 075", "075", true, "11 075"},
		{"10 075", "075", true, "11 075"}, // the response type is not kept
		{"11075 ", "075", true, "11 075"}, // left-justified
		{"31 075", "075", true, "31 075"},
		{"31    ", "", false, "31    "}, // blanked for the issuer
		{"11    ", "", false, "11    "},
		{"01    ", "", false, "01    "},
		{"21    ", "", false, "21    "},
		{"91    ", "", false, "91    "},
		{"", "", false, ""},
	} {
		m := encoded(t, find(t, "0100-activation-requestor"))
		m.Set(path(t, "126.10"), c.form)
		typed, err := messages.Decode(m)
		if err != nil {
			t.Errorf("%q: %v", c.form, err)
			continue
		}
		got := typed.(*messages.ActivationRequest).Activation.CVV2
		if got.Code.Reveal() != c.code || got.HasCode() != c.has {
			t.Errorf("%q: a code %t, want %t", c.form, got.HasCode(), c.has)
		}
		back, err := messages.Encode(typed)
		if err != nil || back.Text(path(t, "126.10")) != c.written {
			t.Errorf("%q is written %q, %v", c.form, back.Text(path(t, "126.10")), err)
		}
	}
}

// Field 44 by positions: 44.8 is the ninth character and 44.10 the eleventh,
// since 44.6 takes two.
func TestAdditionalPositions(t *testing.T) {
	for _, c := range []struct {
		text string
		want messages.Additional
	}{
		{"5", messages.Additional{AnsweredBy: "5"}},
		{"5       2", messages.Additional{AnsweredBy: "5", Authentication: "2"}},
		{"2         N", messages.Additional{AnsweredBy: "2", CVV2: 'N'}},
		{"2A--1--- -M------", messages.Additional{AnsweredBy: "2", CVV2: 'M'}},
		{"           ", messages.Additional{}},
	} {
		m := encoded(t, find(t, "0110-tap-declined"))
		m.Set(path(t, "44"), c.text)
		typed, err := messages.Decode(m)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := typed.(*messages.TapAnswer).Outcome.Additional; got != c.want {
			t.Errorf("%q is %+v, want %+v", c.text, got, c.want)
		}
	}
}

// A decline can be read though it lacks what its request was refused for.
func TestBareRefusalsDecode(t *testing.T) {
	for _, name := range []string{
		"0800-echo", "0100-activation-requestor", "0101-activation-requestor", "0620-created", "0100-tap-merchant",
	} {
		request := specs.NewMessage(encoded(t, find(t, name)).MTI())
		for _, p := range []string{"11", "63.3"} {
			request.Set(path(t, p), encoded(t, find(t, name)).Text(path(t, p)))
		}
		if _, err := messages.Decode(messages.Refusal(request, "30")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := messages.Decode(messages.Refusal(request, "00")); err == nil {
			t.Errorf("%s: an approval may lack everything", name)
		}
	}
}
