package merchant_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
)

// taps makes two taps and gives what the gateway was asked.
func taps(t *testing.T, change func(*merchant.Options), first, second interface{ Card() phone.Card }) (a, b *messages.TapRequest) {
	t.Helper()
	m, gateway := openMerchant(t, answerWith(t, approved, nil), change)
	for _, p := range []interface{ Card() phone.Card }{first, second} {
		if _, err := m.Tap(t.Context(), p.Card(), 1250); err != nil {
			t.Fatal(err)
		}
	}
	return gateway.Asked()[1].(*messages.TapRequest), gateway.Asked()[2].(*messages.TapRequest)
}

func genuine(t *testing.T, r *messages.TapRequest) bool {
	t.Helper()
	return emv.VerifyCryptogram(cardKey(t), r.Tap.Chip, r.Tap.Cryptogram)
}

// A replay on the wire is genuine and old, in a message of its own.
func TestReplayFirst(t *testing.T) {
	p := held(t)
	a, b := taps(t, func(o *merchant.Options) { o.Tamper = merchant.ReplayFirst() }, p, p)
	if !genuine(t, a) || !genuine(t, b) || b.Tap.Cryptogram != a.Tap.Cryptogram || b.Tap.Chip.ATC != 1 || p.LastTap().ATC != 2 {
		t.Errorf("the second request is no replay of the first: %+v", b.Tap)
	}
	if a.Trace == b.Trace {
		t.Error("a replay has a trace of its own")
	}
}

// played is a recording held to a terminal.
type played struct{ recorder *phone.Recorder }

func (p played) Card() phone.Card { return p.recorder.Replayed() }

// recorded is a phone that is recorded as it is tapped.
type recorded struct{ recorder *phone.Recorder }

func (r recorded) Card() phone.Card { return r.recorder }

// A recorded tap is genuine once more only where the terminal's number can be
// predicted.
func TestARecordedTapAtAWeakTerminal(t *testing.T) {
	for _, weak := range []bool{false, true} {
		recorder := phone.Record(held(t).Card())
		a, b := taps(t, func(o *merchant.Options) { o.Predictable = weak }, recorded{recorder}, played{recorder})
		if !genuine(t, a) || genuine(t, b) != weak || b.Tap.Chip.ATC != a.Tap.Chip.ATC {
			t.Errorf("at a terminal whose number is predictable (%v) the replay is genuine: %v", weak, genuine(t, b))
		}
		if weak && (a.Tap.Chip.Unpredictable != merchant.Predicted || b.Tap.Chip.Unpredictable != merchant.Predicted) {
			t.Error("the terminal's number is not the predicted one")
		}
	}
}

// A phone in disguise shows another token and cannot sign for it.
func TestAMasqueradeAtTheTerminal(t *testing.T) {
	own := held(t)
	thief, err := own.Masquerade(card.MustPAN("4761739001010010"), 1, card.MustExpiry("3001"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := taps(t, nil, own, thief)
	if b.Tap.Number != card.MustPAN("4761739001010010") || b.Tap.Expiry != card.MustExpiry("3001") || a.Tap.Number == b.Tap.Number {
		t.Errorf("the thief's phone showed %v", b.Tap.Number)
	}
	if !genuine(t, b) {
		t.Error("it signs with its own key, whose token is not the one it shows")
	}
}

// Field 55 carries any version, and a cloud token's tap ends without an answer.
func TestTapsOfEveryVersion(t *testing.T) {
	lent, err := emv.LimitedUseKey(cardKey(t), "6781301")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{phone.Version10, phone.Version17, phone.Version18, phone.Version43} {
		material := phone.Material{
			Number: card.MustPAN("4895370012345671"), Sequence: 1, Expiry: card.MustExpiry("2912"), CardKey: cardKey(t),
			Reference: "0123456789abcdef0123456789abcdef", Requestor: "40010030273", Version: version,
		}
		key := material.CardKey
		if version == phone.Version43 {
			key, material.CardKey = lent, emv.Key{}
			material.Lent = phone.LentKey{Index: "6781301", Key: lent, UsesMax: 1, Expires: stationtest.Noon.Add(time.Hour)}
		}
		p, err := phone.New(seeded(1), phone.Clock(func() time.Time { return stationtest.Noon }))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Load(material); err != nil {
			t.Fatal(err)
		}
		m, gateway := openMerchant(t, answerWith(t, approved, nil), nil)
		receipt, err := m.Tap(t.Context(), p.Card(), 1250)
		if err != nil || !receipt.Approved() || receipt.ARPC != merchant.ARPCNone {
			t.Errorf("version %d: %+v, %v", version, receipt, err)
		}
		got := gateway.Asked()[1].(*messages.TapRequest).Tap
		sent, err := emv.VersionOf(got.Chip.IAD)
		if err != nil || sent.Number() != version || !emv.VerifyCryptogram(key, got.Chip, got.Cryptogram) {
			t.Errorf("version %d came over the wire as %d, %v", version, sent.Number(), err)
		}
		if version != phone.Version43 {
			continue
		}
		if index, err := emv.LimitedUseIndex(got.Chip.IAD); err != nil || index != "6781301" {
			t.Errorf("the key's index came as %s, %v", index, err)
		}
		if _, err := m.Tap(t.Context(), p.Card(), 1250); err == nil {
			t.Error("a phone without a key paid")
		}
	}
}
