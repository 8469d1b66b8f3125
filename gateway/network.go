package gateway

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// manage answers sign-on, sign-off and echo.
func (g *Gateway) manage(r *messages.NetworkRequest, e *event) messages.Message {
	e.outcome.Response = token.Approved
	if !r.Code.Known() {
		e.outcome.Response = token.InvalidTransaction
	}
	return r.Answer(e.outcome.Response)
}

// line prepares the connection to an issuer's host: sign-on first, an echo
// when nothing else was sent for a while.
func (g *Gateway) line(issuer IssuerStation) *link.Line {
	return &link.Line{
		Addr: issuer.Addr, Options: g.linkOptions(issuer.Station, g.handler(issuer.Name, g.serveIssuer)),
		Up: func(ctx context.Context, c *link.Conn) error { return g.manageIssuer(ctx, c, messages.SignOn) },
		Idle: func(c *link.Conn) {
			ctx, cancel := context.WithTimeout(context.Background(), g.IssuerTimeout)
			defer cancel()
			if err := g.manageIssuer(ctx, c, messages.Echo); err != nil {
				g.Log.Warn().Err(err).Str("station", issuer.Name).Msg("echo not answered, line is dialled anew")
				c.Close()
			}
		},
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
