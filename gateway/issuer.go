package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// questionAbout is what is about to be asked of an issuer, with a trace number
// of the gateway's own, so that two stations' requests cannot meet on one line.
func (g *Gateway) questionAbout(t messages.Trace, s messages.Setting) vault.Question {
	return vault.Question{
		Currency: s.Currency, Category: s.Category, EntryMode: s.EntryMode, Condition: s.Condition,
		STAN: g.nextSTAN(), Transmitted: messages.Stamp(g.Now()),
		RRN: t.RRN, Acquirer: t.Acquirer, Terminal: t.Terminal, Acceptor: t.Acceptor,
	}
}

// ask brings a request to an issuer and its word back, or says why there is
// none. trace is the request's own: it gets the question's trace number.
func (g *Gateway) ask(ctx context.Context, asked vault.Question, question messages.Message, trace *messages.Trace) token.IssuerAnswer {
	trace.STAN, trace.Transmitted = asked.STAN, asked.Transmitted
	answer, err := g.askTyped(ctx, asked.Issuer, question)
	warning := func() *zerolog.Event {
		return g.Log.Warn().Err(err).Str("issuer", asked.Issuer).Str("rrn", asked.RRN)
	}
	switch {
	case err == nil:
	case notSent(err):
		warning().Msg("issuer cannot be asked")
		return token.IssuerAnswer{Silence: token.StandInDown, Why: whyInWords(err)}
	default:
		warning().Str("why", whySilent(err)).Msg("issuer did not answer")
		return token.IssuerAnswer{Silence: token.StandInTimeout, Why: whyInWords(err)}
	}
	word, ok := wordOn(question, answer)
	if !ok {
		warning().Str("mti", answer.MTI()).Msg("issuer answered with another message")
		return token.IssuerAnswer{Silence: token.StandInTimeout, Why: "answered by a " + answer.MTI() + " of another kind"}
	}
	return word
}

// whySilent is what came in an answer's place, "" when the question's end was
// another.
func whySilent(err error) string {
	var u *link.Unanswered
	if !errors.As(err, &u) {
		return ""
	}
	return string(u.Why)
}

// whyInWords is why an issuer gave no answer, as the audit trail has it.
func whyInWords(err error) string {
	var u *link.Unanswered
	if errors.As(err, &u) {
		return u.Brief()
	}
	for _, known := range []error{link.ErrDown, link.ErrBusy, link.ErrDuplicate, stations.ErrNoIssuer, link.ErrClosed, link.ErrRejected} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "what came cannot be read"
}

// wordOn is what an answer says on a question of the same kind. A 0110 on a
// tap is no approval of an activation, nor the other way round.
func wordOn(question, answer messages.Message) (word token.IssuerAnswer, ok bool) {
	var o messages.Outcome
	switch a := answer.(type) {
	case *messages.ActivationAnswer:
		_, ok = question.(*messages.ActivationRequest)
		o, word.Method = a.Outcome, a.Method
	case *messages.TapAnswer:
		_, ok = question.(*messages.TapRequest)
		o = a.Outcome
	case *messages.RemoteAnswer:
		_, ok = question.(*messages.RemoteRequest)
		o = a.Outcome
	}
	word.Response, word.AuthorizationID = o.Response, o.AuthorizationID
	return word, ok
}

// errSilent is that an issuer was asked and gave no answer that could be read. It
// wraps a link.Unanswered when none came in time or one that cannot be decoded,
// and link.ErrClosed when the connection ended meanwhile.
var errSilent = errors.New("the issuer was asked and did not answer")

// askTyped asks an issuer. The error wraps errSilent when the issuer may have got
// the question; link.ErrDown when none of its connections was up.
func (g *Gateway) askTyped(ctx context.Context, issuer string, question messages.Message) (typed messages.Message, err error) {
	began := time.Now()
	defer func() { g.heard(issuer, began, err) }()
	raw, err := messages.Encode(question)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(g.issuer(issuer).Timeouts.Answer, g.IssuerTimeout))
	defer cancel()
	answer, err := g.stations.Ask(ctx, issuer, raw)
	switch {
	case notSent(err):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errSilent, err)
	}
	if typed, err = messages.Decode(answer); err != nil {
		return nil, fmt.Errorf("%w: %w", errSilent, err)
	}
	return typed, nil
}

// notSent reports whether an error of the table says that no issuer has seen the
// question.
func notSent(err error) bool {
	return errors.Is(err, link.ErrDown) || errors.Is(err, link.ErrBusy) || errors.Is(err, link.ErrDuplicate) || errors.Is(err, stations.ErrNoIssuer)
}

// issuer is an issuer's station as it stands, the zero one when it has none.
func (g *Gateway) issuer(name string) stations.Station {
	s, _ := g.stations.Station(name)
	return s
}
