package gateway

import (
	"cmp"
	"context"
	"errors"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// reverse serves a reversal or its advice (0400, 0420): the original is found,
// the core says what undoes it, and one claim does it. Who is reversed stays so:
// a second reversal of the same original is granted and does nothing.
func (g *Gateway) reverse(ctx context.Context, from stations.Station, r *messages.Reversal, e *event) messages.Message {
	for range overtakenTries {
		original, key, err := g.original(ctx, from, r)
		if err != nil {
			return g.reversalFault(r, err, e)
		}
		c, err := g.reversalClaim(ctx, from, r, original, key)
		if err != nil {
			return g.reversalFault(r, err, e)
		}
		e.transaction = c.TransactionID
		result, err := g.Store.Claim(ctx, c)
		switch {
		case err != nil:
			return g.reversalFault(r, err, e)
		case result.State == vault.Overtaken, result.State == vault.Reversed:
			continue // read anew, it is another case now
		case result.State == vault.Conflict:
			e.transaction, e.outcome = "", duplicateTrace
			return r.Answer(e.outcome.Response, "")
		case result.State == vault.Answered:
			e.note, e.transaction, e.outcome = "repeat of an answered request", result.Recorded.TransactionID, *result.Recorded.Outcome
		case result.State == vault.Missing:
			e.outcome = refusal(token.RecordNotFound, token.ReasonNoOriginal)
		default:
			e.outcome = *c.Outcome
			g.notices.nudge()
		}
		return r.Answer(e.outcome.Response, e.transaction)
	}
	return g.reversalFault(r, errOvertaken, e)
}

// original finds what a reversal is about; the zero transaction for nothing.
// A reversal has its original's trace but for the trace number, which stands in
// field 90.
func (g *Gateway) original(ctx context.Context, from stations.Station, r *messages.Reversal) (vault.Transaction, string, error) {
	trace := r.Trace
	trace.STAN = r.Original.STAN
	kinds := []vault.Kind{vault.KindTap, vault.KindOnline}
	if r.Activation {
		kinds = []vault.Kind{vault.KindActivation}
	}
	for _, kind := range kinds {
		key := requestKey(from.Name, kind, trace)
		found, err := g.Store.Transaction(ctx, key)
		if !errors.Is(err, vault.ErrNotFound) {
			return found, key, err
		}
	}
	return vault.Transaction{}, "", nil
}

// reversalClaim decides about a reversal.
func (g *Gateway) reversalClaim(ctx context.Context, from stations.Station, r *messages.Reversal, original vault.Transaction, key string) (vault.Claim, error) {
	c := vault.Claim{
		Key: requestKey(from.Name, vault.KindReversal, r.Trace), Content: r.Content(), Kind: vault.KindReversal,
		TransactionID: original.TransactionID, At: g.Now(),
		Detail: "asked: by " + string(from.Role) + " " + from.Name,
	}
	t, err := g.usedToken(ctx, original)
	if err != nil {
		return c, err
	}
	done := token.Outcome{Response: token.Approved, AnsweredBy: token.ByNetwork, Reference: t.Reference, Reason: token.ReasonDone}
	switch reason := mismatch(r, original, t); {
	case key == "":
		if c.TransactionID, err = g.transactionIDs.Next(); err != nil {
			return c, err
		}
		done = refusal(token.RecordNotFound, token.ReasonNoOriginal)
	case reason != token.ReasonNone:
		done = refusal(token.RecordNotFound, reason)
	case original.Reversed:
		done.Reason = token.ReasonReversedBefore
	default:
		err = reversing(&c, original, key, t)
	}
	c.Outcome = &done
	return c, err
}

// reversing completes the claim of a reversal that is granted with what undoes
// its original.
func reversing(c *vault.Claim, original vault.Transaction, key string, t token.Token) error {
	move, err := token.ProgressOf(original.Outcome, false).After(token.TurnReversed)
	if err != nil {
		return err
	}
	c.Reverses, c.ReversesOpen = key, original.Outcome == nil
	if c.ReversesOpen {
		return nil // what undoes it is done when it is concluded, see undo
	}
	if move.Deactivate && original.Kind == vault.KindActivation && t.Status != token.Deactivated {
		c.Change = &token.Change{Reference: t.Reference, Event: token.Deactivate, By: token.Network, Reason: token.NoticeDeactivated}
	}
	if move.Undo && original.Question != nil {
		c.Advices = []vault.Advice{{
			Kind: vault.AdviceReversal, About: original.Kind, TransactionID: original.TransactionID,
			Question: *original.Question, Outcome: *original.Outcome,
		}}
	}
	return nil
}

// mismatch says what of a reversal is not its original's.
func mismatch(r *messages.Reversal, original vault.Transaction, t token.Token) token.Reason {
	account := t.Number
	if original.Question != nil && (t.Number.IsZero() || original.Kind == vault.KindActivation) {
		account = original.Question.PAN
	}
	switch {
	case !account.IsZero() && account != r.Number:
		return token.ReasonOtherAccount
	case original.Question != nil && original.Question.Amount != r.Amount:
		return token.ReasonOtherAmount
	}
	return token.ReasonNone
}

// usedToken is the token that a transaction made or used, the zero token for
// none. One that has no outcome, or was undone, tells by its question.
func (g *Gateway) usedToken(ctx context.Context, t vault.Transaction) (token.Token, error) {
	reference := ""
	if t.Question != nil {
		reference = t.Question.Reference
	}
	if t.Outcome != nil {
		reference = cmp.Or(t.Outcome.Reference, reference)
	}
	if reference == "" {
		return token.Token{}, nil
	}
	return g.Store.TokenByReference(ctx, reference)
}

func (g *Gateway) reversalFault(r *messages.Reversal, err error, e *event) messages.Message {
	e.err, e.outcome = err, malfunction
	return r.Answer(e.outcome.Response, "")
}
