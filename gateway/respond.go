package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/internal/stack"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// event is what the log tells of one message, in one line.
type event struct {
	started time.Time
	pan     card.PAN
	outcome token.Outcome
	kind    stations.Kind // "" until it is known
	refused token.Reason  // why an activation was claimed with a code unchecked
	note    string
	err     error

	transaction string        // 62.2; "" for what has none
	session     *link.Session // of the connection that it came on
	claimed     func()        // lets what came later begin, see link.Inbound
}

// handle answers every message of a station: it is the one place where answers
// and the log line about them are made.
func (g *Gateway) handle(ctx context.Context, from stations.Station, in link.Inbound) *specs.Message {
	e := event{started: time.Now(), session: in.Session, claimed: in.Claimed}
	answer := g.answerSurely(ctx, from, in, &e)
	g.record(from.Name, in, answer, e)
	g.observe(from, answer != nil, e)
	return answer
}

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

func (g *Gateway) answer(ctx context.Context, from stations.Station, in link.Inbound, e *event) *specs.Message {
	if e.note = g.overload(in); e.note != "" {
		return g.refuse(in.Message, token.IssuerUnavailable, e)
	}
	if in.Fault != nil {
		e.err = in.Fault
		return g.refuse(in.Message, token.FormatFault, e)
	}
	typed, err := messages.Decode(in.Message)
	if err != nil {
		e.err = err
		return g.refuse(in.Message, unreadable(err), e)
	}
	reply, refused := g.serve(ctx, from, typed, e)
	switch {
	case refused != "":
		return g.refuse(in.Message, refused, e)
	case reply == nil:
		return nil
	}
	answer, err := messages.Encode(reply)
	if err != nil {
		e.err = err
		return g.refuse(in.Message, token.Malfunction, e)
	}
	return answer
}

// unreadable is the response to a message that is not as its type should be.
func unreadable(err error) token.Response {
	var unknown *messages.UnknownError
	switch {
	case errors.As(err, &unknown):
		return token.InvalidTransaction
	case errors.Is(err, card.ErrPANLuhn): // a slip of the cardholder's, not of the station's
		return token.BadNumber
	}
	return token.FormatFault
}

// refuse answers a request that could not be read as typed. A message of which
// not even type and trace are known gets no answer: there is nobody to match it.
func (g *Gateway) refuse(request *specs.Message, response token.Response, e *event) *specs.Message {
	e.outcome.Response = response
	if request == nil {
		e.note = "type or trace unreadable: not answered"
		return nil
	}
	return messages.Refusal(request, string(response))
}

func (g *Gateway) record(station string, in link.Inbound, answer *specs.Message, e event) {
	level := zerolog.InfoLevel
	if e.err != nil {
		level = zerolog.WarnLevel
	}
	log := g.Log.WithLevel(level)
	if !log.Enabled() {
		return // what follows is made for the log alone
	}
	log = log.Str("station", station).Str("remote", in.Remote).Int("bytes", in.Bytes)
	if in.Message != nil {
		trace := messages.TraceOf(in.Message)
		log = log.Str("mti", in.Message.MTI()).Str("stan", trace.STAN).Str("rrn", trace.RRN)
	}
	if !e.pan.IsZero() {
		log = log.Stringer("pan", e.pan)
	}
	if e.outcome.CVV2 != 0 {
		log = log.Stringer("cvv2", e.outcome.CVV2)
	}
	if e.transaction != "" {
		log = log.Str("transaction", e.transaction)
	}
	if e.note != "" {
		log = log.Str("note", e.note)
	}
	log.Str("response", string(e.outcome.Response)).Str("reason", string(e.outcome.Reason)).
		Bool("answered", answer != nil).Err(e.err).Dur("took_ms", time.Since(e.started)).Msg("message")
}
