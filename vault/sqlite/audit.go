package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/vault"
)

// turn is one change's time with the writer: its statements, and what follows
// from them. It must not be kept.
type turn struct {
	*statements
	*effects
}

// effects are what a commit changes outside of the file.
type effects struct {
	trail  chain
	tokens []tokenChange
}

// chain is the end of the audit trail.
type chain struct {
	number int64
	hash   [32]byte
}

func readChain(s *statements) (chain, error) {
	var end chain
	var hash []byte
	err := s.one(`SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1`, nil, &end.number, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return chain{}, nil
	}
	if err != nil {
		return chain{}, fmt.Errorf("reading the end of the audit trail: %w", err)
	}
	copy(end.hash[:], hash)
	return end, nil
}

// audit adds entries to the trail, in the transaction of what they tell.
func (t *turn) audit(entries ...vault.Entry) error {
	for _, e := range entries {
		e.Number = t.trail.number + 1
		e.Hash = e.Chain(t.trail.hash)
		if err := t.do(`INSERT INTO audit (number, at, event, subject, transaction_id, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			e.Number, e.At.UnixNano(), e.Event, e.Subject, e.Transaction, e.Detail, e.Hash[:]); err != nil {
			return fmt.Errorf("adding to the audit trail: %w", err)
		}
		t.trail = chain{number: e.Number, hash: e.Hash}
	}
	return nil
}

// Audit lists audit entries after an entry's number, oldest first.
func (s *store) Audit(ctx context.Context, after int64, limit int) ([]vault.Entry, error) {
	return list(ctx, s, scanEntry, entryColumns+` WHERE number > ? ORDER BY number LIMIT ?`, after, clampLimit(limit))
}

// Explain lists what the audit trail says of a transaction, oldest first.
func (s *store) Explain(ctx context.Context, transactionID string) ([]vault.Entry, error) {
	return list(ctx, s, scanEntry, entryColumns+` WHERE transaction_id = ? AND transaction_id <> '' ORDER BY number LIMIT ?`,
		transactionID, vault.ListMax)
}

const entryColumns = `SELECT number, at, event, subject, transaction_id, detail, hash FROM audit`

func scanEntry(rows *sql.Rows) (vault.Entry, error) {
	var e vault.Entry
	var at int64
	var hash []byte
	err := rows.Scan(&e.Number, &at, &e.Event, &e.Subject, &e.Transaction, &e.Detail, &hash)
	e.At = fromNanoseconds(at)
	copy(e.Hash[:], hash)
	return e, err
}

func clampLimit(limit int) int { return min(max(limit, 0), vault.ListMax) }
