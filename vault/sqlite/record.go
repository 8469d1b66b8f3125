package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// list reads rows on a reader's connection.
func list[T any](ctx context.Context, s *store, scan func(*sql.Rows) (T, error), query string, args ...any) (_ []T, err error) {
	stmt, err := s.readers.prepare(query)
	if err != nil {
		return nil, closedError(err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, closedError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// row is what one row is read from: *sql.Row, *sql.Rows or asked.
type row interface{ Scan(into ...any) error }

// only reads the one row that a key names, or gives vault.ErrNotFound. Once
// begun it is not interrupted: it takes microseconds, and what would watch the
// context, two goroutines, costs more.
func only[T any](ctx context.Context, s *store, scan func(row) (T, error), query string, args ...any) (one T, err error) {
	if err := ctx.Err(); err != nil {
		return one, err
	}
	stmt, err := s.readers.prepare(query)
	if err != nil {
		return one, closedError(err)
	}
	one, err = scan(stmt.QueryRowContext(context.WithoutCancel(ctx), args...))
	return one, closedError(notFound(err))
}

// notFound turns "no rows" into vault.ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return vault.ErrNotFound
	}
	return err
}

// nanoseconds is how a time is stored: Unix nanoseconds, 0 for no time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanoseconds(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// fromOutcome gives nil, which the database stores as NULL, for no outcome.
func fromOutcome(o *token.Outcome) ([]byte, error) {
	if o == nil {
		return nil, nil
	}
	return vault.EncodeOutcome(*o)
}

func toOutcome(stored []byte) (*token.Outcome, error) {
	if stored == nil {
		return nil, nil
	}
	o, err := vault.DecodeOutcome(stored)
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// fromQuestion gives nil, which the database stores as NULL, for no question.
func (s *store) fromQuestion(q *vault.Question) ([]byte, error) {
	if q == nil {
		return nil, nil
	}
	return vault.EncodeQuestion(s.cipher, *q)
}

func (s *store) toQuestion(stored []byte) (*vault.Question, error) {
	if stored == nil {
		return nil, nil
	}
	q, err := vault.DecodeQuestion(s.cipher, stored)
	if err != nil {
		return nil, err
	}
	return &q, nil
}
