package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// Enrol enrols an account; see vault.Store.
func (s *store) Enrol(ctx context.Context, pan card.PAN, at time.Time) (dcvv2.Enrolment, error) {
	return s.changeEnrolment(ctx, pan, at, vault.EventEnrolled, `
		INSERT INTO enrolments (pan_ref, enrolled, generation, since) VALUES (?1, 1, 0, ?2)
		ON CONFLICT (pan_ref) DO UPDATE SET enrolled = 1, generation = generation + 1, since = excluded.since
		WHERE enrolled = 0`)
}

// Unenrol ends an enrolment; see vault.Store.
func (s *store) Unenrol(ctx context.Context, pan card.PAN, at time.Time) (dcvv2.Enrolment, error) {
	return s.changeEnrolment(ctx, pan, at, vault.EventUnenrolled,
		`UPDATE enrolments SET enrolled = 0, since = ?2 WHERE pan_ref = ?1 AND enrolled = 1`)
}

// changeEnrolment runs a conditional statement of (reference, time) and tells
// the audit trail where it changed something.
func (s *store) changeEnrolment(ctx context.Context, pan card.PAN, at time.Time, event, statement string) (dcvv2.Enrolment, error) {
	reference := s.cipher.Reference(pan)
	var account vault.Account
	err := s.writer.do(ctx, func(t *turn) error {
		changed, err := t.exec(statement, reference, nanoseconds(at))
		if err != nil {
			return err
		}
		if account, err = t.account(reference, at); err != nil || changed == 0 {
			return err
		}
		return t.audit(vault.EnrolmentEntry(event, pan, account.Enrolment.Generation, at))
	})
	if err != nil {
		return dcvv2.Enrolment{}, fmt.Errorf("%s: %w", event, err)
	}
	return account.Enrolment, nil
}

const selectAccount = `
	SELECT coalesce(e.enrolled, 0), coalesce(e.generation, 0), coalesce(e.since, 0), coalesce(a.in_row, 0),
		(SELECT count(*) FROM failures WHERE pan_ref = ?1 AND failed_at > ?2)
	FROM (SELECT ?1 AS pan_ref) AS wanted
	LEFT JOIN enrolments e ON e.pan_ref = wanted.pan_ref
	LEFT JOIN attempts a ON a.pan_ref = wanted.pan_ref`

// Account reads enrolment and attempts; see vault.Store.
func (s *store) Account(ctx context.Context, pan card.PAN, at time.Time) (vault.Account, error) {
	return only(ctx, s, scanAccount, selectAccount, s.cipher.Reference(pan), failuresSince(at))
}

func (t *turn) account(reference string, at time.Time) (vault.Account, error) {
	stmt, err := t.prepare(selectAccount)
	if err != nil {
		return vault.Account{}, err
	}
	return scanAccount(stmt.QueryRow(reference, failuresSince(at)))
}

func scanAccount(r row) (vault.Account, error) {
	var a vault.Account
	var generation, since int64
	err := r.Scan(&a.Enrolment.Enrolled, &generation, &since, &a.Attempts.FailuresInRow, &a.Attempts.FailuresInDay)
	if err != nil {
		return vault.Account{}, err
	}
	if generation > math.MaxUint16 {
		return vault.Account{}, fmt.Errorf("the account was enrolled %d times, more than a generation can count", generation)
	}
	a.Enrolment.Generation, a.Enrolment.Since = uint16(generation), fromNanoseconds(since)
	return a, nil
}

// failuresSince is the time after which a failure counts.
func failuresSince(at time.Time) int64 { return nanoseconds(at.Add(-vault.FailuresFor)) }

// countFailure records a failed attempt of a request, and forgets those too
// old to count. They are kept twice as long as they count, because the clocks
// of requests may disagree.
func (t *turn) countFailure(reference, key string, at time.Time) error {
	if err := t.do(`INSERT INTO failures (pan_ref, failed_at, key) VALUES (?, ?, ?)`, reference, nanoseconds(at), key); err != nil {
		return err
	}
	if err := t.do(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, 1)
		ON CONFLICT (pan_ref) DO UPDATE SET in_row = in_row + 1`, reference); err != nil {
		return err
	}
	return t.do(`DELETE FROM failures WHERE pan_ref = ? AND failed_at <= ?`, reference, nanoseconds(at.Add(-2*vault.FailuresFor)))
}
