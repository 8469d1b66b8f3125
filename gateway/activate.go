package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// activate serves an activation request: screening and claim, issuer,
// conclusion, answer. It gives no answer to a repeat of a request that is
// still under way, whose own answer will come.
func (g *Gateway) activate(ctx context.Context, from stations.Station, r *messages.ActivationRequest, e *event) messages.Message {
	if e.outcome = unfit(from, r); e.outcome.Response != "" {
		return r.Answer("", e.outcome, nil)
	}
	key := requestKey(from.Name, vault.KindActivation, r.Trace)
	question := g.questionAbout(r.Trace, r.Setting())
	question.PAN, question.Sequence, question.Expiry = r.Activation.PAN, r.Activation.Sequence, r.Activation.Expiry
	found, err := g.screener.Screen(ctx, screening.Request{
		Key: key, Content: r.Content(), Kind: vault.KindActivation, Activation: r.Activation, Station: from.Name,
		Question: question, At: g.Now(),
	})
	e.transaction, e.refused = found.Claim.TransactionID, found.Refused()
	switch {
	case err != nil:
		return g.activationFault(r, err, e)
	case found.Result.State == vault.Busy:
		e.note, e.transaction = "repeat of a request under way", found.Result.Recorded.TransactionID
		return nil
	case found.Result.State == vault.Conflict:
		e.transaction, e.outcome = "", duplicateTrace
		return r.Answer("", e.outcome, nil)
	case found.Result.State == vault.Answered:
		return g.repeatActivation(ctx, r, found.Result.Recorded, e)
	case !found.Ask():
		e.outcome = found.Declined()
		g.notices.nudge()
		return r.Answer(found.Claim.TransactionID, e.outcome, nil)
	}
	e.claimed()
	outcome, minted, err := g.askAndConclude(ctx, from, r, found)
	if err != nil {
		g.leave(failed(found.Claim, notProcessed))
		return g.activationFault(r, err, e)
	}
	e.outcome = outcome
	return r.Answer(found.Claim.TransactionID, outcome, minted)
}

// unfit is the outcome of an activation that its station may not send as it is;
// the zero outcome for one that it may.
func unfit(from stations.Station, r *messages.ActivationRequest) token.Outcome {
	mints := from.Mints == stations.ByStation
	switch {
	case !speaksFor(from, r.Activation):
		return wrongRequestor
	case mints && r.Minted == nil:
		return refusal(token.FormatFault, token.ReasonNotBrought)
	case !mints && r.Minted != nil:
		return refusal(token.InvalidTransaction, token.ReasonNotAMinter)
	case mints && !from.TokenRange.IsZero() && !from.TokenRange.Contains(r.Minted.Number):
		return refusal(token.BadNumber, token.ReasonOutsideRange)
	}
	return token.Outcome{}
}

// refusal is the outcome of a request that the network refuses by itself.
func refusal(response token.Response, reason token.Reason) token.Outcome {
	return token.Outcome{Response: response, AnsweredBy: token.ByNetwork, Reason: reason}
}

var duplicateTrace = refusal(token.DuplicateTrace, token.ReasonNone)

// askAndConclude asks the issuer and records what follows. From here on the
// requestor's connection no longer matters: what was begun is ended.
func (g *Gateway) askAndConclude(ctx context.Context, from stations.Station, r *messages.ActivationRequest, found screening.Screened) (_ token.Outcome, _ *token.Token, err error) {
	defer g.survive(&err)
	ctx = context.WithoutCancel(ctx)
	claim, asked := found.Claim, *found.Claim.Question
	question := r.ForIssuer(claim.TransactionID, messages.Additional{CVV2: found.CVV2})
	question.Minted = nil
	if found.Static { // presence 3 would say that it was a dynamic one
		question.Activation.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceGiven}
	}
	answer := g.ask(ctx, asked, question, &question.Trace)
	outcome := token.Conclude(found.Screening, answer, g.issuer(asked.Issuer).StandIn)
	outcome = signed(outcome, claim.TransactionID)
	turn := token.TurnOf(answer, outcome)
	move, err := token.Asked.After(turn)
	if err != nil {
		return outcome, nil, err
	}
	conclusion := g.conclusion(claim, outcome, move)
	conclusion.Unanswered = answer.Why
	conclusion.Succeeded = move.Mint != "" && found.CVV2 == dcvv2.Match
	minted, err := g.mint(ctx, from, r, claim, conclusion)
	switch {
	case errors.Is(err, vault.ErrReversed):
		return g.undo(ctx, claim, outcome, turn)
	case errors.Is(err, vault.ErrTaken):
		return g.refuseBrought(ctx, claim, outcome)
	case err != nil:
		return outcome, nil, err
	}
	g.notices.nudge()
	if minted != nil {
		outcome.Reference = minted.Reference
	}
	return outcome, minted, nil
}

// conclusion is what ends a claim, with the advices that its outcome calls for.
func (g *Gateway) conclusion(claim vault.Claim, o token.Outcome, move token.Move) vault.Conclusion {
	c := vault.Conclusion{
		Key: claim.Key, Outcome: o, PAN: claim.PAN,
		Release: o.Response == token.IssuerUnavailable && o.AnsweredBy == token.ByNetwork,
	}
	if o.StandIn != "" {
		c.Advices = append(c.Advices, adviceOf(vault.AdviceStandIn, claim, o))
	}
	if move.Undo {
		c.Advices = append(c.Advices, adviceOf(vault.AdviceReversal, claim, o))
	}
	return c
}

// failed ends a claim whose conclusion could not be stored: the issuer may have
// granted what nobody gets.
func failed(claim vault.Claim, o token.Outcome) vault.Conclusion {
	c := vault.Conclusion{Key: claim.Key, Outcome: o, Release: true}
	if claim.Question != nil {
		c.Advices = []vault.Advice{adviceOf(vault.AdviceReversal, claim, o)}
	}
	return c
}

// undo ends an activation that its requestor reversed while the issuer was
// asked: there is no token, and the issuer is told.
func (g *Gateway) undo(ctx context.Context, claim vault.Claim, o token.Outcome, turn token.Turn) (token.Outcome, *token.Token, error) {
	move, err := token.Undone.After(turn)
	if err != nil {
		return o, nil, err
	}
	undone := o
	undone.Response, undone.AnsweredBy, undone.Reason = token.DoNotHonour, token.ByNetwork, token.ReasonReversed
	undone.AuthorizationID, undone.Method, undone.StandIn, undone.Reference = "", "", "", ""
	c := g.conclusion(claim, undone, move)
	c.Undone, c.Release = true, true
	err = g.conclude(ctx, c)
	g.notices.nudge()
	return undone, nil, err
}

// refuseBrought ends an activation whose provider brought a token that exists:
// the issuer has granted one that cannot be.
func (g *Gateway) refuseBrought(ctx context.Context, claim vault.Claim, granted token.Outcome) (token.Outcome, *token.Token, error) {
	o := refusal(token.BadNumber, token.ReasonNumberTaken)
	o.CVV2 = granted.CVV2
	c := g.conclusion(claim, o, token.Move{Undo: true})
	c.Release = true
	err := g.conclude(ctx, c)
	g.notices.nudge()
	return o, nil, err
}

// mint stores the conclusion with the token that its outcome makes, if any: of
// the station's range and key where it has its own. A number or reference that
// exists already is drawn again; one that the station brought gives
// vault.ErrTaken.
func (g *Gateway) mint(ctx context.Context, from stations.Station, r *messages.ActivationRequest, claim vault.Claim, c vault.Conclusion) (*token.Token, error) {
	if c.Outcome.Mints() == "" {
		return nil, g.conclude(ctx, c)
	}
	m := token.Minting{
		Numbers: cmp.Or(from.TokenRange, g.TokenRange), Issuer: claim.Question.Issuer, TransactionID: claim.TransactionID,
		KeyVersion: cmp.Or(from.TokenKeyVersion, g.TokenKeyVersion), Version: g.CryptogramVersion,
		Merchant: r.Acceptor, Outcome: c.Outcome, At: g.Now(),
	}
	if r.Minted != nil {
		m.Brought = token.Brought{Number: r.Minted.Number, Expiry: r.Minted.Expiry, Reference: r.Minted.Reference}
	}
	for range mintTries {
		minted, err := token.Mint(g.Random, r.Activation, m)
		if err != nil {
			return nil, err
		}
		c.Token, c.Outcome.Reference, c.Notices = &minted, minted.Reference, noticesOf(minted)
		for i := range c.Advices {
			c.Advices[i].Outcome.Reference = minted.Reference
		}
		if err := g.conclude(ctx, c); !errors.Is(err, vault.ErrTaken) {
			return &minted, err
		}
		if r.Minted != nil {
			return nil, vault.ErrTaken
		}
	}
	return nil, fmt.Errorf("token range %s: a free number was not found in %d tries", m.Numbers, mintTries)
}

// noticesOf tell the issuer of a new token, and bring the passcode of one that
// waits for it.
func noticesOf(t token.Token) []token.Notice {
	created := token.Notice{Reason: token.NoticeCreated, TransactionID: t.TransactionID, Reference: t.Reference}
	if t.Passcode.Number == 0 {
		return []token.Notice{created}
	}
	passcode := created
	passcode.Reason, passcode.Passcode = token.NoticePasscode, t.Passcode.Number
	return []token.Notice{created, passcode}
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
	if t.Outcome.Mints() == "" {
		return r.Answer(t.TransactionID, *t.Outcome, nil)
	}
	minted, err := g.Store.TokenByReference(ctx, t.Outcome.Reference)
	if err != nil {
		return g.activationFault(r, err, e)
	}
	minted.Status = t.Outcome.Mints() // as the first answer said, whatever became of it since
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
	return strings.Join([]string{station, string(kind), t.Acquirer, t.Terminal, t.RRN, t.STAN}, "/")
}
