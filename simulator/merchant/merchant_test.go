package merchant_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/simulator/terminal"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func cardKey(t testing.TB) emv.Key {
	t.Helper()
	k, err := emv.ParseKey("68EFE6451FDF864C2FE579FE16B35826")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func held(t *testing.T) *phone.Phone {
	t.Helper()
	p, err := phone.New(seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Load(phone.Material{
		Number: card.MustPAN("4895370012345671"), Sequence: 1, Expiry: card.MustExpiry("2912"), CardKey: cardKey(t),
		Reference: "0123456789abcdef0123456789abcdef", Requestor: "40010030273",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func openMerchant(t *testing.T, script stationtest.Script, change func(*merchant.Options)) (*merchant.Merchant, *stationtest.Gateway) {
	t.Helper()
	gateway := stationtest.Serve(t, script)
	o := merchant.Options{
		Station: gateway.Options(seeded(2)), Name: messages.NameAndPlace("CORNER BAKERY", "SAN FRANCISCO", "US"),
		Category: "5462", Country: "840", Currency: "840",
	}
	if change != nil {
		change(&o)
	}
	m, err := merchant.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, gateway
}

var (
	approved = token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, Authentication: token.ARQCVerified, AuthorizationID: "123456"}
	csu      = [4]byte{0x00, 0x80, 0x00, 0x00}
)

// arpcOf is the answer that a network with the card's key gives.
func arpcOf(t *testing.T, r *messages.TapRequest) emv.Cryptogram {
	return emv.ARPC2(emv.SessionKey(cardKey(t), r.Tap.Chip.ATC), r.Tap.Cryptogram, csu)
}

// answerWith is a gateway's script: an outcome and what the card is told.
func answerWith(t *testing.T, o token.Outcome, arpc func(*messages.TapRequest) emv.Cryptogram) stationtest.Script {
	return func(_ *specs.Message, typed messages.Message) *specs.Message {
		request, ok := typed.(*messages.TapRequest)
		if !ok {
			t.Errorf("the merchant asks with a %T", typed)
			return nil
		}
		var answer emv.Cryptogram
		if arpc != nil {
			answer = arpc(request)
		}
		o.CSU = csu
		return stationtest.Encode(t, request.Answer("532612000123456", o, answer))
	}
}

func TestATap(t *testing.T) {
	m, gateway := openMerchant(t, answerWith(t, approved, func(r *messages.TapRequest) emv.Cryptogram { return arpcOf(t, r) }), nil)
	p := held(t)
	receipt, err := m.Tap(t.Context(), p.Card(), 1250)
	if err != nil {
		t.Fatal(err)
	}
	if !receipt.Approved() || receipt.ARPC != merchant.ARPCVerified || receipt.ARQC() != "verified" || receipt.ATC != 1 || len(receipt.Transcript) == 0 {
		t.Errorf("the receipt is %+v", receipt)
	}
	if p.LastTap().Answer != phone.Accepted {
		t.Errorf("the phone remembers %+v", p.LastTap())
	}

	request := gateway.Asked()[1].(*messages.TapRequest)
	in := request.Tap.Chip
	if request.EntryMode != "0710" || request.Condition != "00" || request.Category != "5462" || request.Tap.Amount != 1250 ||
		in.AmountAuthorised != 1250 || in.Country != 840 || in.Currency != 840 || in.Date != [3]byte{0x26, 0x11, 0x22} {
		t.Errorf("the merchant asked %+v", request)
	}
	if !emv.VerifyCryptogram(cardKey(t), in, request.Tap.Cryptogram) {
		t.Error("the cryptogram on the wire does not verify")
	}
	if request.Token != nil || request.TransactionID != "" {
		t.Error("a merchant sends what only the gateway knows")
	}
}

// Each tap has an unpredictable number of its own.
func TestUnpredictableNumbersDiffer(t *testing.T) {
	m, gateway := openMerchant(t, answerWith(t, approved, nil), nil)
	p := held(t)
	for range 2 {
		if _, err := m.Tap(t.Context(), p.Card(), 100); err != nil {
			t.Fatal(err)
		}
	}
	first, second := gateway.Asked()[1].(*messages.TapRequest), gateway.Asked()[2].(*messages.TapRequest)
	if first.Tap.Chip.Unpredictable == second.Tap.Chip.Unpredictable {
		t.Error("two taps have one unpredictable number")
	}
	if first.Trace == second.Trace {
		t.Error("two taps have one trace")
	}
}

func TestReceipts(t *testing.T) {
	right := func(r *messages.TapRequest) emv.Cryptogram { return arpcOf(t, r) }
	wrong := func(r *messages.TapRequest) emv.Cryptogram {
		b := arpcOf(t, r).Reveal()
		b[0] ^= 1
		c, _ := emv.NewCryptogram(b)
		return c
	}
	with := func(response token.Response, found token.Authentication) token.Outcome {
		return token.Outcome{Response: response, AnsweredBy: token.ByNetwork, Authentication: found}
	}
	tests := []struct {
		name     string
		outcome  token.Outcome
		arpc     func(*messages.TapRequest) emv.Cryptogram
		approved bool
		arqc     string
		wantARPC merchant.ARPCResult
	}{
		{"approved and verified", approved, right, true, "verified", merchant.ARPCVerified},
		{"approved with nothing for the phone", approved, nil, true, "verified", merchant.ARPCNone},
		{"approved and refused by the phone", approved, wrong, false, "verified", merchant.ARPCRefused},
		{"declined, and the phone knows", with(token.InsufficientFunds, token.ARQCVerified), right, false, "verified", merchant.ARPCVerified},
		{"a cryptogram that failed", with(token.CardAuthentication, token.ARQCFailed), nil, false, "failed", merchant.ARPCNone},
		{"refused before the cryptogram", with(token.RestrictedCard, token.NotAuthenticated), nil, false, "unchecked", merchant.ARPCNone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, _ := openMerchant(t, answerWith(t, test.outcome, test.arpc), nil)
			receipt, err := m.Tap(t.Context(), held(t).Card(), 1250)
			if err != nil {
				t.Fatal(err)
			}
			if receipt.Approved() != test.approved || receipt.ARQC() != test.arqc || receipt.ARPC != test.wantARPC || receipt.Answer.Outcome.Response != test.outcome.Response {
				t.Errorf("approved %v, cryptogram %s, answer %s, response %s", receipt.Approved(), receipt.ARQC(), receipt.ARPC, receipt.Answer.Outcome.Response)
			}
		})
	}
}

// What a merchant changes after the phone has signed no longer verifies.
func TestTampering(t *testing.T) {
	m, gateway := openMerchant(t, answerWith(t, token.Outcome{Response: token.CardAuthentication}, nil),
		func(o *merchant.Options) { o.Tamper = merchant.AlterAmount(100_00) })
	if _, err := m.Tap(t.Context(), held(t).Card(), 1250); err != nil {
		t.Fatal(err)
	}
	request := gateway.Asked()[1].(*messages.TapRequest)
	if request.Tap.Amount != 11250 || request.Tap.Chip.AmountAuthorised != 11250 {
		t.Errorf("the amounts are %d and %d", request.Tap.Amount, request.Tap.Chip.AmountAuthorised)
	}
	if emv.VerifyCryptogram(cardKey(t), request.Tap.Chip, request.Tap.Cryptogram) {
		t.Error("the cryptogram covers the amount and still verifies")
	}
}

// gone is a phone that is taken away after some commands.
type gone struct {
	card terminal.Card
	left int
}

var errAway = errors.New("the phone was taken away")

func (g *gone) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if g.left--; g.left < 0 {
		return nil, errAway
	}
	return g.card.Transmit(ctx, command)
}

func TestThePhoneIsTakenAway(t *testing.T) {
	script := answerWith(t, approved, func(r *messages.TapRequest) emv.Cryptogram { return arpcOf(t, r) })
	m, gateway := openMerchant(t, script, nil)
	receipt, err := m.Tap(t.Context(), &gone{held(t).Card(), 2}, 1250)
	if !errors.Is(err, errAway) || !strings.Contains(err.Error(), "reading the phone") || len(gateway.Asked()) != 1 || receipt.Approved() {
		t.Errorf("before the gateway was asked: %v", err)
	}

	whole := &gone{held(t).Card(), 100}
	if _, err := m.Tap(t.Context(), whole, 1250); err != nil {
		t.Fatal(err)
	}
	commands := 100 - whole.left
	receipt, err = m.Tap(t.Context(), &gone{held(t).Card(), commands - 1}, 1250)
	if !errors.Is(err, errAway) || !strings.Contains(err.Error(), "completing at the phone") || receipt.ARPC != merchant.ARPCNone {
		t.Errorf("before the issuer's answer reached it: %+v, %v", receipt.ARPC, err)
	}
	if receipt.Answer.Outcome.Response != token.Approved {
		t.Error("the receipt forgets what the gateway decided")
	}
}

func TestWhatTheMerchantCannotDo(t *testing.T) {
	another := func(_ *specs.Message, typed messages.Message) *specs.Message {
		r := typed.(*messages.TapRequest)
		a := &messages.ActivationAnswer{PAN: r.Tap.Number, Trace: r.Trace, Currency: r.Currency, Outcome: messages.OutcomeOf(token.Outcome{Response: token.DoNotHonour, CVV2: dcvv2.NoMatch})}
		return stationtest.Encode(t, a)
	}
	tests := []struct {
		name   string
		script stationtest.Script
		change func(*merchant.Options)
		amount uint64
		want   string
	}{
		{"an answer of another type", another, nil, 100, "answered a tap with"},
		{"a country in letters", another, func(o *merchant.Options) { o.Country = "USA" }, 100, "the terminal's country must be three digits"},
		{"a currency in letters", another, func(o *merchant.Options) { o.Currency = "USD" }, 100, "the terminal's currency must be three digits"},
		{"an amount of 13 digits", another, nil, terminal.AmountMax + 1, "at most 12 digits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, _ := openMerchant(t, test.script, test.change)
			if _, err := m.Tap(t.Context(), held(t).Card(), test.amount); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestNoGateway(t *testing.T) {
	o := merchant.Options{}
	o.Station = stationtest.Serve(t, nil).Options(seeded(1))
	o.Station.Addr = "127.0.0.1:1"
	if _, err := merchant.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is `firsttap gateway` running?") {
		t.Errorf("the error is %v", err)
	}
}
