package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// replenish lends a cloud token its next limited-use key, readable by its phone
// only. The phone signs for it: what is lent counts against the token.
func (a *API) replenish(r *http.Request, v *visit) (reply, error) {
	key, _, err := a.readProof(r, "")
	if err != nil {
		return reply{}, err
	}
	t, err := a.tokenOf(r, key, v)
	if err != nil {
		return reply{}, err
	}
	cardKey, err := a.cardKey(t)
	if err != nil {
		return reply{}, err
	}
	if versionOf(t) != emv.Version43 {
		return reply{}, notLimited
	}
	lent, err := a.lend(r.Context(), t, cardKey)
	if err != nil {
		return reply{}, err
	}
	return sealed(key, append(wire.Object{wire.Text(wire.MaterialReference, t.Reference)}, lent...))
}

// lend takes a limited-use key that the token never had.
func (a *API) lend(ctx context.Context, t token.Token, cardKey emv.Key) (wire.Object, error) {
	at := a.now()
	index, err := a.store.LendKey(ctx, t.Reference, at)
	switch {
	case errors.Is(err, vault.ErrNoKey):
		return nil, &lentOut{tooSoon{after: at.Truncate(time.Hour).Add(time.Hour).Sub(at)}}
	case err != nil:
		return nil, storeFault(err)
	}
	hour, ok := token.LentHour(index, at)
	if !ok {
		return nil, fmt.Errorf("the store lent a key whose index is none: %w", emv.ErrIndex)
	}
	key, err := emv.LimitedUseKey(cardKey, index)
	if err != nil {
		return nil, fmt.Errorf("deriving a limited-use key: %w", err)
	}
	return wire.Object{
		wire.Text(wire.LentIndex, index),
		wire.Text(wire.LentKey, fmt.Sprintf("%X", key.Reveal())),
		wire.Text(wire.LentCheckValue, key.CheckValue()),
		wire.Integer(wire.LentUses, token.LentUsesMax),
		wire.Text(wire.LentExpires, hour.Add(token.LentKeyFor).Format(time.RFC3339)),
	}, nil
}

// lentOut is the error of a phone that was lent all keys of the hour. It waits
// for the next one.
type lentOut struct{ tooSoon }

// Error says how long to wait.
func (l *lentOut) Error() string {
	return fmt.Sprintf("all keys of the hour are lent, for %v more", l.after)
}

// Unwrap makes it a tooSoon.
func (l *lentOut) Unwrap() error { return &l.tooSoon }
