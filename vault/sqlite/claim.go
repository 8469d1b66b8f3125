package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// claiming is a claim with all that can be worked out before the writer's
// turn, and with what the conditions found that is told when all of them hold.
type claiming struct {
	vault.Claim
	store    *store
	panRef   string // of Claim.PAN; "" for none
	asked    string // of the account in question, where Claim.PAN is none
	content  []byte
	mark     []byte
	outcome  []byte
	question []byte
	advices  []adviceToQueue

	changed token.Token
	told    []vault.Entry
}

// Claim takes a request; see vault.Store.
func (s *store) Claim(ctx context.Context, c vault.Claim) (vault.ClaimResult, error) {
	if err := c.Validate(); err != nil {
		return vault.ClaimResult{}, err
	}
	wish, err := s.prepareClaim(c)
	if err != nil {
		return vault.ClaimResult{}, err
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

func (s *store) prepareClaim(c vault.Claim) (*claiming, error) {
	wish := &claiming{Claim: c, store: s, content: s.cipher.Fingerprint(c.Content)}
	if !c.PAN.IsZero() {
		wish.panRef = s.cipher.Reference(c.PAN)
	}
	if c.Question != nil {
		wish.asked = s.cipher.Reference(c.Question.PAN)
	}
	if len(c.Mark) > 0 {
		wish.mark = s.cipher.Fingerprint(append([]byte("mark "), c.Mark...))
	}
	var err error
	if wish.outcome, err = fromOutcome(c.Outcome); err != nil {
		return nil, err
	}
	if wish.question, err = s.fromQuestion(c.Question); err != nil {
		return nil, err
	}
	wish.advices, err = s.encodeAdvices(c.Advices)
	return wish, err
}

// claim goes through the conditions in their order. Each is one conditional
// statement, and the first that does not hold ends the claim.
func (t *turn) claim(c *claiming) (vault.ClaimResult, error) {
	c.changed, c.told = token.Token{}, nil
	for _, condition := range []func(*claiming) (vault.ClaimResult, error){
		t.takeKey, t.reverse, t.heedLimits, t.heedScopes, t.spendCode, t.raiseCounter, t.useLentKey, t.changeToken,
	} {
		if result, err := condition(c); err != nil || result.State != vault.Won {
			return result, err
		}
	}
	result := vault.ClaimResult{State: vault.Won, Token: c.changed}
	if c.Failed {
		if err := t.countFailure(c.panRef, c.Key, c.At); err != nil {
			return vault.ClaimResult{}, err
		}
		var err error
		if result.Alarms, err = t.countOnScopes(c); err != nil {
			return vault.ClaimResult{}, err
		}
	}
	if err := t.audit(slices.Concat(c.Entries(), c.told, c.AlarmEntries(result.Alarms))...); err != nil {
		return vault.ClaimResult{}, err
	}
	return result, t.advise(c.advices, c.At)
}

var won = vault.ClaimResult{State: vault.Won}

// insertTransaction takes a key. Of a token's transaction the account is the
// token's at this moment.
const insertTransaction = `
	INSERT INTO transactions (key, content, kind, transaction_id, subject, claimed_at, concluded_at, outcome,
		question, reference, atc, mark, pan_ref)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
		CASE WHEN ?13 <> '' THEN ?13 ELSE coalesce((SELECT pan_ref FROM tokens WHERE reference = ?14), '') END)
	ON CONFLICT (key) DO NOTHING`

func (t *turn) takeKey(c *claiming) (vault.ClaimResult, error) {
	concluded := int64(0)
	if c.Outcome != nil {
		concluded = nanoseconds(c.At)
	}
	taken, err := t.exec(insertTransaction,
		c.Key, c.content, string(c.Kind), c.TransactionID, c.Subject(), nanoseconds(c.At), concluded, c.outcome,
		c.question, c.Reference, int64(c.ATC), c.mark, cmp.Or(c.panRef, c.asked), c.token())
	if err != nil || taken == 1 {
		return won, err
	}
	return t.repeat(c)
}

// token is the reference of the token that a claim is about; "" for none.
func (c *claiming) token() string {
	var changed, decided string
	if c.Change != nil {
		changed = c.Change.Reference
	}
	if c.Outcome != nil {
		decided = c.Outcome.Reference
	}
	return cmp.Or(c.Reference, changed, decided)
}

func (t *turn) repeat(c *claiming) (vault.ClaimResult, error) {
	var content []byte
	recorded, err := c.store.scanTransaction(t.query(`SELECT `+transactionColumns+`, content FROM transactions WHERE key = ?`, c.Key), &content)
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

func (t *turn) heedLimits(c *claiming) (vault.ClaimResult, error) {
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

func (t *turn) spendCode(c *claiming) (vault.ClaimResult, error) {
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

func (t *turn) raiseCounter(c *claiming) (vault.ClaimResult, error) {
	if c.Reference == "" {
		return won, nil
	}
	raised, err := t.exec(`UPDATE tokens SET atc = ?1 WHERE reference = ?2 AND atc < ?1`, int64(c.ATC), c.Reference)
	if err != nil || raised == 1 {
		t.tokens = append(t.tokens, tokenChange{reference: c.Reference, counter: c.ATC})
		return won, err
	}
	if err := t.knows(c.Reference); err != nil {
		return vault.ClaimResult{}, err
	}
	replayed, err := t.marked(c)
	return vault.ClaimResult{State: vault.Stale, Replayed: replayed}, err
}

// marked reports whether another tap came with this counter and mark.
func (t *turn) marked(c *claiming) (replayed bool, err error) {
	if c.mark == nil {
		return false, nil
	}
	err = t.one(`SELECT EXISTS (SELECT 1 FROM transactions
		WHERE reference = ? AND atc = ? AND mark IS NOT NULL AND mark = ? AND key <> ?)`,
		[]any{c.Reference, int64(c.ATC), c.mark, c.Key}, &replayed)
	return replayed, err
}

// knows gives vault.ErrNotFound for the reference of no token.
func (t *turn) knows(reference string) error {
	var found int
	if err := t.one(`SELECT 1 FROM tokens WHERE reference = ?`, []any{reference}, &found); err != nil {
		return fmt.Errorf("the token %s: %w", reference, notFound(err))
	}
	return nil
}
