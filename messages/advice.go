package messages

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Advice tells an issuer what the network decided in its place, or declined
// without asking it (0120, repeat 0121). It is sent until it is acknowledged;
// the issuer knows a repeat by its Trace.
type Advice struct {
	Repeat bool
	Trace
	Setting
	PAN    card.PAN
	Amount uint64      // field 4, minor units of Currency; 0 of an activation
	Expiry card.Expiry // field 14, optional

	Outcome       Outcome             // what the request was answered
	TransactionID string              // 62.2, 15 digits
	Activation    bool                // 63.3 = 3700: the request was an activation
	StandIn       token.StandInReason // 63.4
	Token         *TokenData          // that was made or used; nil when there is none
}

// MTI is 0120, or 0121 for a repeat.
func (r *Advice) MTI() string { return repeatable("0120", r.Repeat) }

func (r *Advice) bind(b *binding) {
	b.pan(fieldPAN, &r.PAN, mandatory)
	b.constant(fieldProcessing, processingPurchase, mandatory)
	b.amount(fieldAmount, &r.Amount, mandatory)
	r.Trace.bind(b, mandatory)
	b.expiry(fieldExpiry, &r.Expiry, optional)
	r.Setting.bind(b)
	r.Outcome.bind(b)
	b.text(fieldTransaction, &r.TransactionID, mandatory)
	b.activation(&r.Activation)
	named(b, fieldStandIn, &r.StandIn, mandatory)
	bindToken(b, &r.Token)
}

// Content is as of an ActivationRequest.
func (r *Advice) Content() []byte { return contentOf(r) }

// Answer acknowledges r.
func (r *Advice) Answer(response token.Response) *AdviceAnswer {
	return &AdviceAnswer{Trace: r.Trace, Response: response, TransactionID: r.TransactionID}
}

// AdviceAnswer acknowledges an Advice (0130).
type AdviceAnswer struct {
	Trace
	Response      token.Response // field 39
	TransactionID string         // 62.2, as in the advice
}

// MTI is 0130.
func (*AdviceAnswer) MTI() string { return "0130" }

func (a *AdviceAnswer) bind(b *binding) {
	named(b, fieldResponse, &a.Response, mandatory)
	need := unlessDeclined(a.Response)
	a.Trace.bind(b, need)
	b.text(fieldTransaction, &a.TransactionID, need)
}
