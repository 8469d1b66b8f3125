package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/vault"
)

// concluding is a conclusion with all that can be worked out before the
// writer's turn.
type concluding struct {
	vault.Conclusion
	panRef  string
	outcome []byte
	token   *sealedToken
	advices []adviceToQueue
}

// Conclude records an outcome and what follows from it; see vault.Store.
func (s *store) Conclude(ctx context.Context, c vault.Conclusion) error {
	if err := c.Validate(); err != nil {
		return err
	}
	outcome, err := vault.EncodeOutcome(c.Outcome)
	if err != nil {
		return err
	}
	advices, err := s.encodeAdvices(c.Advices)
	if err != nil {
		return err
	}
	end := concluding{Conclusion: c, outcome: outcome, advices: advices}
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
	if c.token != nil { // first: where its number is taken, nothing is to be undone
		if err := t.insertToken(c.token, c.At); err != nil {
			return err
		}
	}
	claimed, subject, err := t.end(c)
	if err != nil {
		return err
	}
	released, err := t.settle(c)
	if err != nil {
		return err
	}
	if err := t.audit(c.Entries(claimed, subject, released)...); err != nil {
		return err
	}
	for _, n := range c.Notices {
		if c.token == nil || n.Reference != c.token.Reference {
			if err := t.knows(n.Reference); err != nil {
				return err
			}
		}
		if err := t.notify(n, c.At); err != nil {
			return err
		}
	}
	return t.advise(c.advices, c.At)
}

// end sets the outcome of a transaction that has none and, unless the caller
// knows of it, was not reversed. It reads the row first: RETURNING makes SQLite
// set up a table for it each time.
func (t *turn) end(c concluding) (claimed vault.Transaction, subject string, err error) {
	claimed.Key = c.Key
	var number int64
	err = t.one(`SELECT number, kind, transaction_id, subject FROM transactions WHERE key = ? AND outcome IS NULL AND (? OR reversed_by = '')`,
		[]any{c.Key, c.Undone}, &number, &claimed.Kind, &claimed.TransactionID, &subject)
	if errors.Is(err, sql.ErrNoRows) {
		return claimed, "", t.whyNotEnded(c.Key)
	}
	if err != nil {
		return claimed, "", err
	}
	return claimed, subject, t.do(`UPDATE transactions SET outcome = ?, concluded_at = ? WHERE number = ?`, c.outcome, nanoseconds(c.At), number)
}

// whyNotEnded looks which part of end's condition did not hold.
func (t *turn) whyNotEnded(key string) error {
	var reversed int
	err := t.one(`SELECT 1 FROM transactions WHERE key = ? AND outcome IS NULL AND reversed_by <> ''`, []any{key}, &reversed)
	if err != nil {
		return notFound(err)
	}
	return vault.ErrReversed
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

const transactionColumns = `key, kind, transaction_id, claimed_at, outcome, question, reversed_by <> ''`

// scanTransaction reads transactionColumns and what follows them.
func (s *store) scanTransaction(r row, more ...any) (vault.Transaction, error) {
	var one vault.Transaction
	var at int64
	var outcome, question []byte
	into := append([]any{&one.Key, &one.Kind, &one.TransactionID, &at, &outcome, &question, &one.Reversed}, more...)
	if err := r.Scan(into...); err != nil {
		return vault.Transaction{}, err
	}
	one.At = fromNanoseconds(at)
	var err error
	if one.Outcome, err = toOutcome(outcome); err != nil {
		return vault.Transaction{}, err
	}
	one.Question, err = s.toQuestion(question)
	return one, err
}

// Unfinished lists transactions without an outcome; see vault.Store.
func (s *store) Unfinished(ctx context.Context) ([]vault.Transaction, error) {
	return list(ctx, s, func(rows *sql.Rows) (vault.Transaction, error) { return s.scanTransaction(rows) },
		`SELECT `+transactionColumns+` FROM transactions WHERE outcome IS NULL ORDER BY number`)
}
