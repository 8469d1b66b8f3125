package messages

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Reversal undoes a request (0400, repeat 0401) or tells that it was undone
// (advice 0420, repeat 0421). An advice is sent until it is acknowledged. The
// issuer gets the PAN in Number and the token, if there is one, in Token.
type Reversal struct {
	Advice, Repeat bool
	Trace
	Setting
	Number   card.PAN    // as in the original: PAN or token number
	Amount   uint64      // field 4, minor units of Currency; 0 of an activation
	Expiry   card.Expiry // field 14, optional
	Original Original    // field 90

	AuthorizationID string         // field 38 of the original's answer, optional
	Answered        token.Response // field 39, what the original was answered, optional
	TransactionID   string         // 62.2 of the original, optional
	Activation      bool           // 63.3 = 3700: the original is an activation
	Token           *TokenData     // 123, on the way to the issuer only
}

// MTI is 0400, or 0420 for an advice, and one more for its repeat.
func (r *Reversal) MTI() string {
	if r.Advice {
		return repeatable("0420", r.Repeat)
	}
	return repeatable("0400", r.Repeat)
}

func (r *Reversal) bind(b *binding) {
	b.pan(fieldPAN, &r.Number, mandatory)
	b.constant(fieldProcessing, processingPurchase, mandatory)
	b.amount(fieldAmount, &r.Amount, mandatory)
	r.Trace.bind(b, mandatory)
	b.expiry(fieldExpiry, &r.Expiry, optional)
	r.Setting.bind(b)
	b.text(fieldAuthorization, &r.AuthorizationID, optional)
	named(b, fieldResponse, &r.Answered, optional)
	b.text(fieldTransaction, &r.TransactionID, optional)
	b.activation(&r.Activation)
	r.Original.bind(b, mandatory)
	bindToken(b, &r.Token)
}

// Content is as of an ActivationRequest.
func (r *Reversal) Content() []byte { return contentOf(r) }

// Answer is the answer to r.
func (r *Reversal) Answer(response token.Response, transactionID string) *ReversalAnswer {
	return &ReversalAnswer{
		Advice: r.Advice, Trace: r.Trace, Response: response, TransactionID: transactionID, Original: r.Original,
	}
}

// ReversalAnswer answers a Reversal (0410, or 0430 to an advice).
type ReversalAnswer struct {
	Advice bool
	Trace
	Response      token.Response // field 39
	TransactionID string         // 62.2 of the original, optional
	Original      Original       // field 90, as in the reversal
}

// MTI is 0410, or 0430 to an advice.
func (a *ReversalAnswer) MTI() string {
	if a.Advice {
		return "0430"
	}
	return "0410"
}

func (a *ReversalAnswer) bind(b *binding) {
	named(b, fieldResponse, &a.Response, mandatory)
	need := unlessDeclined(a.Response)
	a.Trace.bind(b, need)
	b.text(fieldTransaction, &a.TransactionID, optional)
	a.Original.bind(b, need)
}
