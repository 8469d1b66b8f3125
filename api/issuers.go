package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// Issuers is the door of issuers: codes and enrolment. Every good request is
// answered 201, as the public API reference does for Unenroll.
func (a *API) Issuers() http.Handler {
	mux := newMux()
	route(mux, http.MethodPost, wire.GeneratePath, a.generate)
	route(mux, http.MethodPost, wire.EnrollPath, a.account(wire.EnrollPath, a.change(vault.ChangeEnrol)))
	route(mux, http.MethodPost, wire.UnenrollPath, a.account(wire.UnenrollPath, a.change(vault.ChangeUnenrol)))
	route(mux, http.MethodPost, wire.InquiryPath, a.account(wire.InquiryPath, a.inquire))
	return a.door("issuers", entry{a.twoWay.Issuers, mayIssue}, mux)
}

// inquiry is what every request of this door says.
type inquiry struct {
	client        string
	transactionID string
	pan           card.PAN
}

var inquiryMembers = []string{wire.PAN, wire.ClientID, wire.AgentID, wire.TransactionID}

func readInquiry(f *fields) inquiry {
	q := inquiry{client: f.word(wire.ClientID), transactionID: f.word(wire.TransactionID), pan: f.pan(wire.PAN)}
	f.optionalWord(wire.AgentID)
	if digits := onlyDigits(q.transactionID); !q.pan.IsZero() && strings.Contains(digits, q.pan.Reveal()) {
		f.refuse(wire.CodeFieldValue, wire.TransactionID, "send an id that does not contain the PAN: ids are logged")
	}
	return q
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// authorise finds the registration under which a client may ask about a PAN,
// and lets the log name both. A client that is neither known by its certificate
// nor an issuer stays unnamed.
func (a *API) authorise(q inquiry, v *visit) (dcvv2.Registration, error) {
	if !v.speaksFor(q.client) {
		return dcvv2.Registration{}, forbidden
	}
	isClient := func(r dcvv2.Registration) bool { return r.Issuer == q.client }
	if !slices.ContainsFunc(a.registry.All(), isClient) {
		return dcvv2.Registration{}, forbidden
	}
	v.client, v.account = q.client, q.pan
	registration, ok := a.registry.Find(q.pan)
	if !ok || !isClient(registration) {
		return dcvv2.Registration{}, forbidden
	}
	v.transactionID = q.transactionID
	return registration, nil
}

// account serves a request about an account's enrolment.
func (a *API) account(address string, do func(context.Context, inquiry, time.Time) (dcvv2.Enrolment, error)) act {
	return func(r *http.Request, v *visit) (reply, error) {
		doc, err := readDocument(r, inquiryMembers...)
		if err != nil {
			return reply{}, err
		}
		f := &fields{doc: doc}
		q := readInquiry(f)
		if f.fault != nil {
			return reply{}, f.fault
		}
		if _, err := a.authorise(q, v); err != nil {
			return reply{}, err
		}
		at := a.now()
		was, err := a.repeats.once(r.Context(), q.client, q.transactionID, a.repeats.digest(address, doc), at, func() (answered, error) {
			enrolment, err := do(r.Context(), q, at)
			return answered{at: at, enrolment: enrolment}, outOfReach(err)
		})
		if err != nil {
			return reply{}, err
		}
		return reply{http.StatusCreated, accountAnswer(q, was.enrolment)}, nil
	}
}

func (a *API) inquire(ctx context.Context, q inquiry, at time.Time) (dcvv2.Enrolment, error) {
	account, err := a.store.Account(ctx, q.pan, at)
	return account.Enrolment, err
}

func (a *API) change(change vault.AccountChange) func(context.Context, inquiry, time.Time) (dcvv2.Enrolment, error) {
	return func(ctx context.Context, q inquiry, at time.Time) (dcvv2.Enrolment, error) {
		answer, err := a.store.ServeAccount(ctx, vault.AccountRequest{Client: q.client, Change: change, PAN: q.pan, At: at})
		return answer.Account.Enrolment, err
	}
}

func accountAnswer(q inquiry, e dcvv2.Enrolment) wire.Object {
	status := wire.NotEnrolled
	if e.Enrolled {
		status = wire.Enrolled
	}
	answer := append(answerFront(q), wire.Text(wire.EnrolmentStatus, status))
	if !e.Since.IsZero() {
		answer = append(answer, wire.Text(wire.EnrolmentSince, moment(e.Since)))
	}
	return append(answer, wire.Integer(wire.EnrolmentGeneration, e.Generation))
}

// answerFront is how every answer of this door begins. The PAN is masked: the
// issuer knows it, and answers are logged more carelessly than requests.
func answerFront(q inquiry) wire.Object {
	return wire.Object{
		wire.Text(wire.TransactionID, q.transactionID),
		wire.Text(wire.PAN, q.pan.Masked()),
		wire.Text(wire.ActionCode, wire.ActionDone),
	}
}

// moment writes a time as the doors do: RFC 3339, UTC, whole seconds.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// outOfReach marks an error as one that may pass.
func outOfReach(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}
