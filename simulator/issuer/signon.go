package issuer

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// SignOn signs on at the gateway on a connection that the host has dialled.
func (h *Host) SignOn(ctx context.Context, c *link.Conn) error {
	t := h.nextTrace()
	question, err := messages.Encode(&messages.NetworkRequest{Transmitted: t.Transmitted, STAN: t.STAN, Code: messages.SignOn})
	if err != nil {
		return err
	}
	raw, err := c.Ask(ctx, question)
	if err != nil {
		return fmt.Errorf("signing on: %w", err)
	}
	typed, err := messages.Decode(raw)
	if err != nil {
		return err
	}
	answer, ok := typed.(*messages.NetworkAnswer)
	if !ok || answer.Response != token.Approved {
		return fmt.Errorf("the gateway refused the sign-on with a %s", raw.MTI())
	}
	if h.SignedOn != nil {
		h.SignedOn()
	}
	return nil
}
