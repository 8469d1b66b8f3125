package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Notify queues a notice; see vault.Store.
func (s *store) Notify(ctx context.Context, n token.Notice, at time.Time) error {
	if err := s.writer.do(ctx, func(t *turn) error { return t.notify(n, at) }); err != nil {
		return fmt.Errorf("queueing a notice: %w", err)
	}
	return nil
}

// notify queues a notice unless there was one of its transaction and reason.
func (t *turn) notify(n token.Notice, at time.Time) error {
	if err := t.knows(n.Reference); err != nil {
		return err
	}
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
	return s.writer.do(ctx, func(t *turn) error {
		return t.changeNotice(id, func(token.Notice) error {
			return t.do(`UPDATE notices SET due_at = ?, tries = tries + ? WHERE id = ?`, nanoseconds(until), sent, id)
		})
	})
}

// Acknowledge ends a notice; see vault.Store.
func (s *store) Acknowledge(ctx context.Context, ids []int64, at time.Time) error {
	return s.writer.do(ctx, func(t *turn) error {
		for _, id := range ids {
			if err := t.changeNotice(id, func(n token.Notice) error { return t.acknowledge(id, n, at) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *turn) acknowledge(id int64, n token.Notice, at time.Time) error {
	if err := t.do(`UPDATE notices SET ended_at = ? WHERE id = ?`, nanoseconds(at), id); err != nil {
		return err
	}
	return t.audit(vault.AcknowledgementEntry(n, at))
}

// changeNotice changes a notice that still waits, and leaves an ended one be.
func (t *turn) changeNotice(id int64, change func(token.Notice) error) error {
	n, waits, err := t.notice(id)
	if err == nil && waits {
		err = change(n)
	}
	if err != nil {
		return fmt.Errorf("notice %d: %w", id, err)
	}
	return nil
}

func (t *turn) notice(id int64) (n token.Notice, waits bool, err error) {
	err = t.one(`SELECT transaction_id, reason, reference, result, passcode, ended_at = 0 AND superseded = 0 FROM notices WHERE id = ?`,
		[]any{id}, &n.TransactionID, &n.Reason, &n.Reference, &n.Result, &n.Passcode, &waits)
	return n, waits, notFound(err)
}
