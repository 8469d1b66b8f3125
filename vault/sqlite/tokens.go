package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
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
	t.tokens = append(t.tokens, tokenChange{reference: s.Reference, made: s.asStored()})
	return t.remember(s.Reference, token.Activate, s.Status, at)
}

// asStored is a token as it will be read: with times in UTC, of the clock alone.
func (s sealedToken) asStored() *sealedToken {
	s.Created, s.Passcode.Expires = fromNanoseconds(nanoseconds(s.Created)), fromNanoseconds(nanoseconds(s.Passcode.Expires))
	return &s
}

// remember adds to a token's history.
func (t *turn) remember(reference string, event token.Event, status token.Status, at time.Time) error {
	return t.do(`INSERT INTO token_history (reference, stepped_at, event, status) VALUES (?, ?, ?, ?)`,
		reference, nanoseconds(at), string(event), string(status))
}

// Token finds a token by its number; see vault.Store.
func (s *store) Token(ctx context.Context, number card.PAN) (token.Token, error) {
	numberRef := s.cipher.Reference(number)
	return s.token(ctx, "", numberRef, `SELECT `+tokenColumns+` FROM tokens WHERE number_ref = ?`, numberRef)
}

// TokenByReference finds a token by its reference; see vault.Store.
func (s *store) TokenByReference(ctx context.Context, reference string) (token.Token, error) {
	return s.token(ctx, reference, "", `SELECT `+tokenColumns+` FROM tokens WHERE reference = ?`, reference)
}

// token gives a token that is kept, or reads it and keeps it.
func (s *store) token(ctx context.Context, reference, numberRef, query, key string) (token.Token, error) {
	t, kept, now := s.recent.find(reference, numberRef)
	if kept {
		return t, nil
	}
	t, err := only(ctx, s, s.scanToken, query, key)
	if err == nil {
		s.recent.put(t, s.cipher.Reference(t.Number), now)
	}
	return t, err
}

// TokensOf lists the tokens of an account; see vault.Store.
func (s *store) TokensOf(ctx context.Context, pan card.PAN) ([]token.Token, error) {
	return list(ctx, s, func(rows *sql.Rows) (token.Token, error) { return s.scanToken(rows) },
		`SELECT `+tokenColumns+` FROM tokens WHERE pan_ref = ? AND status <> ? ORDER BY created_at DESC, rowid DESC LIMIT ?`,
		s.cipher.Reference(pan), string(token.Deactivated), vault.TokensMax)
}

// scanToken reads tokenColumns.
func (s *store) scanToken(r row) (token.Token, error) {
	var one sealedToken
	var expiry, panExpiry string
	var created, passcodeExpires int64
	if err := r.Scan(
		&one.Reference, &one.numberRef, &one.numberSealed, &one.Sequence, &expiry, &one.Status, &one.Type,
		&one.Requestor, &one.DeviceID, &one.panRef, &one.panSealed, &one.PANSequence, &panExpiry, &one.Issuer,
		&one.TransactionID, &one.KeyVersion, &one.ATC, &created,
		&one.Version, &one.Merchant, &one.SuspendedBy, &one.Passcode.Number, &passcodeExpires, &one.Passcode.Tries,
	); err != nil {
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

// recentMax is how many tokens are kept in memory (ours): some megabytes.
const recentMax = 8192

// recent keeps tokens that were read or made, so that a tap or a notice need not
// read its token from the file. What it gives is what the file holds: a change
// of a token is told to it before the change's caller hears that it is done.
type recent struct {
	mu          sync.Mutex
	byReference map[string]recentToken
	byNumber    map[string]string // reference by number_ref
	commits     uint64            // that changed a token
}

type recentToken struct {
	token.Token
	numberRef string
}

func newRecent() *recent {
	return &recent{byReference: map[string]recentToken{}, byNumber: map[string]string{}}
}

// tokenChange is what a commit does to a token: it makes it, raises its counter,
// or makes another of it.
type tokenChange struct {
	reference string
	made      *sealedToken
	counter   uint16 // 0 for another token
}

// changed tells of a commit.
func (r *recent) changed(all []tokenChange) {
	if len(all) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits++
	for _, c := range all {
		kept, ok := r.byReference[c.reference]
		switch {
		case c.made != nil:
			r.keep(recentToken{c.made.Token, c.made.numberRef})
		case !ok:
		case c.counter == 0:
			r.drop(kept)
		default:
			kept.ATC = c.counter
			r.byReference[c.reference] = kept
		}
	}
}

// forget drops all, and what is being read.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits++
	clear(r.byReference)
	clear(r.byNumber)
}

func (r *recent) drop(t recentToken) {
	delete(r.byReference, t.Reference)
	delete(r.byNumber, t.numberRef)
}

// find finds a token by its reference, or else by its number. It also gives what
// put takes to keep a token once it was read.
func (r *recent) find(reference, numberRef string) (t token.Token, ok bool, now uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reference == "" {
		reference = r.byNumber[numberRef]
	}
	kept, ok := r.byReference[reference]
	return kept.Token, ok, r.commits
}

// put keeps a token that was read, unless a commit came in between: it may have
// changed it.
func (r *recent) put(t token.Token, numberRef string, now uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.commits == now {
		r.keep(recentToken{t, numberRef})
	}
}

func (r *recent) keep(t recentToken) {
	for _, one := range r.byReference {
		if len(r.byReference) < recentMax {
			break
		}
		r.drop(one) // any one
	}
	r.byReference[t.Reference] = t
	r.byNumber[t.numberRef] = t.Reference
}
