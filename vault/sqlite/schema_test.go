package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// The tests of this file open files of earlier schemas. What the programs of
// their time wrote is written here as they did.

// openBefore opens a new vault of an earlier schema for writing.
func openBefore(t *testing.T, path string, migrations ...string) *store {
	t.Helper()
	if err := prepareFile(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dataSource(path, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateTo(t.Context(), db, schema(t, migrations...)); err != nil {
		t.Fatal(err)
	}
	if err := checkKeys(t.Context(), db, testCipher(t)); err != nil {
		t.Fatal(err)
	}
	w, err := startWriter(db, path, usual(), newRecent())
	if err != nil {
		t.Fatal(err)
	}
	return &store{cipher: testCipher(t), writes: db, writer: w, recent: w.recent}
}

// write does a change of an earlier program.
func (s *store) write(t *testing.T, change func(*turn) error) {
	t.Helper()
	if err := s.writer.do(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// claimBefore claims as programs did up to the second schema.
func (s *store) claimBefore(t *testing.T, c vault.Claim) {
	t.Helper()
	wish, err := s.prepareClaim(c)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, func(t *turn) error {
		return errors.Join(
			t.do(`INSERT INTO transactions (key, content, kind, transaction_id, subject, claimed_at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				c.Key, wish.content, string(c.Kind), c.TransactionID, c.Subject(), nanoseconds(c.At), wish.outcome),
			t.audit(c.Entries()...),
		)
	})
	if c.Failed {
		s.write(t, func(t *turn) error { return t.countFailure(wish.panRef, c.Key, c.At) })
	}
}

// mintBefore stores a token with its notice as programs did up to the second
// schema.
func (s *store) mintBefore(t *testing.T, one token.Token) {
	t.Helper()
	sealed := s.seal(one)
	s.write(t, func(t *turn) error {
		return errors.Join(
			t.do(`
				INSERT INTO tokens (reference, number_ref, number_sealed, sequence, expiry, status, type, requestor, device_id,
					pan_ref, pan_sealed, pan_sequence, pan_expiry, issuer, transaction_id, key_version, atc, created_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				one.Reference, sealed.numberRef, sealed.numberSealed, int64(one.Sequence), one.Expiry.YYMM(), string(one.Status),
				string(one.Type), one.Requestor, one.DeviceID, sealed.panRef, sealed.panSealed, int64(one.PANSequence),
				one.PANExpiry.YYMM(), one.Issuer, one.TransactionID, one.KeyVersion, int64(one.ATC), nanoseconds(one.Created)),
			t.do(`INSERT INTO notices (transaction_id, reason, reference, result, queued_at, due_at) VALUES (?, ?, ?, ?, ?5, ?5)`,
				one.TransactionID, string(token.NoticeCreated), one.Reference, "00", nanoseconds(at)),
		)
	})
}

var account = card.MustPAN("4761739001010010")

// writeGround writes a vault of the first schema: an account that was
// enrolled, unenrolled and enrolled, one failure, and a request under way.
func writeGround(t *testing.T, path string) {
	t.Helper()
	ground := openBefore(t, path, "00001_ground.sql")
	for _, change := range []vault.AccountChange{vault.ChangeEnrol, vault.ChangeUnenrol, vault.ChangeEnrol} {
		if _, err := ground.ServeAccount(t.Context(), vault.AccountRequest{Client: "greenbank", Change: change, PAN: account, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	guess := claimOf(1)
	guess.Failed, guess.Outcome = true, &token.Outcome{Response: token.CVV2Failed}
	for _, c := range []vault.Claim{guess, claimOf(2)} {
		ground.claimBefore(t, c)
	}
	if err := ground.release(); err != nil {
		t.Fatal(err)
	}
}

func TestAVaultOfTheFirstSchemaIsBroughtForward(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	writeGround(t, path)
	s := openInside(t, path, usual())

	want := vault.Account{
		Enrolment: dcvv2.Enrolment{Enrolled: true, Generation: 1, Since: at},
		Attempts:  dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1},
	}
	unlock := vault.AccountRequest{Client: "greenbank", ID: "id", Change: vault.ChangeUnlock, PAN: account, At: at, ByDefault: true}
	if got, err := s.Account(t.Context(), account, at); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	want.Attempts = dcvv2.Attempts{}
	for _, state := range []vault.AnswerState{vault.AnswerNew, vault.AnswerRepeated} {
		if got, err := s.ServeAccount(t.Context(), unlock); err != nil || got.Account != want || got.State != state {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if list, err := s.Unfinished(t.Context()); err != nil || len(list) != 1 || list[0].Key != "request 2" {
		t.Errorf("unfinished are %+v, %v", list, err)
	}
	if got, err := s.Claim(t.Context(), scoped(3, at)); err != nil || got.State != vault.Won || len(got.Alarms) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	entries, err := s.Audit(t.Context(), 0, vault.ListMax)
	if err != nil || vault.VerifyChain(entries, [32]byte{}) != nil || len(entries) < 8 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// before is a token of a program that knew no versions of cryptograms.
// digits are all but the last of its number.
func before(digits string, kind token.Type, status token.Status) token.Token {
	number, err := card.CompletePAN(digits)
	if err != nil {
		panic(err)
	}
	return token.Token{
		Number: number, Sequence: 1, Expiry: card.MustExpiry("2911"), Reference: "reference of " + digits,
		Status: status, Type: kind, Requestor: "40010030273", DeviceID: "device",
		PAN: account, PANSequence: 2, PANExpiry: card.MustExpiry("3112"), Issuer: "first bank",
		TransactionID: digits, KeyVersion: 3, ATC: 7, Created: at,
	}
}

func TestAVaultOfTheSecondSchemaIsBroughtForward(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	old := openBefore(t, path, "00001_ground.sql", "00002_service.sql")
	element := before("489537000000001", token.SecureElement, token.Active)
	asleep := before("489537000000002", token.SecureElement, token.Suspended)
	cloud := before("489537000000003", token.Cloud, token.Active)
	for _, one := range []token.Token{element, asleep, cloud} {
		old.mintBefore(t, one)
	}
	tap := vault.Claim{Key: "tap", Kind: vault.KindTap, TransactionID: "1", At: at, Outcome: &token.Outcome{Response: token.Approved, Reference: element.Reference}}
	old.claimBefore(t, tap)
	if err := old.release(); err != nil {
		t.Fatal(err)
	}

	s := openInside(t, path, usual())
	element.Version, asleep.Version, asleep.SuspendedBy = emv.Version18, emv.Version18, token.Operator
	for _, want := range []token.Token{element, asleep, cloud} {
		if got, err := s.Token(t.Context(), want.Number); err != nil || got != want {
			t.Errorf("want %+v\ngot  %+v, %v", want, got, err)
		}
	}
	if due, err := s.Due(t.Context(), at, 0, 10); err != nil || len(due) != 3 || due[0].Notice.Passcode != 0 {
		t.Errorf("due are %+v, %v", due, err)
	}
	got, err := s.Transaction(t.Context(), "tap")
	if err != nil || !got.Outcome.Approved() || got.Question != nil || got.Reversed {
		t.Errorf("the tap is %+v, %v", got, err)
	}
	resume := token.Change{Reference: asleep.Reference, Event: token.Resume, By: token.Issuer}
	var refused *token.StepError
	if _, err := s.Step(t.Context(), resume, at); !errors.As(err, &refused) {
		t.Errorf("an issuer resumed what operators suspended: %v", err)
	}
	reversal := vault.Claim{Key: "reversal", Kind: vault.KindReversal, TransactionID: "2", At: at, Reverses: "tap"}
	if got, err := s.Claim(t.Context(), reversal); err != nil || got.State != vault.Won {
		t.Errorf("the reversal is %s, %v", got.State, err)
	}
}
