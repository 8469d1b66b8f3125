package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/firsttap/firsttap/vault"
)

// Transaction finds a transaction by its key; see vault.Store.
func (s *store) Transaction(ctx context.Context, key string) (vault.Transaction, error) {
	return only(ctx, s, func(r row) (vault.Transaction, error) { return s.scanTransaction(r) },
		`SELECT `+transactionColumns+` FROM transactions WHERE key = ?`, key)
}

// reverse marks the original reversed, once and only as it was read.
func (t *turn) reverse(c *claiming) (vault.ClaimResult, error) {
	if c.Reverses == "" {
		return won, nil
	}
	var original, subject string
	err := t.returning(`
		UPDATE transactions SET reversed_by = ?1
		WHERE key = ?2 AND reversed_by = '' AND (outcome IS NULL) = ?3 AND (?4 = '' OR pan_ref = ?4)
		RETURNING transaction_id, subject`,
		[]any{c.Key, c.Reverses, c.ReversesOpen, c.panRef}, &original, &subject)
	if errors.Is(err, sql.ErrNoRows) {
		return t.whyNotReversed(c)
	}
	c.told = append(c.told, c.ReversedEntry(original, subject))
	return won, err
}

// whyNotReversed looks which part of reverse's condition did not hold.
func (t *turn) whyNotReversed(c *claiming) (vault.ClaimResult, error) {
	var reversed, same bool
	err := t.one(`SELECT reversed_by <> '', ?1 = '' OR pan_ref = ?1 FROM transactions WHERE key = ?2`,
		[]any{c.panRef, c.Reverses}, &reversed, &same)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && !same:
		return vault.ClaimResult{State: vault.Missing}, nil
	case err != nil:
		return vault.ClaimResult{}, err
	case reversed:
		return vault.ClaimResult{State: vault.Reversed}, nil
	default:
		return vault.ClaimResult{State: vault.Overtaken}, nil
	}
}
