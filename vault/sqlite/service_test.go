package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

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
	if err := s.writer.do(t.Context(), func(turn *turn) error {
		return turn.do(`INSERT INTO lent_keys (reference, key_index, lent_at) VALUES ('reference', '6781300', ?)`, nanoseconds(at))
	}); err != nil {
		t.Fatal(err)
	}
	tables := []string{"failures", "scope_failures", "scope_minutes", "requests", "lent_keys"}
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
