package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/vaulttest"
)

// kept makes a token and has it kept, as it was made and then as it was read.
func kept(t *testing.T, s *store) token.Token {
	t.Helper()
	one := vaulttest.Token(1)
	made := one
	made.Created = one.Created.In(time.FixedZone("elsewhere", 3600))
	end := vault.Conclusion{Key: claimOf(1).Key, At: at, Outcome: token.Outcome{Response: token.Approved, Reference: one.Reference}, Token: &made}
	if _, err := s.Claim(t.Context(), claimOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Conclude(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	check := func(from string) {
		t.Helper()
		if read := byNumber(t, s, one); read != one {
			t.Errorf("the token %s is another", from)
		}
		if _, ok, _ := s.recent.find(one.Reference, ""); !ok {
			t.Errorf("the token %s is not kept", from)
		}
	}
	check("as it was made")
	s.recent.forget()
	check("as it was read")
	return one
}

func byNumber(t *testing.T, s *store, one token.Token) token.Token {
	t.Helper()
	read, err := s.Token(t.Context(), one.Number)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func tap(n int, one token.Token, counter uint16) vault.Claim {
	return vault.Claim{Key: fmt.Sprint("tap ", n), Kind: vault.KindTap, At: at, Reference: one.Reference, ATC: counter}
}

func TestAKeptTokenIsAsTheFileHasIt(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	one := kept(t, s)
	for n, want := range []struct {
		counter uint16
		state   vault.ClaimState
		after   uint16
	}{
		{5, vault.Won, 5}, {5, vault.Stale, 5}, {4, vault.Stale, 5}, {9, vault.Won, 9},
	} {
		got, err := s.Claim(t.Context(), tap(n, one, want.counter))
		if err != nil || got.State != want.state {
			t.Errorf("counter %d: %s, %v", want.counter, got.State, err)
		}
		if read := byNumber(t, s, one); read.ATC != want.after {
			t.Errorf("after counter %d the token has %d", want.counter, read.ATC)
		}
	}
	undone := tap(10, one, 11)
	undone.LentKey, undone.LentUsesMax = "6327100", 1 // was never lent: refused when the counter is raised
	if got, err := s.Claim(t.Context(), undone); err != nil || got.State != vault.Unlent {
		t.Errorf("%s, %v", got.State, err)
	}
	if read := byNumber(t, s, one); read.ATC != 9 {
		t.Errorf("a claim that was undone leaves %d", read.ATC)
	}
	if _, err := s.Step(t.Context(), token.Change{Reference: one.Reference, Event: token.Suspend, By: token.Operator}, at); err != nil {
		t.Fatal(err)
	}
	if read := byNumber(t, s, one); read.Status != token.Suspended {
		t.Errorf("after it was suspended the token is %s", read.Status)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(t.Context(), one.Number); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestATokenReadBeforeACommitIsNotKeptAfterIt stands for a reader that the
// writer overtakes.
func TestATokenReadBeforeACommitIsNotKeptAfterIt(t *testing.T) {
	for name, overtake := range map[string]func(*recent){
		"a change": func(r *recent) { r.changed([]tokenChange{{reference: "another token"}}) },
		"the end":  func(r *recent) { r.forget() },
	} {
		r := newRecent()
		_, _, now := r.find("", "number")
		overtake(r)
		r.put(vaulttest.Token(1), "number", now)
		if _, ok, now := r.find("", "number"); ok {
			t.Errorf("%s: it is kept", name)
		} else {
			r.put(vaulttest.Token(1), "number", now)
		}
		if _, ok, _ := r.find("", "number"); !ok {
			t.Errorf("%s: the next one is not kept", name)
		}
	}
}

func TestKeptTokensAreBounded(t *testing.T) {
	r := newRecent()
	for n := range recentMax + 1 {
		r.put(vaulttest.Token(n), fmt.Sprint(n), 0)
		if have, want := len(r.byReference), min(n+1, recentMax); have != want || len(r.byNumber) != want {
			t.Fatalf("after %d tokens %d are kept by reference and %d by number", n+1, have, len(r.byNumber))
		}
	}
	if _, ok, _ := r.find("", fmt.Sprint(recentMax)); !ok {
		t.Error("the last one is not kept")
	}
}
