package gateway

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// ask brings a request to an issuer and its word back; the zero answer when
// none came. trace is the request's own: the gateway puts its trace number
// there, so that two stations' requests cannot meet on one line.
func (g *Gateway) ask(ctx context.Context, issuer string, question messages.Message, trace *messages.Trace) token.IssuerAnswer {
	trace.STAN, trace.Transmitted = g.nextSTAN(), messages.Stamp(g.Now())
	answer, err := g.askTyped(ctx, issuer, question)
	if err != nil {
		g.Log.Warn().Err(err).Str("issuer", issuer).Str("rrn", trace.RRN).Msg("issuer did not answer")
		return token.IssuerAnswer{}
	}
	word, ok := wordOn(question, answer)
	if !ok {
		g.Log.Warn().Str("issuer", issuer).Str("mti", answer.MTI()).Msg("issuer answered with another message")
		return token.IssuerAnswer{}
	}
	return token.IssuerAnswer{Response: word.Response, AuthorizationID: word.AuthorizationID}
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

func (g *Gateway) askTyped(ctx context.Context, issuer string, question messages.Message) (messages.Message, error) {
	line := g.issuers[issuer]
	if line == nil {
		return nil, fmt.Errorf("issuer %q has no station", issuer)
	}
	raw, err := messages.Encode(question)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.IssuerTimeout)
	defer cancel()
	var answer *specs.Message
	if answer, err = line.Ask(ctx, raw); err != nil {
		return nil, err
	}
	return messages.Decode(answer)
}
