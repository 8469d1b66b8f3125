package issuer_test

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/token"
)

// preconditions are what every persona looks at first; the last one is in order.
var preconditions = []struct {
	name, digits, expiry string
	found                dcvv2.Result
	want                 token.Response // "" leaves it to the persona
}{
	{"a number that was never issued", unknown, "2912", dcvv2.Match, token.BadNumber},
	{"another expiry date", good, "2911", dcvv2.Match, token.CardExpired},
	{"a blocked card", blocked, "2912", dcvv2.Match, token.RestrictedCard},
	{"a blocked card with another date", blocked, "2911", dcvv2.Match, token.CardExpired},
	{"a code that did not match", good, "2912", dcvv2.NoMatch, token.DoNotHonour},
	{"a code that was not checked", good, "2912", dcvv2.NotProcessed, token.DoNotHonour},
	{"a code that should be there", good, "2912", dcvv2.ShouldBePresent, token.DoNotHonour},
	{"an account that takes no part", good, "2912", dcvv2.NotParticipating, token.DoNotHonour},
	{"no word on the code", good, "2912", 0, token.DoNotHonour},
	{"a good card and a code that matched", good, "2912", dcvv2.Match, ""},
}

// personas with their word on what is in order.
var personas = []struct {
	persona issuer.Persona
	want    token.Response
	method  token.Method
}{
	{issuer.Persona{}, token.Approved, ""},
	{issuer.Persona{Decides: issuer.Green, Method: token.ByIssuerApp}, token.Approved, ""},
	{issuer.Persona{Decides: issuer.Yellow}, token.StepUp, token.ByPasscode},
	{issuer.Persona{Decides: issuer.Yellow, Method: token.ByPasscode}, token.StepUp, token.ByPasscode},
	{issuer.Persona{Decides: issuer.Yellow, Method: token.ByCallCentre}, token.StepUp, token.ByCallCentre},
	{issuer.Persona{Decides: issuer.Yellow, Method: token.ByIssuerApp}, token.StepUp, token.ByIssuerApp},
	{issuer.Persona{Decides: issuer.Red}, token.DoNotHonour, ""},
	{issuer.Persona{Decides: issuer.Closed}, token.ClosedAccount, ""},
	{issuer.Persona{Decides: issuer.Scores, Method: token.ByIssuerApp}, token.StepUp, token.ByIssuerApp}, // the wallet says nothing
}

func TestEveryPersonaByEveryPrecondition(t *testing.T) {
	for _, p := range personas {
		for _, test := range preconditions {
			t.Run(string(p.persona.Decides)+" "+string(p.persona.Method)+" "+test.name, func(t *testing.T) {
				h := newHost(t)
				h.Follow(p.persona)
				want, method := test.want, token.Method("")
				if want == "" {
					want, method = p.want, p.method
				}
				answer, ok := ask(t, h, activation(pan(t, test.digits), test.expiry, test.found)).(*messages.ActivationAnswer)
				if !ok {
					t.Fatal("the answer is of another type")
				}
				wantOutcome(t, answer.Outcome, want)
				if answer.Token != nil || answer.Method != method {
					t.Errorf("the answer's method is %q, want %q; its token is %v", answer.Method, method, answer.Token)
				}
			})
		}
	}
}

// By scores the wallet's recommendation decides, and little trust makes it
// yellow at least.
func TestScores(t *testing.T) {
	const green, yellow, red = token.Approved, token.StepUp, token.DoNotHonour
	tests := []struct {
		recommendation, device, account string
		want                            token.Response
	}{
		{"0", "5", "4", green},
		{"0", "", "", green},
		{"0", "3", "3", green},
		{"0", "2", "5", yellow},
		{"0", "1", "5", yellow},
		{"0", "5", "2", yellow},
		{"0", "5", "1", yellow},
		{"1", "5", "5", yellow},
		{"1", "1", "1", yellow},
		{"2", "5", "5", red},
		{"2", "1", "1", red},
		{"", "5", "5", yellow},
	}
	for _, test := range tests {
		h := newHost(t)
		h.Follow(issuer.Persona{Decides: issuer.Scores, Method: token.ByCallCentre})
		request := activation(pan(t, good), "2912", dcvv2.Match)
		request.Activation.Wallet = token.Wallet{
			Recommendation: test.recommendation, DeviceScore: test.device, AccountScore: test.account,
		}
		answer := ask(t, h, request).(*messages.ActivationAnswer)
		if answer.Outcome.Response != test.want || (answer.Method != "") != (test.want == yellow) {
			t.Errorf("%+v is answered %s by method %q", test, answer.Outcome.Response, answer.Method)
		}
	}
}

func TestAPersonaChangesAtRunTime(t *testing.T) {
	h := newHost(t)
	for i, step := range []struct {
		follow func()
		want   token.Response
	}{
		{func() {}, token.Approved},
		{func() { h.Follow(issuer.Persona{Decides: issuer.Closed}) }, token.ClosedAccount},
		{func() { h.RefuseActivations(true) }, token.DoNotHonour},
		{func() { h.RefuseActivations(false) }, token.Approved},
	} {
		step.follow()
		request := activation(pan(t, good), "2912", dcvv2.Match)
		request.TransactionID = transactionID(i)
		wantOutcome(t, ask(t, h, request).(*messages.ActivationAnswer).Outcome, step.want)
	}
}

func TestParsePersona(t *testing.T) {
	tests := []struct {
		decides, method string
		want            issuer.Persona
		fault           string
	}{
		{"", "", issuer.Persona{Decides: issuer.Green, Method: token.ByPasscode}, ""},
		{"green", "", issuer.Persona{Decides: issuer.Green, Method: token.ByPasscode}, ""},
		{"yellow", "passcode", issuer.Persona{Decides: issuer.Yellow, Method: token.ByPasscode}, ""},
		{"yellow", "call-centre", issuer.Persona{Decides: issuer.Yellow, Method: token.ByCallCentre}, ""},
		{"scores", "app", issuer.Persona{Decides: issuer.Scores, Method: token.ByIssuerApp}, ""},
		{"red", "", issuer.Persona{Decides: issuer.Red, Method: token.ByPasscode}, ""},
		{"closed", "", issuer.Persona{Decides: issuer.Closed, Method: token.ByPasscode}, ""},
		{"blue", "", issuer.Persona{}, "green, scores, yellow, red, closed"},
		{"Green", "", issuer.Persona{}, "green"},
		{"yellow", "post", issuer.Persona{}, "passcode, call-centre, app"},
	}
	for _, test := range tests {
		got, err := issuer.ParsePersona(test.decides, test.method)
		if got != test.want || (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%q, %q gave %+v, %v", test.decides, test.method, got, err)
		}
	}
}
