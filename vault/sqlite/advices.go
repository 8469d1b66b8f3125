package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/vault"
)

// adviceToQueue is an advice with all that can be worked out before the
// writer's turn.
type adviceToQueue struct {
	vault.Advice
	stored []byte
}

func (s *store) encodeAdvices(list []vault.Advice) ([]adviceToQueue, error) {
	var all []adviceToQueue
	for _, a := range list {
		stored, err := vault.EncodeAdvice(s.cipher, a)
		if err != nil {
			return nil, err
		}
		all = append(all, adviceToQueue{Advice: a, stored: stored})
	}
	return all, nil
}

// advise queues advices, but for those whose transaction and kind were queued
// before.
func (t *turn) advise(list []adviceToQueue, at time.Time) error {
	for _, a := range list {
		queued, err := t.exec(`
			INSERT INTO advices (transaction_id, kind, advice, queued_at, due_at) VALUES (?, ?, ?, ?4, ?4)
			ON CONFLICT (transaction_id, kind) DO NOTHING`,
			a.TransactionID, string(a.Kind), a.stored, nanoseconds(at))
		if err != nil {
			return err
		}
		if queued == 0 {
			continue
		}
		if err := t.audit(a.QueuedEntry(at)); err != nil {
			return err
		}
	}
	return nil
}

// DueAdvices lists waiting advices; see vault.Store.
func (s *store) DueAdvices(ctx context.Context, at time.Time, limit int) ([]vault.QueuedAdvice, error) {
	return list(ctx, s, func(rows *sql.Rows) (vault.QueuedAdvice, error) {
		var q vault.QueuedAdvice
		var queued int64
		var stored []byte
		if err := rows.Scan(&q.ID, &stored, &q.Tries, &queued); err != nil {
			return q, err
		}
		q.Queued = fromNanoseconds(queued)
		var err error
		q.Advice, err = vault.DecodeAdvice(s.cipher, stored)
		return q, err
	}, `SELECT id, advice, tries, queued_at FROM advices WHERE ended_at = 0 AND due_at <= ? ORDER BY id LIMIT ?`,
		nanoseconds(at), clampLimit(limit))
}

// PostponeAdvice sets the next try of an advice; see vault.Store.
func (s *store) PostponeAdvice(ctx context.Context, id int64, until time.Time, sent bool) error {
	return s.writer.do(ctx, func(t *turn) error {
		return t.changeAdvice(id, func([]byte) error {
			return t.do(`UPDATE advices SET due_at = ?, tries = tries + ? WHERE id = ?`, nanoseconds(until), sent, id)
		})
	})
}

// AcknowledgeAdvices ends advices; see vault.Store.
func (s *store) AcknowledgeAdvices(ctx context.Context, ids []int64, at time.Time) error {
	return s.writer.do(ctx, func(t *turn) error {
		for _, id := range ids {
			if err := t.changeAdvice(id, func(stored []byte) error { return t.acknowledgeAdvice(s.cipher, id, stored, at) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *turn) acknowledgeAdvice(c *vault.Cipher, id int64, stored []byte, at time.Time) error {
	advice, err := vault.DecodeAdvice(c, stored)
	if err != nil {
		return err
	}
	if err := t.do(`UPDATE advices SET ended_at = ? WHERE id = ?`, nanoseconds(at), id); err != nil {
		return err
	}
	return t.audit(advice.AcknowledgedEntry(at))
}

// changeAdvice changes an advice that still waits, and leaves an ended one be.
func (t *turn) changeAdvice(id int64, change func(stored []byte) error) error {
	var stored []byte
	var waits bool
	err := t.one(`SELECT advice, ended_at = 0 FROM advices WHERE id = ?`, []any{id}, &stored, &waits)
	if err == nil && waits {
		err = change(stored)
	}
	if err != nil {
		return fmt.Errorf("advice %d: %w", id, notFound(err))
	}
	return nil
}
