package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var noCryptogram emv.Cryptogram

// enrolled is a fresh account that is enrolled.
func (w *world) enrolled() card.PAN {
	w.Helper()
	pan := w.account(cardRange)
	w.enrol(pan)
	return pan
}

func (w *world) enrol(pan card.PAN) {
	w.Helper()
	w.change(pan, vault.ChangeEnrol)
}

func (w *world) change(pan card.PAN, change vault.AccountChange) {
	w.Helper()
	_, err := w.store.ServeAccount(context.Background(), vault.AccountRequest{Client: issuerName, Change: change, PAN: pan, At: w.clock.Now()})
	w.must(err)
}

// account is a fresh account of a range.
func (w *world) account(leading string) card.PAN {
	w.Helper()
	pan, err := card.CompletePAN(fmt.Sprintf("%s%0*d", leading, 15-len(leading), w.accounts.Add(1)))
	w.must(err)
	return pan
}

// code is the code of the window that is n after the current one.
func (w *world) code(pan card.PAN, n int64) dcvv2.Code {
	w.Helper()
	profile, err := dcvv2.ProfileByName(policy.Profile)
	w.must(err)
	code, err := dcvv2.CodeOf(profile, w.keys.code, dcvv2.Account{PAN: pan, Expiry: expiry},
		dcvv2.WindowAt(w.clock.Now(), policy.WindowHours).Shift(n))
	w.must(err)
	return code
}

// codeThatIs finds a code of an account with a verdict.
func (w *world) codeThatIs(want dcvv2.Verdict, pan card.PAN) dcvv2.Code {
	w.Helper()
	account := dcvv2.Account{PAN: pan, Expiry: expiry}
	for n := range 1000 {
		code, err := dcvv2.ParseCode(fmt.Sprintf("%03d", n))
		w.must(err)
		finding, err := dcvv2.Verify(dcvv2.Always(policy), w.keys.code.Masters, account, code, w.clock.Now())
		w.must(err)
		if finding.Verdict == want {
			return code
		}
	}
	w.Fatalf("no code is %v", want)
	return dcvv2.Code{}
}

// activation is a request for a token with a code.
func (w *world) activation(pan card.PAN, code dcvv2.Code) *messages.ActivationRequest {
	return w.activationWith(pan, dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code})
}

func (w *world) activationWith(pan card.PAN, presented dcvv2.Presented) *messages.ActivationRequest {
	return &messages.ActivationRequest{
		Trace: w.newTrace(), Local: messages.LocalAt(w.clock.Now()),
		Place: messages.Place{Category: "6012", Country: "840", EntryMode: "0100", Condition: "51", Currency: "840"},
		Activation: token.Activation{
			PAN: pan, Expiry: expiry, CVV2: presented, Requestor: "40010030273", Type: token.SecureElement,
			Device: token.Device{Type: "01", ID: fmt.Sprintf("%048x", 7)},
			Wallet: token.Wallet{Recommendation: "0", DeviceScore: "5"},
		},
	}
}

// phone is a token with the key that its cryptograms are made with.
type phone struct {
	messages.TokenData
	pan     card.PAN
	cardKey emv.Key
	atc     uint16
}

// activated is a phone with a fresh token.
func (w *world) activated() *phone {
	w.Helper()
	pan := w.enrolled()
	answer := w.wallet.activate(w.activation(pan, w.code(pan, 0)))
	if answer.Token == nil {
		w.Fatalf("no token: %s", answer.Outcome.Response)
	}
	return &phone{
		TokenData: *answer.Token, pan: pan,
		cardKey: emv.CardKey(w.keys.token, answer.Token.Number, card.Sequence(1)),
	}
}

// tap is the phone's next payment.
func (w *world) tapOf(p *phone) *messages.TapRequest {
	p.atc++
	return w.tapWith(p, p.atc)
}

const amount = 1250 // minor units

func (w *world) tapWith(p *phone, atc uint16) *messages.TapRequest {
	w.Helper()
	chip := emv.Input{
		AmountAuthorised: amount, Country: 840, Currency: 840, Date: [3]byte{0x26, 0x11, 0x22},
		Unpredictable: [4]byte{1, 2, 3, 4}, AIP: [2]byte{0x20, 0x00}, ATC: atc,
		IAD: []byte{0x06, 0x01, 0x12, 0x03, 0xA0, 0x00, 0x00},
	}
	cryptogram, err := emv.ApplicationCryptogram(p.cardKey, chip)
	w.must(err)
	return &messages.TapRequest{
		Trace: w.newTrace(), Local: messages.LocalAt(w.clock.Now()),
		Place: messages.Place{Category: "5812", Country: "840", EntryMode: "0710", Condition: "00", Currency: "840"},
		Tap: token.Tap{
			Number: p.Number, Sequence: 1, Expiry: p.Expiry, Amount: amount,
			Chip: chip, Cryptogram: cryptogram,
		},
	}
}

// wantARPC wants an answer for the card that the phone would believe.
func (w *world) wantARPC(p *phone, r *messages.TapRequest, a *messages.TapAnswer) {
	w.Helper()
	if !emv.VerifyARPC2(emv.SessionKey(p.cardKey, r.Tap.Chip.ATC), r.Tap.Cryptogram, a.CSU, a.ARPC) {
		w.Error("the answer's ARPC does not verify")
	}
}

// trail lists the audit entries of an event.
func (w *world) trail(event string) []vault.Entry {
	w.Helper()
	var list []vault.Entry
	for after := int64(0); ; {
		entries, err := w.store.Audit(context.Background(), after, vault.ListMax)
		w.must(err)
		if len(entries) == 0 {
			return list
		}
		after = entries[len(entries)-1].Number
		for _, e := range entries {
			if e.Event == event {
				list = append(list, e)
			}
		}
	}
}

// wantTokens wants as many tokens to have been made.
func (w *world) wantTokens(n int) {
	w.Helper()
	if made := len(w.trail(vault.EventTokenCreated)); made != n {
		w.Errorf("%d tokens were made, not %d", made, n)
	}
}

// wantReason wants the trail to tell why a transaction ended as it did.
func (w *world) wantReason(transactionID string, reason token.Reason) {
	w.Helper()
	entries, err := w.store.Explain(context.Background(), transactionID)
	w.must(err)
	for _, e := range entries {
		_, why, _ := strings.Cut(e.Detail, ": ")
		if why, _, _ = strings.Cut(why, ": "); why == string(reason) {
			return
		}
	}
	w.Errorf("transaction %s is not explained by %q: %+v", transactionID, reason, entries)
}

// wantNothingUnfinished wants every claimed request to be concluded.
func (w *world) wantNothingUnfinished() {
	w.Helper()
	list, err := w.store.Unfinished(context.Background())
	w.must(err)
	if len(list) > 0 {
		w.Errorf("%d requests are not concluded", len(list))
	}
}

func windowOf(at time.Time) dcvv2.Window { return dcvv2.WindowAt(at, policy.WindowHours) }
