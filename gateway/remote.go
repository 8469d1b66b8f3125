package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// remote serves an account verification or a payment without a terminal, by
// token with its cryptogram or by card number with its code.
func (g *Gateway) remote(ctx context.Context, from stations.Station, r *messages.RemoteRequest, e *event) messages.Message {
	t, err := g.Store.Token(ctx, r.Number)
	switch {
	case err == nil:
		return g.remoteByToken(ctx, from, r, t, e)
	case errors.Is(err, vault.ErrNotFound):
		return g.remoteByCard(ctx, from, r, e)
	default:
		return g.remoteFault(r, err, e)
	}
}

func (g *Gateway) remoteByToken(ctx context.Context, from stations.Station, r *messages.RemoteRequest, t token.Token, e *event) messages.Message {
	facts, err := g.factsOf(ctx, t)
	if err != nil {
		return g.remoteFault(r, err, e)
	}
	at := g.Now()
	found := token.AcceptRemote(token.Remote{
		Number: r.Number, Sequence: r.Sequence, Expiry: r.Expiry, Amount: r.Amount, Currency: r.Currency,
		EntryMode: r.EntryMode, Requestor: r.Requestor, Merchant: r.Acceptor, Cryptogram: r.Cryptogram,
	}, facts, at)
	p := payment{
		facts: facts, amount: r.Amount,
		claim: vault.Claim{
			Key: requestKey(from.Name, vault.KindOnline, r.Trace), Content: r.Content(), Kind: vault.KindOnline, At: at,
			ATC: r.Cryptogram.ATC, Mark: r.Mark(),
			Detail: paymentDetail(t, r.EntryMode, signedRemotely(r.Cryptogram, t)),
		},
		question: g.questionAbout(r.Trace, r.Setting()),
		ask: func(ctx context.Context, asked vault.Question, id string, found token.Acceptance) token.IssuerAnswer {
			question := r.ForIssuer(id, messages.Additional{Authentication: found.Authentication}, &t)
			return g.ask(ctx, asked, question, &question.Trace)
		},
	}
	state, err := g.pay(ctx, p, found, e)
	switch {
	case err != nil:
		return g.remoteFault(r, err, e)
	case state == vault.Busy:
		return nil
	}
	return r.Answer(e.transaction, e.outcome)
}

func signedRemotely(c emv.Remote, of token.Token) string {
	if c.IsZero() {
		return "nothing"
	}
	return fmt.Sprintf("counter %d after %d", c.ATC, of.ATC)
}

// remoteByCard holds the code to its account, like activate.
func (g *Gateway) remoteByCard(ctx context.Context, from stations.Station, r *messages.RemoteRequest, e *event) messages.Message {
	question := g.questionAbout(r.Trace, r.Setting())
	question.PAN, question.Sequence, question.Expiry, question.Amount = r.Number, r.Sequence, r.Expiry, r.Amount
	found, err := g.screener.Screen(ctx, screening.Request{
		Key: requestKey(from.Name, vault.KindOnline, r.Trace), Content: r.Content(), Kind: vault.KindOnline, Station: from.Name, Question: question, At: g.Now(),
		Activation: token.Activation{PAN: r.Number, Sequence: r.Sequence, Expiry: r.Expiry, CVV2: r.CVV2},
	})
	e.transaction, e.refused = found.Claim.TransactionID, found.Refused()
	switch {
	case err != nil:
		return g.remoteFault(r, err, e)
	case found.Result.State == vault.Busy:
		e.note, e.transaction = "repeat of a request under way", found.Result.Recorded.TransactionID
		return nil
	case found.Result.State == vault.Conflict:
		e.transaction, e.outcome = "", duplicateTrace
	case found.Result.State == vault.Answered:
		e.transaction, e.outcome, e.note = found.Result.Recorded.TransactionID, *found.Result.Recorded.Outcome, "repeat of an answered request"
	case !found.Ask():
		e.outcome = found.Declined()
		g.notices.nudge()
	default:
		e.claimed()
		if e.outcome, err = g.verify(ctx, r, found); err != nil {
			g.leave(failed(found.Claim, malfunction))
			return g.remoteFault(r, err, e)
		}
	}
	return r.Answer(e.transaction, e.outcome)
}

// verify asks the issuer about an account whose code was looked at.
func (g *Gateway) verify(ctx context.Context, r *messages.RemoteRequest, found screening.Screened) (_ token.Outcome, err error) {
	defer g.survive(&err)
	ctx = context.WithoutCancel(ctx)
	question := r.ForIssuer(found.Claim.TransactionID, messages.Additional{CVV2: found.CVV2}, nil)
	if found.Static {
		question.CVV2 = dcvv2.Presented{Presence: dcvv2.PresenceGiven}
	}
	answer := g.ask(ctx, *found.Claim.Question, question, &question.Trace)
	o := token.ConcludeOnline(found.Screening, answer)
	return g.concludePayment(ctx, found.Claim, answer, o)
}

func (g *Gateway) remoteFault(r *messages.RemoteRequest, err error, e *event) messages.Message {
	e.err, e.outcome = err, malfunction
	return r.Answer("", e.outcome)
}
