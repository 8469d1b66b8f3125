package token_test

import (
	"fmt"
	"strings"
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
		{"another requestor", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Requestor = "40010030274" }, now, refused("58", token.ReasonWrongRequestor)},
		{"another merchant", func(_ failer, tap *token.Tap, f *token.TapFacts) {
			f.Token.Merchant, tap.Merchant = "CORNERBAKERY001", "CORNERBAKERY002"
		}, now, refused("58", token.ReasonWrongMerchant)},
		{"its own merchant and requestor", func(_ failer, tap *token.Tap, f *token.TapFacts) {
			f.Token.Merchant, tap.Merchant, tap.Requestor = "CORNERBAKERY001", "CORNERBAKERY001", f.Token.Requestor
		}, now, token.Acceptance{Authentication: token.ARQCVerified}},
	})
}

func TestAcceptCryptogram(t *testing.T) {
	failed := func(reason token.Reason) token.Acceptance {
		return token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: reason}
	}
	forged, altered := failed(token.ReasonBadCryptogram), failed(token.ReasonAlteredAmount)
	version, stolen := failed(token.ReasonWrongVersion), failed(token.ReasonOtherPhone)
	accept(t, []tapCase{
		{"no cryptogram", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Cryptogram = emv.Cryptogram{} }, now, refused("Q1", token.ReasonNoChipData)},
		{"no card key", func(_ failer, _ *token.Tap, f *token.TapFacts) { f.CardKey = emv.Key{} }, now, forged},
		{"amount raised in field 4", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Amount++ }, now, altered},
		{"amount raised in the chip data too", func(_ failer, tap *token.Tap, _ *token.TapFacts) {
			tap.Amount++
			tap.Chip.AmountAuthorised++
		}, now, forged},
		{"currency changed in field 49", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Currency = "392" }, now, altered},
		{"currency changed in the chip data too", func(_ failer, tap *token.Tap, _ *token.TapFacts) {
			tap.Currency, tap.Chip.Currency = "392", 392
		}, now, forged},
		{"no currency", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Currency = "" }, now, altered},
		{"counter raised", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Chip.ATC++ }, now, forged},
		{"no issuer application data", func(_ failer, tap *token.Tap, _ *token.TapFacts) { tap.Chip.IAD = nil }, now, version},
		{"a version that is not the token's", func(t failer, tap *token.Tap, _ *token.TapFacts) {
			tap.Chip.IAD = unhex(t, "06010A03A00000")
			sign(t, tap)
		}, now, version},
		{"another token of the account", func(t failer, tap *token.Tap, f *token.TapFacts) { another(t, tap, f, cardKey(t)) }, now, stolen},
		{"nobody's key", func(t failer, tap *token.Tap, f *token.TapFacts) { another(t, tap, f, emv.Key{}) }, now, forged},
	})
}

// another gives the token a key that did not make the cryptogram; other is the
// key of the account's other token.
func another(t failer, _ *token.Tap, f *token.TapFacts, other emv.Key) {
	t.Helper()
	own, err := emv.ParseKey(masterHex)
	if err != nil {
		t.Fatal(err)
	}
	f.CardKey, f.Others = own, func() []emv.Key { return []emv.Key{{}, other} }
}

// The account's other tokens matter only when a cryptogram fails.
func TestOthersAreAskedOnFailureOnly(t *testing.T) {
	tap, f := goodTap(t), tapFacts(t)
	f.Others = func() []emv.Key {
		t.Error("a good cryptogram asks for the others")
		return nil
	}
	if got := token.Accept(tap, f, now); !got.Ask() {
		t.Errorf("%+v", got)
	}
}

// A phone without a secure element taps with the worked key of index 6781301,
// which was lent in the hour 7813 of 2026.
func TestAcceptCloud(t *testing.T) {
	lent, ok := token.LentHour("6781301", now)
	if !ok {
		t.Fatal("no hour")
	}
	cloud := func(change func(tap *token.Tap, f *token.TapFacts)) (token.Tap, token.TapFacts) {
		tap, f := goodTap(t), tapFacts(t)
		f.Token.Type, f.Token.Version = token.Cloud, emv.Version43
		tap.Expiry, f.Token.Expiry = card.MustExpiry("3112"), card.MustExpiry("3112")
		tap.Chip.IAD = unhex(t, "1F43010000A0000000000000010678130100"+strings.Repeat("00", 14))
		var err error
		if tap.Cryptogram, err = emv.NewCryptogram(unhex(t, "261CE849B4BF359C")); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(&tap, &f)
		}
		return tap, f
	}
	for _, c := range []struct {
		what   string
		change func(tap *token.Tap, f *token.TapFacts)
		at     time.Time
		want   token.Acceptance
	}{
		{"the worked tap", nil, lent, token.Acceptance{Authentication: token.ARQCVerified, LentIndex: "6781301"}},
		{"the last moment of the key", nil, lent.Add(token.LentKeyFor - 1), token.Acceptance{Authentication: token.ARQCVerified, LentIndex: "6781301"}},
		{
			"an expired key", nil, lent.Add(token.LentKeyFor),
			token.Acceptance{Authentication: token.ARQCVerified, Decline: "54", Reason: token.ReasonKeyExpired},
		},
		{
			"a secure element's tap", func(tap *token.Tap, _ *token.TapFacts) {
				tap.Chip, tap.Cryptogram = goodTap(t).Chip, goodTap(t).Cryptogram
			}, lent,
			token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: token.ReasonWrongVersion},
		},
		{
			"no card key", func(_ *token.Tap, f *token.TapFacts) { f.CardKey = emv.Key{} }, lent,
			token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: token.ReasonBadCryptogram},
		},
		{
			"an index that is no number", func(tap *token.Tap, _ *token.TapFacts) { tap.Chip.IAD[14] = 0xAB }, lent,
			token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: token.ReasonKeyUnknown},
		},
		{"a repeated counter", func(_ *token.Tap, f *token.TapFacts) { f.Token.ATC = 7 }, lent, token.CounterRepeated()},
	} {
		tap, f := cloud(c.change)
		if d := cmp.Diff(c.want, token.Accept(tap, f, c.at)); d != "" {
			t.Errorf("%s: %s", c.what, d)
		}
	}
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
		{func() { tap.Amount++ }, token.ReasonAlteredAmount},
		{func() { tap.Chip.Type = 1 }, token.ReasonBadCryptogram},
		{func() { tap.Chip.IAD = nil }, token.ReasonWrongVersion},
		{func() { tap.Cryptogram = emv.Cryptogram{} }, token.ReasonNoChipData},
		{func() { f.Token.Merchant = "CORNERBAKERY001" }, token.ReasonWrongMerchant},
		{func() { tap.Requestor = "40010030274" }, token.ReasonWrongRequestor},
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

// TestCounts holds that the store hears of what was accepted and of a counter
// that is too low, and of nothing else.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		found token.Acceptance
		want  bool
	}{
		{token.Acceptance{Authentication: token.ARQCVerified}, true},
		{token.CounterRepeated(), true},
		{token.Replayed(), false},
		{token.KeyWorn(), false},
		{token.Acceptance{Authentication: token.ARQCFailed, Decline: "Q1", Reason: token.ReasonBadCryptogram}, false},
	} {
		if c.found.Counts() != c.want {
			t.Errorf("%+v counts: %t", c.found, !c.want)
		}
	}
}

func TestConcludeTap(t *testing.T) {
	good, reference := token.Acceptance{Authentication: token.ARQCVerified}, active().Reference
	standIn := token.StandIn{Taps: token.StandInApprove, TapAmountMax: 1250}
	for _, c := range []struct {
		what     string
		found    token.Acceptance
		response token.Response
		want     token.Outcome
		answers  bool // the card gets an ARPC
		in       token.StandIn
	}{
		{"approved", good, "00", token.Outcome{
			Response: "00", AnsweredBy: token.ByIssuer, Authentication: "2", AuthorizationID: "A1B2C3", Reference: reference,
			CSU: [4]byte{0x00, 0x80, 0x00, 0x00}, Reason: token.ReasonIssuerApproved,
		}, true, standIn},
		{"declined", good, "51", token.Outcome{
			Response: "51", AnsweredBy: token.ByIssuer, Authentication: "2", Reference: reference, Reason: token.ReasonIssuerDeclined,
		}, true, standIn},
		{"a code nobody knows", good, "ZZ", token.Outcome{
			Response: "ZZ", AnsweredBy: token.ByIssuer, Authentication: "2", Reference: reference, Reason: token.ReasonIssuerDeclined,
		}, true, standIn},
		{"no answer", good, "", token.Outcome{
			Response: "91", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference,
			Reason: token.ReasonIssuerUnavailable,
		}, false, token.StandIn{}},
		{"no answer, and the network stands in", good, "", token.Outcome{
			Response: "00", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference,
			CSU: [4]byte{0x00, 0x80, 0x00, 0x00}, StandIn: token.StandInTimeout, Reason: token.ReasonStoodIn,
		}, true, standIn},
		{"no answer, and one cent over what the network stands in for", good, "", token.Outcome{
			Response: "91", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference,
			Reason: token.ReasonIssuerUnavailable,
		}, false, token.StandIn{Taps: token.StandInApprove, TapAmountMax: 1249}},
		{"no answer, no cryptogram", token.Acceptance{}, "", token.Outcome{
			Response: "91", AnsweredBy: token.ByNetwork, Reference: reference, Reason: token.ReasonIssuerUnavailable,
		}, false, standIn},
		{"an approval that nobody asked for", token.CounterRepeated(), "00", token.Outcome{
			Response: "59", AnsweredBy: token.ByNetwork, Authentication: "2", Reference: reference, Reason: token.ReasonCounterRepeated,
		}, false, standIn},
	} {
		got := token.ConcludeTap(c.found, active(), 1250, token.IssuerAnswer{Response: c.response, AuthorizationID: "A1B2C3"}, c.in)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.what, d)
		}
		if got.AnswersCard() != c.answers || got.Approved() != (c.want.Response == "00") {
			t.Errorf("%s: answers the card %t, approved %t", c.what, got.AnswersCard(), got.Approved())
		}
	}
}

// A card is answered when its cryptogram was genuine and its issuer decided, or
// the network approved in its place.
func TestAnswersCard(t *testing.T) {
	for _, a := range []token.Authentication{token.NotAuthenticated, token.ARQCFailed, token.ARQCVerified} {
		for _, by := range []token.Answerer{"", token.ByNetwork, token.ByIssuer} {
			want := a == token.ARQCVerified && by == token.ByIssuer
			if got := (token.Outcome{Authentication: a, AnsweredBy: by}).AnswersCard(); got != want {
				t.Errorf("44.8 = %q, 44.1 = %q: %t", a, by, got)
			}
			if got := (token.Outcome{Authentication: a, AnsweredBy: by, StandIn: token.StandInDown}).AnswersCard(); got != (a == token.ARQCVerified) {
				t.Errorf("44.8 = %q in stand-in: %t", a, got)
			}
		}
	}
}

// The answer to the card follows its version: the worked ones of package emv.
func TestARPC(t *testing.T) {
	for _, c := range []struct {
		iad, arqc string
		response  token.Response
		want      string
	}{
		{"06011203A00000", "F8BF255996A9B002", "00", "F2087F22"},
		{"06010A03A00000", "26CF803FB7D3EB07", "00", "60F060BC5758D9E8"},
		{"1F43010000A0000000000000010678130100" + strings.Repeat("00", 14), "261CE849B4BF359C", "00", ""},
		{"06011203A00000", "F8BF255996A9B002", "", ""},
		{"", "F8BF255996A9B002", "00", ""},
	} {
		tap := goodTap(t)
		tap.Chip.IAD = unhex(t, c.iad)
		var err error
		if tap.Cryptogram, err = emv.NewCryptogram(unhex(t, c.arqc)); err != nil {
			t.Fatal(err)
		}
		o := token.Outcome{Response: c.response, AnsweredBy: token.ByIssuer, Authentication: token.ARQCVerified, CSU: [4]byte{0, 0x80, 0, 0}}
		if got := fmt.Sprintf("%X", o.ARPC(tap, cardKey(t)).Reveal()); got != c.want {
			t.Errorf("%s with %q is answered by %s, want %s", c.iad, c.response, got, c.want)
		}
		o.AnsweredBy = token.ByNetwork
		if !o.ARPC(tap, cardKey(t)).IsZero() {
			t.Errorf("%s is answered though the issuer did not decide", c.iad)
		}
	}
}
