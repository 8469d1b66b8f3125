package gateway

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// adviceOf is an advice about a claimed request that was answered with o.
func adviceOf(kind vault.AdviceKind, claim vault.Claim, o token.Outcome) vault.Advice {
	return vault.Advice{Kind: kind, About: claim.Kind, TransactionID: claim.TransactionID, Question: *claim.Question, Outcome: o}
}

// tokenIn is the token that an advice is about, as the issuer is told of it; nil
// for none. One that cannot be read now is left out: what money hangs on is told
// without it.
func (g *Gateway) tokenIn(ctx context.Context, a vault.Advice) *messages.TokenData {
	reference := cmp.Or(a.Outcome.Reference, a.Question.Reference)
	if reference == "" {
		return nil
	}
	t, err := g.Store.TokenByReference(ctx, reference)
	if err != nil {
		g.Log.Warn().Err(err).Str("transaction", a.TransactionID).Msg("an advice goes without its token")
		return nil
	}
	data := messages.TokenDataOf(t)
	return &data
}

// adviceMessage writes an advice. Its trace number hangs on its place in the
// queue, so that a repeat has that of its original.
func adviceMessage(q vault.QueuedAdvice, t *messages.TokenData, now time.Time) messages.Message {
	a, asked := q.Advice, q.Advice.Question
	trace := messages.Trace{
		Transmitted: messages.Stamp(now), STAN: fmt.Sprintf("%06d", q.ID%traceNumbers+1),
		RRN: asked.RRN, Acquirer: asked.Acquirer, Terminal: asked.Terminal, Acceptor: asked.Acceptor,
	}
	setting := messages.Setting{
		Category: asked.Category, EntryMode: asked.EntryMode, Condition: asked.Condition, Currency: asked.Currency,
	}
	activation, repeat := a.About == vault.KindActivation, q.Tries > 0
	if a.Kind == vault.AdviceReversal {
		return &messages.Reversal{
			Advice: true, Repeat: repeat, Trace: trace, Setting: setting,
			Number: asked.PAN, Amount: asked.Amount, Expiry: asked.Expiry,
			Original: messages.OriginalOf("0100", messages.Trace{
				STAN: asked.STAN, Transmitted: asked.Transmitted, Acquirer: asked.Acquirer,
			}),
			AuthorizationID: a.Outcome.AuthorizationID, Answered: a.Outcome.Response,
			TransactionID: a.TransactionID, Activation: activation, Token: t,
		}
	}
	return &messages.Advice{
		Repeat: repeat, Trace: trace, Setting: setting, PAN: asked.PAN, Amount: asked.Amount, Expiry: asked.Expiry,
		Outcome: messages.OutcomeOf(a.Outcome), TransactionID: a.TransactionID, Activation: activation, StandIn: a.Outcome.StandIn, Token: t,
	}
}

// traceNumbers is how many there are: 000001 to 999999.
const traceNumbers = 999_999
