// Package stationtest is a gateway for tests of what dials one: it answers by
// a script and decides nothing.
//
// It is no part of the program. Start at Serve.
package stationtest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Noon is the time in the tests' world.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Script gives the answer to a question; nil answers nothing. The question is
// raw beside its typed form, which is nil for what is not of the family.
type Script func(raw *specs.Message, typed messages.Message) *specs.Message

// Gateway is a listening gateway that remembers what it was asked.
type Gateway struct {
	Addr string

	mu    sync.Mutex
	asked []messages.Message
}

// Serve listens on a loopback port until the test ends. Sign-ons are approved;
// all else is up to the script.
func Serve(t testing.TB, script Script) *Gateway {
	t.Helper()
	return ServeAll(t, func(raw *specs.Message, typed messages.Message) *specs.Message {
		if signOn, ok := typed.(*messages.NetworkRequest); ok {
			return Encode(t, signOn.Answer(token.Approved))
		}
		return script(raw, typed)
	})
}

// ServeAll is Serve with a script that answers sign-ons too.
func ServeAll(t testing.TB, script Script) *Gateway {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gateway{Addr: l.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = link.Serve(ctx, l, link.Options{
			Name: "gateway", Codec: specs.VisaStyleCodec(), Framing: framing(), Key: messages.Key, Log: zerolog.Nop(),
			Handle: func(_ context.Context, in link.Inbound) *specs.Message {
				if in.Fault != nil {
					t.Errorf("the gateway got an undecodable message: %v", in.Fault)
					return nil
				}
				typed, err := messages.Decode(in.Message)
				if err != nil {
					typed = nil
				}
				g.note(typed)
				return script(in.Message, typed)
			},
		})
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	return g
}

func (g *Gateway) note(typed messages.Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, typed)
}

// Asked lists what came in so far, in order.
func (g *Gateway) Asked() []messages.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]messages.Message(nil), g.asked...)
}

// Options are a station's options that fit the gateway.
func (g *Gateway) Options(random io.Reader) station.Options {
	return station.Options{
		Name: "wallet", Addr: g.Addr, Number: 100001, Codec: specs.VisaStyleCodec(), Framing: framing(),
		Acquirer: "400552", Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
		Now: func() time.Time { return Noon }, Random: random, Log: zerolog.Nop(),
	}
}

// Encode is messages.Encode for answers that fit.
func Encode(t testing.TB, typed messages.Message) *specs.Message {
	t.Helper()
	m, err := messages.Encode(typed)
	if err != nil {
		t.Errorf("the script's answer does not fit: %v", err)
		return nil
	}
	return m
}

func framing() specs.Framing {
	f, err := specs.FramingByName(specs.FramingVAP)
	if err != nil {
		panic(err)
	}
	return f
}
