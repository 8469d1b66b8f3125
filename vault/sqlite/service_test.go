package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var account = card.MustPAN("4761739001010010")

// writeGround writes a vault of the first schema: an account that was
// enrolled, unenrolled and enrolled, one failure, and a request under way.
func writeGround(t *testing.T, path string) {
	t.Helper()
	if err := prepareFile(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dataSource(path, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateTo(t.Context(), db, schema(t, "00001_ground.sql")); err != nil {
		t.Fatal(err)
	}
	if err := checkKeys(t.Context(), db, testCipher(t)); err != nil {
		t.Fatal(err)
	}
	w, err := startWriter(db, usual())
	if err != nil {
		t.Fatal(err)
	}
	ground := &store{cipher: testCipher(t), writes: db, writer: w}
	for _, change := range []vault.AccountChange{vault.ChangeEnrol, vault.ChangeUnenrol, vault.ChangeEnrol} {
		if _, err := ground.ServeAccount(t.Context(), vault.AccountRequest{Client: "greenbank", Change: change, PAN: account, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	guess := claimOf(1)
	guess.Failed, guess.Outcome = true, &token.Outcome{Response: token.CVV2Failed}
	for _, c := range []vault.Claim{guess, claimOf(2)} {
		if got, err := ground.Claim(t.Context(), c); err != nil || got.State != vault.Won {
			t.Fatalf("%s, %v", got.State, err)
		}
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

// scoped is a failed claim with one scope.
func scoped(n int, at time.Time) vault.Claim {
	c := claimOf(n)
	c.At, c.Failed, c.Outcome = at, true, &token.Outcome{Response: token.CVV2Failed}
	c.Scopes = []vault.Scope{{Name: "range/4761739", AlarmAt: 1}}
	return c
}

func (s *store) rows(t *testing.T, table string) (n int) {
	t.Helper()
	if err := s.readers.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOldRequestsGoAsNewOnesCome(t *testing.T) {
	const old = 10
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	ask := func(n int, at time.Time) {
		r := vault.AccountRequest{Client: "greenbank", ID: fmt.Sprint(n), PAN: account, At: at}
		if _, err := s.ServeAccount(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for n := range old {
		ask(n, at)
	}
	ask(old, at.Add(vault.RequestsFor-1)) // none is old yet
	if got := s.rows(t, "requests"); got != old+1 {
		t.Errorf("%d requests are kept", got)
	}
	for n, want := range []int{old + 2 - requestsPruned, old + 3 - 2*requestsPruned, 4, 5} {
		ask(old+1+n, at.Add(vault.RequestsFor))
		if got := s.rows(t, "requests"); got != want {
			t.Errorf("after %d new requests %d are kept, not %d", n+1, got, want)
		}
	}
}

func TestOldScopeFailuresGoAsNewOnesCome(t *testing.T) {
	const old = 10
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	fail := func(n int, at time.Time) {
		if got, err := s.Claim(t.Context(), scoped(n, at)); err != nil || got.State != vault.Won {
			t.Fatalf("%s, %v", got.State, err)
		}
	}
	for n := range old {
		fail(n, at.Add(time.Duration(n)*time.Minute))
	}
	later := at.Add(3 * vault.ScopeFailuresFor)
	for n, want := range []int{old + 1 - scopeFailuresPruned, old + 2 - 2*scopeFailuresPruned, 3, 4} {
		fail(old+n, later)
		if got := s.rows(t, "scope_failures"); got != want {
			t.Errorf("after %d new failures %d are kept, not %d", n+1, got, want)
		}
		if got := s.rows(t, "scope_minutes"); got != 1 {
			t.Errorf("%d minutes are kept", got)
		}
	}
}

// TestPruningLeavesNoRowOfWhatNeverComesAgain looks at the rows themselves.
func TestPruningLeavesNoRowOfWhatNeverComesAgain(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	if got, err := s.Claim(t.Context(), scoped(1, at)); err != nil || got.State != vault.Won {
		t.Fatalf("%s, %v", got.State, err)
	}
	if _, err := s.ServeAccount(t.Context(), vault.AccountRequest{Client: "greenbank", ID: "id", PAN: account, At: at}); err != nil {
		t.Fatal(err)
	}
	tables := []string{"failures", "scope_failures", "scope_minutes", "requests"}
	for _, step := range []struct {
		before time.Time
		rows   int
	}{{at, 1}, {at.Add(2 * vault.FailuresFor), 0}} {
		if _, err := s.Prune(t.Context(), step.before); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if got := s.rows(t, table); got != step.rows {
				t.Errorf("pruned before %s: %d rows in %s", step.before, got, table)
			}
		}
	}
}
