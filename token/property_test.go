package token_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

func drawTime(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(1_700_000_000, 2_500_000_000).Draw(t, "at"), 0)
}

func drawPolicy(t *rapid.T) dcvv2.Policy {
	p := dcvv2.DefaultPolicy()
	p.WindowHours = rapid.IntRange(dcvv2.WindowHoursMin, dcvv2.WindowHoursMax).Draw(t, "hours")
	p.Grace = time.Duration(rapid.Int64Range(0, int64(dcvv2.GraceMax)).Draw(t, "grace"))
	p.EnrolByDefault = rapid.Bool().Draw(t, "enrol by default")
	for result, action := range map[dcvv2.Result]*dcvv2.Action{
		dcvv2.NoMatch: &p.OnNoMatch, dcvv2.ShouldBePresent: &p.OnMissing,
		dcvv2.NotParticipating: &p.OnNotParticipating, dcvv2.NotProcessed: &p.OnNotProcessed,
	} {
		*action = rapid.SampledFrom(dcvv2.ActionsFor(result)).Draw(t, "on "+result.String())
	}
	return p
}

func codeOf(t *rapid.T, p dcvv2.Policy, w dcvv2.Window) dcvv2.Code {
	t.Helper()
	profile, err := dcvv2.ProfileByName(p.Profile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dcvv2.CodeOf(profile, codeMaster(t), dcvv2.Account{PAN: card.MustPAN(panDigits), Expiry: card.MustExpiry("3112")}, w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The code of a later window is never accepted, unless it happens to have the
// digits of the one that is good now.
func TestNoEarlyCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, f := drawTime(t), facts(t)
		p := drawPolicy(t)
		f.Registration.Schedule = dcvv2.Always(p)
		current := dcvv2.WindowAt(at, p.WindowHours)
		a := activation(t, codeOfNoon)
		a.CVV2.Code = codeOf(t, p, current.Shift(rapid.Int64Range(1, 1000).Draw(t, "windows ahead")))

		got := token.Screen(a, f, at)
		if got.CVV2 != dcvv2.Match {
			return
		}
		if got.Window != current && got.Window != current.Shift(-1) {
			t.Fatalf("matched %s at %s", got.Window, at)
		}
		if codeOf(t, p, got.Window) != a.CVV2.Code {
			t.Fatalf("matched %s, which has another code", got.Window)
		}
		if got.Window != current && at.Sub(current.Start()) >= p.Grace {
			t.Fatalf("matched %s after the grace", got.Window)
		}
	})
}

// A code is good throughout its window and for the grace after it.
func TestCodeIsGoodInItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, f := drawTime(t), facts(t)
		p := drawPolicy(t)
		f.Registration.Schedule = dcvv2.Always(p)
		w := dcvv2.WindowAt(at, p.WindowHours)
		a := activation(t, codeOfNoon)
		a.CVV2.Code = codeOf(t, p, w)
		length := w.End().Sub(w.Start()) + p.Grace
		moment := w.Start().Add(time.Duration(rapid.Int64Range(0, int64(length)-1).Draw(t, "moment")))
		if got := token.Screen(a, f, moment); got.CVV2 != dcvv2.Match || !got.Ask() {
			t.Fatalf("%s at %s: %+v", w, moment, got)
		}
	})
}

// No struct of the package shows a PAN, a token number, a code, a key or a
// cryptogram, by whatever verb and as JSON.
func TestNothingPrintsInClear(t *testing.T) {
	held := []any{
		activation(t, codeOfNoon), facts(t), active(), goodTap(t), tapFacts(t),
		struct{ inside token.Token }{active()},
		[]token.Token{active()},
		map[string]token.Tap{"tap": goodTap(t)},
	}
	for _, value := range held {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			showsNothing(t, fmt.Sprintf("%T by %s", value, verb), fmt.Sprintf(verb, value))
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Errorf("%T: %v", value, err)
		}
		showsNothing(t, fmt.Sprintf("%T as JSON", value), string(text))
	}
	for _, value := range []any{activation(t, codeOfNoon), active(), goodTap(t)} {
		if text := fmt.Sprintf("%+v", value); !strings.Contains(text, "******") || !strings.Contains(text, "****") {
			t.Errorf("%T shows no mask", value)
		}
	}
}

func showsNothing(t *testing.T, what, text string) {
	t.Helper()
	upper := strings.ToUpper(text)
	for name, secret := range map[string]string{
		"PAN": panDigits, "middle of the PAN": panDigits[6:12], "token number": tokenDigits,
		"middle of the token number": tokenDigits[6:12], "master key": string(unhex(t, masterHex)),
		"cryptogram": string(unhex(t, arqcHex)), "quoted code": `"` + codeOfNoon + `"`, "code": " " + codeOfNoon,
	} {
		if strings.Contains(text, secret) || strings.Contains(upper, fmt.Sprintf("%X", secret)) {
			t.Errorf("%s shows the %s", what, name)
		}
	}
}
