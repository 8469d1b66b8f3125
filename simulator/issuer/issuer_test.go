package issuer_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const (
	good    = "4761739001010010"
	blocked = "4761739001010028"
	unknown = "4761739001010036"
)

// newHost is a host whose book holds two cards, one of them blocked.
func newHost(t *testing.T) *issuer.Host {
	t.Helper()
	book := ledger.NewBook()
	for _, a := range []ledger.Account{
		{PAN: pan(t, good), Expiry: card.MustExpiry("2912"), Balance: 5000},
		{PAN: pan(t, blocked), Expiry: card.MustExpiry("2912"), Balance: 5000, Blocked: true},
	} {
		if err := book.Add(a); err != nil {
			t.Fatal(err)
		}
	}
	return &issuer.Host{Book: book, Random: bytes.NewReader(make([]byte, 300)), Log: zerolog.Nop()}
}

// pan completes the last digit, so that the numbers above need not be checked
// by hand.
func pan(t *testing.T, digits string) card.PAN {
	t.Helper()
	p, err := card.CompletePAN(digits[:len(digits)-1])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	trace = messages.Trace{Transmitted: "1122121700", STAN: "000123", RRN: "632612000123", Acquirer: "400552", Terminal: "TERMID01", Acceptor: "CORNERBAKERY001"}
	place = messages.Place{Category: "6012", EntryMode: "0100", Condition: "51", Currency: "840"}
)

func activation(p card.PAN, expiry string, found dcvv2.Result) *messages.ActivationRequest {
	return &messages.ActivationRequest{
		Trace: trace, Place: place, TransactionID: "532612000123456", Checked: messages.Additional{CVV2: found},
		Activation: token.Activation{
			PAN: p, Expiry: card.MustExpiry(expiry), CVV2: dcvv2.Presented{Presence: dcvv2.PresenceDynamic},
			Requestor: "40010030273", Type: token.SecureElement, Device: token.Device{ID: "device"},
		},
	}
}

func tokenData() messages.TokenData {
	return messages.TokenData{
		Number: card.MustPAN("4895370012345671"), Requestor: "40010030273", Reference: "0123456789abcdef0123456789abcdef",
		Expiry: card.MustExpiry("2912"), Type: token.SecureElement, Status: token.Active,
	}
}

func tap(t *testing.T, p card.PAN, amount uint64, found token.Authentication) *messages.TapRequest {
	t.Helper()
	arqc, err := emv.NewCryptogram([]byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	data := tokenData()
	return &messages.TapRequest{
		Trace: trace, Place: place, TransactionID: "532612000123456", Checked: messages.Additional{Authentication: found}, Token: &data,
		Tap: token.Tap{
			Number: p, Expiry: card.MustExpiry("2912"), Amount: amount, Cryptogram: arqc,
			Chip: emv.Input{AmountAuthorised: amount, ATC: 1, IAD: []byte{6, 1, 18, 3, 0xA0, 0, 0}},
		},
	}
}

// ask hands a typed message to the host and gives its typed answer.
func ask(t *testing.T, h *issuer.Host, question messages.Message) messages.Message {
	t.Helper()
	raw, err := messages.Encode(question)
	if err != nil {
		t.Fatal(err)
	}
	answer := h.Handle(context.Background(), link.Inbound{Message: raw})
	if answer == nil {
		t.Fatal("there is no answer")
	}
	if messages.Key(answer) != messages.Key(raw) {
		t.Errorf("the answer's key is %s, the question's %s", messages.Key(answer), messages.Key(raw))
	}
	typed, err := messages.Decode(answer)
	if err != nil {
		t.Fatal(err)
	}
	return typed
}

func TestActivations(t *testing.T) {
	tests := []struct {
		name     string
		digits   string
		expiry   string
		found    dcvv2.Result
		refusing bool
		want     token.Response
	}{
		{"a good card and a code that matched", good, "2912", dcvv2.Match, false, token.Approved},
		{"a number that was never issued", unknown, "2912", dcvv2.Match, false, token.BadNumber},
		{"another expiry date", good, "2911", dcvv2.Match, false, token.CardExpired},
		{"a blocked card", blocked, "2912", dcvv2.Match, false, token.RestrictedCard},
		{"an issuer that refuses", good, "2912", dcvv2.Match, true, token.DoNotHonour},
		{"a code that did not match", good, "2912", dcvv2.NoMatch, false, token.DoNotHonour},
		{"a code that was not checked", good, "2912", dcvv2.NotProcessed, false, token.DoNotHonour},
		{"a code that should be there", good, "2912", dcvv2.ShouldBePresent, false, token.DoNotHonour},
		{"an account that takes no part", good, "2912", dcvv2.NotParticipating, false, token.DoNotHonour},
		{"no word on the code", good, "2912", 0, false, token.DoNotHonour},
		{"a number never issued while refusing", unknown, "2912", 0, true, token.BadNumber},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			h.RefuseActivations(test.refusing)
			answer, ok := ask(t, h, activation(pan(t, test.digits), test.expiry, test.found)).(*messages.ActivationAnswer)
			if !ok {
				t.Fatal("the answer is of another type")
			}
			wantOutcome(t, answer.Outcome, test.want)
			if answer.Token != nil {
				t.Error("the issuer's answer holds a token")
			}
		})
	}
}

func TestTheIssuerMayStopRefusing(t *testing.T) {
	h := newHost(t)
	h.RefuseActivations(true)
	h.RefuseActivations(false)
	answer := ask(t, h, activation(pan(t, good), "2912", dcvv2.Match)).(*messages.ActivationAnswer)
	wantOutcome(t, answer.Outcome, token.Approved)
}

func TestTaps(t *testing.T) {
	without := func(r *messages.TapRequest) { r.Token = nil }
	tests := []struct {
		name   string
		digits string
		amount uint64
		found  token.Authentication
		change func(*messages.TapRequest)
		want   token.Response
	}{
		{"what the account holds", good, 5000, token.ARQCVerified, nil, token.Approved},
		{"one cent more", good, 5001, token.ARQCVerified, nil, token.InsufficientFunds},
		{"a number that was never issued", unknown, 100, token.ARQCVerified, nil, token.BadNumber},
		{"a blocked card", blocked, 100, token.ARQCVerified, nil, token.RestrictedCard},
		{"a cryptogram that failed", good, 100, token.ARQCFailed, nil, token.CardAuthentication},
		{"a cryptogram nobody looked at", good, 100, token.NotAuthenticated, nil, token.CardAuthentication},
		{"no token beside it", good, 100, token.ARQCVerified, without, token.CardAuthentication},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			request := tap(t, pan(t, test.digits), test.amount, test.found)
			if test.change != nil {
				test.change(request)
			}
			answer, ok := ask(t, h, request).(*messages.TapAnswer)
			if !ok {
				t.Fatal("the answer is of another type")
			}
			wantOutcome(t, answer.Outcome, test.want)
			if !answer.ARPC.IsZero() {
				t.Error("the issuer's answer holds a cryptogram: the network makes it")
			}
			left, _ := h.Book.Find(pan(t, good))
			if spent := 5000 - left.Balance; test.want != token.Approved && spent != 0 || test.want == token.Approved && spent != test.amount {
				t.Errorf("%d was taken off the account", spent)
			}
		})
	}
}

func wantOutcome(t *testing.T, got messages.Outcome, want token.Response) {
	t.Helper()
	if got.Response != want || got.Additional.AnsweredBy != token.ByIssuer {
		t.Errorf("the response is %s by %s, want %s", got.Response, got.Additional.AnsweredBy, want)
	}
	if hasID := got.AuthorizationID != ""; hasID != (want == token.Approved) {
		t.Errorf("with response %s the authorization is %q", got.Response, got.AuthorizationID)
	}
}

func TestAuthorizationsHaveSixDigits(t *testing.T) {
	h := newHost(t)
	h.Random = bytes.NewReader([]byte{0, 0, 7, 0xFF, 0xFF, 0xFF})
	for i, want := range []string{"000007", "777215", "000000"} { // the last without chance
		request := activation(pan(t, good), "2912", dcvv2.Match)
		request.TransactionID = fmt.Sprintf("53261200012345%d", i)
		answer := ask(t, h, request).(*messages.ActivationAnswer)
		if got := answer.Outcome.AuthorizationID; got != want {
			t.Errorf("the authorization is %s, want %s", got, want)
		}
	}
}

// A notice may come twice and out of order; it is acknowledged each time and
// counted once.
func TestNoticesAreIdempotent(t *testing.T) {
	h := newHost(t)
	notice := func(transactionID string, reason token.NoticeReason) *messages.Notification {
		return &messages.Notification{PAN: pan(t, good), Trace: trace, TransactionID: transactionID, Reason: reason, Token: tokenData()}
	}
	const first, second = "532612000123456", "532612000123457"
	tests := []struct {
		notice *messages.Notification
		count  int
	}{
		{notice(first, token.NoticeProvisioned), 1},
		{notice(first, token.NoticeCreated), 2},
		{notice(first, token.NoticeCreated), 2},
		{notice(first, token.NoticeProvisioned), 2},
		{notice(second, token.NoticeCreated), 3},
	}
	for i, test := range tests {
		answer, ok := ask(t, h, test.notice).(*messages.NotificationAnswer)
		if !ok || answer.Response != token.Approved || answer.TransactionID != test.notice.TransactionID || answer.Reason != test.notice.Reason {
			t.Errorf("notice %d is answered by %+v", i, answer)
		}
		if h.Notices() != test.count {
			t.Errorf("after notice %d there are %d, want %d", i, h.Notices(), test.count)
		}
	}
}

func TestNetworkManagement(t *testing.T) {
	h := newHost(t)
	for _, code := range []messages.NetworkCode{messages.SignOn, messages.Echo, messages.SignOff} {
		answer, ok := ask(t, h, &messages.NetworkRequest{Transmitted: "1122121700", STAN: "000001", Code: code}).(*messages.NetworkAnswer)
		if !ok || answer.Response != token.Approved || answer.Code != code {
			t.Errorf("%s is answered by %+v", code, answer)
		}
	}
}

func TestWhatTheHostCannotServe(t *testing.T) {
	salvaged := specs.NewMessage("0100")
	salvaged.Set(specs.P(11), "000123")
	unknownType := specs.NewMessage("0200")
	unknownType.Set(specs.P(11), "000123")
	incomplete, err := messages.Encode(activation(pan(t, good), "2912", dcvv2.Match))
	if err != nil {
		t.Fatal(err)
	}
	incomplete.Delete(specs.P(14))
	answer, err := messages.Encode(activation(pan(t, good), "2912", dcvv2.Match).Answer("532612000123456", token.Outcome{Response: token.Approved}, nil))
	if err != nil {
		t.Fatal(err)
	}
	fault := &specs.FormatError{Kind: specs.Short, Offset: 30, Path: "7", Detail: "it needs 5 bytes, 2 are left"}
	tests := []struct {
		name string
		in   link.Inbound
		want string // type and response of the answer; "" is none
	}{
		{"undecodable, type and trace known", link.Inbound{Message: salvaged, Fault: fault}, "0110 30"},
		{"undecodable altogether", link.Inbound{Fault: fault}, ""},
		{"a mandatory field is missing", link.Inbound{Message: incomplete}, "0110 30"},
		{"a type that is not of the family", link.Inbound{Message: unknownType}, "0210 12"},
		{"an answer as a question", link.Inbound{Message: answer}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if m := newHost(t).Handle(context.Background(), test.in); m != nil {
				got = fmt.Sprintf("%s %s", m.MTI(), m.Text(specs.P(39)))
			}
			if got != test.want {
				t.Errorf("answered by %q, want %q", got, test.want)
			}
		})
	}
}
