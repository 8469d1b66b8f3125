package merchant_test

import (
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// granting is a gateway that approves what comes without a terminal, and
// reversals.
func granting(t *testing.T) stationtest.Script {
	return func(_ *specs.Message, typed messages.Message) *specs.Message {
		switch r := typed.(type) {
		case *messages.RemoteRequest:
			return stationtest.Encode(t, r.Answer("532612000123456", token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match}))
		case *messages.TapRequest:
			return stationtest.Encode(t, r.Answer("532612000123457", approved, emv.Cryptogram{}))
		case *messages.Reversal:
			return stationtest.Encode(t, r.Answer(token.Approved, r.TransactionID))
		}
		t.Errorf("the merchant asks with a %T", typed)
		return nil
	}
}

func typedIn(t *testing.T) site.Card {
	t.Helper()
	code, err := dcvv2.ParseCode("737")
	if err != nil {
		t.Fatal(err)
	}
	return site.Card{PAN: card.MustPAN("4761739001010010"), Expiry: card.MustExpiry("2912"), Code: code}
}

func TestOnlineByCard(t *testing.T) {
	m, gateway := openMerchant(t, granting(t), nil)
	verified, err := m.Verify(t.Context(), typedIn(t))
	if err != nil || verified.Outcome.Response != token.Approved || verified.Condition != messages.AccountVerification {
		t.Errorf("%+v, %v", verified, err)
	}
	sold, err := m.Sell(t.Context(), typedIn(t), 1250)
	if err != nil || sold.Amount != 1250 || sold.Condition != messages.ECommercePayment {
		t.Errorf("%+v, %v", sold, err)
	}
	for i, amount := range []uint64{0, 1250} {
		r := gateway.Asked()[i+1].(*messages.RemoteRequest)
		if r.Number != typedIn(t).PAN || r.CVV2.Code != typedIn(t).Code || r.Amount != amount || r.EntryMode != "0100" || !r.Cryptogram.IsZero() {
			t.Errorf("asked %+v", r)
		}
	}
}

func TestOnlineByToken(t *testing.T) {
	m, gateway := openMerchant(t, granting(t), nil)
	p := held(t)
	reference := p.References()[0]
	if _, err := m.SellByToken(t.Context(), p, reference, 1250); err != nil {
		t.Fatal(err)
	}
	r := gateway.Asked()[1].(*messages.RemoteRequest)
	c := r.Cryptogram
	if !emv.VerifyCryptogram(cardKey(t), emv.RemoteInput(1250, 840, c.ATC, c.Unpredictable), c.Cryptogram) || c.ATC != 1 ||
		r.Requestor != "40010030273" || r.CVV2.HasCode() {
		t.Errorf("asked %+v", r)
	}
	if _, err := m.SellByToken(t.Context(), p, "0000", 1250); err == nil {
		t.Error("a token that is not there pays")
	}
	data := messages.TokenData{Number: r.Number, Expiry: r.Expiry, Requestor: "40010030273"}
	if _, err := m.SellOnFile(t.Context(), data, 500); err != nil {
		t.Fatal(err)
	}
	if r := gateway.Asked()[2].(*messages.RemoteRequest); !r.Cryptogram.IsZero() || r.EntryMode != "1000" || r.Amount != 500 {
		t.Errorf("asked %+v", r)
	}
}

// A reversal has the amount and the trace of what it undoes.
func TestReversals(t *testing.T) {
	m, gateway := openMerchant(t, granting(t), nil)
	receipt, err := m.Tap(t.Context(), held(t).Card(), 1250)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := m.Reverse(t.Context(), receipt); err != nil || answer.Response != token.Approved {
		t.Errorf("%+v, %v", answer, err)
	}
	sold, err := m.Sell(t.Context(), typedIn(t), 700)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := m.ReverseOnline(t.Context(), sold); err != nil || answer.Response != token.Approved {
		t.Errorf("%+v, %v", answer, err)
	}
	asked := gateway.Asked()
	tap, sale := asked[1].(*messages.TapRequest), asked[3].(*messages.RemoteRequest)
	for _, c := range []struct {
		reversal *messages.Reversal
		trace    messages.Trace
		number   card.PAN
		amount   uint64
	}{
		{asked[2].(*messages.Reversal), tap.Trace, tap.Tap.Number, 1250},
		{asked[4].(*messages.Reversal), sale.Trace, sale.Number, 700},
	} {
		r := c.reversal
		if !r.Original.Names(c.trace) || r.RRN != c.trace.RRN || r.STAN == c.trace.STAN || r.Number != c.number || r.Amount != c.amount || r.Activation {
			t.Errorf("%+v reverses %+v", r, c.trace)
		}
	}
}
