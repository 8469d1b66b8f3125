package gateway_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// TestLog holds that there is one event for each message and that none, at
// any level, shows a PAN, a token number, a code or a cryptogram.
func TestLog(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.untilAcknowledged(1)
	good, wrong := goodActivation(w), codeWith(dcvv2.Wrong)(w)
	tap, altered := w.tapOf(p), alteredAmount(w, p)
	echo := w.network(messages.Echo)
	bad := goodActivation(w)

	w.wallet.activate(good)
	w.wallet.activate(wrong)
	w.merchant.tap(tap)
	w.merchant.tap(altered)
	w.wallet.ask(echo)
	raw := w.dialRaw(wallets)
	raw.send(append(wire(t, bad), 0x00))
	raw.read()
	w.untilAcknowledged(2)
	w.issuer.garbling.Store(true)
	w.issuer.down()
	w.wallet.activate(bad)

	for stan, want := range map[string]struct {
		events        int
		mti, response string
		reason        token.Reason
	}{
		good.STAN:    {1, "0100", "00", token.ReasonIssuerApproved},
		wrong.STAN:   {1, "0100", "N7", token.ReasonWrongCode},
		tap.STAN:     {1, "0100", "00", token.ReasonIssuerApproved},
		altered.STAN: {1, "0100", "Q1", token.ReasonBadCryptogram},
		echo.STAN:    {1, "0800", "00", token.ReasonNone},
		bad.STAN:     {2, "0100", "30", token.ReasonNone}, // and then 91
	} {
		events := w.log.of(stan)
		if len(events) != want.events {
			t.Errorf("%d events about message %s, not %d", len(events), stan, want.events)
			continue
		}
		if e := events[0]; e.MTI != want.mti || e.Response != want.response || e.Reason != string(want.reason) || !e.Answered {
			t.Errorf("message %s is logged as %+v", stan, e)
		}
	}
	if e := w.log.of(good.STAN)[0]; e.PAN != good.Activation.PAN.Masked() {
		t.Errorf("the PAN is logged as %q", e.PAN)
	}

	text := strings.ToUpper(w.log.text())
	for what, secret := range map[string]string{
		"a PAN":           good.Activation.PAN.Reveal(),
		"a refused PAN":   wrong.Activation.PAN.Reveal(),
		"a garbled PAN":   bad.Activation.PAN.Reveal(),
		"a token number":  p.Number.Reveal(),
		"the token's PAN": p.pan.Reveal(),
		"a code":          `"` + good.Activation.CVV2.Code.Reveal() + `"`,
		"126.10":          "11 " + good.Activation.CVV2.Code.Reveal(),
		"a cryptogram":    strings.ToUpper(hex.EncodeToString(tap.Tap.Cryptogram.Reveal())),
		"a card key":      strings.ToUpper(hex.EncodeToString(p.cardKey.Reveal())),
		"raw bytes":       strings.ToUpper(string(tap.Tap.Cryptogram.Reveal())),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s", what)
		}
	}
}

// TestLogOfTheFamily is TestLog of all other messages.
func TestLogOfTheFamily(t *testing.T) {
	w := newWorld(t, whole, impatient, standingIn(approving))
	p, online := w.waiting(token.ByPasscode), w.activatedAs(token.ECommerce)
	passcode := w.untilTold(token.NoticePasscode, 1).Code
	w.updated(w.wallet, w.try(p, w.wrong(passcode)), token.VerificationFailed)
	w.updated(w.wallet, w.try(p, passcode), token.Approved)
	numbered := w.inquiry("")
	numbered.Number = p.Number
	w.updated(w.operator, numbered, token.Approved)
	paid := w.signedRemote(online, 1)
	w.merchant.ask(paid)
	w.reversed(w.merchant, w.reversalOf(paid), token.Approved)
	replaced := w.full(online, token.NoticeReplaced)
	w.updated(w.issuer, replaced, token.Approved)
	byCard := w.remoteBy(messages.AccountVerification, 0, w.enrolled(), given(w.anyCode()))
	w.merchant.ask(byCard)
	brought := w.bringing(w.account(providerRange), broughtReference)
	w.provider.activate(brought)
	w.wantAllSent()
	w.issuer.follow(silent)
	stoodIn := w.signedRemote(online, 2)
	w.merchant.ask(stoodIn)
	w.until("the advice is postponed", func() bool {
		return len(w.log.find(func(e logEvent) bool { return e.Message == "advice postponed" })) == 1
	})

	text := strings.ToUpper(w.log.text())
	hexadecimal := func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
	for what, secret := range map[string]string{
		"a PAN":                 p.pan.Reveal(),
		"a token number":        p.Number.Reveal(),
		"a PAN that went":       online.pan.Reveal(),
		"a PAN that came":       replaced.PAN.Reveal(),
		"a PAN by card":         byCard.Number.Reveal(),
		"126.10":                "11 " + byCard.CVV2.Code.Reveal(),
		"a minted number":       brought.Minted.Number.Reveal(),
		"a passcode":            `"` + strings.ToUpper(passcode.Reveal()) + `"`,
		"a remote cryptogram":   hexadecimal(paid.Cryptogram.Cryptogram.Reveal()),
		"126.9":                 hexadecimal(paid.Cryptogram.Append(nil)),
		"one in stand-in":       hexadecimal(stoodIn.Cryptogram.Cryptogram.Reveal()),
		"a card key":            hexadecimal(online.cardKey.Reveal()),
		"a cryptogram in bytes": strings.ToUpper(string(paid.Cryptogram.Cryptogram.Reveal())),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s", what)
		}
	}
	for stan, want := range map[string]string{
		numbered.STAN: "0302", paid.STAN: "0100", replaced.STAN: "0302", byCard.STAN: "0100", brought.STAN: "0100",
	} {
		if events := w.log.of(stan); len(events) != 1 || events[0].MTI != want || !events[0].Answered {
			t.Errorf("message %s is logged as %+v", stan, events)
		}
	}
}
