package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// The static CVV2 of the worked case and its key.
const (
	cvkHex     = "FEDCBA98765432100123456789ABCDEF"
	staticCVV2 = "448"
)

func cvk(t failer) emv.Key {
	t.Helper()
	k, err := emv.ParseKey(cvkHex)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// static is the policy that falls back to the static CVV2, with its key.
func static(more ...screenChange) screenChange {
	return func(a *token.Activation, f *token.ActivationFacts) {
		policy(func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionStatic })(a, f)
		k, err := emv.ParseKey(cvkHex)
		if err != nil {
			panic(err)
		}
		f.CVK = k
		for _, change := range more {
			change(a, f)
		}
	}
}

// What a range's policy does instead of the usual.
func TestScreenByPolicy(t *testing.T) {
	wrong := wrongCode(t, now)
	on := func(set func(*dcvv2.Policy), more ...screenChange) screenChange {
		return func(a *token.Activation, f *token.ActivationFacts) {
			policy(set)(a, f)
			for _, change := range more {
				change(a, f)
			}
		}
	}
	as82 := func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionDecline82 }
	ask := func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionAsk }
	noKeys := func(_ *token.Activation, f *token.ActivationFacts) { f.Keys = nil }
	throttled := func(_ *token.Activation, f *token.ActivationFacts) { f.Throttled = token.ReasonRequestorLimit }
	unenrolled := func(_ *token.Activation, f *token.ActivationFacts) { f.Enrolment = dcvv2.Enrolment{} }
	answered := func(r dcvv2.Result, decline token.Response, reason token.Reason) token.Screening {
		return token.Screening{CVV2: r, Decline: decline, Reason: reason}
	}
	screen(t, []screenCase{
		{"N as 82: wrong", wrong, now, on(as82), answered('N', "82", token.ReasonWrongCode)},
		{"N as 82: locked", codeOfNoon, now, on(as82, failed(0, 10)), answered('N', "82", token.ReasonLocked)},
		{"N asks: wrong", wrong, now, on(ask), answered('N', "", token.ReasonWrongCode)},
		{"N asks: expired", codeOfNoon, noon.Add(75 * time.Minute), on(ask), of(noon, answered('N', "", token.ReasonExpiredCode))},
		{"N asks: day limit", codeOfNoon, now, on(ask, failed(5, 0)), answered('N', "", token.ReasonDayLimit)},
		{"S declines", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.OnMissing = dcvv2.ActionDecline }, presence('9')), answered('S', "N7", token.ReasonNoCode)},
		{"U declines", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.OnNotParticipating = dcvv2.ActionDecline }, unenrolled), answered('U', "05", token.ReasonNotEnrolled)},
		{"P asks", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.OnNotProcessed = dcvv2.ActionAsk }, noKeys), answered('P', "", token.ReasonCannotCheck)},
		{"throttled", codeOfNoon, now, throttled, answered('P', "96", token.ReasonRequestorLimit)},
		{"throttled: wrong", wrong, now, throttled, answered('P', "96", token.ReasonRequestorLimit)},
		{"throttled asks", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.OnNotProcessed = dcvv2.ActionAsk }, throttled), answered('P', "", token.ReasonRequestorLimit)},
		{"throttled and locked", codeOfNoon, now, on(func(*dcvv2.Policy) {}, throttled, failed(0, 10)), answered('N', "N7", token.ReasonLocked)},
		{"throttled without code", codeOfNoon, now, on(func(*dcvv2.Policy) {}, throttled, presence('9')), answered('S', "", token.ReasonNoCode)},
		{"throttled and not enrolled", codeOfNoon, now, on(func(*dcvv2.Policy) {}, throttled, unenrolled), answered('U', "", token.ReasonNotEnrolled)},
		{"enrolled by default", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.EnrolByDefault = true }, unenrolled), token.Screening{CVV2: 'M', Window: dcvv2.WindowAt(noon, 1)}},
		{"unenrolled, where others are by default", codeOfNoon, now, on(func(p *dcvv2.Policy) { p.EnrolByDefault = true }, func(_ *token.Activation, f *token.ActivationFacts) {
			f.Enrolment = dcvv2.Enrolment{Since: noon}
		}), answered('U', "", token.ReasonNotEnrolled)},
	})
}

func TestScreenStatic(t *testing.T) {
	matched := token.Screening{CVV2: dcvv2.Match, Static: true}
	noCVK := func(_ *token.Activation, f *token.ActivationFacts) { f.CVK = emv.Key{} }
	screen(t, []screenCase{
		{"the static CVV2", staticCVV2, now, static(), matched},
		{"the dynamic one", codeOfNoon, now, static(), token.Screening{CVV2: dcvv2.Match, Window: dcvv2.WindowAt(noon, 1)}},
		{"neither", wrongCode(t, now), now, static(), badCode(token.ReasonWrongCode)},
		{"no key for it", staticCVV2, now, static(noCVK), badCode(token.ReasonWrongCode)},
		{"day limit", staticCVV2, now, static(failed(5, 0)), badCode(token.ReasonDayLimit)},
		{"locked", staticCVV2, now, static(failed(0, 10)), badCode(token.ReasonLocked)},
		{"another expiry date", staticCVV2, now, static(func(a *token.Activation, _ *token.ActivationFacts) {
			a.Expiry = card.MustExpiry("3111")
		}), badCode(token.ReasonWrongCode)},
		{"where the policy knows none", staticCVV2, now, func(_ *token.Activation, f *token.ActivationFacts) {
			f.CVK = cvk(t)
		}, badCode(token.ReasonWrongCode)},
	})
}

// A policy in force later does nothing now, and one that was no longer does.
func TestScreenByThePolicyInForce(t *testing.T) {
	strict, lenient := dcvv2.DefaultPolicy(), dcvv2.DefaultPolicy()
	lenient.OnNoMatch = dcvv2.ActionAsk
	schedule, err := dcvv2.NewSchedule(dcvv2.Version{Policy: strict}, dcvv2.Version{From: noon.Add(time.Hour), Policy: lenient})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]token.Screening{
		noon.Add(time.Hour - 1): badCode(token.ReasonWrongCode),
		noon.Add(time.Hour):     {CVV2: dcvv2.NoMatch, Reason: token.ReasonWrongCode},
	} {
		f := facts(t)
		f.Registration.Schedule = schedule
		if d := cmp.Diff(want, token.Screen(activation(t, wrongCode(t, at)), f, at)); d != "" {
			t.Errorf("at %s:\n%s", at, d)
		}
	}
}

// drawFacts are facts and a policy of any kind.
func drawFacts(t *rapid.T) (token.ActivationFacts, dcvv2.Policy) {
	p, f := drawPolicy(t), facts(t)
	f.Registration.Schedule = dcvv2.Always(p)
	f.Attempts.FailuresInDay = rapid.IntRange(0, 6).Draw(t, "failures in a day")
	f.Attempts.FailuresInRow = rapid.IntRange(0, 11).Draw(t, "failures in a row")
	f.Enrolment.Enrolled = rapid.Bool().Draw(t, "enrolled")
	if rapid.Bool().Draw(t, "seen before") {
		f.Enrolment.Since = noon
	}
	if rapid.Bool().Draw(t, "static key") {
		f.CVK = cvk(t)
	}
	if rapid.Bool().Draw(t, "throttled") {
		f.Throttled = token.ReasonRangeLimit
	}
	if rapid.Bool().Draw(t, "no key") {
		f.Keys = nil
	}
	if rapid.Bool().Draw(t, "not registered") {
		f.Registration = dcvv2.Registration{}
	}
	return f, p
}

// drawFound is a screening as a gateway may come to it.
func drawFound(t *rapid.T) (token.Screening, token.ActivationFacts, dcvv2.Policy) {
	f, p := drawFacts(t)
	digits := rapid.OneOf(rapid.StringMatching(`[0-9]{3}`), rapid.SampledFrom([]string{codeOfNoon, staticCVV2})).Draw(t, "code")
	a, at := activation(t, digits), rapid.OneOf(rapid.Just(now), rapid.Custom(drawTime)).Draw(t, "time")
	a.CVV2.Presence = rapid.SampledFrom([]byte{0, '0', '1', '2', '3', '9', 'x'}).Draw(t, "presence")
	found := token.Screen(a, f, at)
	if found.Tried() {
		found = rapid.SampledFrom([]token.Screening{
			found, token.UsedCode(p, found.Window), token.Blocked(p, f.Attempts), token.Throttled(p, token.ReasonRequestorLimit),
		}).Draw(t, "found")
	}
	return found, f, p
}

// Whatever the facts and the policy: a declined screening never asks and never
// becomes an approval, each result does what its action says, and only a match
// names a window, unless it is a static one.
func TestWhatIsFoundIsDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got, f, p := drawFound(t)
		answer := token.IssuerAnswer{Response: rapid.SampledFrom([]token.Response{"00", "05", "85", ""}).Draw(t, "answer")}
		in := token.StandIn{Activations: rapid.SampledFrom([]token.StandInAction{"", "decline", "step-up", "approve"}).Draw(t, "stand-in")}
		outcome := token.Conclude(got, answer, in)
		stoodIn := got.Ask() && answer.Response == "" && got.CVV2 == dcvv2.Match && !got.Static
		switch {
		case got.CVV2.String() == "":
			t.Fatalf("%+v has no result", got)
		case got.Decline != declineFor(got, f, p):
			t.Fatalf("%+v is declined with %q under %+v", got, got.Decline, p)
		case (got.CVV2 == dcvv2.Match && !got.Static) == got.Window.IsZero():
			t.Fatalf("%+v names a window", got)
		case got.Static && (got.CVV2 != dcvv2.Match || p.OnNoMatch != dcvv2.ActionStatic || f.CVK.IsZero()):
			t.Fatalf("%+v is static under %+v", got, p)
		case got.CVV2 == dcvv2.Match && (p.Locked(f.Attempts) || p.DayExhausted(f.Attempts) || f.Throttled != ""):
			t.Fatalf("%+v after %+v", got, f.Attempts)
		case outcome.Approved() != (got.Ask() && answer.Response == token.Approved || stoodIn && in.Activations == token.StandInApprove):
			t.Fatalf("%+v with %q becomes %+v", got, answer.Response, outcome)
		case (outcome.Mints() == token.Inactive) != (got.Ask() && answer.Response == token.StepUp || stoodIn && in.Activations == token.StandInStepUp):
			t.Fatalf("%+v with %q becomes %+v", got, answer.Response, outcome)
		case (outcome.Mints() != "" && outcome.AnsweredBy == token.ByNetwork) != (outcome.StandIn != ""):
			t.Fatalf("%+v makes a token without the issuer and does not say so", outcome)
		case outcome.CVV2 != got.CVV2 || outcome.Response == "":
			t.Fatalf("%+v becomes %+v", got, outcome)
		}
	})
}

// declineFor states the table of "What the check does" again; "" asks.
func declineFor(s token.Screening, f token.ActivationFacts, p dcvv2.Policy) token.Response {
	if f.Registration.IsZero() {
		return "15"
	}
	return map[dcvv2.Result]map[dcvv2.Action]token.Response{
		dcvv2.NoMatch:          {dcvv2.ActionDecline: "N7", dcvv2.ActionDecline82: "82", dcvv2.ActionStatic: "N7"},
		dcvv2.ShouldBePresent:  {dcvv2.ActionDecline: "N7"},
		dcvv2.NotParticipating: {dcvv2.ActionDecline: "05"},
		dcvv2.NotProcessed:     {dcvv2.ActionDecline: "96"},
	}[s.CVV2][map[dcvv2.Result]dcvv2.Action{
		dcvv2.NoMatch: p.OnNoMatch, dcvv2.ShouldBePresent: p.OnMissing,
		dcvv2.NotParticipating: p.OnNotParticipating, dcvv2.NotProcessed: p.OnNotProcessed,
	}[s.CVV2]]
}

// The outside cannot tell the reasons of one result apart: what it sees of an
// outcome is the same for all of them.
func TestReasonsLookAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		seen := make(map[dcvv2.Result]token.Outcome)
		for _, found := range []token.Screening{
			token.UsedCode(p, dcvv2.WindowAt(noon, 1)), token.Blocked(p, dcvv2.Attempts{FailuresInDay: 100}),
			token.Blocked(p, dcvv2.Attempts{FailuresInRow: 100}),
			token.Throttled(p, token.ReasonRequestorLimit), token.Throttled(p, token.ReasonRangeLimit),
		} {
			outcome := token.Conclude(found, token.IssuerAnswer{Response: "05"}, token.StandIn{})
			outcome.Reason = ""
			if before, ok := seen[found.CVV2]; ok && before != outcome {
				t.Fatalf("%+v differs from %+v", outcome, before)
			}
			seen[found.CVV2] = outcome
		}
	})
}
