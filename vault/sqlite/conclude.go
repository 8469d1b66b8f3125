package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// concluding is a conclusion with all that can be worked out before the
// writer's turn.
type concluding struct {
	vault.Conclusion
	panRef  string
	outcome []byte
	token   *sealedToken
}

// Conclude records an outcome and what follows from it; see vault.Store.
func (s *store) Conclude(ctx context.Context, c vault.Conclusion) error {
	outcome, err := vault.EncodeOutcome(c.Outcome)
	if err != nil {
		return err
	}
	end := concluding{Conclusion: c, outcome: outcome}
	if !c.PAN.IsZero() {
		end.panRef = s.cipher.Reference(c.PAN)
	}
	if c.Token != nil {
		end.token = s.seal(*c.Token)
	}
	if err := s.writer.do(ctx, func(t *turn) error { return t.conclude(end) }); err != nil {
		return fmt.Errorf("concluding a transaction: %w", err)
	}
	return nil
}

func (t *turn) conclude(c concluding) error {
	claimed, subject, err := t.end(c)
	if err != nil {
		return err
	}
	released, err := t.settle(c)
	if err != nil {
		return err
	}
	if c.token != nil {
		if err := t.insertToken(c.token, c.At); err != nil {
			return err
		}
	}
	if err := t.audit(c.Entries(claimed, subject, released)...); err != nil {
		return err
	}
	for _, n := range c.Notices {
		if err := t.notify(n, c.At); err != nil {
			return err
		}
	}
	return nil
}

// end sets the outcome of a transaction that has none.
func (t *turn) end(c concluding) (claimed vault.Transaction, subject string, err error) {
	claimed.Key = c.Key
	err = t.one(`UPDATE transactions SET outcome = ?, concluded_at = ? WHERE key = ? AND outcome IS NULL
		RETURNING kind, transaction_id, subject`,
		[]any{c.outcome, nanoseconds(c.At), c.Key}, &claimed.Kind, &claimed.TransactionID, &subject)
	return claimed, subject, notFound(err)
}

// settle resets the row of failures after a success, and gives a code back.
func (t *turn) settle(c concluding) (released bool, err error) {
	if c.Succeeded && c.panRef != "" {
		if err := t.do(`UPDATE attempts SET in_row = 0 WHERE pan_ref = ?`, c.panRef); err != nil {
			return false, err
		}
	}
	if !c.Release {
		return false, nil
	}
	given, err := t.exec(`DELETE FROM spent WHERE key = ?`, c.Key)
	return given > 0, err
}

const transactionColumns = `key, kind, transaction_id, claimed_at, outcome`

// scanTransaction reads transactionColumns and what follows them.
func scanTransaction(r row, more ...any) (vault.Transaction, error) {
	var one vault.Transaction
	var at int64
	var outcome []byte
	into := append([]any{&one.Key, &one.Kind, &one.TransactionID, &at, &outcome}, more...)
	if err := r.Scan(into...); err != nil {
		return vault.Transaction{}, err
	}
	one.At = fromNanoseconds(at)
	var err error
	one.Outcome, err = toOutcome(outcome)
	return one, err
}

// Unfinished lists transactions without an outcome; see vault.Store.
func (s *store) Unfinished(ctx context.Context) ([]vault.Transaction, error) {
	return list(ctx, s, func(rows *sql.Rows) (vault.Transaction, error) { return scanTransaction(rows) },
		`SELECT `+transactionColumns+` FROM transactions WHERE outcome IS NULL ORDER BY number`)
}

// pruneBatch is how many records one turn of pruning looks at: few, so that
// other changes do not wait.
const pruneBatch = 200

// stretch is where pruning stands. In a table with numbers it walks in their
// order, which is about that of time, and ends at the first batch that holds
// nothing old; in a table with an index by time it ends at the first batch
// that is not full.
type stretch struct {
	after, last int64
	before      time.Time
	ended       bool
}

// Prune forgets what is over; see vault.Store.
func (s *store) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for _, prune := range []func(*turn, *stretch) (int, error){
		(*turn).pruneTransactions, (*turn).pruneNotices,
		(*turn).pruneFailures, (*turn).pruneScopeFailures, (*turn).pruneScopeMinutes, (*turn).pruneRequests,
	} {
		for walk := (stretch{before: before}); !walk.ended; walk.after = walk.last {
			removed := 0
			err := s.writer.do(ctx, func(t *turn) (err error) {
				removed, err = prune(t, &walk)
				return err
			})
			if err != nil {
				return total, fmt.Errorf("pruning: %w", err)
			}
			total += removed
		}
	}
	return total, nil
}

// pruneTransactions forgets concluded transactions with the marks of their
// codes. A mark is over when the grace of its window is, too, and a
// transaction stays as long as its mark.
func (t *turn) pruneTransactions(walk *stretch) (int, error) {
	if err := t.stretch(walk, `SELECT number, claimed_at AS at FROM transactions WHERE number > ?1 ORDER BY number LIMIT ?2`); err != nil {
		return 0, err
	}
	marks, err := t.exec(`DELETE FROM spent WHERE ((window_index + 1) * window_hours) * 3600 <= ? AND key IN
		(SELECT key FROM transactions WHERE number > ? AND number <= ? AND outcome IS NOT NULL AND concluded_at < ?)`,
		walk.before.Add(-dcvv2.GraceMax).Unix(), walk.after, walk.last, nanoseconds(walk.before))
	if err != nil {
		return 0, err
	}
	transactions, err := t.exec(`DELETE FROM transactions WHERE number > ? AND number <= ? AND outcome IS NOT NULL AND concluded_at < ?
		AND NOT EXISTS (SELECT 1 FROM spent WHERE spent.key = transactions.key)`,
		walk.after, walk.last, nanoseconds(walk.before))
	return int(marks + transactions), err
}

// pruneNotices forgets notices that were acknowledged, or queued anew later.
func (t *turn) pruneNotices(walk *stretch) (int, error) {
	if err := t.stretch(walk, `SELECT id AS number, queued_at AS at FROM notices WHERE id > ?1 ORDER BY id LIMIT ?2`); err != nil {
		return 0, err
	}
	notices, err := t.exec(`DELETE FROM notices WHERE id > ?1 AND id <= ?2 AND queued_at < ?3
		AND (superseded = 1 OR (ended_at <> 0 AND ended_at < ?3))`, walk.after, walk.last, nanoseconds(walk.before))
	return int(notices), err
}

// stretch looks how far the next batch goes and whether it is the last.
func (t *turn) stretch(walk *stretch, batch string) error {
	var old int
	err := t.one(`SELECT coalesce(max(number), 0), coalesce(sum(at < ?3), 0) FROM (`+batch+`)`,
		[]any{walk.after, pruneBatch, nanoseconds(walk.before)}, &walk.last, &old)
	walk.ended = old == 0
	return err
}

// pruneFailures forgets what countFailure would, of accounts that never fail
// again.
func (t *turn) pruneFailures(walk *stretch) (int, error) {
	return t.oldest(walk, failuresKeptSince(walk.before), `DELETE FROM failures WHERE (pan_ref, failed_at, key) IN
		(SELECT pan_ref, failed_at, key FROM failures WHERE failed_at <= ? ORDER BY failed_at LIMIT ?)`)
}

// pruneScopeFailures forgets what countOnScope would, of scopes that are never
// named again.
func (t *turn) pruneScopeFailures(walk *stretch) (int, error) {
	return t.oldest(walk, scopeKeptSince(walk.before), `DELETE FROM scope_failures WHERE (scope, failed_at, key) IN
		(SELECT scope, failed_at, key FROM scope_failures WHERE failed_at <= ? ORDER BY failed_at LIMIT ?)`)
}

// pruneScopeMinutes forgets the sums of failures that pruneScopeFailures
// forgot: no records of their own.
func (t *turn) pruneScopeMinutes(walk *stretch) (int, error) {
	_, err := t.oldest(walk, minuteOf(scopeKeptSince(walk.before))-1, `DELETE FROM scope_minutes WHERE (scope, minute) IN
		(SELECT scope, minute FROM scope_minutes WHERE minute <= ? ORDER BY minute LIMIT ?)`)
	return 0, err
}

func (t *turn) pruneRequests(walk *stretch) (int, error) {
	return t.oldest(walk, requestsSince(walk.before), deleteOldRequests)
}

// oldest runs a statement that deletes what is as old as last or older, and
// not more at once than it is told.
func (t *turn) oldest(walk *stretch, last int64, statement string) (int, error) {
	removed, err := t.exec(statement, last, pruneBatch)
	walk.ended = removed < pruneBatch
	return int(removed), err
}
