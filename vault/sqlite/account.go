package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// serving is an account request with all that can be worked out before the
// writer's turn.
type serving struct {
	vault.AccountRequest
	panRef  string
	ref     []byte // of client and id; nil when the request is not remembered
	content []byte
}

// ServeAccount does and remembers a client's request; see vault.Store.
func (s *store) ServeAccount(ctx context.Context, r vault.AccountRequest) (vault.AccountAnswer, error) {
	if err := r.Validate(); err != nil {
		return vault.AccountAnswer{}, err
	}
	wish := serving{AccountRequest: r, panRef: s.cipher.Reference(r.PAN)}
	if r.ID != "" {
		wish.ref, wish.content = s.cipher.Fingerprint(requestName(r.Client, r.ID)), s.cipher.Fingerprint(r.Content)
	}
	answer, err := s.serve(ctx, wish)
	if err != nil {
		return vault.AccountAnswer{}, fmt.Errorf("serving an account request: %w", err)
	}
	return answer, nil
}

// requestName keeps client and id apart, whatever they hold.
func requestName(client, id string) []byte {
	name := binary.BigEndian.AppendUint32([]byte("account request"), uint32(len(client)))
	return append(append(name, client...), id...)
}

func (s *store) serve(ctx context.Context, r serving) (vault.AccountAnswer, error) {
	if r.Change == vault.NoChange && r.ref == nil {
		account, err := s.Account(ctx, r.PAN, r.At)
		return r.answer(account), err
	}
	var answer vault.AccountAnswer
	err := s.writer.do(ctx, func(t *turn) (err error) {
		answer, err = t.serve(r)
		return err
	})
	return answer, err
}

// answer is a first answer, about the account as it stands.
func (r serving) answer(account vault.Account) vault.AccountAnswer {
	policy := dcvv2.Policy{EnrolByDefault: r.ByDefault}
	return vault.AccountAnswer{State: vault.AnswerNew, At: r.At, Account: account.Under(policy)}
}

func (t *turn) serve(r serving) (vault.AccountAnswer, error) {
	if r.ref != nil {
		if first, err := t.recall(r); err == nil || !errors.Is(err, sql.ErrNoRows) {
			return first, err
		}
	}
	account, err := t.changeAccount(r)
	if err != nil {
		return vault.AccountAnswer{}, err
	}
	answer := r.answer(account)
	if r.ref == nil || r.MustBeEnrolled && !answer.Account.Enrolment.Enrolled {
		return answer, nil
	}
	return answer, t.rememberRequest(r, answer)
}

// recall gives the first answer to a request that was served before, or
// sql.ErrNoRows.
func (t *turn) recall(r serving) (vault.AccountAnswer, error) {
	var at int64
	var content []byte
	account, err := scanAccount(t.query(`SELECT enrolled, generation, since, in_row, in_day, at, content FROM requests WHERE request_ref = ? AND at > ?`,
		r.ref, requestsSince(r.At)), &at, &content)
	if err != nil {
		return vault.AccountAnswer{}, err
	}
	if !bytes.Equal(content, r.content) {
		return vault.AccountAnswer{State: vault.AnswerConflict}, nil
	}
	return vault.AccountAnswer{State: vault.AnswerRepeated, At: fromNanoseconds(at), Account: account}, nil
}

// requestsPruned is how many old requests go when a new one comes: more than
// one, so that what has gathered does not stay.
const requestsPruned = 4

const deleteOldRequests = `DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE at <= ? ORDER BY at LIMIT ?)`

func (t *turn) rememberRequest(r serving, a vault.AccountAnswer) error {
	if err := t.do(deleteOldRequests, requestsSince(r.At), requestsPruned); err != nil {
		return err
	}
	e, attempts := a.Account.Enrolment, a.Account.Attempts
	return t.do(`INSERT OR REPLACE INTO requests (request_ref, content, at, enrolled, generation, since, in_row, in_day)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ref, r.content, nanoseconds(a.At), e.Enrolled, int64(e.Generation), nanoseconds(e.Since),
		attempts.FailuresInRow, attempts.FailuresInDay)
}

// requestsSince is the time after which a request is remembered.
func requestsSince(at time.Time) int64 { return nanoseconds(at.Add(-vault.RequestsFor)) }

// changeAccount does what a request asks, and tells the audit trail where
// that changed something.
func (t *turn) changeAccount(r serving) (vault.Account, error) {
	was, err := t.account(r.panRef, r.At)
	if err != nil {
		return vault.Account{}, err
	}
	changed, err := t.applyChange(r)
	if err != nil || changed == 0 {
		return was, err
	}
	is, err := t.account(r.panRef, r.At)
	if err != nil {
		return vault.Account{}, err
	}
	return is, t.audit(r.Entry(was, is))
}

// applyChange runs one conditional statement for each part of the change and
// gives the number of rows it touched.
func (t *turn) applyChange(r serving) (int64, error) {
	switch r.Change {
	case vault.ChangeEnrol:
		return t.exec(`
			INSERT INTO enrolments (pan_ref, enrolled, generation, since) VALUES (?1, 1, 0, ?2)
			ON CONFLICT (pan_ref) DO UPDATE SET enrolled = 1, generation = generation + 1, since = excluded.since
			WHERE enrolled = 0`, r.panRef, nanoseconds(r.At))
	case vault.ChangeUnenrol:
		if r.ByDefault {
			return t.exec(`
				INSERT INTO enrolments (pan_ref, enrolled, generation, since) VALUES (?1, 0, 0, ?2)
				ON CONFLICT (pan_ref) DO UPDATE SET enrolled = 0, since = excluded.since
				WHERE enrolled = 1`, r.panRef, nanoseconds(r.At))
		}
		return t.exec(`UPDATE enrolments SET enrolled = 0, since = ?2 WHERE pan_ref = ?1 AND enrolled = 1`, r.panRef, nanoseconds(r.At))
	case vault.ChangeUnlock:
		return t.unlock(r)
	}
	return 0, nil
}

// unlock forgets all failures, also those too old to count: the clock of a
// later request may be behind. Only those that count are a change.
func (t *turn) unlock(r serving) (int64, error) {
	inRow, err := t.exec(`UPDATE attempts SET in_row = 0 WHERE pan_ref = ? AND in_row > 0`, r.panRef)
	if err != nil {
		return 0, err
	}
	inDay, err := t.exec(`DELETE FROM failures WHERE pan_ref = ? AND failed_at > ?`, r.panRef, failuresSince(r.At))
	if err != nil {
		return 0, err
	}
	return inRow + inDay, t.do(`DELETE FROM failures WHERE pan_ref = ?`, r.panRef)
}

const selectAccount = `
	SELECT coalesce(e.enrolled, 0), coalesce(e.generation, 0), coalesce(e.since, 0), coalesce(a.in_row, 0),
		(SELECT count(*) FROM failures WHERE pan_ref = ?1 AND failed_at > ?2)
	FROM (SELECT ?1 AS pan_ref) AS wanted
	LEFT JOIN enrolments e ON e.pan_ref = wanted.pan_ref
	LEFT JOIN attempts a ON a.pan_ref = wanted.pan_ref`

// Account reads enrolment and attempts; see vault.Store.
func (s *store) Account(ctx context.Context, pan card.PAN, at time.Time) (vault.Account, error) {
	return only(ctx, s, func(r row) (vault.Account, error) { return scanAccount(r) }, selectAccount, s.cipher.Reference(pan), failuresSince(at))
}

func (t *turn) account(reference string, at time.Time) (vault.Account, error) {
	return scanAccount(t.query(selectAccount, reference, failuresSince(at)))
}

// scanAccount reads an account and what follows it.
func scanAccount(r row, more ...any) (vault.Account, error) {
	var a vault.Account
	var generation, since int64
	into := append([]any{&a.Enrolment.Enrolled, &generation, &since, &a.Attempts.FailuresInRow, &a.Attempts.FailuresInDay}, more...)
	if err := r.Scan(into...); err != nil {
		return vault.Account{}, err
	}
	if generation > math.MaxUint16 {
		return vault.Account{}, fmt.Errorf("the account was enrolled %d times, more than a generation can count", generation)
	}
	a.Enrolment.Generation, a.Enrolment.Since = uint16(generation), fromNanoseconds(since)
	return a, nil
}
