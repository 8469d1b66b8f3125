package wallet_test

import (
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// stepping is a gateway that steps a token up with the passcode 123456, and
// grants everything else.
func stepping(t *testing.T) stationtest.Script {
	waiting := granted
	waiting.Status = token.Inactive
	return func(_ *specs.Message, typed messages.Message) *specs.Message {
		switch r := typed.(type) {
		case *messages.ActivationRequest:
			o := token.Outcome{Response: token.StepUp, AnsweredBy: token.ByIssuer, Method: token.ByPasscode}
			return stationtest.Encode(t, r.Answer("532612000123456", o, &waiting))
		case *messages.FileUpdate:
			o := token.Outcome{Response: token.Approved, AnsweredBy: token.ByNetwork}
			if r.Reason == token.NoticeTried && r.Code.Reveal() != "123456" {
				o.Response = token.VerificationFailed
			}
			return stationtest.Encode(t, r.Answer(o, "532612000123456", &granted, false))
		case *messages.Reversal:
			return stationtest.Encode(t, r.Answer(token.Approved, r.TransactionID))
		}
		t.Errorf("the wallet asks with a %T", typed)
		return nil
	}
}

func code(t *testing.T, digits string) token.ActivationCode {
	t.Helper()
	c, err := token.ParseActivationCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A token that waits is not loaded; the right passcode loads it, a wrong one
// does not.
func TestPasscode(t *testing.T) {
	c := &channel{material: material(t)}
	gateway := stationtest.Serve(t, stepping(t))
	w := open(t, gateway, c)
	got, err := w.Provision(t.Context(), shown(t))
	if err != nil || got.Approved() || got.Answer.Token == nil || got.Answer.Method != token.ByPasscode {
		t.Fatalf("provisioned: %+v, %v", got, err)
	}
	answer, check, err := w.Answer(t.Context(), reference, code(t, "123457"))
	if err != nil || answer.Response != token.VerificationFailed || check != "" || len(w.Phone().References()) != 0 {
		t.Errorf("a wrong passcode: %s, check value %q, %v", answer.Response, check, err)
	}
	answer, check, err = w.Answer(t.Context(), reference, code(t, "123456"))
	if err != nil || answer.Response != token.Approved || check != c.material["keyCheckValue"] || len(w.Phone().References()) != 1 {
		t.Errorf("the right passcode: %s, check value %q, %v", answer.Response, check, err)
	}
	asked := gateway.Asked()[3].(*messages.FileUpdate)
	if asked.Action != messages.FileChange || asked.Reference != reference || asked.Requestor != requestor {
		t.Errorf("the wallet asked %+v", asked)
	}
}

func TestSteps(t *testing.T) {
	gateway := stationtest.Serve(t, stepping(t))
	w := open(t, gateway, &channel{})
	for _, reason := range []token.NoticeReason{token.NoticeSuspended, token.NoticeResumed, token.NoticeDeactivated, token.NoticePasscode} {
		answer, err := w.Step(t.Context(), reference, reason)
		if err != nil || answer.Response != token.Approved || answer.Reason != reason || answer.Token == nil {
			t.Errorf("%s: %+v, %v", reason, answer, err)
		}
	}
	answer, err := w.Inquire(t.Context(), reference)
	if err != nil || answer.Action != messages.FileInquiry || answer.Token == nil || answer.Token.Status != token.Active {
		t.Errorf("inquiry: %+v, %v", answer, err)
	}
	if asked := gateway.Asked()[5].(*messages.FileUpdate); asked.Reason != "" || asked.Action != messages.FileInquiry {
		t.Errorf("the wallet asked %+v", asked)
	}
}

// A repeat is the same request but for its type and its time.
func TestRepeat(t *testing.T) {
	gateway := stationtest.Serve(t, stepping(t))
	w := open(t, gateway, &channel{})
	if _, err := w.Repeat(t.Context()); err == nil {
		t.Error("what was never asked is repeated")
	}
	first, err := w.Request(t.Context(), shown(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Repeat(t.Context())
	if err != nil || *again.Token != *first.Token || again.Trace != first.Trace {
		t.Errorf("%+v, %v", again, err)
	}
	one, two := *gateway.Asked()[1].(*messages.ActivationRequest), *gateway.Asked()[2].(*messages.ActivationRequest)
	if !two.Repeat || string(one.Content()) != string(two.Content()) {
		t.Errorf("repeated as %+v", two)
	}
}

// A reversal names its original by field 90 and has its trace but for the
// number and the time.
func TestReverse(t *testing.T) {
	gateway := stationtest.Serve(t, stepping(t))
	w := open(t, gateway, &channel{})
	got, err := w.Request(t.Context(), shown(t))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Reverse(t.Context(), got)
	if err != nil || answer.Response != token.Approved || answer.TransactionID != got.TransactionID {
		t.Fatalf("%+v, %v", answer, err)
	}
	original, reversal := gateway.Asked()[1].(*messages.ActivationRequest), gateway.Asked()[2].(*messages.Reversal)
	if !reversal.Original.Names(original.Trace) || reversal.RRN != original.RRN || reversal.STAN == original.STAN ||
		!reversal.Activation || reversal.Number != original.Activation.PAN || reversal.Amount != 0 {
		t.Errorf("the wallet reversed %+v by %+v", original.Trace, reversal)
	}
}
