package api

import (
	"context"
	"crypto/sha256"
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

const issuersDoor = "issuers"

// Issuers is the door of issuers: codes, enrolment and locks. Every good request is
// answered 201, as the public API reference does for Unenroll.
func (a *API) Issuers() http.Handler {
	mux := newMux()
	route(mux, http.MethodPost, wire.GeneratePath, a.generate)
	for address, change := range map[string]vault.AccountChange{
		wire.EnrollPath: vault.ChangeEnrol, wire.UnenrollPath: vault.ChangeUnenrol,
		wire.UnlockPath: vault.ChangeUnlock, wire.InquiryPath: vault.NoChange,
	} {
		route(mux, http.MethodPost, address, a.account(address, change))
	}
	route(mux, http.MethodGet, wire.DocumentPath, showDocument)
	return a.door(issuersDoor, entry{twoWay: a.twoWay.Issuers, named: true, may: mayIssue}, mux)
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
	if !q.pan.IsZero() && strings.Contains(onlyDigits(q.transactionID), withoutCheckDigit(q.pan)) {
		f.refuse(wire.CodeFieldValue, wire.TransactionID, "send an id that does not contain the PAN: ids are logged")
	}
	return q
}

func withoutCheckDigit(pan card.PAN) string {
	digits := pan.Reveal()
	return digits[:len(digits)-1]
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
	if err := v.seat.become("issuer/" + q.client); err != nil {
		return dcvv2.Registration{}, err
	}
	registration, ok := a.registry.Find(q.pan)
	if !ok || !isClient(registration) {
		return dcvv2.Registration{}, forbidden
	}
	v.transactionID = q.transactionID
	return registration, nil
}

// account serves a request about an account: its enrolment and its attempts.
func (a *API) account(address string, change vault.AccountChange) act {
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
		registration, err := a.authorise(q, v)
		if err != nil {
			return reply{}, err
		}
		at := a.now()
		request := vault.AccountRequest{Content: meaning(address, doc), Change: change}
		first, err := a.serveAccount(r.Context(), request, q, registration.Schedule.At(at), at)
		if err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusCreated, body: accountAnswer(q, first.Account, registration.Schedule.At(first.At))}, nil
	}
}

func accountAnswer(q inquiry, account vault.Account, p dcvv2.Policy) wire.Object {
	e, attempts := account.Enrolment, account.Attempts
	enrolment := wire.NotEnrolled
	if e.Enrolled {
		enrolment = wire.Enrolled
	}
	answer := append(answerFront(q), wire.Text(wire.EnrolmentStatus, enrolment))
	if !e.Since.IsZero() {
		answer = append(answer, wire.Text(wire.EnrolmentSince, moment(e.Since)))
	}
	return append(answer,
		wire.Integer(wire.EnrolmentGeneration, e.Generation),
		wire.Text(wire.AttemptsStatus, attemptsStatus(attempts, p)),
		wire.Integer(wire.FailuresInDay, attempts.FailuresInDay),
		wire.Integer(wire.FailuresInDayMax, p.FailuresPerDayMax),
		wire.Integer(wire.FailuresInRow, attempts.FailuresInRow),
		wire.Integer(wire.FailuresInRowMax, p.FailuresInRowMax),
	)
}

// attemptsStatus says whether codes of an account are checked. A lock is said
// first: waiting does not end it.
func attemptsStatus(attempts dcvv2.Attempts, p dcvv2.Policy) string {
	switch {
	case p.Locked(attempts):
		return wire.AttemptsLocked
	case p.DayExhausted(attempts):
		return wire.AttemptsWaiting
	}
	return wire.AttemptsOpen
}

// serveAccount lets the store do a request about an account, or recall what it
// did when the same came before: a repeat changes nothing and is answered as
// the first was, also after a restart. What the store remembers holds no code.
func (a *API) serveAccount(ctx context.Context, r vault.AccountRequest, q inquiry, policy dcvv2.Policy, at time.Time) (vault.AccountAnswer, error) {
	r.Client, r.ID, r.PAN, r.At, r.ByDefault = q.client, q.transactionID, q.pan, at, policy.EnrolByDefault
	answer, err := a.store.ServeAccount(ctx, r)
	switch {
	case err != nil:
		return answer, outOfReach(err)
	case answer.State == vault.AnswerConflict:
		return answer, idReused
	}
	return answer, nil
}

// meaning is what a request asks for: its address and members, however they
// were written. It is hashed because the store wants to compare it only; the
// store hashes it again under its key before it keeps it.
func meaning(address string, doc wire.Document) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(address), address)
	doc.Hash(h)
	return h.Sum(nil)
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
