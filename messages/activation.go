package messages

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// ActivationRequest asks for a token (0100, repeat 0101, 63.3 = 3700). A
// requestor sends it with the code; the gateway sends it on to the issuer with
// Checked filled and a code that matched blanked.
type ActivationRequest struct {
	Repeat bool
	Trace
	Local
	Place
	Activation token.Activation
	Minted     *MintedToken // what a provider that mints brings; nil when the gateway is to mint

	TransactionID string     // 62.2, assigned by the gateway; "" from a requestor
	Checked       Additional // 44, what the gateway found; zero from a requestor
}

// An activation is a request about an account that moves no money.
const (
	processingAccount = "000000"       // field 3
	noAmount          = "000000000000" // field 4
)

// MTI is 0100, or 0101 for a repeat.
func (r *ActivationRequest) MTI() string { return repeatable("0100", r.Repeat) }

func (r *ActivationRequest) bind(b *binding) {
	a := &r.Activation
	b.pan(fieldPAN, &a.PAN, mandatory)
	b.constant(fieldProcessing, processingAccount, mandatory)
	b.constant(fieldAmount, noAmount, mandatory)
	r.Trace.bind(b, mandatory)
	r.Local.bind(b)
	b.expiry(fieldExpiry, &a.Expiry, mandatory)
	r.Place.bind(b)
	b.sequence(fieldSequence, &a.Sequence)
	r.Checked.bind(b)
	b.text(fieldTransaction, &r.TransactionID, optional)
	b.constant(fieldReason, string(reasonActivation), mandatory)
	b.presented(&a.CVV2)
	b.text(fieldTokenRequestor, &a.Requestor, mandatory)
	named(b, fieldTokenType, &a.Type, mandatory)
	bindMinted(b, &r.Minted)
	bindDevice(b, &a.Device)
	bindWallet(b, &a.Wallet)
}

func bindDevice(b *binding, d *token.Device) {
	b.text(fieldDeviceType, &d.Type, optional)
	b.text(fieldDeviceLanguage, &d.Language, optional)
	b.text(fieldDeviceID, &d.ID, mandatory)
	b.text(fieldDevicePhone, &d.PhoneLast4, optional)
	b.text(fieldDeviceName, &d.Name, optional)
	b.text(fieldDevicePlace, &d.Place, optional)
	b.text(fieldDeviceIP, &d.IP, optional)
}

func bindWallet(b *binding, w *token.Wallet) {
	b.text(fieldWalletRecommendation, &w.Recommendation, optional)
	b.text(fieldWalletVersion, &w.Version, optional)
	b.text(fieldWalletDeviceScore, &w.DeviceScore, optional)
	b.text(fieldWalletAccountScore, &w.AccountScore, optional)
	b.text(fieldWalletReasons, &w.Reasons, optional)
	b.text(fieldWalletSource, &w.Source, optional)
	b.text(fieldWalletAccount, &w.AccountID, optional)
	b.text(fieldWalletEmail, &w.EmailHash, optional)
}

// Content is the meaning of a request that Decode gave, without its times and
// its repeat mark: two requests with the same trace and the same Content are
// one. It holds card data and must only be hashed.
func (r *ActivationRequest) Content() []byte { return contentOf(r) }

// ForIssuer is the request as the issuer gets it: marked with what the gateway
// found, and without the code where the gateway has found it right.
func (r *ActivationRequest) ForIssuer(transactionID string, found Additional) *ActivationRequest {
	forward := *r
	forward.Repeat = false
	forward.TransactionID = transactionID
	forward.Checked = found
	if found.CVV2 == dcvv2.Match {
		forward.Activation.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceDynamic}
	}
	return &forward
}

// Answer is the answer to r.
func (r *ActivationRequest) Answer(transactionID string, o token.Outcome, t *token.Token) *ActivationAnswer {
	a := &ActivationAnswer{
		PAN: r.Activation.PAN, Trace: r.Trace, Currency: r.Currency,
		Outcome: OutcomeOf(o), TransactionID: transactionID, Method: o.Method, StandIn: o.StandIn,
	}
	if t != nil {
		data := TokenDataOf(*t)
		a.Token = &data
	}
	return a
}

// ActivationAnswer answers an ActivationRequest (0110, 63.3 = 3700). Token is
// nil when there is none. With 39 = 85 and a token, which then waits for a
// step-up, it has all that an approval has.
type ActivationAnswer struct {
	PAN card.PAN // as in the request
	Trace
	Currency      string // field 49, ISO 4217 numeric, 3 digits
	Outcome       Outcome
	TransactionID string // 62.2, 15 digits
	Token         *TokenData
	Method        token.Method        // 123.01.0D, how the token gets active; "" leaves it open
	StandIn       token.StandInReason // 63.4, when the network decided in the issuer's place
}

// MTI is 0110.
func (*ActivationAnswer) MTI() string { return "0110" }

func (a *ActivationAnswer) bind(b *binding) {
	a.Outcome.bind(b)
	need := unlessDeclined(a.Outcome.Response)
	if a.Outcome.Response == token.StepUp && b.hasToken(a.Token) {
		need = mandatory
	}
	b.pan(fieldPAN, &a.PAN, need)
	b.constant(fieldProcessing, processingAccount, need)
	b.constant(fieldAmount, noAmount, need)
	a.Trace.bind(b, need)
	b.text(fieldCurrency, &a.Currency, need)
	b.text(fieldTransaction, &a.TransactionID, optional)
	b.constant(fieldReason, string(reasonActivation), mandatory)
	named(b, fieldStandIn, &a.StandIn, optional)
	bindToken(b, &a.Token)
	b.method(&a.Method)
}
