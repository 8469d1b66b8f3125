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

// letter is a notice or an advice on its way.
type letter struct {
	letterID      // what is for the log, too: "notice" or "advice"
	reason        string
	issuer        string
	transactionID string
	tries         int
	write         func(ctx context.Context) messages.Message // nil: it is over, and nobody is told
	postpone      func(ctx context.Context, until time.Time, sent bool) error
}

func (n *notifier) notice(q vault.QueuedNotice) letter {
	g := n.gateway
	l := letter{
		letterID: letterID{whatNotice, q.ID}, reason: string(q.Notice.Reason), issuer: q.Token.Issuer,
		transactionID: q.Notice.TransactionID, tries: q.Tries,
		postpone: func(ctx context.Context, until time.Time, sent bool) error {
			return g.Store.Postpone(ctx, q.ID, until, sent)
		},
	}
	if !overtaken(q) {
		l.write = func(context.Context) messages.Message { return g.notification(q) }
	}
	return l
}

// overtaken reports whether a notice brings a passcode that is good no more,
// because another one was drawn or the token is active.
func overtaken(q vault.QueuedNotice) bool {
	return q.Notice.Reason == token.NoticePasscode && q.Notice.Passcode != q.Token.Passcode.Number
}

func (n *notifier) advice(q vault.QueuedAdvice) letter {
	g := n.gateway
	return letter{
		letterID: letterID{whatAdvice, q.ID}, reason: string(q.Advice.Kind), issuer: q.Advice.Question.Issuer,
		transactionID: q.Advice.TransactionID, tries: q.Tries,
		write: func(ctx context.Context) messages.Message {
			return adviceMessage(q, g.tokenIn(ctx, q.Advice), g.Now())
		},
		postpone: func(ctx context.Context, until time.Time, sent bool) error {
			return g.Store.PostponeAdvice(ctx, q.ID, until, sent)
		},
	}
}

// acknowledgement is what an answer of the right kind says.
func acknowledgement(sent, answer messages.Message) (response token.Response, ok bool) {
	switch a := answer.(type) {
	case *messages.NotificationAnswer:
		_, ok = sent.(*messages.Notification)
		return a.Response, ok
	case *messages.AdviceAnswer:
		_, ok = sent.(*messages.Advice)
		return a.Response, ok
	case *messages.ReversalAnswer:
		_, ok = sent.(*messages.Reversal)
		return a.Response, ok
	}
	return "", false
}

func (g *Gateway) notification(q vault.QueuedNotice) *messages.Notification {
	stan := g.nextSTAN()
	n := &messages.Notification{
		PAN: q.Token.PAN,
		Trace: messages.Trace{
			Transmitted: messages.Stamp(g.Now()), STAN: stan, Acquirer: g.Institution, RRN: messages.RRN(g.Now(), stan),
		},
		TransactionID: q.Notice.TransactionID, Reason: q.Notice.Reason,
		Token: messages.TokenDataOf(q.Token), Result: q.Notice.Result,
	}
	switch q.Notice.Reason {
	case token.NoticePasscode:
		n.Code = g.Passcodes.Passcode(q.Notice.Reference, q.Notice.Passcode)
		n.CodeExpires, n.Method = q.Token.Passcode.Expires, token.ByPasscode
	case token.NoticeExpiry, token.NoticeReplaced:
		n.PANExpiry, n.PANSequence = q.Token.PANExpiry, q.Token.PANSequence
	}
	return n
}
