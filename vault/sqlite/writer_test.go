package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// together has the writer apply changes in one commit, in their order, and gives
// their errors.
func together(t *testing.T, w *writer, changes ...func(*turn) error) []error {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	enter := sync.OnceFunc(func() { close(entered) })
	callers.Go(func() { // the first of the commit, until the others wait
		_ = w.do(context.Background(), func(*turn) error {
			enter()
			<-leave
			return nil
		})
	})
	<-entered
	faults := make([]error, len(changes))
	for i, apply := range changes {
		c := &change{apply: apply, done: make(chan error, 1)}
		if err := w.enqueue(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		callers.Go(func() { faults[i] = <-c.done })
	}
	close(leave)
	callers.Wait()
	return faults
}

// carefulLeft is how many commits are to use savepoints, after the one that asks.
func carefulLeft(t *testing.T, w *writer) (left int) {
	t.Helper()
	if err := w.do(t.Context(), func(*turn) error {
		left = w.careful
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return left
}

func write(key string) func(*turn) error {
	return func(t *turn) error {
		if err := t.do(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, 1)`, key); err != nil {
			return err
		}
		return t.audit(vault.Entry{At: at, Event: key})
	}
}

// written lists the keys that write has left behind, and looks that the trail
// tells of the same.
func written(t *testing.T, s *store) string {
	t.Helper()
	entries, err := s.Audit(t.Context(), 0, vault.ListMax)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.VerifyChain(entries, [32]byte{}); err != nil {
		t.Error(err)
	}
	var told, stored []string
	for _, e := range entries {
		told = append(told, e.Event)
	}
	rows, err := s.readers.Query(`SELECT pan_ref FROM attempts ORDER BY pan_ref`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, key)
	}
	if strings.Join(told, " ") != strings.Join(stored, " ") {
		t.Errorf("the trail tells of %v, stored are %v", told, stored)
	}
	return strings.Join(stored, " ")
}

// TestAChangeThatFailsUndoesNothingOfItsNeighbours holds it without savepoints,
// which is how commits begin, and with them.
func TestAChangeThatFailsUndoesNothingOfItsNeighbours(t *testing.T) {
	errOwn := errors.New("a reason of its own")
	fails := func(err error) func(*turn) error {
		return func(t *turn) error { return errors.Join(write("b")(t), err) }
	}
	takenBack := false
	for _, one := range []struct {
		name  string
		apply func(*turn) error
		fails bool
	}{
		{"for a reason of its own", fails(errOwn), true},
		{"undone", fails(errUndo), false},
		{"in SQLite", func(t *turn) error { return errors.Join(write("b")(t), t.do(`SELECT no_such_column FROM attempts`)) }, true},
		{"in SQLite, which takes all back", func(t *turn) error {
			if !takenBack {
				_ = t.do(`ROLLBACK`)
				t.wrote, takenBack = false, true
			}
			return t.do(`SELECT no_such_column FROM attempts`)
		}, true},
	} {
		for careful := range 2 {
			s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
			s.writer.careful = 2 * careful // the commit that together holds is the first
			got := together(t, s.writer, write("a"), one.apply, write("c"))
			if got[0] != nil || (got[1] != nil) != one.fails || got[2] != nil {
				t.Errorf("%s, careful %d: %v", one.name, careful, got)
			}
			if keys := written(t, s); keys != "a c" {
				t.Errorf("%s, careful %d: stored are %s", one.name, careful, keys)
			}
		}
	}
}

// TestSavepointsAreForCommitsAfterAFailure holds that a change which fails
// before it has written anything costs its neighbours nothing.
func TestSavepointsAreForCommitsAfterAFailure(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	spending := func(n int) vault.Claim {
		c := claimOf(n)
		c.Spend = dcvv2.WindowAt(at, 1)
		return c
	}
	claim := func(c vault.Claim, want vault.ClaimState) {
		t.Helper()
		if got, err := s.Claim(t.Context(), c); err != nil || got.State != want {
			t.Errorf("%s, %v", got.State, err)
		}
	}
	claim(spending(1), vault.Won)
	claim(spending(1), vault.Busy) // a repeat
	if left := carefulLeft(t, s.writer); left != 0 {
		t.Errorf("after a repeat %d commits use savepoints", left)
	}
	claim(spending(2), vault.Used) // fails with its key taken
	for want := carefulCommits - 1; want >= 0; want-- {
		if left := carefulLeft(t, s.writer); left != want {
			t.Errorf("%d commits use savepoints, not %d", left, want)
		}
	}
	claim(spending(3), vault.Used)
	if list, err := s.Unfinished(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("unfinished are %v, %v", list, err)
	}
}

// TestACallerHearsOfItsChangeWhenItIsOnTheDisk holds back the disk: other
// changes are applied meanwhile, and nobody hears of one before its time.
func TestACallerHearsOfItsChangeWhenItIsOnTheDisk(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	syncing, synced := make(chan struct{}), make(chan error)
	s.writer.sync = func(*os.File) error {
		syncing <- struct{}{}
		return <-synced
	}
	claim := func(n int) <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := s.Claim(context.Background(), claimOf(n))
			done <- err
		}()
		return done
	}
	first := claim(1)
	<-syncing
	second := claim(2)
	for applied := 0; applied < 2; { // while the disk is waited for
		if err := s.readers.QueryRow(`SELECT count(*) FROM transactions`).Scan(&applied); err != nil {
			t.Fatal(err)
		}
	}
	for name, done := range map[string]<-chan error{"first": first, "second": second} {
		select {
		case err := <-done:
			t.Errorf("the %s heard of its change before it was on the disk: %v", name, err)
		default:
		}
	}
	synced <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	<-syncing
	synced <- nil
	if err := <-second; err != nil {
		t.Error(err)
	}
	last := claim(3)
	<-syncing
	synced <- errors.New("no more room")
	for n, done := range []<-chan error{last, claim(4)} { // the disk is asked no more
		if err := <-done; !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "no more room") {
			t.Errorf("change %d after the disk's fault: %v", n, err)
		}
	}
}
