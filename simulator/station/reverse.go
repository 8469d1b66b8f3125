package station

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/messages"
)

// Reverse sends the reversal of a request (0400) that has the request's own
// trace, and gives its answer. The station's next trace number and field 90
// are filled in.
func (s *Station) Reverse(ctx context.Context, r *messages.Reversal) (messages.ReversalAnswer, error) {
	r.Original = messages.OriginalOf("0100", r.Trace)
	next := s.NextTrace()
	r.STAN, r.Transmitted = next.STAN, next.Transmitted
	typed, err := s.Ask(ctx, r)
	if err != nil {
		return messages.ReversalAnswer{}, err
	}
	answer, ok := typed.(*messages.ReversalAnswer)
	if !ok {
		return messages.ReversalAnswer{}, fmt.Errorf("the gateway answered a reversal with a %s", typed.MTI())
	}
	return *answer, nil
}
