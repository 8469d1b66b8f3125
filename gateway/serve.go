package gateway

import (
	"context"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// service serves one kind of message. take reports whether a message is of the
// kind; a nil reply is no answer.
type service struct {
	kind stations.Kind
	is   func(messages.Message) bool
	take func(ctx context.Context, g *Gateway, from stations.Station, typed messages.Message, e *event) messages.Message
}

// of makes the service of a kind.
func of[R messages.Message](kind stations.Kind, serve func(ctx context.Context, g *Gateway, from stations.Station, r R, e *event) messages.Message) service {
	return service{
		kind: kind,
		is:   func(m messages.Message) bool { _, ok := m.(R); return ok },
		take: func(ctx context.Context, g *Gateway, from stations.Station, typed messages.Message, e *event) messages.Message {
			return serve(ctx, g, from, typed.(R), e)
		},
	}
}

// services are the kinds of messages that the gateway serves. Who may send which
// is package stations' to say.
var services = []service{
	of(stations.Network, func(_ context.Context, g *Gateway, _ stations.Station, r *messages.NetworkRequest, e *event) messages.Message {
		return g.manage(r, e)
	}),
	of(stations.Activation, func(ctx context.Context, g *Gateway, from stations.Station, r *messages.ActivationRequest, e *event) messages.Message {
		e.pan = r.Activation.PAN
		return g.activate(ctx, from, r, e)
	}),
	of(stations.Tap, func(ctx context.Context, g *Gateway, from stations.Station, r *messages.TapRequest, e *event) messages.Message {
		e.pan = r.Tap.Number
		return g.tap(ctx, from, r, e)
	}),
	of(stations.Remote, func(ctx context.Context, g *Gateway, from stations.Station, r *messages.RemoteRequest, e *event) messages.Message {
		e.pan = r.Number
		return g.remote(ctx, from, r, e)
	}),
	of(stations.Reversal, func(ctx context.Context, g *Gateway, from stations.Station, r *messages.Reversal, e *event) messages.Message {
		e.pan = r.Number
		return g.reverse(ctx, from, r, e)
	}),
	of(stations.FileUpdate, func(ctx context.Context, g *Gateway, from stations.Station, r *messages.FileUpdate, e *event) messages.Message {
		return g.update(ctx, from, r, e)
	}),
}

// serve serves a message of a station, if the station may send it now; else it
// gives the response to refuse it with. A message may come on a connection that
// the gateway asks on: link sees to it that handlers never keep such a
// connection's answers from being read.
func (g *Gateway) serve(ctx context.Context, from stations.Station, typed messages.Message, e *event) (reply messages.Message, refused token.Response) {
	for _, s := range services {
		if !s.is(typed) {
			continue
		}
		e.kind = s.kind
		if response, note := allowed(from, s.kind, e.session); response != "" {
			e.note = note
			return nil, response
		}
		return s.take(ctx, g, from, typed, e), ""
	}
	e.note = "the gateway does not serve this message"
	return nil, token.InvalidTransaction
}

// allowed gives the response, and the note for the log, with which a kind of
// message is refused at a station; "" when it is to be served. Network
// management needs no sign-on: it is how to sign on.
func allowed(from stations.Station, kind stations.Kind, session *link.Session) (refused token.Response, note string) {
	switch {
	case !from.Role.May(kind):
		return token.InvalidTransaction, "a station that is a " + string(from.Role) + " sends no " + string(kind) + "; it may come from: " + stations.WhoMay(kind)
	case from.SignOn && kind != stations.Network && !session.SignedOn():
		return token.IssuerUnavailable, "the station has not signed on"
	}
	return "", ""
}

// overload says why a message is refused before it is looked at, "" when it is
// not.
func (g *Gateway) overload(in link.Inbound) string {
	switch {
	case g.draining.Load():
		return noteEnding
	case in.Draining:
		return "the connection is about to be closed"
	case in.Throttled:
		return "more requests than the station may send at a time"
	}
	return ""
}

// speaksFor reports whether a station may ask for a token in the name of the
// token requestor that the activation names.
func speaksFor(from stations.Station, a token.Activation) bool {
	return from.RequestorID == "" || from.RequestorID == a.Requestor
}

// wrongRequestor is the outcome of an activation in another's name.
var wrongRequestor = refusal(token.NotAllowedAtTerminal, token.ReasonWrongRequestor)
