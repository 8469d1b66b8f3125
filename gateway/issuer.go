package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// ask brings a request to an issuer and its word back; the zero answer and an
// error when none came: one for which notSent holds, or errSilent, after which
// the issuer may have decided all the same. trace is the request's own: the gateway puts its trace number
// there, so that two stations' requests cannot meet on one line.
func (g *Gateway) ask(ctx context.Context, issuer string, question messages.Message, trace *messages.Trace) (token.IssuerAnswer, error) {
	trace.STAN, trace.Transmitted = g.nextSTAN(), messages.Stamp(g.Now())
	answer, err := g.askTyped(ctx, issuer, question)
	if err != nil {
		g.Log.Warn().Err(err).Str("issuer", issuer).Str("rrn", trace.RRN).Msg("issuer did not answer")
		return token.IssuerAnswer{}, err
	}
	word, ok := wordOn(question, answer)
	if !ok {
		g.Log.Warn().Str("issuer", issuer).Str("mti", answer.MTI()).Msg("issuer answered with another message")
		return token.IssuerAnswer{}, fmt.Errorf("%w: it sent a %s", errSilent, answer.MTI())
	}
	return token.IssuerAnswer{Response: word.Response, AuthorizationID: word.AuthorizationID}, nil
}

// wordOn is what an answer says on a question of the same kind. A 0110 on a
// tap is no approval of an activation, nor the other way round.
func wordOn(question, answer messages.Message) (word messages.Outcome, ok bool) {
	switch a := answer.(type) {
	case *messages.ActivationAnswer:
		_, ok = question.(*messages.ActivationRequest)
		return a.Outcome, ok
	case *messages.TapAnswer:
		_, ok = question.(*messages.TapRequest)
		return a.Outcome, ok
	}
	return word, false
}

// errSilent is that an issuer was asked and gave no answer that could be read. It
// wraps context.DeadlineExceeded when none came in time, and link.ErrClosed when
// the connection ended meanwhile.
var errSilent = errors.New("the issuer was asked and did not answer")

// askTyped asks an issuer. The error wraps errSilent when the issuer may have got
// the question; link.ErrDown when none of its connections was up.
func (g *Gateway) askTyped(ctx context.Context, issuer string, question messages.Message) (messages.Message, error) {
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
	typed, err := messages.Decode(answer)
	if err != nil {
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
