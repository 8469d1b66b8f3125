package issuer

import (
	"errors"
	"fmt"
	"io"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

// activation decides about a token. What is out of order is declined before the
// persona is asked: it trusts the network's word on the code and nobody else's.
func (h *Host) activation(r *messages.ActivationRequest) messages.Message {
	a := r.Activation
	o := h.once(transactionKey{activation: true, id: r.TransactionID}, a.PAN, 0, func(t *transaction) token.Outcome {
		t.device = a.Device
		switch response := h.standing(a.PAN, a.Expiry); {
		case response != token.Approved:
			return token.Outcome{Response: response}
		case r.Checked.CVV2 != dcvv2.Match:
			return token.Outcome{Response: token.DoNotHonour}
		}
		return h.follows.on(a.Wallet)
	})
	h.say("activation", a.PAN, o)
	return r.Answer(r.TransactionID, o, nil)
}

// tap decides about a payment by a phone: the network must have verified its
// cryptogram and say whose token it is.
func (h *Host) tap(r *messages.TapRequest) messages.Message {
	o := h.once(transactionKey{id: r.TransactionID}, r.Tap.Number, r.Tap.Amount, func(t *transaction) token.Outcome {
		if r.Checked.Authentication != token.ARQCVerified || r.Token == nil {
			return token.Outcome{Response: token.CardAuthentication}
		}
		return h.pay(t, r.Tap.Expiry)
	})
	h.say("tap", r.Tap.Number, o)
	return r.Answer(r.TransactionID, o, noARPC)
}

// remote decides about an account verification or a payment without a terminal.
func (h *Host) remote(r *messages.RemoteRequest) messages.Message {
	o := h.once(transactionKey{id: r.TransactionID}, r.Number, r.Amount, func(t *transaction) token.Outcome {
		if response := h.standing(r.Number, r.Expiry); response != token.Approved {
			return token.Outcome{Response: response}
		}
		if response := vouched(r); response != token.Approved {
			return token.Outcome{Response: response}
		}
		return h.pay(t, r.Expiry)
	})
	h.say("condition "+r.Condition, r.Number, o)
	return r.Answer(r.TransactionID, o)
}

// vouched says whether the network vouches for who pays: for the code, or for
// the token's cryptogram. A merchant that keeps a token on file has it without
// one.
func vouched(r *messages.RemoteRequest) token.Response {
	switch {
	case r.Token == nil && r.Checked.CVV2 == dcvv2.Match:
		return token.Approved
	case r.Token == nil:
		return token.DoNotHonour
	case r.Checked.Authentication == token.ARQCVerified:
		return token.Approved
	case r.Checked.Authentication == token.NotAuthenticated && r.Token.Type == token.CardOnFile:
		return token.Approved
	}
	return token.CardAuthentication
}

// standing says whether a card is one of the issuer's and good.
func (h *Host) standing(pan card.PAN, expiry card.Expiry) token.Response {
	account, ok := h.Book.Find(pan)
	switch {
	case !ok:
		return token.BadNumber
	case account.Expiry != expiry:
		return token.CardExpired
	case account.Blocked:
		return token.RestrictedCard
	}
	return token.Approved
}

// pay takes the amount of a request off its account; 0 takes nothing.
func (h *Host) pay(t *transaction, expiry card.Expiry) token.Outcome {
	if response := h.standing(t.pan, expiry); response != token.Approved {
		return token.Outcome{Response: response}
	}
	_, err := h.Book.Spend(t.pan, t.amount)
	switch {
	case errors.Is(err, ledger.ErrNoSuchCard):
		return token.Outcome{Response: token.BadNumber}
	case errors.Is(err, ledger.ErrBlocked):
		return token.Outcome{Response: token.RestrictedCard}
	case errors.Is(err, ledger.ErrBalance):
		return token.Outcome{Response: token.InsufficientFunds}
	case err != nil:
		return token.Outcome{Response: token.Malfunction}
	}
	t.taken = t.amount
	return token.Outcome{Response: token.Approved}
}

// signed completes an outcome as the issuer's. It needs h.mu.
func (h *Host) signed(o token.Outcome) token.Outcome {
	o.AnsweredBy = token.ByIssuer
	if o.Approved() {
		o.AuthorizationID = h.authorizationID()
	}
	return o
}

func (h *Host) say(what string, pan card.PAN, o token.Outcome) {
	h.Log.Info().Str("kind", what).Stringer("pan", pan).Str("response", string(o.Response)).Msg("decided")
}

// authorizationID draws six characters for field 38. It needs h.mu.
func (h *Host) authorizationID() string {
	var b [3]byte
	if _, err := io.ReadFull(h.Random, b[:]); err != nil {
		return "000000"
	}
	return fmt.Sprintf("%06d", (int(b[0])<<16|int(b[1])<<8|int(b[2]))%1_000_000)
}
