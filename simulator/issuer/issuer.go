// Package issuer is the simulated bank: its host answers the gateway over ISO
// 8583 and asks it about its tokens, its web site (simulator/site) issues the
// cards that the host knows.
//
// The host is no yes-man: it declines what it did not issue, what is blocked,
// what is over the balance, and activations whose code the network could not
// vouch for; what is in order it decides by its Persona. Whatever the network
// repeats is done once. Start at Host.
package issuer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Host answers the gateway. Its methods may be called by many goroutines.
type Host struct {
	Book   *ledger.Book
	Random io.Reader // for authorization identifiers and the first trace number
	Log    zerolog.Logger
	// SignedOn is called when the gateway signs on, or lets the host sign on.
	// Optional.
	SignedOn func()
	// Ask asks the gateway on a connection that the host has with it, such as a
	// link.Pool's. Without it nothing can be asked.
	Ask func(ctx context.Context, question *specs.Message) (*specs.Message, error)
	// Institution is field 32 of what the host asks, up to 11 digits;
	// DefaultInstitution when empty.
	Institution string
	Now         func() time.Time // of what the host itself sends; time.Now when nil

	mu           sync.Mutex // guards what follows and Random
	follows      Persona
	late         time.Duration // of answers to activations
	transactions memory[transactionKey, transaction]
	notices      memory[noticeKey, bool]
	noticeCount  int
	advices      memory[adviceKey, bool]
	adviceCount  int

	reversalCount int
	stan          uint32 // of the last question
	counting      bool   // stan was drawn
}

// Follow makes the host decide about activations by p from now on.
func (h *Host) Follow(p Persona) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follows = p
}

// Late makes every answer to an activation leave so much later.
func (h *Host) Late(by time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late = by
}

// lateness waits as long as an answer to an activation is to be late.
func (h *Host) lateness(ctx context.Context, question messages.Message) {
	h.mu.Lock()
	by := h.late
	h.mu.Unlock()
	if _, activation := question.(*messages.ActivationRequest); !activation || by == 0 {
		return
	}
	timer := time.NewTimer(by)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// RefuseActivations makes the issuer decline every activation, or grant again
// what is in order.
func (h *Host) RefuseActivations(refuse bool) {
	p := Persona{Decides: Green}
	if refuse {
		p.Decides = Red
	}
	h.Follow(p)
}

// Handle answers one message of the gateway.
func (h *Host) Handle(ctx context.Context, in link.Inbound) *specs.Message {
	if in.Throttled || in.Draining {
		return h.refusal(in.Message, token.IssuerUnavailable)
	}
	if in.Fault != nil {
		h.Log.Warn().Err(in.Fault).Msg("undecodable message")
		return h.refusal(in.Message, token.FormatFault)
	}
	typed, err := messages.Decode(in.Message)
	if err != nil {
		h.Log.Warn().Err(err).Str("mti", in.Message.MTI()).Msg("message refused")
		return h.refusal(in.Message, refusalOf(err))
	}
	h.lateness(ctx, typed)
	answer := h.answer(typed, in.Session)
	if answer == nil {
		return h.refusal(in.Message, token.InvalidTransaction)
	}
	encoded, err := messages.Encode(answer)
	if err != nil {
		h.Log.Error().Err(err).Msg("cannot encode an answer")
		return h.refusal(in.Message, token.Malfunction)
	}
	return encoded
}

// refusalOf tells a message of another family from one with a format fault.
func refusalOf(err error) token.Response {
	var unknown *messages.UnknownError
	if errors.As(err, &unknown) {
		return token.InvalidTransaction
	}
	return token.FormatFault
}

func (h *Host) refusal(request *specs.Message, response token.Response) *specs.Message {
	if request == nil {
		return nil
	}
	return messages.Refusal(request, string(response))
}

func (h *Host) answer(typed messages.Message, session *link.Session) messages.Message {
	switch r := typed.(type) {
	case *messages.NetworkRequest:
		return h.manage(r, session)
	case *messages.ActivationRequest:
		return h.activation(r)
	case *messages.TapRequest:
		return h.tap(r)
	case *messages.RemoteRequest:
		return h.remote(r)
	case *messages.Reversal:
		return h.reverse(r)
	case *messages.Advice:
		return h.advise(r)
	case *messages.Notification:
		return h.note(r)
	}
	return nil
}

// manage answers sign-on, sign-off and echo, and keeps what the connection's
// session is after them.
func (h *Host) manage(r *messages.NetworkRequest, session *link.Session) messages.Message {
	if session != nil && r.Code != messages.Echo {
		session.Set(r.Code == messages.SignOn)
	}
	if r.Code == messages.SignOn && h.SignedOn != nil {
		h.SignedOn()
	}
	return r.Answer(token.Approved)
}
