package issuer_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

const activationID = "532612000123456"

// notice is one about the test's token in a state.
func notice(t *testing.T, reason token.NoticeReason, status token.Status, change func(*messages.Notification)) *messages.Notification {
	t.Helper()
	n := &messages.Notification{PAN: pan(t, good), Trace: trace, TransactionID: activationID, Reason: reason, Token: tokenData()}
	n.Token.Status = status
	if change != nil {
		change(n)
	}
	return n
}

func code(t *testing.T, digits string) token.ActivationCode {
	t.Helper()
	c, err := token.ParseActivationCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ending is when the passcode of a test ends.
var ending = time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC)

func bringing(t *testing.T, digits string) func(*messages.Notification) {
	return func(n *messages.Notification) {
		n.Code, n.CodeExpires, n.Method = code(t, digits), ending, token.ByPasscode
	}
}

// known is what the host knows of the test's token.
func known(t *testing.T, h *issuer.Host) ledger.Token {
	t.Helper()
	got, ok := h.Book.Tokens().Find(tokenData().Reference)
	if !ok {
		t.Fatal("the host does not know the token")
	}
	return got
}

// Every reason is acknowledged and taken over, however often it comes.
func TestNoticesOfEveryReason(t *testing.T) {
	result := func(r string) func(*messages.Notification) {
		return func(n *messages.Notification) { n.Result = r }
	}
	renewed := func(n *messages.Notification) { n.PANExpiry = card.MustExpiry("3012") }
	moved := func(n *messages.Notification) { n.PAN, n.PANExpiry = pan(t, unknown), card.MustExpiry("3112") }
	tests := []struct {
		reason token.NoticeReason
		status token.Status
		change func(*messages.Notification)
		holds  func(ledger.Token) bool
	}{
		{token.NoticeCreated, token.Active, nil, nil},
		{token.NoticeDeactivated, token.Deactivated, nil, nil},
		{token.NoticeSuspended, token.Suspended, nil, nil},
		{token.NoticeResumed, token.Active, nil, nil},
		{token.NoticeProvisioned, token.Active, result("00"), func(k ledger.Token) bool { return k.Result == "00" }},
		{token.NoticeTried, token.Inactive, result(token.PasscodesTried), func(k ledger.Token) bool { return k.Result == "02" }},
		{token.NoticeCallCentre, token.Active, nil, nil},
		{token.NoticeIssuerApp, token.Active, nil, nil},
		{token.NoticePasscode, token.Inactive, bringing(t, "123456"), func(k ledger.Token) bool {
			return k.Passcode.Reveal() == "123456" && k.PasscodeExpires.Equal(ending) && k.Method == token.ByPasscode
		}},
		{token.NoticeExpiry, token.Active, renewed, func(k ledger.Token) bool { return k.PANExpiry == card.MustExpiry("3012") }},
		{token.NoticeReplaced, token.Active, moved, func(k ledger.Token) bool {
			return k.PAN == pan(t, unknown) && k.PANExpiry == card.MustExpiry("3112")
		}},
	}
	for _, test := range tests {
		t.Run(string(test.reason), func(t *testing.T) {
			h := newHost(t)
			ask(t, h, notice(t, token.NoticeCreated, token.Inactive, nil))
			for range 2 {
				answer, ok := ask(t, h, notice(t, test.reason, test.status, test.change)).(*messages.NotificationAnswer)
				if !ok || answer.Response != token.Approved || answer.Reason != test.reason {
					t.Fatalf("the notice is answered by %+v", answer)
				}
				k := known(t, h)
				if k.Status != test.status || k.Notice != test.reason || test.holds != nil && !test.holds(k) {
					t.Errorf("the host knows %+v", k)
				}
				if k.Number != tokenData().Number || k.Requestor != "40010030273" || k.Type != token.SecureElement || k.TransactionID != activationID {
					t.Errorf("the host does not know which token it is: %+v", k)
				}
			}
		})
	}
}

// The issuer knows from the activation which phone it is and how it asked for
// the step-up; the network's notice of the token does not say.
func TestATokenIsThatOfItsActivation(t *testing.T) {
	h := newHost(t)
	h.Follow(issuer.Persona{Decides: issuer.Yellow, Method: token.ByIssuerApp})
	request := activation(pan(t, good), "2912", dcvv2.Match)
	request.Activation.Device = token.Device{ID: "device", Type: "03", Name: "Ada's watch"}
	ask(t, h, request)
	ask(t, h, notice(t, token.NoticeCreated, token.Inactive, nil))
	if k := known(t, h); k.Method != token.ByIssuerApp || k.Device.Type != "03" || k.Device.Name != "Ada's watch" {
		t.Errorf("the host knows %+v", k)
	}
}

// A token whose activation was reversed is forgotten, and stays so.
func TestAReversedActivationForgetsItsToken(t *testing.T) {
	h := newHost(t)
	ask(t, h, activation(pan(t, good), "2912", dcvv2.Match))
	ask(t, h, notice(t, token.NoticeCreated, token.Active, nil))
	known(t, h)
	undo := reversal(t, 0, func(r *messages.Reversal) { r.Advice, r.Activation = true, true })
	for range 2 {
		wantReversed(t, h, undo, token.Approved)
		if _, ok := h.Book.Tokens().Find(tokenData().Reference); ok {
			t.Fatal("the token is still known")
		}
		ask(t, h, notice(t, token.NoticeDeactivated, token.Deactivated, nil))
	}
}

func TestAnActivationGrantedInTheIssuersPlace(t *testing.T) {
	h := newHost(t)
	undo := reversal(t, 0, func(r *messages.Reversal) { r.Activation = true })
	wantReversed(t, h, undo, token.RecordNotFound)
	h = newHost(t)
	told := advice(t, 100, token.Approved, token.StandInTimeout) // an activation moves no money, whatever it says
	told.Activation, told.TransactionID = true, transactionID(1)
	wantAdvised(t, h, told, 1)
	wantHeld(t, h, 5000)
	h = newHost(t)
	told = advice(t, 0, token.StepUp, token.StandInDown)
	told.Activation = true
	wantAdvised(t, h, told, 1)
	wantHeld(t, h, 5000)
	ask(t, h, notice(t, token.NoticeCreated, token.Inactive, nil))
	wantReversed(t, h, undo, token.Approved)
	if _, ok := h.Book.Tokens().Find(tokenData().Reference); ok {
		t.Error("the token is still known")
	}
}

// Nothing that must not be read is in the log, at any level.
func TestTheLogKeepsSecrets(t *testing.T) {
	h := newHost(t)
	var log bytes.Buffer
	h.Log = zerolog.New(&log).Level(zerolog.TraceLevel)
	h.Follow(issuer.Persona{Decides: issuer.Yellow})
	ask(t, h, activation(pan(t, good), "2912", dcvv2.Match))
	ask(t, h, notice(t, token.NoticeCreated, token.Inactive, nil))
	ask(t, h, notice(t, token.NoticePasscode, token.Inactive, bringing(t, "864209")))
	ask(t, h, notice(t, token.NoticeReplaced, token.Active, func(n *messages.Notification) { n.PANExpiry = card.MustExpiry("3112") }))
	ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified))
	ask(t, h, remote(t, func(r *messages.RemoteRequest) { r.TransactionID = transactionID(1) }))
	ask(t, h, reversal(t, 100, nil))
	ask(t, h, advice(t, 100, token.Approved, token.StandInDown))
	h.Ask = answeringUpdates(t, nil)
	if _, err := h.ReplacePAN(t.Context(), tokenData().Reference, pan(t, unknown), 0, card.MustExpiry("3112")); err != nil {
		t.Fatal(err)
	}
	said := log.String()
	for _, secret := range []string{pan(t, good).Reveal(), pan(t, unknown).Reveal(), tokenData().Number.Reveal(), "864209", "2912", "3112", "0102030405060708"} {
		if strings.Contains(said, secret) {
			t.Errorf("the log shows %s:\n%s", secret, said)
		}
	}
	if lines := strings.Count(said, "\n"); lines < 9 {
		t.Errorf("the log has %d lines only:\n%s", lines, said)
	}
}
