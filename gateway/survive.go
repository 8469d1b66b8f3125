package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/internal/stack"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// errPanic stands for a panic, of which the log has told where it came from.
var errPanic = errors.New("the gateway panicked: this is a fault of the program")

// survive makes a panic of the function that defers it an error. The log says
// where it came from, and not what it says: that may quote a message.
func (g *Gateway) survive(err *error) {
	if p := recover(); p != nil {
		g.Log.Error().Str("panic", fmt.Sprintf("%T", p)).Str("stack", stack.Calls()).Msg("panicked")
		*err = errPanic
	}
}

// answerSurely is answer, or 96 for a message at which it panicked.
func (g *Gateway) answerSurely(ctx context.Context, from stations.Station, in link.Inbound, e *event) *specs.Message {
	answer, err := func() (answer *specs.Message, err error) {
		defer g.survive(&err)
		return g.answer(ctx, from, in, e), nil
	}()
	if err != nil {
		e.err = err
		return g.refuse(in.Message, token.Malfunction, e)
	}
	return answer
}
