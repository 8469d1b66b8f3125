package issuer

import (
	"cmp"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

// noticeKey is what a notice is counted by: a token may be suspended twice, with
// the same reason and the same 62.2, so each is taken over as it comes.
type noticeKey struct {
	transactionID string
	reason        token.NoticeReason
}

// Notices is how many different notices the host has acknowledged.
func (h *Host) Notices() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.noticeCount
}

// note takes over what a notice says of a token, but of one whose activation
// was undone.
func (h *Host) note(n *messages.Notification) messages.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen := h.notices.at(noticeKey{n.TransactionID, n.Reason}); !*seen {
		*seen = true
		h.noticeCount++
	}
	activated := transaction{}
	if t, ok := h.transactions.values[transactionKey{activation: true, id: n.TransactionID}]; ok {
		activated = *t
	}
	if !activated.undone {
		h.Book.Tokens().Note(recordOf(n, activated))
	}
	h.Log.Info().Str("mti", n.MTI()).Str("reason", string(n.Reason)).Str("reference", n.Token.Reference).
		Str("status", n.Token.Status.Word()).Msg("notice of the network")
	return n.Answer(token.Approved)
}

// recordOf is what a notice says of a token, with what the issuer knows of its
// activation.
func recordOf(n *messages.Notification, activated transaction) ledger.Token {
	return ledger.Token{
		Reference: n.Token.Reference, Number: n.Token.Number, PAN: n.PAN, PANExpiry: n.PANExpiry,
		TransactionID: n.TransactionID, Requestor: n.Token.Requestor, Type: n.Token.Type, Device: activated.device,
		Status: n.Token.Status, Method: cmp.Or(n.Method, activated.outcome.Method), Notice: n.Reason, Result: n.Result,
		Passcode: n.Code, PasscodeExpires: n.CodeExpires,
	}
}
