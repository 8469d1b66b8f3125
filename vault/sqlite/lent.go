package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// LendKey gives the index of a key that was not lent before; see vault.Store.
func (s *store) LendKey(ctx context.Context, reference string, at time.Time) (index string, err error) {
	err = s.writer.do(ctx, func(t *turn) (err error) {
		index, err = t.lend(reference, at)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("lending a key: %w", err)
	}
	return index, nil
}

func (t *turn) lend(reference string, at time.Time) (string, error) {
	if err := t.knows(reference); err != nil {
		return "", err
	}
	counter, err := t.nextCounter(reference, at)
	if err != nil {
		return "", err
	}
	if counter > emv.IndexCounterMax {
		return "", vault.ErrNoKey
	}
	index := emv.LimitedUseIndexAt(at, counter)
	if err := t.do(`INSERT INTO lent_keys (reference, key_index, lent_at) VALUES (?, ?, ?)`, reference, index, nanoseconds(at)); err != nil {
		return "", err
	}
	return index, t.audit(vault.LentEntry(reference, index, at))
}

// nextCounter is one more than the last counter lent in the hour, its last two
// digits.
func (t *turn) nextCounter(reference string, at time.Time) (next int, err error) {
	err = t.one(`SELECT coalesce(max(CAST(substr(key_index, -2) AS INTEGER)), -1) + 1 FROM lent_keys
		WHERE reference = ? AND key_index BETWEEN ? AND ?`,
		[]any{reference, emv.LimitedUseIndexAt(at, 0), emv.LimitedUseIndexAt(at, emv.IndexCounterMax)}, &next)
	return next, err
}

// useLentKey counts a use of a lent key, and ends the claim when there is none
// left.
func (t *turn) useLentKey(c *claiming) (vault.ClaimResult, error) {
	if c.LentKey == "" {
		return won, nil
	}
	used, err := t.exec(`UPDATE lent_keys SET uses = uses + 1 WHERE reference = ? AND key_index = ? AND uses < ?`,
		c.Reference, c.LentKey, c.LentUsesMax)
	if err != nil || used == 1 {
		return won, err
	}
	var lent bool
	if err := t.one(`SELECT EXISTS (SELECT 1 FROM lent_keys WHERE reference = ? AND key_index = ?)`,
		[]any{c.Reference, c.LentKey}, &lent); err != nil {
		return vault.ClaimResult{}, err
	}
	if lent {
		return vault.ClaimResult{State: vault.Worn}, nil
	}
	return vault.ClaimResult{State: vault.Unlent}, nil
}

// lentKeptSince is the time after which a lent key is kept: twice as long as
// it is good, because the clocks of phones may disagree.
func lentKeptSince(at time.Time) int64 { return nanoseconds(at.Add(-2 * token.LentKeyFor)) }

// pruneLentKeys forgets keys that are good no more.
func (t *turn) pruneLentKeys(walk *stretch) (int, error) {
	return t.oldest(walk, lentKeptSince(walk.before), `DELETE FROM lent_keys WHERE (reference, key_index) IN
		(SELECT reference, key_index FROM lent_keys WHERE lent_at <= ? ORDER BY lent_at LIMIT ?)`)
}
