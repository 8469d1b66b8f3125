package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// tap serves an authorization by token: facts, acceptance, claim, issuer,
// conclusion, answer. Like activate it gives no answer to a repeat of a
// request that is still under way.
func (g *Gateway) tap(ctx context.Context, from stations.Station, r *messages.TapRequest, e *event) messages.Message {
	at := g.Now()
	facts, err := g.tapFacts(ctx, r.Tap)
	if err != nil {
		return g.tapFault(r, err, e)
	}
	claim, err := g.tapClaim(from.Name, r, facts, at)
	if err != nil {
		return g.tapFault(r, err, e)
	}
	e.transaction = claim.TransactionID
	found, result, err := g.claimTap(ctx, claim, token.Accept(r.Tap, facts, at), facts.Token)
	switch {
	case err != nil:
		return g.tapFault(r, err, e)
	case result.State == vault.Busy:
		e.note, e.transaction = "repeat of a request under way", result.Recorded.TransactionID
		return nil
	case result.State == vault.Conflict:
		e.transaction = ""
		e.outcome = token.Outcome{Response: token.DuplicateTrace, AnsweredBy: token.ByNetwork}
		return r.Answer("", e.outcome, emv.Cryptogram{})
	case result.State == vault.Answered:
		e.outcome, e.note = *result.Recorded.Outcome, "repeat of an answered request"
		e.transaction = result.Recorded.TransactionID
		return r.Answer(e.transaction, e.outcome, arpc(r.Tap, facts.CardKey, e.outcome))
	case !found.Ask():
		e.outcome = found.Declined(facts.Token)
		return r.Answer(claim.TransactionID, e.outcome, emv.Cryptogram{})
	}
	e.outcome, err = g.authorize(ctx, r, claim, facts.Token, found)
	if err != nil {
		g.leave(vault.Conclusion{Key: claim.Key, Outcome: malfunction})
		return g.tapFault(r, err, e)
	}
	return r.Answer(claim.TransactionID, e.outcome, arpc(r.Tap, facts.CardKey, e.outcome))
}

func (g *Gateway) tapFacts(ctx context.Context, t token.Tap) (token.TapFacts, error) {
	found, err := g.Store.Token(ctx, t.Number)
	if errors.Is(err, vault.ErrNotFound) {
		return token.TapFacts{}, nil
	}
	if err != nil {
		return token.TapFacts{}, err
	}
	master, err := g.Keys.TokenMaster(found.KeyVersion)
	if err != nil {
		return token.TapFacts{}, err
	}
	return token.TapFacts{Token: found, CardKey: emv.CardKey(master, found.Number, found.Sequence)}, nil
}

func (g *Gateway) tapClaim(station string, r *messages.TapRequest, facts token.TapFacts, at time.Time) (vault.Claim, error) {
	transactionID, err := token.DrawTransactionID(g.Random)
	return vault.Claim{
		Key: requestKey(station, vault.KindTap, r.Trace), Content: r.Content(), Kind: vault.KindTap,
		TransactionID: transactionID, At: at, Reference: facts.Token.Reference, ATC: r.Tap.Chip.ATC,
	}, err
}

// claimTap raises the token's counter for a tap that was accepted. When
// another tap was faster with this counter, that is the new finding.
func (g *Gateway) claimTap(ctx context.Context, c vault.Claim, found token.Acceptance, t token.Token) (token.Acceptance, vault.ClaimResult, error) {
	for {
		if !found.Ask() {
			declined := found.Declined(t)
			c.Outcome, c.Reference = &declined, ""
		}
		result, err := g.Store.Claim(ctx, c)
		if err != nil || result.State != vault.Stale {
			return found, result, err
		}
		found = token.CounterRepeated()
	}
}

// authorize asks the issuer and records its word, whether or not the merchant
// is still there.
func (g *Gateway) authorize(ctx context.Context, r *messages.TapRequest, claim vault.Claim, t token.Token, found token.Acceptance) (token.Outcome, error) {
	ctx = context.WithoutCancel(ctx)
	question := r.ForIssuer(claim.TransactionID, messages.Additional{Authentication: found.Authentication}, t)
	word, _ := g.ask(ctx, t.Issuer, question, &question.Trace) // none is a word too
	outcome := token.ConcludeTap(found, t, word)
	return outcome, g.conclude(ctx, vault.Conclusion{Key: claim.Key, Outcome: outcome})
}

// arpc computes the answer to the card. It is made anew for a repeat, since
// no cryptogram is ever stored.
func arpc(t token.Tap, cardKey emv.Key, o token.Outcome) emv.Cryptogram {
	if !o.AnswersCard() {
		return emv.Cryptogram{}
	}
	return emv.ARPC2(emv.SessionKey(cardKey, t.Chip.ATC), t.Cryptogram, o.CSU)
}

// malfunction is the outcome of a tap that could not be served.
var malfunction = token.Outcome{Response: token.Malfunction, AnsweredBy: token.ByNetwork}

func (g *Gateway) tapFault(r *messages.TapRequest, err error, e *event) messages.Message {
	e.err, e.outcome = err, malfunction
	return r.Answer("", e.outcome, emv.Cryptogram{})
}
