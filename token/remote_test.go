package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

var unpredictable = [4]byte{0x1A, 0x2B, 0x3C, 0x4D}

// remote is a payment with an e-commerce token, counter 7.
func remote(t failer) (token.Remote, token.TapFacts) {
	t.Helper()
	f := tapFacts(t)
	f.Token.Type = token.ECommerce
	r := token.Remote{
		Number: card.MustPAN(tokenDigits), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Amount: 1250, Currency: "840", EntryMode: "0100", Merchant: "CORNERBAKERY001",
	}
	pay(t, &r, 7)
	return r, f
}

// pay makes the cryptogram of a payment with a counter.
func pay(t failer, r *token.Remote, atc uint16) {
	t.Helper()
	made, err := emv.ApplicationCryptogram(cardKey(t), emv.RemoteInput(r.Amount, 840, atc, unpredictable))
	if err != nil {
		t.Fatal(err)
	}
	r.Cryptogram = emv.Remote{ATC: atc, Unpredictable: unpredictable, Cryptogram: made}
}

func TestAcceptRemote(t *testing.T) {
	failed := func(reason token.Reason) token.Acceptance {
		return token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: reason}
	}
	good := token.Acceptance{Authentication: token.ARQCVerified}
	onFile := func(r *token.Remote, f *token.TapFacts) {
		f.Token.Type, f.Token.Merchant, r.EntryMode = token.CardOnFile, "CORNERBAKERY001", "1000"
	}
	for _, c := range []struct {
		what   string
		change func(r *token.Remote, f *token.TapFacts)
		at     time.Time
		want   token.Acceptance
	}{
		{"good", func(*token.Remote, *token.TapFacts) {}, now, good},
		{"verification of no amount", func(r *token.Remote, _ *token.TapFacts) { r.Amount = 0; pay(t, r, 7) }, now, good},
		{"the requestor's own", func(r *token.Remote, f *token.TapFacts) { r.Requestor = f.Token.Requestor }, now, good},
		{"unknown token", func(_ *token.Remote, f *token.TapFacts) { *f = token.TapFacts{} }, now, refused("14", token.ReasonUnknownToken)},
		{"suspended", func(_ *token.Remote, f *token.TapFacts) { f.Token.Status = token.Suspended }, now, refused("62", token.ReasonTokenSuspended)},
		{"expired", func(*token.Remote, *token.TapFacts) {}, expires, refused("54", token.ReasonTokenExpired)},
		{"another expiry", func(r *token.Remote, _ *token.TapFacts) { r.Expiry = card.MustExpiry("2912") }, now, refused("54", token.ReasonWrongExpiry)},
		{"a phone's token", func(_ *token.Remote, f *token.TapFacts) { f.Token.Type = token.SecureElement }, now, refused("58", token.ReasonOutsideDomain)},
		{"a cloud token", func(_ *token.Remote, f *token.TapFacts) { f.Token.Type = token.Cloud }, now, refused("58", token.ReasonOutsideDomain)},
		{"another requestor", func(r *token.Remote, _ *token.TapFacts) { r.Requestor = "40010030274" }, now, refused("58", token.ReasonWrongRequestor)},
		{"no cryptogram", func(r *token.Remote, _ *token.TapFacts) { r.Cryptogram = emv.Remote{} }, now, refused("Q1", token.ReasonNoCryptogram)},
		{"amount altered", func(r *token.Remote, _ *token.TapFacts) { r.Amount++ }, now, failed(token.ReasonBadCryptogram)},
		{"currency altered", func(r *token.Remote, _ *token.TapFacts) { r.Currency = "978" }, now, failed(token.ReasonBadCryptogram)},
		{"no currency", func(r *token.Remote, _ *token.TapFacts) { r.Currency = "" }, now, failed(token.ReasonBadCryptogram)},
		{"counter raised", func(r *token.Remote, _ *token.TapFacts) { r.Cryptogram.ATC++ }, now, failed(token.ReasonBadCryptogram)},
		{"number changed", func(r *token.Remote, _ *token.TapFacts) { r.Cryptogram.Unpredictable[0]++ }, now, failed(token.ReasonBadCryptogram)},
		{"another token of the account", func(_ *token.Remote, f *token.TapFacts) { another(t, nil, f, cardKey(t)) }, now, failed(token.ReasonOtherPhone)},
		{"no card key", func(_ *token.Remote, f *token.TapFacts) { f.CardKey = emv.Key{} }, now, failed(token.ReasonBadCryptogram)},
		{"counter repeated", func(_ *token.Remote, f *token.TapFacts) { f.Token.ATC = 7 }, now, token.CounterRepeated()},
		{"on file, with a cryptogram", onFile, now, good},
		{"on file, without one", func(r *token.Remote, f *token.TapFacts) { onFile(r, f); r.Cryptogram = emv.Remote{} }, now, token.Acceptance{}},
		{"on file of another merchant", func(r *token.Remote, f *token.TapFacts) { onFile(r, f); r.Merchant = "CORNERBAKERY002" }, now, refused("58", token.ReasonWrongMerchant)},
	} {
		r, f := remote(t)
		c.change(&r, &f)
		if d := cmp.Diff(c.want, token.AcceptRemote(r, f, c.at)); d != "" {
			t.Errorf("%s: %s", c.what, d)
		}
	}
}

// What the store finds of a genuine cryptogram is told apart.
func TestFindingsOfTheStoreOnTaps(t *testing.T) {
	for _, c := range []struct {
		found    token.Acceptance
		response token.Response
		reason   token.Reason
	}{
		{token.CounterRepeated(), "59", token.ReasonCounterRepeated},
		{token.Replayed(), "59", token.ReasonReplayed},
		{token.KeyUnlent(), "59", token.ReasonKeyUnknown},
		{token.KeyWorn(), "54", token.ReasonKeyUsedUp},
	} {
		want := token.Acceptance{Authentication: token.ARQCVerified, Decline: c.response, Reason: c.reason}
		if c.found != want || c.found.Ask() {
			t.Errorf("%+v, want %+v", c.found, want)
		}
	}
}
