package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Notify queues a notice; see vault.Store.
func (s *store) Notify(ctx context.Context, n token.Notice, at time.Time) error {
	if err := s.writer.do(ctx, func(t *turn) error {
		if err := t.knows(n.Reference); err != nil {
			return err
		}
		return t.notify(n, at)
	}); err != nil {
		return fmt.Errorf("queueing a notice: %w", err)
	}
	return nil
}

// notify queues a notice about a token that is known, unless there was one of its
// transaction and reason.
func (t *turn) notify(n token.Notice, at time.Time) error {
	return t.do(`
		INSERT INTO notices (transaction_id, reason, reference, result, passcode, queued_at, due_at) VALUES (?, ?, ?, ?, ?, ?6, ?6)
		ON CONFLICT (transaction_id, reason) WHERE superseded = 0 DO NOTHING`,
		n.TransactionID, string(n.Reason), n.Reference, n.Result, n.Passcode, nanoseconds(at))
}

// notifyAnew queues a notice in the place of an earlier one.
func (t *turn) notifyAnew(n token.Notice, at time.Time) error {
	if err := t.do(`UPDATE notices SET superseded = 1 WHERE transaction_id = ? AND reason = ? AND superseded = 0`,
		n.TransactionID, string(n.Reason)); err != nil {
		return err
	}
	return t.notify(n, at)
}

// Due lists waiting notices; see vault.Store.
func (s *store) Due(ctx context.Context, at time.Time, after int64, limit int) ([]vault.QueuedNotice, error) {
	due, err := list(ctx, s, func(rows *sql.Rows) (q vault.QueuedNotice, err error) {
		var queued int64
		err = rows.Scan(&q.ID, &q.Notice.TransactionID, &q.Notice.Reason, &q.Notice.Reference,
			&q.Notice.Result, &q.Notice.Passcode, &q.Tries, &queued)
		q.Queued = fromNanoseconds(queued)
		return q, err
	}, `
		SELECT id, transaction_id, reason, reference, result, passcode, tries, queued_at FROM notices
		WHERE ended_at = 0 AND superseded = 0 AND id > ? AND due_at <= ? ORDER BY id LIMIT ?`,
		after, nanoseconds(at), clampLimit(limit))
	for i := range due {
		if err == nil {
			due[i].Token, err = s.TokenByReference(ctx, due[i].Notice.Reference)
		}
	}
	return due, err
}

// Postpone sets the next try of a notice; see vault.Store.
func (s *store) Postpone(ctx context.Context, id int64, until time.Time, sent bool) error {
	if err := s.writer.do(ctx, func(t *turn) error {
		if err := t.noticed(id); err != nil {
			return err
		}
		return t.do(`UPDATE notices SET due_at = ?, tries = tries + ? WHERE id = ? AND ended_at = 0 AND superseded = 0`,
			nanoseconds(until), sent, id)
	}); err != nil {
		return fmt.Errorf("notice %d: %w", id, err)
	}
	return nil
}

// Acknowledge ends a notice; see vault.Store.
func (s *store) Acknowledge(ctx context.Context, ids []int64, at time.Time) error {
	return s.writer.do(ctx, func(t *turn) error {
		for _, id := range ids {
			if err := t.acknowledge(id, at); err != nil {
				return fmt.Errorf("notice %d: %w", id, err)
			}
		}
		return nil
	})
}

func (t *turn) acknowledge(id int64, at time.Time) error {
	var n token.Notice
	err := t.one(`SELECT transaction_id, reason, reference, result, passcode FROM notices WHERE id = ? AND ended_at = 0 AND superseded = 0`,
		[]any{id}, &n.TransactionID, &n.Reason, &n.Reference, &n.Result, &n.Passcode)
	if errors.Is(err, sql.ErrNoRows) {
		return t.noticed(id)
	}
	if err != nil {
		return err
	}
	if err := t.do(`UPDATE notices SET ended_at = ? WHERE id = ?`, nanoseconds(at), id); err != nil {
		return err
	}
	return t.audit(vault.AcknowledgementEntry(n, at))
}

// noticed gives vault.ErrNotFound for the id of no notice.
func (t *turn) noticed(id int64) error {
	var found int
	return notFound(t.one(`SELECT 1 FROM notices WHERE id = ?`, []any{id}, &found))
}
