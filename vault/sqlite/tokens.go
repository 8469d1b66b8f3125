package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// sealedToken is a token as the file holds it.
type sealedToken struct {
	token.Token
	numberRef, panRef       string
	numberSealed, panSealed []byte
}

func (s *store) seal(t token.Token) *sealedToken {
	return &sealedToken{
		Token:     t,
		numberRef: s.cipher.Reference(t.Number), numberSealed: s.cipher.Seal(t.Number),
		panRef: s.cipher.Reference(t.PAN), panSealed: s.cipher.Seal(t.PAN),
	}
}

// tokenColumns are those of tokens, in the order of insertToken and scanToken.
const tokenColumns = `tokens.reference, number_ref, number_sealed, sequence, expiry, status, type, requestor, device_id,
	pan_ref, pan_sealed, pan_sequence, pan_expiry, issuer, tokens.transaction_id, key_version, atc, created_at,
	version, merchant, suspended_by, passcode_number, passcode_expires, passcode_tries`

// insertToken stores a minted token, or gives vault.ErrTaken.
func (t *turn) insertToken(s *sealedToken, at time.Time) error {
	stored, err := t.exec(`
		INSERT INTO tokens (reference, number_ref, number_sealed, sequence, expiry, status, type, requestor, device_id,
			pan_ref, pan_sealed, pan_sequence, pan_expiry, issuer, transaction_id, key_version, atc, created_at,
			version, merchant, suspended_by, passcode_number, passcode_expires, passcode_tries)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		s.Reference, s.numberRef, s.numberSealed, int64(s.Sequence), s.Expiry.YYMM(), string(s.Status), string(s.Type),
		s.Requestor, s.DeviceID, s.panRef, s.panSealed, int64(s.PANSequence), s.PANExpiry.YYMM(), s.Issuer,
		s.TransactionID, int64(s.KeyVersion), int64(s.ATC), nanoseconds(s.Created),
		int64(s.Version), s.Merchant, string(s.SuspendedBy), s.Passcode.Number, nanoseconds(s.Passcode.Expires), s.Passcode.Tries)
	if err != nil {
		return err
	}
	if stored == 0 {
		return fmt.Errorf("%w: the token's number or reference", vault.ErrTaken)
	}
	return t.remember(s.Reference, token.Activate, s.Status, at)
}

// remember adds to a token's history.
func (t *turn) remember(reference string, event token.Event, status token.Status, at time.Time) error {
	return t.do(`INSERT INTO token_history (reference, stepped_at, event, status) VALUES (?, ?, ?, ?)`,
		reference, nanoseconds(at), string(event), string(status))
}

// Token finds a token by its number; see vault.Store.
func (s *store) Token(ctx context.Context, number card.PAN) (token.Token, error) {
	return only(ctx, s, s.scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE number_ref = ?`, s.cipher.Reference(number))
}

// TokenByReference finds a token by its reference; see vault.Store.
func (s *store) TokenByReference(ctx context.Context, reference string) (token.Token, error) {
	return only(ctx, s, s.scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE reference = ?`, reference)
}

// TokensOf lists the tokens of an account; see vault.Store.
func (s *store) TokensOf(ctx context.Context, pan card.PAN) ([]token.Token, error) {
	return list(ctx, s, func(rows *sql.Rows) (token.Token, error) { return s.scanToken(rows) },
		`SELECT `+tokenColumns+` FROM tokens WHERE pan_ref = ? AND status <> ? ORDER BY created_at DESC, rowid DESC LIMIT ?`,
		s.cipher.Reference(pan), string(token.Deactivated), vault.TokensMax)
}

func (s *store) scanToken(r row) (token.Token, error) { return s.scanTokenAnd(r) }

// scanTokenAnd reads tokenColumns and what follows them.
func (s *store) scanTokenAnd(r row, more ...any) (token.Token, error) {
	var one sealedToken
	var expiry, panExpiry string
	var created, passcodeExpires int64
	into := append([]any{
		&one.Reference, &one.numberRef, &one.numberSealed, &one.Sequence, &expiry, &one.Status, &one.Type,
		&one.Requestor, &one.DeviceID, &one.panRef, &one.panSealed, &one.PANSequence, &panExpiry, &one.Issuer,
		&one.TransactionID, &one.KeyVersion, &one.ATC, &created,
		&one.Version, &one.Merchant, &one.SuspendedBy, &one.Passcode.Number, &passcodeExpires, &one.Passcode.Tries,
	}, more...)
	if err := r.Scan(into...); err != nil {
		return token.Token{}, err
	}
	one.Created, one.Passcode.Expires = fromNanoseconds(created), fromNanoseconds(passcodeExpires)
	return s.unseal(one, expiry, panExpiry)
}

func (s *store) unseal(one sealedToken, expiry, panExpiry string) (token.Token, error) {
	var err error
	read := func(what string, read func() error) {
		if fault := read(); fault != nil && err == nil {
			err = fmt.Errorf("token %s: its %s: %w", one.Reference, what, fault)
		}
	}
	read("number", func() (err error) { one.Number, err = s.cipher.Unseal(one.numberRef, one.numberSealed); return })
	read("PAN", func() (err error) { one.PAN, err = s.cipher.Unseal(one.panRef, one.panSealed); return })
	read("expiry", func() (err error) { one.Expiry, err = card.ParseExpiry(expiry); return })
	read("PAN's expiry", func() (err error) { one.PANExpiry, err = card.ParseExpiry(panExpiry); return })
	return one.Token, err
}
