package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Step changes a token; see vault.Store.
func (s *store) Step(ctx context.Context, c token.Change, at time.Time) (token.Token, error) {
	if err := vault.ValidateChange(c); err != nil {
		return token.Token{}, err
	}
	var stepped token.Token
	err := s.writer.do(ctx, func(t *turn) error {
		is, entry, err := t.step(s, c, at)
		if err != nil {
			return err
		}
		stepped = is
		return t.audit(entry)
	})
	if err != nil {
		return token.Token{}, fmt.Errorf("a token's step to %s: %w", c.Event, err)
	}
	return stepped, nil
}

// step changes a token as token.Token.Apply says, with its history and its
// notice. The entry that it gives is yet to be added to the audit trail.
func (t *turn) step(s *store, c token.Change, at time.Time) (token.Token, vault.Entry, error) {
	was, err := s.scanToken(t.query(`SELECT `+tokenColumns+` FROM tokens WHERE reference = ?`, c.Reference))
	if err != nil {
		return token.Token{}, vault.Entry{}, fmt.Errorf("the token %s: %w", c.Reference, notFound(err))
	}
	is, err := was.Apply(c)
	if err != nil {
		return token.Token{}, vault.Entry{}, err
	}
	if err := t.updateToken(s.seal(is)); err != nil {
		return token.Token{}, vault.Entry{}, err
	}
	if err := t.remember(c.Reference, c.Event, is.Status, at); err != nil {
		return token.Token{}, vault.Entry{}, err
	}
	return is, vault.StepEntry(c, was.Status, is, at), t.notifyAnew(c.Notice(is), at)
}

// updateToken stores all of a token that a change may change.
func (t *turn) updateToken(s *sealedToken) error {
	t.tokens = append(t.tokens, tokenChange{reference: s.Reference})
	return t.do(`
		UPDATE tokens SET status = ?, suspended_by = ?, passcode_number = ?, passcode_expires = ?, passcode_tries = ?,
			pan_ref = ?, pan_sealed = ?, pan_sequence = ?, pan_expiry = ? WHERE reference = ?`,
		string(s.Status), string(s.SuspendedBy), s.Passcode.Number, nanoseconds(s.Passcode.Expires), s.Passcode.Tries,
		s.panRef, s.panSealed, int64(s.PANSequence), s.PANExpiry.YYMM(), s.Reference)
}

// changeToken takes the step that goes with a claim.
func (t *turn) changeToken(c *claiming) (vault.ClaimResult, error) {
	if c.Change == nil {
		return won, nil
	}
	is, entry, err := t.step(c.store, *c.Change, c.At)
	var refused *token.StepError
	if errors.As(err, &refused) {
		return vault.ClaimResult{State: vault.Overtaken}, nil
	}
	c.changed, c.told = is, append(c.told, entry)
	return won, err
}
