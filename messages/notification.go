package messages

import (
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
	Result        string             // 123.01.0E, result of device provisioning
}

// MTI is 0620.
func (*Notification) MTI() string { return "0620" }

func (n *Notification) bind(b *binding) {
	b.pan(fieldPAN, &n.PAN, mandatory)
	n.Trace.bind(b, mandatory)
	b.text(fieldTransaction, &n.TransactionID, mandatory)
	named(b, fieldReason, &n.Reason, mandatory)
	bindNumbered(b, &n.Token, mandatory)
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
