package messages

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// TapRequest is an authorization with chip data (0100, repeat 0101, field 55).
// A merchant sends it with the token in Tap.Number; the gateway sends it on to
// the issuer with the PAN there and the token in Token.
type TapRequest struct {
	Repeat bool
	Trace
	Local
	Place
	Tap token.Tap // EntryMode and Currency are those of Place: Decode fills them in, Encode does not look

	TransactionID string     // 62.2, assigned by the gateway; "" from a merchant
	Checked       Additional // 44, what the gateway found; zero from a merchant
	Token         *TokenData // 123, on the way to the issuer only
	Requestor     string     // 123.01.03 alone, from a merchant whose terminal knows it (tag 9F19); "" beside Token
}

// processingPurchase is field 3 of a purchase.
const processingPurchase = "000000"

// MTI is 0100, or 0101 for a repeat.
func (r *TapRequest) MTI() string { return repeatable("0100", r.Repeat) }

func (r *TapRequest) bind(b *binding) {
	t := &r.Tap
	b.pan(fieldPAN, &t.Number, mandatory)
	b.constant(fieldProcessing, processingPurchase, mandatory)
	b.amount(fieldAmount, &t.Amount, mandatory)
	r.Trace.bind(b, mandatory)
	r.Local.bind(b)
	b.expiry(fieldExpiry, &t.Expiry, mandatory)
	r.Place.bind(b)
	b.sequence(fieldSequence, &t.Sequence)
	r.Checked.bind(b)
	b.chip(&t.Chip, &t.Cryptogram)
	b.text(fieldTransaction, &r.TransactionID, optional)
	bindRequestor(b, &r.Requestor, &r.Token)
	if b.decoding {
		t.EntryMode, t.Currency = r.EntryMode, r.Currency
	}
}

// Content is as of an ActivationRequest.
func (r *TapRequest) Content() []byte { return contentOf(r) }

// Mark names the cryptogram of r among all others: what comes with the same
// Mark again was copied. It must only be hashed.
func (r *TapRequest) Mark() []byte { return r.Tap.Cryptogram.Reveal() }

// ForIssuer is the tap as the issuer gets it: the PAN in place of the token,
// and the token beside it.
func (r *TapRequest) ForIssuer(transactionID string, found Additional, t token.Token) *TapRequest {
	forward := *r
	forward.Repeat = false
	forward.Tap.Number, forward.Tap.Expiry, forward.Tap.Sequence = t.PAN, t.PANExpiry, t.PANSequence
	forward.TransactionID, forward.Checked = transactionID, found
	data := TokenDataOf(t)
	forward.Token, forward.Requestor = &data, ""
	return &forward
}

// Answer is the answer to r. An ARPC of 8 bytes, method 1, covers the response;
// one of 4 bytes, method 2, covers the outcome's card status update.
func (r *TapRequest) Answer(transactionID string, o token.Outcome, arpc emv.Cryptogram) *TapAnswer {
	a := &TapAnswer{
		Number: r.Tap.Number, Amount: r.Tap.Amount, Trace: r.Trace, Currency: r.Currency,
		Outcome: OutcomeOf(o), TransactionID: transactionID, StandIn: o.StandIn, ARPC: arpc,
	}
	switch len(arpc.Reveal()) {
	case emv.CryptogramBytesMax:
		copy(a.ARC[:], o.Response)
	case emv.ARPC2Bytes:
		a.CSU = o.CSU
	}
	return a
}

// TapAnswer answers a TapRequest (0110). ARPC and what it covers go to the card
// (field 55 tag 91); they are zero when there is nothing for the card to check.
type TapAnswer struct {
	Number card.PAN // as in the request
	Amount uint64   // field 4, minor units of Currency
	Trace
	Currency      string // field 49, ISO 4217 numeric, 3 digits
	Outcome       Outcome
	TransactionID string              // 62.2, 15 digits
	ARPC          emv.Cryptogram      // 4 bytes by method 2, 8 bytes by method 1
	CSU           [4]byte             // card status update, which an ARPC of method 2 covers
	ARC           [2]byte             // response code, which an ARPC of method 1 covers
	StandIn       token.StandInReason // 63.4, when the network decided in the issuer's place
}

// MTI is 0110.
func (*TapAnswer) MTI() string { return "0110" }

func (a *TapAnswer) bind(b *binding) {
	a.Outcome.bind(b)
	need := unlessDeclined(a.Outcome.Response)
	b.pan(fieldPAN, &a.Number, need)
	b.constant(fieldProcessing, processingPurchase, need)
	b.amount(fieldAmount, &a.Amount, need)
	a.Trace.bind(b, need)
	b.text(fieldCurrency, &a.Currency, need)
	b.authentication(a)
	b.text(fieldTransaction, &a.TransactionID, optional)
	named(b, fieldStandIn, &a.StandIn, optional)
}
