package issuer

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/token"
)

// AskTimeout is how long the host waits for the network's answer (ours).
const AskTimeout = 20 * time.Second

// DefaultInstitution is field 32 of what a host asks that has none (ours).
const DefaultInstitution = "200001"

// ErrNoConnection says that the host was given no connection to ask on.
var ErrNoConnection = errors.New("the host has no connection to the network to ask on")

// errAnswer says that an answer is not one to the question.
var errAnswer = errors.New("the network's answer does not fit the question")

// Suspend stops a token (0302, 63.3 = 3702).
func (h *Host) Suspend(ctx context.Context, reference string) (site.Reply, error) {
	return h.change(ctx, &messages.FileUpdate{Reason: token.NoticeSuspended, Reference: reference})
}

// Resume ends the issuer's suspension of a token (0302, 63.3 = 3703).
func (h *Host) Resume(ctx context.Context, reference string) (site.Reply, error) {
	return h.change(ctx, &messages.FileUpdate{Reason: token.NoticeResumed, Reference: reference})
}

// Delete ends a token for good (0302, 63.3 = 3701).
func (h *Host) Delete(ctx context.Context, reference string) (site.Reply, error) {
	return h.change(ctx, &messages.FileUpdate{Reason: token.NoticeDeactivated, Reference: reference})
}

// Activate makes an inactive token active: by the issuer's app (0302, 63.3 =
// 3714), or else by its call centre (3713).
func (h *Host) Activate(ctx context.Context, reference string, by token.Method) (site.Reply, error) {
	reason := token.NoticeCallCentre
	if by == token.ByIssuerApp {
		reason = token.NoticeIssuerApp
	}
	return h.change(ctx, &messages.FileUpdate{Reason: reason, Reference: reference})
}

// UpdateExpiry tells that a token's card has another expiry date (0302, 63.3 =
// 3720).
func (h *Host) UpdateExpiry(ctx context.Context, reference string, expiry card.Expiry) (site.Reply, error) {
	return h.change(ctx, &messages.FileUpdate{Reason: token.NoticeExpiry, Reference: reference, PANExpiry: expiry})
}

// ReplacePAN tells that a token's card has another number (0302, 63.3 = 3721).
func (h *Host) ReplacePAN(ctx context.Context, reference string, pan card.PAN, seq card.Sequence, expiry card.Expiry) (site.Reply, error) {
	return h.change(ctx, &messages.FileUpdate{
		Reason: token.NoticeReplaced, Reference: reference, PAN: pan, Sequence: seq, PANExpiry: expiry,
	})
}

// Inquire asks how a token is (0302, field 91 = 5).
func (h *Host) Inquire(ctx context.Context, reference string) (site.Reply, error) {
	return h.update(ctx, &messages.FileUpdate{Action: messages.FileInquiry, Reference: reference})
}

func (h *Host) change(ctx context.Context, r *messages.FileUpdate) (site.Reply, error) {
	r.Action = messages.FileChange
	return h.update(ctx, r)
}

// update asks the network, and takes over what it says of the token.
func (h *Host) update(ctx context.Context, r *messages.FileUpdate) (site.Reply, error) {
	r.Trace = h.nextTrace()
	answer, err := h.askUpdate(ctx, r)
	if err != nil {
		h.Log.Warn().Err(err).Str("reason", string(r.Reason)).Str("reference", r.Reference).Msg("the network did not answer")
		return site.Reply{}, err
	}
	h.Log.Info().Str("reason", string(r.Reason)).Str("reference", r.Reference).
		Str("response", string(answer.Response)).Msg("the network answered")
	reply := site.Reply{Response: answer.Response}
	if !reply.Done() {
		return reply, nil
	}
	t := answer.Token
	h.Book.Tokens().Note(ledger.Token{
		Reference: t.Reference, Number: t.Number, PAN: answer.PAN, PANExpiry: answer.PANExpiry,
		TransactionID: answer.TransactionID, Requestor: t.Requestor, Type: t.Type, Status: t.Status, Method: answer.Method,
	})
	reply.Record, _ = h.Book.Tokens().Find(t.Reference)
	return reply, nil
}

func (h *Host) askUpdate(ctx context.Context, r *messages.FileUpdate) (*messages.FileUpdateAnswer, error) {
	if h.Ask == nil {
		return nil, ErrNoConnection
	}
	question, err := messages.Encode(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, AskTimeout)
	defer cancel()
	raw, err := h.Ask(ctx, question)
	if err != nil {
		return nil, fmt.Errorf("asking the network: %w", err)
	}
	typed, err := messages.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	answer, ok := typed.(*messages.FileUpdateAnswer)
	if !ok || answer.Token != nil && answer.Token.Reference != r.Reference {
		return nil, fmt.Errorf("%w: a %s about another token or of another kind", errAnswer, typed.MTI())
	}
	return answer, nil
}

// traceNumbers is how many there are: 000001 to 999999.
const traceNumbers = 999_999

// nextTrace is a fresh trace for a question. The first number is drawn: the same
// number in the same hour, after a restart, would be taken for a repeat.
func (h *Host) nextTrace() messages.Trace {
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.counting {
		var first [4]byte
		if h.Random != nil {
			_, _ = io.ReadFull(h.Random, first[:]) // without chance it begins at 000001
		}
		h.stan, h.counting = binary.BigEndian.Uint32(first[:])%traceNumbers, true
	}
	h.stan++
	stan := fmt.Sprintf("%06d", (h.stan-1)%traceNumbers+1)
	at := now()
	return messages.Trace{
		Transmitted: messages.Stamp(at), STAN: stan, RRN: messages.RRN(at, stan),
		Acquirer: cmp.Or(h.Institution, DefaultInstitution),
	}
}
