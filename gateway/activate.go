package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// activate serves an activation request: screening and claim, issuer,
// conclusion, answer. It gives no answer to a repeat of a request that is
// still under way, whose own answer will come.
func (g *Gateway) activate(ctx context.Context, from stations.Station, r *messages.ActivationRequest, e *event) messages.Message {
	if !speaksFor(from, r.Activation) {
		e.outcome = wrongRequestor
		return r.Answer("", e.outcome, nil)
	}
	key := requestKey(from.Name, vault.KindActivation, r.Trace)
	found, err := g.screener.Screen(ctx, key, r.Content(), r.Activation, g.Now())
	e.transaction, e.refused = found.Claim.TransactionID, found.refused()
	switch {
	case err != nil:
		return g.activationFault(r, err, e)
	case found.Result.State == vault.Busy:
		e.note, e.transaction = "repeat of a request under way", found.Result.Recorded.TransactionID
		return nil
	case found.Result.State == vault.Conflict:
		e.transaction = ""
		e.outcome = token.Outcome{Response: token.DuplicateTrace, AnsweredBy: token.ByNetwork}
		return r.Answer("", e.outcome, nil)
	case found.Result.State == vault.Answered:
		return g.repeatActivation(ctx, r, found.Result.Recorded, e)
	case !found.Ask():
		e.outcome = found.Declined()
		return r.Answer(found.Claim.TransactionID, e.outcome, nil)
	}
	outcome, minted, err := g.askAndConclude(ctx, from, r, found)
	if err != nil {
		g.leave(vault.Conclusion{Key: key, Outcome: notProcessed, Release: true})
		return g.activationFault(r, err, e)
	}
	e.outcome = outcome
	return r.Answer(found.Claim.TransactionID, outcome, minted)
}

// askAndConclude asks the issuer and records what follows. From here on the
// requestor's connection no longer matters: what was begun is ended.
func (g *Gateway) askAndConclude(ctx context.Context, from stations.Station, r *messages.ActivationRequest, found Screened) (token.Outcome, *token.Token, error) {
	ctx = context.WithoutCancel(ctx)
	issuer, claim := found.Facts.Registration.Issuer, found.Claim
	question := r.ForIssuer(claim.TransactionID, messages.Additional{CVV2: found.CVV2})
	if found.Static { // presence 3 would say that it was a dynamic one
		question.Activation.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceGiven}
	}
	word, _ := g.ask(ctx, issuer, question, &question.Trace) // none is a word too
	outcome := token.Conclude(found.Screening, word)
	conclusion := vault.Conclusion{
		Key: claim.Key, Outcome: outcome, PAN: claim.PAN,
		Succeeded: outcome.Approved() && found.CVV2 == dcvv2.Match,
		Release:   outcome.Response == token.IssuerUnavailable,
	}
	if !outcome.Approved() {
		return outcome, nil, g.conclude(ctx, conclusion)
	}
	minted, err := g.mint(ctx, from, r.Activation, issuer, claim.TransactionID, conclusion)
	if err != nil {
		return outcome, nil, err
	}
	outcome.Reference = minted.Reference
	g.notices.nudge()
	return outcome, &minted, nil
}

// mint makes a token, of the station's range and key where it has its own, and
// stores it with the conclusion; a number or reference that exists already is
// drawn again.
func (g *Gateway) mint(ctx context.Context, from stations.Station, a token.Activation, issuer, transactionID string, c vault.Conclusion) (token.Token, error) {
	numbers, version := cmp.Or(from.TokenRange, g.TokenRange), cmp.Or(from.TokenKeyVersion, g.TokenKeyVersion)
	for range mintTries {
		minted, err := token.Mint(g.Random, numbers, a, issuer, transactionID, version, g.Now())
		if err != nil {
			return token.Token{}, err
		}
		c.Token, c.Outcome.Reference = &minted, minted.Reference
		c.Notices = []token.Notice{{Reason: token.NoticeCreated, TransactionID: transactionID, Reference: minted.Reference}}
		if err := g.conclude(ctx, c); !errors.Is(err, vault.ErrTaken) {
			return minted, err
		}
	}
	return token.Token{}, fmt.Errorf("token range %s: %w %d times", numbers, vault.ErrTaken, mintTries)
}

func (g *Gateway) conclude(ctx context.Context, c vault.Conclusion) error {
	ctx, cancel := context.WithTimeout(ctx, concludeTimeout)
	defer cancel()
	c.At = g.Now()
	return g.Store.Conclude(ctx, c)
}

// repeatActivation gives the recorded answer again, as it was given.
func (g *Gateway) repeatActivation(ctx context.Context, r *messages.ActivationRequest, t vault.Transaction, e *event) messages.Message {
	e.outcome, e.note, e.transaction = *t.Outcome, "repeat of an answered request", t.TransactionID
	if !t.Outcome.Approved() {
		return r.Answer(t.TransactionID, *t.Outcome, nil)
	}
	minted, err := g.Store.TokenByReference(ctx, t.Outcome.Reference)
	if err != nil {
		return g.activationFault(r, err, e)
	}
	minted.Status = token.Active // as the first answer said, whatever became of it since
	return r.Answer(t.TransactionID, *t.Outcome, &minted)
}

// notProcessed is the outcome of an activation that could not be served.
var notProcessed = token.Screening{Decline: token.Malfunction, CVV2: dcvv2.NotProcessed, Reason: token.ReasonCannotCheck}.Declined()

// activationFault answers a request that could not be served: the code is not
// processed, and the requestor may try again.
func (g *Gateway) activationFault(r *messages.ActivationRequest, err error, e *event) messages.Message {
	e.err, e.outcome = err, notProcessed
	return r.Answer("", e.outcome, nil)
}

// requestKey names a request durably. Field 7 is left out: a repeat may be
// stamped anew.
func requestKey(station string, kind vault.Kind, t messages.Trace) string {
	return fmt.Sprintf("%s/%s/%s/%s/%s/%s", station, kind, t.Acquirer, t.Terminal, t.RRN, t.STAN)
}
