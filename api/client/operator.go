package client

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
)

// Operator calls the operators' door.
type Operator struct {
	BaseURL string       // such as http://127.0.0.1:8581
	HTTP    *http.Client // nil: one with the standard transport
}

// Token is a token as operators see it.
type Token struct {
	Reference string
	Status    string // inactive, active, suspended or deactivated
	Number    string // masked
	PAN       string // masked
	Type      string
	Issuer    string
	Requestor string
	DeviceID  string
	ATC       uint16
	Created   time.Time
}

// Token shows a token.
func (o Operator) Token(ctx context.Context, reference string) (Token, error) {
	return o.token(ctx, http.MethodGet, wire.TokenPath, reference)
}

// Suspend keeps a token from paying until it is resumed. A step that the
// token's state forbids gives a *Problem with CodeStepNotAllowed.
func (o Operator) Suspend(ctx context.Context, reference string) (Token, error) {
	return o.token(ctx, http.MethodPost, wire.SuspendPath, reference)
}

// Resume lets a suspended token pay again.
func (o Operator) Resume(ctx context.Context, reference string) (Token, error) {
	return o.token(ctx, http.MethodPost, wire.ResumePath, reference)
}

// Deactivate ends a token for good.
func (o Operator) Deactivate(ctx context.Context, reference string) (Token, error) {
	return o.token(ctx, http.MethodPost, wire.DeactivatePath, reference)
}

// Ready reports, by no error, that the network can work.
func (o Operator) Ready(ctx context.Context) error {
	_, err := o.door().call(ctx, http.MethodGet, wire.ReadyPath, nil)
	return err
}

func (o Operator) token(ctx context.Context, method, pattern, reference string) (Token, error) {
	doc, err := o.door().call(ctx, method, addressed(pattern, "reference", reference), nil)
	if err != nil {
		return Token{}, err
	}
	a := &answer{doc: doc}
	t := Token{
		Reference: a.text(wire.TokenReference),
		Status:    a.text(wire.TokenStatus),
		Number:    a.text(wire.TokenNumber),
		PAN:       a.text(wire.TokenPAN),
		Type:      a.text(wire.TokenType),
		Issuer:    a.text(wire.TokenIssuer),
		Requestor: a.text(wire.TokenRequestor),
		DeviceID:  a.text(wire.TokenDevice),
		ATC:       uint16(a.number(wire.TokenCounter, 0, math.MaxUint16)),
		Created:   a.time(wire.TokenCreated),
	}
	return t, a.fault
}

func (o Operator) door() door { return door{baseURL: o.BaseURL, http: o.HTTP} }

// Explain lists what the audit trail says of a transaction (62.2), oldest
// first. A transaction never seen gives an empty list.
func (o Operator) Explain(ctx context.Context, transactionID string) ([]AuditEntry, error) {
	doc, err := o.door().call(ctx, http.MethodGet, addressed(wire.TransactionPath, "transaction", transactionID), nil)
	if err != nil {
		return nil, err
	}
	items, _ := doc.List(wire.AuditEntries)
	entries := make([]AuditEntry, 0, len(items))
	for _, item := range items {
		a := &answer{doc: item}
		entries = append(entries, AuditEntry{
			At: a.time(wire.AuditAt), Event: a.text(wire.AuditEvent),
			Subject: a.text(wire.AuditSubject), Detail: a.text(wire.AuditDetail),
		})
		if a.fault != nil {
			return nil, a.fault
		}
	}
	return entries, nil
}

// AuditEntry is one line of the audit trail, free of card data.
type AuditEntry struct {
	At      time.Time
	Event   string // such as "activation declined"
	Subject string // masked PAN or token reference
	Detail  string // such as "response N7: expired code"
}
