package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

type tapChange func(t failer, tap *token.Tap, f *token.TapFacts)

func inState(s token.Status) tapChange {
	return func(_ failer, _ *token.Tap, f *token.TapFacts) { f.Token.Status = s }
}

func atCounter(last, sent uint16) tapChange {
	return func(t failer, tap *token.Tap, f *token.TapFacts) {
		f.Token.ATC, tap.Chip.ATC = last, sent
		sign(t, tap)
	}
}

func living(kind token.Type, entryMode string) tapChange {
	return func(_ failer, tap *token.Tap, f *token.TapFacts) { f.Token.Type, tap.EntryMode = kind, entryMode }
}

type tapCase struct {
	what   string
	change tapChange
	at     time.Time
	want   token.Acceptance
}

func accept(t *testing.T, cases []tapCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			tap, f := goodTap(t), tapFacts(t)
			if c.change != nil {
				c.change(t, &tap, &f)
			}
			got := token.Accept(tap, f, c.at)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if got.Ask() != (c.want.Decline == "") {
				t.Errorf("asks the issuer: %t", got.Ask())
			}
		})
	}
}

func refused(response token.Response, reason token.Reason) token.Acceptance {
	return token.Acceptance{Decline: response, Reason: reason}
}

// expires is the first moment after the token's last month.
var expires = time.Date(2029, 12, 1, 0, 0, 0, 0, time.UTC)

func TestAcceptGood(t *testing.T) {
	good := token.Acceptance{Authentication: token.ARQCVerified}
	accept(t, []tapCase{
		{"the worked tap", nil, now, good},
		{"cloud token", living(token.Cloud, "0710"), now, good},
		{"the last moment of the token's last month", nil, expires.Add(-1), good},
		{"a counter that left some out", atCounter(6, 900), now, good},
		{"the first tap", atCounter(0, 1), now, good},
		{"the last tap there can be", atCounter(65534, 65535), now, good},
	})
}

func TestAcceptState(t *testing.T) {
	accept(t, []tapCase{
		{"unknown token", func(_ failer, _ *token.Tap, f *token.TapFacts) { *f = token.TapFacts{} }, now, refused("14", token.ReasonUnknownToken)},
		{"inactive", inState(token.Inactive), now, refused("78", token.ReasonTokenInactive)},
		{"suspended", inState(token.Suspended), now, refused("62", token.ReasonTokenSuspended)},
		{"deactivated", inState(token.Deactivated), now, refused("46", token.ReasonTokenDeactivated)},
		{"in no known state", inState("X"), now, refused("46", token.ReasonTokenDeactivated)},
		{"in no state", inState(""), now, refused("46", token.ReasonTokenDeactivated)},
		{"expired", nil, expires, refused("54", token.ReasonTokenExpired)},
		{"another expiry", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Expiry = card.MustExpiry("2912") }, now, refused("54", token.ReasonWrongExpiry)},
		{"no expiry", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Expiry = card.Expiry{} }, now, refused("54", token.ReasonWrongExpiry)},
	})
}

func TestAcceptDomain(t *testing.T) {
	outside := refused("58", token.ReasonOutsideDomain)
	accept(t, []tapCase{
		{"phone's token typed in", living(token.SecureElement, "0100"), now, outside},
		{"cloud token on file", living(token.Cloud, "1000"), now, outside},
		{"phone's token in the chip slot", living(token.SecureElement, "0510"), now, outside},
		{"no entry mode", living(token.SecureElement, ""), now, outside},
		{"token on file at a terminal", living(token.CardOnFile, "0710"), now, outside},
		{"e-commerce token at a terminal", living(token.ECommerce, "0710"), now, outside},
	})
}

func TestAcceptCryptogram(t *testing.T) {
	forged := token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: token.ReasonBadCryptogram}
	accept(t, []tapCase{
		{"no cryptogram", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Cryptogram = emv.Cryptogram{} }, now, refused("Q1", token.ReasonNoChipData)},
		{"no card key", func(_ failer, _ *token.Tap, f *token.TapFacts) { f.CardKey = emv.Key{} }, now, forged},
		{"amount raised in field 4", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Amount++ }, now, forged},
		{"amount raised in the chip data too", func(_ failer, tap *token.Tap, _ *token.TapFacts) {
			tap.Amount++
			tap.Chip.AmountAuthorised++
		}, now, forged},
		{"currency changed in field 49", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Currency = "392" }, now, forged},
		{"currency changed in the chip data too", func(_ failer, tap *token.Tap, _ *token.TapFacts) {
			tap.Currency, tap.Chip.Currency = "392", 392
		}, now, forged},
		{"no currency", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Currency = "" }, now, forged},
		{"counter raised", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Chip.ATC++ }, now, forged},
		{"no issuer application data", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Chip.IAD = nil }, now, forged},
	})
}

func TestAcceptCounter(t *testing.T) {
	cloned := token.Acceptance{Authentication: token.ARQCVerified, Decline: "59", Reason: token.ReasonCounterRepeated}
	accept(t, []tapCase{
		{"counter repeated", atCounter(7, 7), now, cloned},
		{"counter lower", atCounter(8, 7), now, cloned},
		{"counter zero", atCounter(0, 0), now, cloned},
	})
}

// A tap with several faults is refused for the first in the order of the
// checks: faults are added from the last check to the first.
func TestAcceptOrder(t *testing.T) {
	tap, f, at := goodTap(t), tapFacts(t), now
	for _, c := range []struct {
		add  func()
		want token.Reason
	}{
		{func() {}, token.ReasonNone},
		{func() { f.Token.ATC = 7 }, token.ReasonCounterRepeated},
		{func() { tap.Amount++ }, token.ReasonBadCryptogram},
		{func() { tap.Cryptogram = emv.Cryptogram{} }, token.ReasonNoChipData},
		{func() { tap.EntryMode = "0100" }, token.ReasonOutsideDomain},
		{func() { tap.Expiry = card.MustExpiry("2912") }, token.ReasonWrongExpiry},
		{func() { at = at.AddDate(10, 0, 0) }, token.ReasonTokenExpired},
		{func() { f.Token.Status = token.Suspended }, token.ReasonTokenSuspended},
		{func() { f.Token = token.Token{} }, token.ReasonUnknownToken},
	} {
		c.add()
		if got := token.Accept(tap, f, at).Reason; got != c.want {
			t.Errorf("refused for %q, want %q", got, c.want)
		}
	}
}

func TestConcludeTap(t *testing.T) {
	good, reference := token.Acceptance{Authentication: token.ARQCVerified}, active().Reference
	for _, c := range []struct {
		what     string
		found    token.Acceptance
		response token.Response
		want     token.Outcome
		answers  bool // the card gets an ARPC
	}{
		{"approved", good, "00", token.Outcome{
			Response: "00", AnsweredBy: token.ByIssuer, Authentication: "2", AuthorizationID: "A1B2C3", Reference: reference,
			CSU: [4]byte{0x00, 0x80, 0x00, 0x00}, Reason: token.ReasonIssuerApproved,
		}, true},
		{"declined", good, "51", token.Outcome{
			Response: "51", AnsweredBy: token.ByIssuer, Authentication: "2", Reference: reference, Reason: token.ReasonIssuerDeclined,
		}, true},
		{"a code nobody knows", good, "ZZ", token.Outcome{
			Response: "ZZ", AnsweredBy: token.ByIssuer, Authentication: "2", Reference: reference, Reason: token.ReasonIssuerDeclined,
		}, true},
		{"no answer", good, "", token.Outcome{
			Response: "91", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference,
			Reason: token.ReasonIssuerUnavailable,
		}, false},
		{"an approval that nobody asked for", token.CounterRepeated(), "00", token.Outcome{
			Response: "59", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference, Reason: token.ReasonCounterRepeated,
		}, false},
	} {
		got := token.ConcludeTap(c.found, active(), token.IssuerAnswer{Response: c.response, AuthorizationID: "A1B2C3"})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.what, d)
		}
		if got.AnswersCard() != c.answers || got.Approved() != (c.want.Response == "00") {
			t.Errorf("%s: answers the card %t, approved %t", c.what, got.AnswersCard(), got.Approved())
		}
	}
}

// A card is answered when its cryptogram was genuine and its issuer decided.
func TestAnswersCard(t *testing.T) {
	for _, a := range []token.Authentication{token.NotAuthenticated, token.ARQCFailed, token.ARQCVerified} {
		for _, by := range []token.Answerer{"", token.ByNetwork, token.ByIssuer} {
			want := a == token.ARQCVerified && by == token.ByIssuer
			if got := (token.Outcome{Authentication: a, AnsweredBy: by}).AnswersCard(); got != want {
				t.Errorf("44.8 = %q, 44.1 = %q: %t", a, by, got)
			}
		}
	}
}
