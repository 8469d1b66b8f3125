package gateway_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// foreigners are a gateway among strangers: wallet, merchant and issuer speak
// by moov's stock libraries.
type foreigners struct {
	*world
	wallet, merchant *foreignStation
	issuer           *foreignHost
}

func amongForeigners(t *testing.T, profile func(*settings), change ...func(*settings)) *foreigners {
	t.Helper()
	var set settings
	profile(&set)
	f := newForeign(t, set.profile.Name())
	g := &foreigners{}
	g.world = newWorld(t, append(change, profile, func(s *settings) {
		g.issuer = f.host()
		s.host = g.issuer.address
	})...)
	g.waitIssuer()
	t.Cleanup(g.wantAllSent) // a host of moov's may hang that is cut off as it answers
	g.wallet, g.merchant = f.dial(g.doors[wallets]), f.dial(g.doors[merchants])
	return g
}

// trace is that of a new question.
func (g *foreigners) trace() content {
	trace := g.newTrace()
	return content{"7": trace.Transmitted, "11": trace.STAN, "32": trace.Acquirer, "37": trace.RRN, "41": trace.Terminal, "42": trace.Acceptor}
}

// activate gets a token and the key that its cryptograms are made with.
func (g *foreigners) activate(pan card.PAN) (*iso8583.Message, *foreignPhone) {
	g.Helper()
	w := g.wallet
	question := g.trace()
	maps.Copy(question, content{
		"2": pan.Reveal(), "3": "000000", "4": "000000000000", "14": expiry.YYMM(), "18": "6012", "22": w.entryMode("0100"), "23": "000",
		"25": "51", "49": "840", "63.3": "3700", "126.10": "11 " + g.code(pan, 0).Reveal(),
		"123.01.03": walletRequestor, "123.01.06": "SE", "125.01.03": strings.Repeat("0A", 24),
	})
	answer := w.ask("0100", question)
	if response := w.read(answer, "39"); response != "00" {
		g.Fatalf("the activation: 39=%s", response)
	}
	number, err := card.ParsePAN(w.read(answer, "123.01.01"))
	g.must(err)
	return answer, &foreignPhone{
		number: number, expiry: w.read(answer, "123.01.05"), cardKey: emv.CardKey(g.keys.token, number, card.Sequence(1)),
	}
}

type foreignPhone struct {
	number  card.PAN
	expiry  string
	cardKey emv.Key
	atc     uint16
}

// foreignTap is a tap with what its answer is checked by.
type foreignTap struct {
	content
	session    emv.Key
	cryptogram emv.Cryptogram
}

// tap is the phone's next payment: field 55 holds a cryptogram of amount.
func (g *foreigners) tap(p *foreignPhone) foreignTap {
	g.Helper()
	p.atc++
	chip := emv.Input{
		AmountAuthorised: amount, Country: 840, Currency: 840, Date: [3]byte{0x26, 0x11, 0x22},
		Unpredictable: [4]byte{1, 2, 3, 4}, AIP: [2]byte{0x20, 0x00}, ATC: p.atc,
		IAD: []byte{0x06, 0x01, 0x12, 0x03, 0xA0, 0x00, 0x00},
	}
	cryptogram, err := emv.ApplicationCryptogram(p.cardKey, chip)
	g.must(err)
	question := g.trace()
	maps.Copy(question, content{
		"2": p.number.Reveal(), "3": "000000", "4": fmt.Sprintf("%012d", amount), "14": p.expiry, "18": "5812",
		"22": g.merchant.entryMode("0710"), "23": "001", "25": "00", "49": "840",
		"55.01.82": "2000", "55.01.95": "0000000000", "55.01.9A": "261122", "55.01.9C": "00", "55.01.5F2A": "0840",
		"55.01.9F02": fmt.Sprintf("%012d", amount), "55.01.9F03": "000000000000", "55.01.9F10": "06011203A00000", "55.01.9F1A": "0840",
		"55.01.9F26": fmt.Sprintf("%X", cryptogram.Reveal()), "55.01.9F36": fmt.Sprintf("%04X", p.atc), "55.01.9F37": "01020304",
	})
	return foreignTap{question, emv.SessionKey(p.cardKey, p.atc), cryptogram}
}

// wantApproved wants an approval by whom, with a verified cryptogram, and tag 91
// to be what the phone would believe.
func (g *foreigners) wantApproved(asked foreignTap, answer *iso8583.Message, by string) {
	g.Helper()
	g.merchant.want(answer, "0110", content{"39": "00", "44": by + "       2", "2": asked.content["2"]})
	raw, err := hex.DecodeString(g.merchant.read(answer, "55.01.91"))
	g.must(err)
	if len(raw) != emv.ARPC2Bytes+4 {
		g.Fatalf("tag 91 has %d bytes", len(raw))
	}
	arpc, err := emv.NewCryptogram(raw[:emv.ARPC2Bytes])
	g.must(err)
	if !emv.VerifyARPC2(asked.session, asked.cryptogram, [4]byte(raw[emv.ARPC2Bytes:]), arpc) {
		g.Error("tag 91 does not verify")
	}
}

// reversal takes a payment back: 32, 37 and 41 are the payment's.
func (g *foreigners) reversal(of content) content {
	r := g.trace()
	r["90"] = fmt.Sprintf("0100%s%s%011s%011d", of["11"], of["7"], of["32"], 0)
	for _, same := range []string{"2", "3", "4", "14", "32", "37", "41", "49"} {
		r[same] = of[same]
	}
	return r
}

// TestForeignersActivate: a code is right by the gateway's word, and the issuer
// does not see it.
func TestForeignersActivate(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		g := amongForeigners(t, profile)
		pan := g.enrolled()
		granted, p := g.activate(pan)
		g.wallet.want(granted, "0110", content{"44": "5         M", "38": authorizationID, "63.3": "3700", "123.01.07": "A"})
		g.issuer.want(g.issuer.only("0100"), "0100", content{
			"2": pan.Reveal(), "44": "          M", "126.10": "31    ", "123.01.01": "", "123.01.03": walletRequestor,
		})
		g.wantAllSent()
		g.issuer.want(g.issuer.only("0620"), "0620", content{
			"2": pan.Reveal(), "63.3": "3700", "123.01.01": p.number.Reveal(), "123.01.04": g.wallet.read(granted, "123.01.04"),
		})
	})
}

// TestForeignersPay: a tap, its repeat and its reversal.
func TestForeignersPay(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		g := amongForeigners(t, profile)
		pan := g.enrolled()
		_, p := g.activate(pan)
		good := g.tap(p)
		paid := g.merchant.ask("0100", good.content)
		g.wantApproved(good, paid, "5")
		id := g.merchant.read(paid, "62.2")
		again := g.merchant.ask("0101", good.content)
		g.wantApproved(good, again, "5")
		g.merchant.want(again, "0110", content{"62.2": id})
		asked := g.issuer.saw("0100")
		if len(asked) != 2 {
			t.Fatalf("the issuer is asked %d times", len(asked))
		}
		g.issuer.want(asked[1], "0100", content{
			"2": pan.Reveal(), "44": "        2", "62.2": id, "123.01.01": p.number.Reveal(), "55.01.9F36": "0001",
		})

		back := g.reversal(good.content)
		g.merchant.want(g.merchant.ask("0400", back), "0410", content{"39": "00", "62.2": id, "90": back["90"]})
		g.wantAllSent()
		g.issuer.want(g.issuer.only("0420"), "0420", content{"2": pan.Reveal(), "37": back["37"], "62.2": id, "38": authorizationID})
	})
}

// TestForeignersAlter: an amount that the phone did not sign.
func TestForeignersAlter(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		g := amongForeigners(t, profile)
		_, p := g.activate(g.enrolled())
		altered := g.tap(p)
		altered.content["4"], altered.content["55.01.9F02"] = "000000001251", "000000001251"
		g.merchant.want(g.merchant.ask("0100", altered.content), "0110", content{"39": "Q1", "44": "2       1", "55.01.91": ""})
		g.issuer.only("0100") // about the token
	})
}

// TestForeignersSendNonsense: what cannot be read is answered by its trace, so
// that moov knows the answer.
func TestForeignersSendNonsense(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		g := amongForeigners(t, profile)
		_, p := g.activate(g.enrolled())
		question := g.tap(p).content
		delete(question, "55.01.9F26")
		g.merchant.want(g.merchant.ask("0100", question), "0110", content{"39": "30", "11": question["11"], "37": question["37"]})
		wish := g.trace()
		maps.Copy(wish, content{"91": "5", "101": "TOKENS", "123.01.04": strings.Repeat("0", 32)})
		g.wallet.want(g.wallet.ask("0302", wish), "0312", content{"39": "25"})
		g.merchant.want(g.merchant.ask("0302", wish), "0312", content{"39": "12"})
	})
}

// TestForeignIssuerIsStoodInFor lets a stranger's issuer fall silent: the
// gateway decides in its place and tells it, until it acknowledges.
func TestForeignIssuerIsStoodInFor(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		g := amongForeigners(t, profile, impatient, standingIn(approving))
		h := g.issuer
		_, p := g.activate(g.enrolled())
		h.silence("0100")
		h.silence("0120")
		good := g.tap(p)
		paid := g.merchant.ask("0100", good.content)
		g.wantApproved(good, paid, "2")
		why := string(token.StandInTimeout)
		g.merchant.want(paid, "0110", content{"63.4": why})
		g.untilAllSent()
		told := content{"39": "00", "63.4": why, "62.2": g.merchant.read(paid, "62.2"), "37": good.content["37"]}
		first := h.only("0120")
		h.want(first, "0120", told)
		told["11"] = h.read(first, "11")
		again := h.saw("0121")
		if len(again) == 0 {
			t.Fatal("the issuer is told once only")
		}
		for _, advice := range again {
			h.want(advice, "0121", told)
		}
	})
}
