package gateway

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// manage answers sign-on, sign-off and echo, and keeps what the connection's
// session is after them.
func (g *Gateway) manage(r *messages.NetworkRequest, e *event) messages.Message {
	e.outcome.Response = token.Approved
	switch r.Code {
	case messages.SignOn:
		e.session.Set(true)
	case messages.SignOff:
		e.session.Set(false)
	case messages.Echo:
	default:
		e.outcome.Response = token.InvalidTransaction
	}
	return r.Answer(e.outcome.Response)
}

// signOn signs on at an issuer's host, on a connection that was dialled.
func (g *Gateway) signOn(ctx context.Context, _ stations.Station, c *link.Conn) error {
	return g.manageIssuer(ctx, c, messages.SignOn)
}

// echo asks an issuer's host whether it is there, when nothing else was sent for
// a while.
func (g *Gateway) echo(at stations.Station, c *link.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), g.IssuerTimeout)
	defer cancel()
	if err := g.manageIssuer(ctx, c, messages.Echo); err != nil {
		g.Log.Warn().Err(err).Str("station", at.Name).Msg("echo not answered, line is dialled anew")
		c.Close()
	}
}

func (g *Gateway) manageIssuer(ctx context.Context, c *link.Conn, code messages.NetworkCode) error {
	question, err := messages.Encode(&messages.NetworkRequest{
		Transmitted: messages.Stamp(g.Now()), STAN: g.nextSTAN(), Code: code,
	})
	if err != nil {
		return err
	}
	raw, err := c.Ask(ctx, question)
	if err != nil {
		return err
	}
	typed, err := messages.Decode(raw)
	if err != nil {
		return err
	}
	answer, ok := typed.(*messages.NetworkAnswer)
	if !ok || answer.Response != token.Approved {
		return fmt.Errorf("issuer answered network code %s with a refusal", code)
	}
	return nil
}
