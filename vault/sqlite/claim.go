package sqlite

import (
	"bytes"
	"context"
	"fmt"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// claiming is a claim with all that can be worked out before the writer's turn.
type claiming struct {
	vault.Claim
	panRef  string
	content []byte
	outcome []byte
}

// Claim takes a request; see vault.Store.
func (s *store) Claim(ctx context.Context, c vault.Claim) (vault.ClaimResult, error) {
	if err := c.Validate(); err != nil {
		return vault.ClaimResult{}, err
	}
	outcome, err := fromOutcome(c.Outcome)
	if err != nil {
		return vault.ClaimResult{}, err
	}
	wish := claiming{Claim: c, content: s.cipher.Fingerprint(c.Content), outcome: outcome}
	if !c.PAN.IsZero() {
		wish.panRef = s.cipher.Reference(c.PAN)
	}
	var result vault.ClaimResult
	err = s.writer.do(ctx, func(t *turn) error {
		var err error
		if result, err = t.claim(wish); err == nil && result.State != vault.Won {
			err = errUndo
		}
		return err
	})
	if err != nil {
		return vault.ClaimResult{}, fmt.Errorf("claiming a request: %w", err)
	}
	return result, nil
}

// claim goes through the conditions in their order. Each is one conditional
// statement, and the first that does not hold ends the claim.
func (t *turn) claim(c claiming) (vault.ClaimResult, error) {
	for _, condition := range []func(claiming) (vault.ClaimResult, error){
		t.takeKey, t.heedLimits, t.heedScopes, t.spendCode, t.raiseCounter,
	} {
		if result, err := condition(c); err != nil || result.State != vault.Won {
			return result, err
		}
	}
	result := won
	if c.Failed {
		if err := t.countFailure(c.panRef, c.Key, c.At); err != nil {
			return vault.ClaimResult{}, err
		}
		var err error
		if result.Alarms, err = t.countOnScopes(c); err != nil {
			return vault.ClaimResult{}, err
		}
	}
	if err := t.audit(c.Entries()...); err != nil {
		return vault.ClaimResult{}, err
	}
	return result, t.audit(c.AlarmEntries(result.Alarms)...)
}

var won = vault.ClaimResult{State: vault.Won}

func (t *turn) takeKey(c claiming) (vault.ClaimResult, error) {
	concluded := int64(0)
	if c.Outcome != nil {
		concluded = nanoseconds(c.At)
	}
	taken, err := t.exec(`
		INSERT INTO transactions (key, content, kind, transaction_id, subject, claimed_at, concluded_at, outcome)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
		c.Key, c.content, string(c.Kind), c.TransactionID, c.Subject(), nanoseconds(c.At), concluded, c.outcome)
	if err != nil || taken == 1 {
		return won, err
	}
	return t.repeat(c)
}

func (t *turn) repeat(c claiming) (vault.ClaimResult, error) {
	stmt, err := t.prepare(`SELECT ` + transactionColumns + `, content FROM transactions WHERE key = ?`)
	if err != nil {
		return vault.ClaimResult{}, err
	}
	var content []byte
	recorded, err := scanTransaction(stmt.QueryRow(c.Key), &content)
	switch {
	case err != nil:
		return vault.ClaimResult{}, err
	case !bytes.Equal(content, c.content):
		return vault.ClaimResult{State: vault.Conflict}, nil
	case recorded.Outcome == nil:
		return vault.ClaimResult{State: vault.Busy, Recorded: recorded}, nil
	default:
		return vault.ClaimResult{State: vault.Answered, Recorded: recorded}, nil
	}
}

func (t *turn) heedLimits(c claiming) (vault.ClaimResult, error) {
	if c.Limits == (dcvv2.Policy{}) {
		return won, nil
	}
	account, err := t.account(c.panRef, c.At)
	if err != nil {
		return vault.ClaimResult{}, err
	}
	if c.Limits.Locked(account.Attempts) || c.Limits.DayExhausted(account.Attempts) {
		return vault.ClaimResult{State: vault.Blocked, Attempts: account.Attempts}, nil
	}
	return won, nil
}

func (t *turn) spendCode(c claiming) (vault.ClaimResult, error) {
	if c.Spend.IsZero() {
		return won, nil
	}
	spent, err := t.exec(`INSERT INTO spent (pan_ref, window_index, window_hours, key) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.panRef, c.Spend.Index, c.Spend.Hours, c.Key)
	if err != nil || spent == 1 {
		return won, err
	}
	return vault.ClaimResult{State: vault.Used}, nil
}

func (t *turn) raiseCounter(c claiming) (vault.ClaimResult, error) {
	if c.Reference == "" {
		return won, nil
	}
	raised, err := t.exec(`UPDATE tokens SET atc = ?1 WHERE reference = ?2 AND atc < ?1`, int64(c.ATC), c.Reference)
	if err != nil || raised == 1 {
		return won, err
	}
	if err := t.knows(c.Reference); err != nil {
		return vault.ClaimResult{}, err
	}
	return vault.ClaimResult{State: vault.Stale}, nil
}

// knows gives vault.ErrNotFound for the reference of no token.
func (t *turn) knows(reference string) error {
	var found int
	if err := t.one(`SELECT 1 FROM tokens WHERE reference = ?`, []any{reference}, &found); err != nil {
		return fmt.Errorf("the token %s: %w", reference, notFound(err))
	}
	return nil
}
