package messages

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Notification tells an issuer what became of a token (0620). It is an advice:
// it is sent again until it is acknowledged, and may arrive twice or out of
// order. The issuer knows it again by TransactionID and Reason.
type Notification struct {
	PAN card.PAN
	Trace
	TransactionID string             // 62.2
	Reason        token.NoticeReason // 63.3
	Token         TokenData          // 123 set 01
	Result        string             // 123.01.0E, of device provisioning, or of a passcode

	Code        token.ActivationCode // 123.01.0B, the passcode that a 3715 brings
	CodeExpires time.Time            // 123.01.0C, YYMMDDhhmmss UTC; what is less than a second is cut
	Method      token.Method         // 123.01.0D, how the token gets active
	PANExpiry   card.Expiry          // field 14, of a 3720 or 3721: the card's new expiry date
	PANSequence card.Sequence        // field 23, of a 3721: the new PAN's; 0 is not written
}

// MTI is 0620.
func (*Notification) MTI() string { return "0620" }

func (n *Notification) bind(b *binding) {
	b.pan(fieldPAN, &n.PAN, mandatory)
	n.Trace.bind(b, mandatory)
	b.text(fieldTransaction, &n.TransactionID, mandatory)
	named(b, fieldReason, &n.Reason, mandatory)
	b.expiry(fieldExpiry, &n.PANExpiry, optional)
	b.sequenceOf(&n.PANSequence)
	bindNumbered(b, &n.Token, mandatory)
	b.code(&n.Code, when(n.Reason == token.NoticePasscode))
	b.moment(fieldTokenCodeEnds, &n.CodeExpires)
	b.method(&n.Method)
	b.text(fieldTokenResult, &n.Result, optional)
}

// Answer acknowledges n.
func (n *Notification) Answer(response token.Response) *NotificationAnswer {
	return &NotificationAnswer{Trace: n.Trace, TransactionID: n.TransactionID, Reason: n.Reason, Response: response}
}

// NotificationAnswer acknowledges a Notification (0630).
type NotificationAnswer struct {
	Trace
	Response      token.Response     // field 39
	TransactionID string             // 62.2, as in the notification
	Reason        token.NoticeReason // 63.3, as in the notification
}

// MTI is 0630.
func (*NotificationAnswer) MTI() string { return "0630" }

func (a *NotificationAnswer) bind(b *binding) {
	named(b, fieldResponse, &a.Response, mandatory)
	need := unlessDeclined(a.Response)
	a.Trace.bind(b, need)
	b.text(fieldTransaction, &a.TransactionID, need)
	named(b, fieldReason, &a.Reason, need)
}
