package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// screenCase is one activation and what is found of it: change alters the good
// activation of the worked case, or its facts.
type screenCase struct {
	what   string
	code   string
	at     time.Time
	change screenChange
	want   token.Screening
}

type screenChange func(*token.Activation, *token.ActivationFacts)

func presence(p byte) screenChange {
	return func(a *token.Activation, _ *token.ActivationFacts) { a.CVV2 = dcvv2.Presented{Presence: p} }
}

func failed(inDay, inRow int) screenChange {
	return func(_ *token.Activation, f *token.ActivationFacts) {
		f.Attempts = dcvv2.Attempts{FailuresInDay: inDay, FailuresInRow: inRow}
	}
}

func policy(set func(*dcvv2.Policy)) screenChange {
	return func(_ *token.Activation, f *token.ActivationFacts) {
		p := dcvv2.DefaultPolicy()
		set(&p)
		f.Registration.Schedule = dcvv2.Always(p)
	}
}

func screen(t *testing.T, cases []screenCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			a, f := activation(t, c.code), facts(t)
			if c.change != nil {
				c.change(&a, &f)
			}
			got := token.Screen(a, f, c.at)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if got.Ask() != (c.want.Decline == "") {
				t.Errorf("asks the issuer: %t", got.Ask())
			}
		})
	}
}

// M: the issuer is asked.
func TestScreenMatch(t *testing.T) {
	matched := token.Screening{CVV2: dcvv2.Match, Window: dcvv2.WindowAt(noon, 1)}
	screen(t, []screenCase{
		{"code of the hour", codeOfNoon, now, nil, matched},
		{"code in the hour's first moment", codeOfNoon, noon, nil, matched},
		{"code in the hour's last moment", codeOfNoon, noon.Add(time.Hour - 1), nil, matched},
		{"code inside the grace", codeOfNoon, noon.Add(time.Hour), nil, matched},
		{"code in the last moment of the grace", codeOfNoon, noon.Add(75*time.Minute - 1), nil, matched},
		{"code marked as dynamic", codeOfNoon, now, func(a *token.Activation, _ *token.ActivationFacts) {
			a.CVV2.Presence = dcvv2.PresenceDynamic
		}, matched},
		{"one failure short of both limits", codeOfNoon, now, failed(4, 9), matched},
	})
}

// badCode is N with a reason, answered at once.
func badCode(reason token.Reason) token.Screening {
	return token.Screening{CVV2: dcvv2.NoMatch, Decline: token.CVV2Failed, Reason: reason}
}

// of is a screening with the window that its code belongs to.
func of(at time.Time, s token.Screening) token.Screening {
	s.Belonged = dcvv2.WindowAt(at, 1)
	return s
}

// N: answered at once, and the outside cannot tell why.
func TestScreenNoMatch(t *testing.T) {
	wrong := wrongCode(t, now)
	early, expired := of(noon.Add(time.Hour), badCode(token.ReasonEarlyCode)), of(noon, badCode(token.ReasonExpiredCode))
	screen(t, []screenCase{
		{"wrong code", wrong, now, nil, badCode(token.ReasonWrongCode)},
		{"code of the next hour", codeOfOne, now, nil, early},
		{"code of the next hour, a moment before it", codeOfOne, noon.Add(time.Hour - 1), nil, early},
		{"code after the grace", codeOfNoon, noon.Add(75 * time.Minute), nil, expired},
		{"code after its hour, no grace", codeOfNoon, noon.Add(time.Hour), policy(func(p *dcvv2.Policy) { p.Grace = 0 }), expired},
		{"another card's sequence number", codeOfNoon, now, func(a *token.Activation, _ *token.ActivationFacts) {
			a.Sequence = 2
		}, badCode(token.ReasonWrongCode)},
		{"good code, failures of the day used up", codeOfNoon, now, failed(5, 0), badCode(token.ReasonDayLimit)},
		{"good code, locked", codeOfNoon, now, failed(0, 10), badCode(token.ReasonLocked)},
		{"good code, both limits", codeOfNoon, now, failed(5, 10), badCode(token.ReasonLocked)},
		{"wrong code, locked", wrong, now, failed(0, 11), badCode(token.ReasonLocked)},
	})
}

// S: the issuer is asked.
func TestScreenWithoutCode(t *testing.T) {
	noCode := token.Screening{CVV2: dcvv2.ShouldBePresent, Reason: token.ReasonNoCode}
	screen(t, []screenCase{
		{"no 126.10", codeOfNoon, now, presence(0), noCode},
		{"code not sent", codeOfNoon, now, presence(dcvv2.PresenceNone), noCode},
		{"code said to be sent, and missing", codeOfNoon, now, presence(dcvv2.PresenceGiven), noCode},
		{"code illegible", codeOfNoon, now, presence(dcvv2.PresenceIllegible), noCode},
		{"dynamic code missing", codeOfNoon, now, presence(dcvv2.PresenceDynamic), noCode},
		{"no code on the card", codeOfNoon, now, presence(dcvv2.PresenceNotOnCard), noCode},
		{"code beside a presence that denies it", codeOfNoon, now, func(a *token.Activation, _ *token.ActivationFacts) {
			a.CVV2.Presence = dcvv2.PresenceNotOnCard
		}, noCode},
	})
}

// U: the issuer is asked, when there is one.
func TestScreenNotParticipating(t *testing.T) {
	screen(t, []screenCase{
		{"account not enrolled", codeOfNoon, now, func(_ *token.Activation, f *token.ActivationFacts) {
			f.Enrolment.Enrolled = false
		}, token.Screening{CVV2: dcvv2.NotParticipating, Reason: token.ReasonNotEnrolled}},
		{"range not registered", codeOfNoon, now, func(_ *token.Activation, f *token.ActivationFacts) {
			*f = token.ActivationFacts{}
		}, token.Screening{CVV2: dcvv2.NotParticipating, Decline: token.UnknownIssuer, Reason: token.ReasonNotRegistered}},
	})
}

// P: answered at once.
func TestScreenCannotCheck(t *testing.T) {
	cannot := token.Screening{CVV2: dcvv2.NotProcessed, Decline: token.Malfunction, Reason: token.ReasonCannotCheck}
	screen(t, []screenCase{
		{"no key", codeOfNoon, now, func(_ *token.Activation, f *token.ActivationFacts) { f.Keys = nil }, cannot},
		{"key that does not suit the profile", codeOfNoon, now, func(_ *token.Activation, f *token.ActivationFacts) {
			k, _ := dcvv2.NewMasterKey(make([]byte, 32))
			f.Keys = k.Masters
		}, cannot},
		{"policy that is not valid", codeOfNoon, now, policy(func(p *dcvv2.Policy) { p.WindowHours = 19 }), cannot},
		{"profile that is not known", codeOfNoon, now, policy(func(p *dcvv2.Policy) { p.Profile = "none" }), cannot},
	})
}

// Only a code that was looked at and found bad counts against the account: an
// account at its limit would never leave it otherwise.
func TestScreeningFailed(t *testing.T) {
	for reason, want := range map[token.Reason]bool{
		token.ReasonWrongCode: true, token.ReasonEarlyCode: true, token.ReasonExpiredCode: true, token.ReasonUsedCode: true,
		token.ReasonDayLimit: false, token.ReasonLocked: false,
	} {
		if got := (token.Screening{CVV2: dcvv2.NoMatch, Decline: token.CVV2Failed, Reason: reason}).Failed(); got != want {
			t.Errorf("%s: counts %t", reason, got)
		}
	}
	for _, result := range []dcvv2.Result{dcvv2.Match, dcvv2.NotProcessed, dcvv2.ShouldBePresent, dcvv2.NotParticipating} {
		if (token.Screening{CVV2: result}).Failed() {
			t.Errorf("%s counts", result)
		}
	}
}

// What other requests have decided meanwhile looks like any bad code outside,
// whatever the policy does about one.
func TestFindingsOfTheStore(t *testing.T) {
	for action, decline := range map[dcvv2.Action]token.Response{
		dcvv2.ActionDecline: token.CVV2Failed, dcvv2.ActionDecline82: token.NegativeCVV, dcvv2.ActionAsk: "",
		dcvv2.ActionStatic: token.CVV2Failed,
	} {
		p := dcvv2.DefaultPolicy()
		p.OnNoMatch = action
		for _, c := range []struct {
			got    token.Screening
			reason token.Reason
		}{
			{token.UsedCode(p, dcvv2.Window{}), token.ReasonUsedCode},
			{token.Blocked(p, dcvv2.Attempts{FailuresInDay: 5}), token.ReasonDayLimit},
			{token.Blocked(p, dcvv2.Attempts{FailuresInRow: 10}), token.ReasonLocked},
			{token.Blocked(p, dcvv2.Attempts{}), token.ReasonDayLimit}, // the store knows better
		} {
			want := token.Screening{CVV2: dcvv2.NoMatch, Decline: decline, Reason: c.reason}
			if d := cmp.Diff(want, c.got); d != "" {
				t.Errorf("%s, %s: %s", action, c.reason, d)
			}
		}
	}
	if got := token.UsedCode(dcvv2.DefaultPolicy(), dcvv2.WindowAt(noon, 1)); got != of(noon, badCode(token.ReasonUsedCode)) {
		t.Errorf("a used code is %+v", got)
	}
}

// A throttled attempt is P, counts nothing and is no match, so that nothing is
// learned of its code.
func TestThrottled(t *testing.T) {
	for action, decline := range map[dcvv2.Action]token.Response{dcvv2.ActionDecline: token.Malfunction, dcvv2.ActionAsk: ""} {
		p := dcvv2.DefaultPolicy()
		p.OnNotProcessed = action
		got := token.Throttled(p, token.ReasonRangeLimit)
		want := token.Screening{CVV2: dcvv2.NotProcessed, Decline: decline, Reason: token.ReasonRangeLimit}
		if d := cmp.Diff(want, got); d != "" || got.Failed() || got.Tried() {
			t.Errorf("%s: fails %t, tried %t\n%s", action, got.Failed(), got.Tried(), d)
		}
	}
}

func TestConclude(t *testing.T) {
	good := token.Screening{CVV2: dcvv2.Match, Window: dcvv2.WindowAt(now, 1)}
	for _, c := range []struct {
		what     string
		found    token.Screening
		response token.Response
		want     token.Outcome
	}{
		{"approved", good, "00", token.Outcome{
			Response: "00", AnsweredBy: token.ByIssuer, CVV2: 'M', AuthorizationID: "A1B2C3", Reason: token.ReasonIssuerApproved,
		}},
		{"approved without a check", token.Screening{CVV2: dcvv2.NotParticipating}, "00", token.Outcome{
			Response: "00", AnsweredBy: token.ByIssuer, CVV2: 'U', AuthorizationID: "A1B2C3", Reason: token.ReasonIssuerApproved,
		}},
		{"step-up", good, "85", token.Outcome{
			Response: "85", AnsweredBy: token.ByIssuer, CVV2: 'M', Method: token.ByCallCentre, Reason: token.ReasonStepUp,
		}},
		{"declined", good, "05", token.Outcome{Response: "05", AnsweredBy: token.ByIssuer, CVV2: 'M', Reason: token.ReasonIssuerDeclined}},
		{"closed account", good, "46", token.Outcome{Response: "46", AnsweredBy: token.ByIssuer, CVV2: 'M', Reason: token.ReasonIssuerDeclined}},
		{"a code nobody knows", good, "ZZ", token.Outcome{Response: "ZZ", AnsweredBy: token.ByIssuer, CVV2: 'M', Reason: token.ReasonIssuerDeclined}},
		{"almost the approval", good, "0", token.Outcome{Response: "0", AnsweredBy: token.ByIssuer, CVV2: 'M', Reason: token.ReasonIssuerDeclined}},
		{"no answer", good, "", token.Outcome{Response: "91", AnsweredBy: token.ByNetwork, CVV2: 'M', Reason: token.ReasonIssuerUnavailable}},
		{"an approval that nobody asked for", token.UsedCode(dcvv2.DefaultPolicy(), dcvv2.Window{}), "00", badCode(token.ReasonUsedCode).Declined()},
	} {
		got := token.Conclude(c.found, token.IssuerAnswer{Response: c.response, AuthorizationID: "A1B2C3", Method: token.ByCallCentre}, token.StandIn{})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.what, d)
		}
		if got.Approved() != (c.response == "00" && c.found.Ask()) {
			t.Errorf("%s: approved %t", c.what, got.Approved())
		}
	}
}

// What becomes of an activation whose issuer is silent, by policy. Only a right
// dynamic code is decided on in the issuer's place.
func TestStandIn(t *testing.T) {
	match := token.Screening{CVV2: dcvv2.Match, Window: dcvv2.WindowAt(now, 1)}
	unavailable := token.Outcome{Response: "91", AnsweredBy: token.ByNetwork, Reason: token.ReasonIssuerUnavailable}
	for _, c := range []struct {
		in     token.StandInAction
		found  token.Screening
		answer token.IssuerAnswer
		want   token.Outcome
	}{
		{token.StandInApprove, match, token.IssuerAnswer{}, token.Outcome{Response: "00", StandIn: "0002", Reason: token.ReasonStoodIn}},
		{token.StandInApprove, match, token.IssuerAnswer{Silence: token.StandInDown}, token.Outcome{Response: "00", StandIn: "0001", Reason: token.ReasonStoodIn}},
		{token.StandInStepUp, match, token.IssuerAnswer{Silence: token.StandInTimeout}, token.Outcome{Response: "85", StandIn: "0002", Reason: token.ReasonStoodIn}},
		{token.StandInDecline, match, token.IssuerAnswer{}, unavailable},
		{"", match, token.IssuerAnswer{}, unavailable},
		{"nonsense", match, token.IssuerAnswer{}, unavailable},
		{token.StandInApprove, token.Screening{CVV2: dcvv2.Match, Static: true}, token.IssuerAnswer{}, unavailable},
		{token.StandInApprove, token.Screening{CVV2: dcvv2.NotParticipating}, token.IssuerAnswer{}, unavailable},
		{token.StandInApprove, token.Screening{CVV2: dcvv2.NoMatch}, token.IssuerAnswer{}, unavailable},
		{token.StandInApprove, token.Screening{CVV2: dcvv2.ShouldBePresent}, token.IssuerAnswer{}, unavailable},
		{token.StandInApprove, token.Screening{CVV2: dcvv2.NotProcessed}, token.IssuerAnswer{}, unavailable},
	} {
		c.want.AnsweredBy, c.want.CVV2 = token.ByNetwork, c.found.CVV2
		if d := cmp.Diff(c.want, token.Conclude(c.found, c.answer, token.StandIn{Activations: c.in})); d != "" {
			t.Errorf("%s of %+v: %s", c.in, c.found, d)
		}
	}
}

// 85 means a step-up in an activation and "no reason to decline" elsewhere;
// nobody stands in for a payment by card number.
func TestConcludeOnline(t *testing.T) {
	match := token.Screening{CVV2: dcvv2.Match, Window: dcvv2.WindowAt(now, 1)}
	for _, c := range []struct {
		found    token.Screening
		response token.Response
		want     token.Outcome
	}{
		{match, "00", token.Outcome{Response: "00", AnsweredBy: token.ByIssuer, CVV2: 'M', AuthorizationID: "A1B2C3", Reason: token.ReasonIssuerApproved}},
		{match, "85", token.Outcome{Response: "00", AnsweredBy: token.ByIssuer, CVV2: 'M', AuthorizationID: "A1B2C3", Reason: token.ReasonIssuerApproved}},
		{match, "05", token.Outcome{Response: "05", AnsweredBy: token.ByIssuer, CVV2: 'M', Reason: token.ReasonIssuerDeclined}},
		{match, "", token.Outcome{Response: "91", AnsweredBy: token.ByNetwork, CVV2: 'M', Reason: token.ReasonIssuerUnavailable}},
		{badCode(token.ReasonWrongCode), "00", badCode(token.ReasonWrongCode).Declined()},
	} {
		got := token.ConcludeOnline(c.found, token.IssuerAnswer{Response: c.response, AuthorizationID: "A1B2C3", Method: token.ByPasscode})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.response, d)
		}
	}
}

func TestDeclined(t *testing.T) {
	want := token.Outcome{Response: "N7", AnsweredBy: token.ByNetwork, CVV2: 'N', Reason: token.ReasonUsedCode}
	if d := cmp.Diff(want, badCode(token.ReasonUsedCode).Declined()); d != "" {
		t.Error(d)
	}
}
