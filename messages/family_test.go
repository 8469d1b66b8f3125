package messages_test

import (
	"encoding/hex"
	"slices"
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

	newPANDigits   = "4761739001010119"
	laterExpiry    = "3410"
	passcodeDigits = "408117"
	arpc1Hex       = "8B1D4E6F70A2C395" // any 8 bytes: nothing here verifies them
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
	return slices.Concat([]example{
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
	}, stepUps(), tapsBeside(), remotes(), notices(), fileUpdates(), reversals(), advices())
}

// stepUps are activations that end otherwise than by the issuer's yes or no.
func stepUps() []example {
	asked, brought := activation(), activation()
	brought.Minted = &messages.MintedToken{
		Number: card.MustPAN(tokenDigits), Reference: mintedToken().Reference, Expiry: card.MustExpiry(tokenExpiry),
	}
	forwarded := asked.ForIssuer(transactionID, messages.Additional{CVV2: dcvv2.Match})
	waiting, minted := inactiveToken(), mintedToken()
	return []example{
		{"0100-activation-provider", "0100 activation, from a provider that brings its own token", brought},
		{"0110-activation-issuer-step-up", "0110 activation, the issuer wants a step-up: 39 = 85", forwarded.Answer(transactionID, stepUp(0), nil)},
		{"0110-activation-step-up", "0110 activation, with a token that waits for its passcode: 39 = 85", asked.Answer(transactionID, stepUp(dcvv2.Match), &waiting)},
		{"0110-activation-stood-in", "0110 activation, approved by the network in the issuer's place", asked.Answer(transactionID, stoodIn(), &minted)},
	}
}

// tapsBeside are taps with what most taps have not.
func tapsBeside() []example {
	named := tap()
	named.Requestor = mintedToken().Requestor
	stood := tapApproved()
	stood.AnsweredBy, stood.StandIn, stood.AuthorizationID = token.ByNetwork, token.StandInTimeout, ""
	return []example{
		{"0100-tap-requestor", "0100 tap, from a merchant whose terminal knows the token requestor", named},
		{"0110-tap-method-1", "0110 tap, approved, with an answer to the card by method 1", tap().Answer(transactionID, tapApproved(), cryptogram(arpc1Hex))},
		{"0110-tap-stood-in", "0110 tap, approved by the network in the issuer's place", tap().Answer(transactionID, stood, emv.Cryptogram{})},
	}
}

// remotes are requests without a terminal.
func remotes() []example {
	asked, bought, repeated := verification(), purchase(), purchase()
	repeated.Repeat = true
	minted := mintedToken()
	checked := asked.ForIssuer(transactionID, messages.Additional{CVV2: dcvv2.Match}, nil)
	forwarded := bought.ForIssuer(transactionID, messages.Additional{Authentication: token.ARQCVerified}, &minted)
	stood := stoodIn()
	stood.CVV2 = 0
	return []example{
		{"0100-verification-merchant", "0100 account verification, from a merchant to the gateway: the code in 126.10", asked},
		{"0100-verification-issuer", "0100 account verification, from the gateway to the issuer: code blanked, 44.10 = M", checked},
		{"0110-verification-approved", "0110 account verification, approved", asked.Answer(transactionID, approved(dcvv2.Match))},
		{"0110-verification-declined", "0110 account verification, declined N7: the network answered", asked.Answer(transactionID, wrongCode())},
		{"0100-ecommerce-merchant", "0100 e-commerce, from a merchant to the gateway: the token in field 2, its cryptogram in 126.9", bought},
		{"0101-ecommerce-merchant", "0101 e-commerce, the merchant's repeat", repeated},
		{"0100-ecommerce-issuer", "0100 e-commerce, from the gateway to the issuer: the PAN in field 2, the token in 123", forwarded},
		{"0110-ecommerce-issuer", "0110 e-commerce, approved by the issuer", forwarded.Answer(transactionID, approved(0))},
		{"0110-ecommerce-stood-in", "0110 e-commerce, approved by the network in the issuer's place", bought.Answer(transactionID, stood)},
	}
}

// notices are notifications of what the issuer does beside activations.
func notices() []example {
	passcode := notification(token.NoticePasscode, "")
	passcode.Token.Status, passcode.Method = token.Inactive, token.ByPasscode
	passcode.Code, passcode.CodeExpires = activationCode(), at.Add(token.PasscodeFor)
	expiry, replaced := notification(token.NoticeExpiry, ""), notification(token.NoticeReplaced, "")
	expiry.PANExpiry = card.MustExpiry(laterExpiry)
	replaced.PAN, replaced.PANExpiry, replaced.PANSequence = card.MustPAN(newPANDigits), card.MustExpiry(laterExpiry), 2
	return []example{
		{"0620-passcode", "0620 a passcode for the cardholder", passcode},
		{"0620-tried", "0620 a wrong passcode", notification(token.NoticeTried, token.PasscodeWrong)},
		{"0620-expiry", "0620 the card has another expiry date", expiry},
		{"0620-replaced", "0620 the card has another PAN", replaced},
		{"0630-passcode", "0630 the issuer acknowledges", passcode.Answer(token.Approved)},
	}
}

// fileUpdates are steps in a token's life.
func fileUpdates() []example {
	suspend, typed, inquiry := change(token.NoticeSuspended), change(token.NoticeTried), change("")
	typed.Requestor, typed.Code = mintedToken().Requestor, activationCode()
	inquiry.Action, inquiry.Number = messages.FileInquiry, card.MustPAN(tokenDigits)
	expiry, replace := change(token.NoticeExpiry), change(token.NoticeReplaced)
	expiry.PANExpiry = card.MustExpiry(laterExpiry)
	replace.PAN, replace.Sequence, replace.PANExpiry = card.MustPAN(newPANDigits), 2, card.MustExpiry(laterExpiry)
	suspended, waiting := mintedToken(), inactiveToken()
	suspended.Status = token.Suspended
	return []example{
		{"0302-suspend", "0302 suspend a token", suspend},
		{"0312-suspended", "0312 suspended", suspend.Answer(updated(token.Approved), transactionID, &suspended, false)},
		{"0302-passcode", "0302 activate a token by its passcode, from a token requestor", typed},
		{"0312-passcode-wrong", "0312 declined 6P: the passcode is wrong", typed.Answer(updated(token.VerificationFailed), transactionID, &waiting, false)},
		{"0302-inquiry", "0302 inquiry of a token, named by number and reference", inquiry},
		{"0312-inquiry", "0312 inquiry, answered to the issuer with the PAN", inquiry.Answer(inquired(), transactionID, &waiting, true)},
		{"0312-inquiry-unknown", "0312 inquiry, declined 25: no such token", inquiry.Answer(updated(token.RecordNotFound), "", nil, false)},
		{"0302-expiry", "0302 the card has another expiry date", expiry},
		{"0302-replace", "0302 the card has another PAN", replace},
	}
}

// reversals undo a tap and an activation.
func reversals() []example {
	undo, undoAgain := reversal(), reversal()
	undoAgain.Repeat = true
	told, toldAgain := undoneActivation(), undoneActivation()
	toldAgain.Repeat = true
	return []example{
		{"0400-tap", "0400 reversal of a tap, from the merchant", undo},
		{"0401-tap", "0401 reversal of a tap, the merchant's repeat", undoAgain},
		{"0410-tap", "0410 reversed", undo.Answer(token.Approved, transactionID)},
		{"0410-unknown", "0410 declined 25: no such request", undo.Answer(token.RecordNotFound, "")},
		{"0420-activation", "0420 an activation was undone, from the gateway to the issuer", told},
		{"0421-activation", "0421 an activation was undone, the gateway's repeat", toldAgain},
		{"0430-activation", "0430 the issuer acknowledges", told.Answer(token.Approved, transactionID)},
	}
}

// advices tell the issuer what was decided without it.
func advices() []example {
	declined, stood, again := advice(), advice(), advice()
	data := messages.TokenDataOf(mintedToken())
	stood.Outcome, stood.StandIn, stood.Token = messages.OutcomeOf(stoodIn()), token.StandInDown, &data
	again.Repeat = true
	return []example{
		{"0120-declined", "0120 an activation was declined without asking the issuer", declined},
		{"0121-declined", "0121 an activation was declined, the gateway's repeat", again},
		{"0120-stood-in", "0120 an activation was approved in the issuer's place", stood},
		{"0130-stood-in", "0130 the issuer acknowledges", stood.Answer(token.Approved)},
	}
}

func inactiveToken() token.Token {
	t := mintedToken()
	t.Status = token.Inactive
	return t
}

func stepUp(cvv2 dcvv2.Result) token.Outcome {
	return token.Outcome{Response: token.StepUp, AnsweredBy: token.ByIssuer, CVV2: cvv2, Method: token.ByPasscode}
}

func stoodIn() token.Outcome {
	return token.Outcome{
		Response: token.Approved, AnsweredBy: token.ByNetwork, CVV2: dcvv2.Match, StandIn: token.StandInDown, Reason: token.ReasonStoodIn,
	}
}

func updated(r token.Response) token.Outcome {
	return token.Outcome{Response: r, AnsweredBy: token.ByNetwork}
}

func inquired() token.Outcome {
	o := updated(token.Approved)
	o.Method = token.ByPasscode
	return o
}

func verification() *messages.RemoteRequest {
	return &messages.RemoteRequest{
		Trace: trace(), Local: messages.LocalAt(at),
		Place: messages.Place{
			Category: "5999", Country: "840", EntryMode: "0100", Condition: messages.AccountVerification,
			Name: messages.NameAndPlace("WEB SHOP", "SAN FRANCISCO", "US"), Currency: "840",
		},
		Number: card.MustPAN(panDigits), Expiry: card.MustExpiry(cardExpiry),
		CVV2: dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code(codeDigits)},
	}
}

func purchase() *messages.RemoteRequest {
	r := verification()
	r.EntryMode, r.Condition = "1000", messages.ECommercePayment
	r.Number, r.Expiry, r.Sequence, r.Amount = card.MustPAN(tokenDigits), card.MustExpiry(tokenExpiry), 1, 1999
	r.CVV2 = dcvv2.Presented{}
	r.Cryptogram = emv.Remote{ATC: 8, Unpredictable: [4]byte{0x5A, 0x6B, 0x7C, 0x8D}, Cryptogram: cryptogram(arqcHex)}
	r.Requestor = mintedToken().Requestor
	return r
}

func change(reason token.NoticeReason) *messages.FileUpdate {
	r := &messages.FileUpdate{
		Trace: trace(), Action: messages.FileChange, Reason: reason, Reference: mintedToken().Reference,
	}
	r.Terminal, r.Acceptor = "", ""
	return r
}

func reversal() *messages.Reversal {
	r := &messages.Reversal{
		Trace: trace(), Setting: tap().Setting(), Number: card.MustPAN(tokenDigits), Amount: 1250,
		Expiry: card.MustExpiry(tokenExpiry), Original: messages.OriginalOf("0100", trace()), AuthorizationID: "A1B2C4",
	}
	r.STAN = "000124"
	return r
}

func undoneActivation() *messages.Reversal {
	data := messages.TokenDataOf(mintedToken())
	data.Status = token.Deactivated
	r := reversal()
	r.Advice, r.Activation, r.Token = true, true, &data
	r.Setting, r.Number, r.Amount, r.Expiry = activation().Setting(), card.MustPAN(panDigits), 0, card.MustExpiry(cardExpiry)
	r.Original.Forwarder = "489537"
	r.AuthorizationID, r.Answered, r.TransactionID = "A1B2C3", token.Approved, transactionID
	return r
}

func advice() *messages.Advice {
	return &messages.Advice{
		Trace: trace(), Setting: activation().Setting(), PAN: card.MustPAN(panDigits), Expiry: card.MustExpiry(cardExpiry),
		Outcome: messages.OutcomeOf(wrongCode()), TransactionID: transactionID, Activation: true, StandIn: token.ToldOnly,
	}
}

func activationCode() token.ActivationCode {
	c, err := token.ParseActivationCode(passcodeDigits)
	if err != nil {
		panic(err)
	}
	return c
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
var secrets = cmpopts.EquateComparable(card.PAN{}, card.Expiry{}, dcvv2.Code{}, emv.Cryptogram{}, token.ActivationCode{})

func differ(want, got messages.Message) string { return cmp.Diff(want, got, secrets) }
