package messages_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
	for _, c := range slices.Concat(badValues, badValuesOfSteps) {
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
		"0100-verification-merchant", "0302-suspend", "0302-inquiry", "0400-tap", "0420-activation", "0120-declined",
	} {
		request := specs.NewMessage(encoded(t, find(t, name)).MTI())
		for _, p := range []string{"11", "25", "63.3"} {
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

// A file update names its token by number, by reference or by both.
func TestATokenIsNamedByEither(t *testing.T) {
	for _, c := range []struct {
		without []string
		want    string
	}{
		{nil, ""},
		{[]string{"123.01.01"}, ""},
		{[]string{"123.01.04"}, ""},
		{[]string{"123.01.01", "123.01.04"}, "field 123.01.04: is mandatory in a 0302 without 123.01.01"},
	} {
		m := encoded(t, find(t, "0302-inquiry"))
		for _, p := range c.without {
			m.Delete(path(t, p))
		}
		if _, err := messages.Decode(m); c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("without %v: %v", c.without, err)
		}
	}
}

// An answer of 85 has what an approval has when it brings a token, and may
// lack it when it does not.
func TestStepUpIsAnApprovalInForm(t *testing.T) {
	for name, want := range map[string]bool{"0110-activation-step-up": true, "0110-activation-issuer-step-up": false} {
		m := encoded(t, find(t, name))
		for _, p := range []string{"2", "3", "4", "7", "32", "37", "49"} {
			less := m.Clone()
			less.Delete(path(t, p))
			if _, err := messages.Decode(less); (err != nil) != want {
				t.Errorf("%s without %s: %v", name, p, err)
			}
		}
	}
}
