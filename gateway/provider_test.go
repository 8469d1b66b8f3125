package gateway_test

import (
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// bringing is an activation by the provider with a token that it minted.
func (w *world) bringing(number card.PAN, reference string) *messages.ActivationRequest {
	r := goodActivation(w)
	r.Activation.Requestor = providerRequestor
	r.Minted = &messages.MintedToken{Number: number, Reference: reference, Expiry: card.MustExpiry("2901")}
	return r
}

const broughtReference = "00112233445566778899aabbccddeeff"

func TestProviderThatMints(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		r := w.bringing(w.account(providerRange), broughtReference)
		a := w.provider.activate(r)
		want := messages.TokenData{
			Number: r.Minted.Number, Requestor: providerRequestor, Reference: broughtReference,
			Expiry: r.Minted.Expiry, Type: token.SecureElement, Status: token.Active,
		}
		if a.Outcome.Response != token.Approved || a.Token == nil || *a.Token != want {
			t.Fatalf("39=%s, token %+v", a.Outcome.Response, a.Token)
		}
		if q := saw[*messages.ActivationRequest](w.issuer)[0]; q.Minted != nil || q.Activation.PAN != r.Activation.PAN {
			t.Errorf("the issuer saw the token before there was one: %+v", q.Minted)
		}
		if n := w.untilTold(token.NoticeCreated, 1); n.Token != want {
			t.Errorf("the issuer is told of %+v", n.Token)
		}
		p := &phone{TokenData: *a.Token, pan: r.Activation.PAN, cardKey: emv.CardKey(w.keys.token, a.Token.Number, card.Sequence(1))}
		w.wantTap(p, token.Approved)
		unnamed := w.wish(broughtReference, token.NoticeSuspended)
		unnamed.Requestor = "" // the provider has but one
		w.updated(w.provider, unnamed, token.Approved)
		w.wantTap(p, token.RestrictedCard)
		if again := w.provider.activate(repeatOf(r).(*messages.ActivationRequest)); again.Token == nil || *again.Token != want {
			t.Errorf("the repeat: 39=%s, token %+v", again.Outcome.Response, again.Token)
		}
	})
}

// TestRefusedBeforeTheCode lists activations that their station may not send:
// they cost neither a code nor a question.
func TestRefusedBeforeTheCode(t *testing.T) {
	w := newWorld(t, whole)
	for name, test := range map[string]struct {
		by     *station
		spoil  func(r *messages.ActivationRequest)
		want   token.Response
		reason token.Reason
	}{
		"a provider brings none": {w.provider, func(r *messages.ActivationRequest) { r.Minted = nil }, "30", token.ReasonNotBrought},
		"a wallet brings one": {w.wallet, func(r *messages.ActivationRequest) {
			r.Activation.Requestor = walletRequestor
		}, "12", token.ReasonNotAMinter},
		"a number outside its range": {w.provider, func(r *messages.ActivationRequest) {
			r.Minted.Number = w.account(tokenRange)
		}, "14", token.ReasonOutsideRange},
		"another's requestor id": {w.provider, func(r *messages.ActivationRequest) {
			r.Activation.Requestor = walletRequestor
		}, "58", token.ReasonWrongRequestor},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.bringing(w.account(providerRange), broughtReference)
			right := *r
			minted := *r.Minted
			right.Minted, right.Trace = &minted, w.newTrace()
			test.spoil(r)
			asked := len(saw[*messages.ActivationRequest](w.issuer))
			a := test.by.activate(r)
			if a.Outcome.Response != test.want || a.Outcome.Additional.AnsweredBy != token.ByNetwork || a.Token != nil {
				t.Errorf("39=%s, token %v", a.Outcome.Response, a.Token)
			}
			if seen := len(saw[*messages.ActivationRequest](w.issuer)); seen != asked {
				t.Error("the issuer was asked")
			}
			w.until("it is logged", func() bool { return len(w.log.of(r.STAN)) == 1 })
			if e := w.log.of(r.STAN)[0]; e.Reason != string(test.reason) {
				t.Errorf("logged as %+v", e)
			}
			right.Minted.Reference = right.RRN + right.STAN + "00112233445566"
			if a := w.provider.activate(&right); a.Outcome.Response != token.Approved {
				t.Errorf("the right one with the same code: 39=%s", a.Outcome.Response)
			}
		})
	}
}

// TestNumberThatIsTaken is granted by the issuer, which cannot know, and undone
// there.
func TestNumberThatIsTaken(t *testing.T) {
	w := newWorld(t, whole)
	first := w.bringing(w.account(providerRange), broughtReference)
	w.provider.activate(first)
	undone := 0
	for name, second := range map[string]*messages.ActivationRequest{
		"the number":    w.bringing(first.Minted.Number, "ffeeddccbbaa99887766554433221100"),
		"the reference": w.bringing(w.account(providerRange), broughtReference),
	} {
		t.Run(name, func(t *testing.T) {
			a := w.provider.activate(second)
			if a.Outcome.Response != token.BadNumber || a.Outcome.Additional.AnsweredBy != token.ByNetwork ||
				a.Outcome.AuthorizationID != "" || a.Token != nil {
				t.Errorf("39=%s, token %v", a.Outcome.Response, a.Token)
			}
			undone++
			asked := saw[*messages.ActivationRequest](w.issuer)
			w.wantUndoes(w.untilReversed(undone), asked[len(asked)-1].Trace, second.Activation.PAN, a.TransactionID, true)
			if again := w.provider.activate(repeatOf(second).(*messages.ActivationRequest)); again.Outcome.Response != token.BadNumber {
				t.Errorf("the repeat: 39=%s", again.Outcome.Response)
			}
			free := *second
			free.Trace, free.Minted = w.newTrace(), &messages.MintedToken{
				Number: w.account(providerRange), Reference: second.RRN + second.STAN + "00112233445566", Expiry: expiry,
			}
			if a := w.provider.activate(&free); a.Outcome.Response != token.Approved {
				t.Errorf("the code with a free number: 39=%s", a.Outcome.Response)
			}
		})
	}
	w.wantTokens(3)
}

// wantUndoes wants a 0420 to undo the question of a trace.
func (w *world) wantUndoes(r *messages.Reversal, question messages.Trace, account card.PAN, transactionID string, activation bool) {
	w.Helper()
	if !r.Advice || r.Number != account || r.Activation != activation || r.TransactionID != transactionID ||
		r.Original != messages.OriginalOf("0100", question) || r.RRN != question.RRN {
		w.Errorf("the issuer got %+v, to undo %s of %+v", r, transactionID, question)
	}
}

// TestTwoIssuers holds that each issuer hears of its own range's accounts only.
func TestTwoIssuers(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		pan := w.account(otherRange)
		w.enrol(pan)
		a := w.wallet.activate(w.activation(pan, w.code(pan, 0)))
		if a.Token == nil {
			t.Fatalf("39=%s", a.Outcome.Response)
		}
		p := &phone{TokenData: *a.Token, pan: pan, cardKey: emv.CardKey(w.keys.token, a.Token.Number, card.Sequence(1))}
		w.wantTap(p, token.Approved)
		w.merchant.ask(w.remoteBy(messages.ECommercePayment, amount, pan, given(w.anyCode())))
		w.merchant.ask(w.remoteBy(messages.AccountVerification, 0, w.account(otherRange), given(w.anyCode())))
		w.wantAllSent()
		w.issuer.mu.Lock()
		if len(w.issuer.seen) != 0 {
			t.Errorf("the first issuer got %d messages", len(w.issuer.seen))
		}
		w.issuer.mu.Unlock()
		if n := len(saw[*messages.ActivationRequest](w.other)); n != 1 {
			t.Errorf("the second was asked for %d tokens", n)
		}
		if told := len(w.other.notices(token.NoticeCreated)) + len(saw[*messages.Advice](w.other)); told != 2 {
			t.Errorf("the second was told %d times", told)
		}
		w.other.down()
		if a := w.wallet.activate(goodActivation(w)); a.Outcome.Response != token.Approved {
			t.Errorf("while the second is down the first answers %s", a.Outcome.Response)
		}
	})
}
