package issuer

import (
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// reverse undoes a request once, however often it is told: the money goes back,
// or the activation's token is forgotten. An original that did not come gets
// RecordNotFound, and is declined should it come yet.
func (h *Host) reverse(r *messages.Reversal) messages.Message {
	response := h.undo(r)
	h.count(r)
	h.Log.Info().Str("mti", r.MTI()).Str("transaction", r.TransactionID).Stringer("pan", r.Number).
		Str("response", string(response)).Msg("reversal")
	return r.Answer(response, r.TransactionID)
}

// count counts different reversals, also of what never came.
func (h *Host) count(r *messages.Reversal) {
	if r.TransactionID == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.transactions.at(transactionKey{activation: r.Activation, id: r.TransactionID}); !t.counted {
		t.counted = true
		h.reversalCount++
	}
}

// Reversals is how many different transactions the host was told to undo.
func (h *Host) Reversals() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reversalCount
}

func (h *Host) undo(r *messages.Reversal) token.Response {
	if r.TransactionID == "" {
		return token.RecordNotFound
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.transactions.at(transactionKey{activation: r.Activation, id: r.TransactionID})
	switch {
	case !t.decided:
		t.undone = true
		return token.RecordNotFound
	case t.pan != r.Number, t.amount != r.Amount:
		return token.RecordNotFound
	case t.undone:
		return token.Approved
	}
	t.undone = true
	if r.Activation {
		h.Book.Tokens().Forget(r.TransactionID)
		return token.Approved
	}
	h.giveBack(t)
	return token.Approved
}

// giveBack needs h.mu.
func (h *Host) giveBack(t *transaction) {
	if t.taken == 0 {
		return
	}
	if _, err := h.Book.Refund(t.pan, t.taken); err != nil {
		h.Log.Error().Err(err).Stringer("pan", t.pan).Msg("money could not be given back")
	}
	t.taken = 0
}

// adviceKey is what an advice is idempotent on.
type adviceKey struct {
	transactionKey
	reason token.StandInReason
}

// Advices is how many different advices the host has acknowledged.
func (h *Host) Advices() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.adviceCount
}

// advise records what the network decided in the issuer's place. Money that it
// granted is taken once, whether the request came itself or not.
func (h *Host) advise(r *messages.Advice) messages.Message {
	key := transactionKey{activation: r.Activation, id: r.TransactionID}
	h.mu.Lock()
	if seen := h.advices.at(adviceKey{key, r.StandIn}); !*seen {
		*seen = true
		h.adviceCount++
		h.record(h.transactions.at(key), r)
	}
	h.mu.Unlock()
	h.Log.Info().Str("mti", r.MTI()).Str("transaction", r.TransactionID).Stringer("pan", r.PAN).
		Str("reason", string(r.StandIn)).Str("response", string(r.Outcome.Response)).Msg("advice of the network")
	return r.Answer(token.Approved)
}

// record needs h.mu.
func (h *Host) record(t *transaction, r *messages.Advice) {
	granted := r.Outcome.Response == token.Approved
	if !t.decided {
		t.decided, t.pan, t.amount = true, r.PAN, r.Amount
		o := token.Outcome{Response: r.Outcome.Response}
		if t.undone {
			o.Response = token.DoNotHonour
		}
		t.outcome = h.signed(o)
	}
	if r.Activation || !granted || t.undone || t.taken > 0 {
		return
	}
	if _, err := h.Book.Settle(r.PAN, r.Amount); err != nil {
		h.Log.Error().Err(err).Stringer("pan", r.PAN).Msg("money granted in the issuer's place could not be taken")
		return
	}
	t.pan, t.amount, t.taken = r.PAN, r.Amount, r.Amount
}
