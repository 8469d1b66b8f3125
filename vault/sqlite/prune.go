package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

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
		(*turn).pruneTransactions, (*turn).pruneNotices, (*turn).pruneAdvices, (*turn).pruneLentKeys,
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

// pruneAdvices forgets advices that were acknowledged.
func (t *turn) pruneAdvices(walk *stretch) (int, error) {
	if err := t.stretch(walk, `SELECT id AS number, queued_at AS at FROM advices WHERE id > ?1 ORDER BY id LIMIT ?2`); err != nil {
		return 0, err
	}
	advices, err := t.exec(`DELETE FROM advices WHERE id > ?1 AND id <= ?2 AND queued_at < ?3 AND ended_at <> 0 AND ended_at < ?3`,
		walk.after, walk.last, nanoseconds(walk.before))
	return int(advices), err
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
