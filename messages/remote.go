package messages

import (
	"slices"
	"strings"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Conditions of a request without a terminal (field 25): they mark it and its
// answer.
const (
	AccountVerification = "51" // checks the account; its amount is 0
	ECommercePayment    = "59"
)

var remoteConditions = []string{AccountVerification, ECommercePayment}

// RemoteRequest is an account verification or a payment without a terminal
// (0100, repeat 0101, field 25 = 51 or 59). A merchant sends it with a PAN and
// its code, or with a token and its cryptogram; the gateway sends it on to the
// issuer with the PAN, a token beside it, and a code that matched blanked.
type RemoteRequest struct {
	Repeat bool
	Trace
	Local
	Place      // Condition is AccountVerification or ECommercePayment, EntryMode is no tap's
	Number     card.PAN
	Amount     uint64 // field 4, minor units of Currency
	Expiry     card.Expiry
	Sequence   card.Sequence   // field 23, 0 where it is not known
	CVV2       dcvv2.Presented // 126.10, optional
	Cryptogram emv.Remote      // 126.9, optional
	Requestor  string          // 123.01.03 alone, from a merchant; "" beside Token

	TransactionID string     // 62.2, assigned by the gateway; "" from a merchant
	Checked       Additional // 44, what the gateway found; zero from a merchant
	Token         *TokenData // 123, on the way to the issuer only
}

// MTI is 0100, or 0101 for a repeat.
func (r *RemoteRequest) MTI() string { return repeatable("0100", r.Repeat) }

func (r *RemoteRequest) bind(b *binding) {
	b.pan(fieldPAN, &r.Number, mandatory)
	b.constant(fieldProcessing, processingPurchase, mandatory)
	b.amount(fieldAmount, &r.Amount, mandatory)
	r.Trace.bind(b, mandatory)
	r.Local.bind(b)
	b.expiry(fieldExpiry, &r.Expiry, mandatory)
	r.Place.bind(b)
	r.hold(b)
	b.sequence(fieldSequence, &r.Sequence)
	r.Checked.bind(b)
	b.text(fieldTransaction, &r.TransactionID, optional)
	bindRequestor(b, &r.Requestor, &r.Token)
	b.remote(&r.Cryptogram)
	b.presented(&r.CVV2)
}

// hold holds r to what makes it no other message.
func (r *RemoteRequest) hold(b *binding) {
	b.check(fieldCondition, slices.Contains(remoteConditions, r.Condition), remoteProblem)
	b.check(fieldEntryMode, !strings.HasPrefix(r.EntryMode, contactlessChip), "is a tap's")
	b.check(fieldAmount, r.Amount == 0 || r.Condition != AccountVerification, "must be 0 in an account verification")
}

var remoteProblem = "must be one of " + strings.Join(remoteConditions, ", ")

// isRemote reports whether a 0100 or 0110 that is no tap is about an account
// verification or a payment without a terminal. A reason in 63.3 or a phone in
// 125, which only activations have, marks something else.
func isRemote(m *specs.Message) bool {
	return slices.Contains(remoteConditions, m.Text(fieldCondition)) && !m.Has(fieldReason) && !m.HasField(fieldDevice)
}

// Content is as of an ActivationRequest.
func (r *RemoteRequest) Content() []byte { return contentOf(r) }

// Mark is as of a TapRequest, nil without a cryptogram.
func (r *RemoteRequest) Mark() []byte { return r.Cryptogram.Append(nil) }

// ForIssuer is the request as the issuer gets it: marked with what the gateway
// found, and without the code where the gateway has found it right. With a
// token it has the PAN in place of the token, the token beside it, and no
// cryptogram.
func (r *RemoteRequest) ForIssuer(transactionID string, found Additional, t *token.Token) *RemoteRequest {
	forward := *r
	forward.Repeat = false
	forward.TransactionID, forward.Checked = transactionID, found
	if found.CVV2 == dcvv2.Match {
		forward.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceDynamic}
	}
	if t != nil {
		data := TokenDataOf(*t)
		forward.Number, forward.Expiry, forward.Sequence = t.PAN, t.PANExpiry, t.PANSequence
		forward.Token, forward.Requestor, forward.Cryptogram = &data, "", emv.Remote{}
	}
	return &forward
}

// Answer is the answer to r.
func (r *RemoteRequest) Answer(transactionID string, o token.Outcome) *RemoteAnswer {
	return &RemoteAnswer{
		Number: r.Number, Amount: r.Amount, Trace: r.Trace, Condition: r.Condition, Currency: r.Currency,
		Outcome: OutcomeOf(o), TransactionID: transactionID, StandIn: o.StandIn,
	}
}

// RemoteAnswer answers a RemoteRequest (0110). Field 25, as in the request,
// marks it, declined or not.
type RemoteAnswer struct {
	Number card.PAN // as in the request
	Amount uint64   // field 4, minor units of Currency
	Trace
	Condition     string // field 25, as in the request
	Currency      string // field 49, ISO 4217 numeric, 3 digits
	Outcome       Outcome
	TransactionID string              // 62.2, 15 digits
	StandIn       token.StandInReason // 63.4, when the network decided in the issuer's place
}

// MTI is 0110.
func (*RemoteAnswer) MTI() string { return "0110" }

func (a *RemoteAnswer) bind(b *binding) {
	a.Outcome.bind(b)
	need := unlessDeclined(a.Outcome.Response)
	b.pan(fieldPAN, &a.Number, need)
	b.constant(fieldProcessing, processingPurchase, need)
	b.amount(fieldAmount, &a.Amount, need)
	a.Trace.bind(b, need)
	b.text(fieldCondition, &a.Condition, mandatory)
	b.check(fieldCondition, slices.Contains(remoteConditions, a.Condition), remoteProblem)
	b.text(fieldCurrency, &a.Currency, need)
	b.text(fieldTransaction, &a.TransactionID, optional)
	named(b, fieldStandIn, &a.StandIn, optional)
}
