package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// serveAccount lets the store do a request about an account, or recall what it
// did when the same came before: a repeat changes nothing and is answered as
// the first was, also after a restart. What the store remembers holds no code.
func (a *API) serveAccount(ctx context.Context, r vault.AccountRequest, q inquiry, policy dcvv2.Policy, at time.Time) (vault.AccountAnswer, error) {
	r.Client, r.ID, r.PAN, r.At, r.ByDefault = q.client, q.transactionID, q.pan, at, policy.EnrolByDefault
	answer, err := a.store.ServeAccount(ctx, r)
	switch {
	case err != nil:
		return answer, outOfReach(err)
	case answer.State == vault.AnswerConflict:
		return answer, idReused
	}
	return answer, nil
}

// meaning is what a request asks for: its address and members, however they
// were written. It is hashed because the store wants to compare it only; the
// store hashes it again under its key before it keeps it.
func meaning(address string, doc wire.Document) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(address), address)
	doc.Hash(h)
	return h.Sum(nil)
}
