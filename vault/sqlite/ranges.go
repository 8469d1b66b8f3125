package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/vault"
)

// Ranges lists the registered ranges; see vault.Store.
func (s *store) Ranges(ctx context.Context) ([]vault.RangeRecord, error) {
	return list(ctx, s, func(rows *sql.Rows) (vault.RangeRecord, error) { return scanRange(rows) },
		`SELECT `+rangeColumns+` FROM ranges ORDER BY digits`)
}

const rangeColumns = `registration, removed, said, revision`

func scanRange(r row) (vault.RangeRecord, error) {
	var one vault.RangeRecord
	var registration []byte
	if err := r.Scan(&registration, &one.Removed, &one.Said, &one.Revision); err != nil {
		return vault.RangeRecord{}, err
	}
	var err error
	one.Registration, err = vault.DecodeRegistration(registration)
	return one, err
}

// PutRange stores a range; see vault.Store.
func (s *store) PutRange(ctx context.Context, r vault.RangeRecord, by, detail string, at time.Time) error {
	digits := r.Registration.Range.String()
	if err := r.Validate(); err != nil {
		return fmt.Errorf("storing a range: %w", err)
	}
	registration, err := vault.EncodeRegistration(r.Registration)
	if err != nil {
		return err
	}
	if err := s.writer.do(ctx, func(t *turn) error {
		was, err := t.rangeOf(digits)
		if err != nil {
			return err
		}
		if was.Revision != r.Revision {
			return fmt.Errorf("%w: revision %d is stored, and not %d was read: read it anew", vault.ErrTaken, was.Revision, r.Revision)
		}
		is := r
		is.Revision++
		if err := t.do(`INSERT OR REPLACE INTO ranges (digits, registration, removed, said, revision) VALUES (?, ?, ?, ?, ?)`,
			digits, registration, is.Removed, is.Said, is.Revision); err != nil {
			return err
		}
		return t.audit(is.Entry(was, by, detail, at))
	}); err != nil {
		return fmt.Errorf("storing revision %d of the range %s: %w", r.Revision+1, digits, err)
	}
	return nil
}

// rangeOf is the record stored for a range, the zero value for none.
func (t *turn) rangeOf(digits string) (vault.RangeRecord, error) {
	was, err := scanRange(t.query(`SELECT `+rangeColumns+` FROM ranges WHERE digits = ?`, digits))
	if errors.Is(err, sql.ErrNoRows) {
		return vault.RangeRecord{}, nil
	}
	return was, err
}
