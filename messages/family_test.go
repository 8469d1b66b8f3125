package messages_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Clear values of the examples: they may stand in golden bytes and nowhere
// else.
const (
	panDigits   = "4761739001010010"
	tokenDigits = "4895370012345671"
	codeDigits  = "075"
	arqcHex     = "F8BF255996A9B002" // version 18, see the worked token in package emv
	arpcHex     = "F2087F22"
	cardExpiry  = "3112"
	tokenExpiry = "2911"
)

var (
	at            = time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)
	transactionID = "532699887766554"
	csuApproved   = [4]byte{0x00, 0x80, 0x00, 0x00}
)

// example is one message of the family as its sender makes it.
type example struct {
	name  string // of its golden file
	title string
	typed messages.Message
}

// family is every message of the family, in the order of the story.
func family() []example {
	signOn, signOff, echo := network(messages.SignOn), network(messages.SignOff), network(messages.Echo)
	asked, repeated := activation(), activation()
	repeated.Repeat = true
	forwarded := asked.ForIssuer(transactionID, messages.Additional{CVV2: dcvv2.Match})
	minted := mintedToken()
	created, provisioned := notification(token.NoticeCreated, ""), notification(token.NoticeProvisioned, "00")
	tapped := tap()
	authorized := tapped.ForIssuer(transactionID, messages.Additional{Authentication: token.ARQCVerified}, minted)
	return []example{
		{"0800-sign-on", "0800 sign-on", signOn},
		{"0810-sign-on", "0810 sign-on, accepted", signOn.Answer(token.Approved)},
		{"0800-sign-off", "0800 sign-off", signOff},
		{"0810-sign-off", "0810 sign-off, accepted", signOff.Answer(token.Approved)},
		{"0800-echo", "0800 echo", echo},
		{"0810-echo", "0810 echo, refused", echo.Answer(token.Malfunction)},
		{"0100-activation-requestor", "0100 activation, from a token requestor to the gateway", asked},
		{"0101-activation-requestor", "0101 activation, the requestor's repeat", repeated},
		{"0100-activation-issuer", "0100 activation, from the gateway to the issuer: code blanked, 44.10 = M", forwarded},
		{"0110-activation-issuer", "0110 activation, approved by the issuer", forwarded.Answer(transactionID, approved(0), nil)},
		{"0110-activation-approved", "0110 activation, approved, with the token", asked.Answer(transactionID, approved(dcvv2.Match), &minted)},
		{"0110-activation-declined", "0110 activation, declined N7: the network answered", asked.Answer(transactionID, wrongCode(), nil)},
		{"0620-created", "0620 a token was created", created},
		{"0630-created", "0630 the issuer acknowledges", created.Answer(token.Approved)},
		{"0620-provisioned", "0620 the phone has the token", provisioned},
		{"0630-provisioned", "0630 the issuer acknowledges", provisioned.Answer(token.Approved)},
		{"0100-tap-merchant", "0100 tap, from a merchant to the gateway: the token in field 2", tapped},
		{"0100-tap-issuer", "0100 tap, from the gateway to the issuer: the PAN in field 2, the token in 123", authorized},
		{"0110-tap-approved", "0110 tap, approved, with the answer to the card in tag 91", tapped.Answer(transactionID, tapApproved(), cryptogram(arpcHex))},
		{"0110-tap-declined", "0110 tap, declined 59: the counter was used", tapped.Answer(transactionID, cloned(), emv.Cryptogram{})},
	}
}

func network(code messages.NetworkCode) *messages.NetworkRequest {
	return &messages.NetworkRequest{Transmitted: messages.Stamp(at), STAN: "000001", Code: code}
}

func trace() messages.Trace {
	return messages.Trace{
		Transmitted: messages.Stamp(at), STAN: "000123", RRN: messages.RRN(at, "000123"), Acquirer: "400552",
		Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
	}
}

func activation() *messages.ActivationRequest {
	return &messages.ActivationRequest{
		Trace: trace(), Local: messages.LocalAt(at),
		Place: messages.Place{
			Category: "6012", Country: "840", EntryMode: "0100", Condition: "51",
			Name: messages.NameAndPlace("FIRSTTAP WALLET", "SAN FRANCISCO", "US"), Currency: "840",
		},
		Activation: token.Activation{
			PAN: card.MustPAN(panDigits), Expiry: card.MustExpiry(cardExpiry),
			CVV2:      dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code(codeDigits)},
			Requestor: "40010030273", Type: token.SecureElement,
			Device: token.Device{
				Type: "01", Language: "en", ID: "0123456789abcdef0123456789abcdef0123456789abcdef",
				PhoneLast4: "5678", Name: "ANNA'S PHONE", Place: "+37/-122", IP: "192.0.2.1",
			},
			Wallet: token.Wallet{
				Recommendation: "0", Version: "1", DeviceScore: "5", AccountScore: "4", Reasons: "A1B2",
				Source: "K", AccountID: "account-0001", EmailHash: "00112233445566778899aabbccddeeff",
			},
		},
	}
}

func mintedToken() token.Token {
	return token.Token{
		Number: card.MustPAN(tokenDigits), Sequence: 1, Expiry: card.MustExpiry(tokenExpiry),
		Reference: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", Status: token.Active, Type: token.SecureElement,
		Requestor: "40010030273", DeviceID: "0123456789abcdef0123456789abcdef0123456789abcdef",
		PAN: card.MustPAN(panDigits), PANExpiry: card.MustExpiry(cardExpiry), Issuer: "first",
	}
}

func notification(reason token.NoticeReason, result string) *messages.Notification {
	n := &messages.Notification{
		PAN: card.MustPAN(panDigits), Trace: trace(), TransactionID: transactionID, Reason: reason,
		Token: messages.TokenDataOf(mintedToken()), Result: result,
	}
	n.Terminal, n.Acceptor = "", ""
	return n
}

func tap() *messages.TapRequest {
	return &messages.TapRequest{
		Trace: trace(), Local: messages.LocalAt(at),
		Place: messages.Place{
			Category: "5999", Country: "840", EntryMode: "0710", Condition: "00",
			Name: messages.NameAndPlace("CORNER SHOP", "SAN FRANCISCO", "US"), Currency: "840",
		},
		Tap: token.Tap{
			Number: card.MustPAN(tokenDigits), Sequence: 1, Expiry: card.MustExpiry(tokenExpiry),
			Amount: 1250, Currency: "840", EntryMode: "0710", Cryptogram: cryptogram(arqcHex),
			Chip: emv.Input{
				AmountAuthorised: 1250, Country: 840, Currency: 840, Date: [3]byte{0x26, 0x11, 0x22},
				Unpredictable: [4]byte{0x1A, 0x2B, 0x3C, 0x4D}, AIP: [2]byte{0x20, 0x00}, ATC: 7,
				IAD: []byte{0x06, 0x01, 0x12, 0x03, 0xA0, 0x00, 0x00},
			},
		},
	}
}

func approved(cvv2 dcvv2.Result) token.Outcome {
	return token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, CVV2: cvv2, AuthorizationID: "A1B2C3"}
}

func wrongCode() token.Outcome {
	return token.Outcome{Response: token.CVV2Failed, AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch, Reason: token.ReasonEarlyCode}
}

func tapApproved() token.Outcome {
	return token.Outcome{
		Response: token.Approved, AnsweredBy: token.ByIssuer, Authentication: token.ARQCVerified,
		AuthorizationID: "A1B2C4", CSU: csuApproved,
	}
}

func cloned() token.Outcome { return token.CounterRepeated().Declined(mintedToken()) }

func code(digits string) dcvv2.Code {
	c, err := dcvv2.ParseCode(digits)
	if err != nil {
		panic(err)
	}
	return c
}

func cryptogram(digits string) emv.Cryptogram {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	c, err := emv.NewCryptogram(b)
	if err != nil {
		panic(err)
	}
	return c
}

// find gives the example of a name.
func find(t testing.TB, name string) example {
	t.Helper()
	for _, e := range family() {
		if e.name == name {
			return e
		}
	}
	t.Fatalf("no example %s", name)
	return example{}
}

// encoded is an example's fields.
func encoded(t testing.TB, e example) *specs.Message {
	t.Helper()
	m, err := messages.Encode(e.typed)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return m
}

func packed(t testing.TB, m *specs.Message) []byte {
	t.Helper()
	raw, err := specs.VisaStyleCodec().Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func path(t testing.TB, s string) specs.Path {
	t.Helper()
	p, err := specs.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// secrets are compared by ==, which is all they allow.
var secrets = cmpopts.EquateComparable(card.PAN{}, card.Expiry{}, dcvv2.Code{}, emv.Cryptogram{})

func differ(want, got messages.Message) string { return cmp.Diff(want, got, secrets) }
