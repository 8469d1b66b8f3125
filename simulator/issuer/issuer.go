// Package issuer is the simulated bank: its host answers the gateway over ISO
// 8583, its web site (simulator/site) issues the cards that the host knows.
//
// The host is no yes-man: it declines what it did not issue, what is blocked,
// what is over the balance, and activations whose code the network could not
// vouch for. Start at Host.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Host answers the gateway. Its methods may be called by many goroutines.
type Host struct {
	Book   *site.Book
	Random io.Reader // for authorization identifiers
	Log    zerolog.Logger
	// SignedOn is called when the gateway signs on, or lets the host sign on.
	// Optional.
	SignedOn func()
	Now      func() time.Time // of what the host itself sends; nil is time.Now

	refuse  atomic.Bool
	stan    atomic.Uint32
	mu      sync.Mutex
	notices map[noticeKey]token.Status
}

// noticeKey is what a notice is idempotent on.
type noticeKey struct {
	transactionID string
	reason        token.NoticeReason
}

func (h *Host) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// RefuseActivations makes the issuer decline every activation, or stop so.
func (h *Host) RefuseActivations(refuse bool) { h.refuse.Store(refuse) }

// Notices is how many different notices the host has acknowledged.
func (h *Host) Notices() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.notices)
}

// Handle answers one message of the gateway.
func (h *Host) Handle(_ context.Context, in link.Inbound) *specs.Message {
	if in.Fault != nil {
		h.Log.Warn().Err(in.Fault).Msg("undecodable message")
		return h.refusal(in.Message, token.FormatFault)
	}
	typed, err := messages.Decode(in.Message)
	if err != nil {
		h.Log.Warn().Err(err).Str("mti", in.Message.MTI()).Msg("message refused")
		return h.refusal(in.Message, refusalOf(err))
	}
	answer := h.answer(typed)
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

func (h *Host) answer(typed messages.Message) messages.Message {
	switch r := typed.(type) {
	case *messages.NetworkRequest:
		if r.Code == messages.SignOn && h.SignedOn != nil {
			h.SignedOn()
		}
		return r.Answer(token.Approved)
	case *messages.ActivationRequest:
		response := h.decideActivation(r)
		return r.Answer(r.TransactionID, h.outcome(response, "activation", r.Activation.PAN), nil)
	case *messages.TapRequest:
		response := h.decideTap(r)
		return r.Answer(r.TransactionID, h.outcome(response, "tap", r.Tap.Number), noARPC)
	case *messages.Notification:
		return r.Answer(h.note(r))
	}
	return nil
}

// decideActivation trusts the network's word on the code and nobody else's.
func (h *Host) decideActivation(r *messages.ActivationRequest) token.Response {
	account, ok := h.Book.Find(r.Activation.PAN)
	switch {
	case !ok:
		return token.BadNumber
	case account.Expiry != r.Activation.Expiry:
		return token.CardExpired
	case account.Blocked:
		return token.RestrictedCard
	case h.refuse.Load(), r.Checked.CVV2 != dcvv2.Match:
		return token.DoNotHonour
	}
	return token.Approved
}

func (h *Host) decideTap(r *messages.TapRequest) token.Response {
	if r.Checked.Authentication != token.ARQCVerified || r.Token == nil {
		return token.CardAuthentication
	}
	_, err := h.Book.Spend(r.Tap.Number, r.Tap.Amount)
	switch {
	case errors.Is(err, site.ErrNoSuchCard):
		return token.BadNumber
	case errors.Is(err, site.ErrBlocked):
		return token.RestrictedCard
	case errors.Is(err, site.ErrBalance):
		return token.InsufficientFunds
	case err != nil:
		return token.Malfunction
	}
	return token.Approved
}

// note takes a notice once, however often it comes.
func (h *Host) note(n *messages.Notification) token.Response {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.notices == nil {
		h.notices = make(map[noticeKey]token.Status)
	}
	h.notices[noticeKey{n.TransactionID, n.Reason}] = n.Token.Status
	h.Log.Info().Str("mti", n.MTI()).Str("reason", string(n.Reason)).Str("reference", n.Token.Reference).
		Str("status", n.Token.Status.Word()).Msg("notice of the network")
	return token.Approved
}

func (h *Host) outcome(response token.Response, what string, pan card.PAN) token.Outcome {
	o := token.Outcome{Response: response, AnsweredBy: token.ByIssuer}
	if o.Approved() {
		o.AuthorizationID = h.authorizationID()
	}
	h.Log.Info().Str("kind", what).Stringer("pan", pan).Str("response", string(response)).Msg("decided")
	return o
}

// authorizationID draws six characters for field 38.
func (h *Host) authorizationID() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b [3]byte
	if _, err := io.ReadFull(h.Random, b[:]); err != nil {
		return "000000"
	}
	return fmt.Sprintf("%06d", (int(b[0])<<16|int(b[1])<<8|int(b[2]))%1_000_000)
}
