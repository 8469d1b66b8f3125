package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/internal/filelock"
)

// patience is longer than any wait here takes.
const patience = time.Minute

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	file, err := filelock.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Take(path); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("taken twice: %v", err)
	}
	began := time.Now()
	if _, err := filelock.Wait(path, 20*time.Millisecond, time.Millisecond); !errors.Is(err, filelock.ErrHeld) || time.Since(began) < 20*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := filelock.Wait(path, 0, 0)
	if err != nil {
		t.Fatalf("after it was given free: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file stays: %v", err)
	}
}

// TestWaitersComeOneByOne counts with a plain number, which many at once would
// miscount.
func TestWaitersComeOneByOne(t *testing.T) {
	path, inside, served := filepath.Join(t.TempDir(), "a.lock"), 0, 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			file, err := filelock.Wait(path, patience, time.Millisecond)
			if err != nil {
				t.Error(err)
				return
			}
			enter := func(by int) int {
				mu.Lock()
				defer mu.Unlock()
				inside += by
				return inside
			}
			if n := enter(1); n != 1 {
				t.Errorf("%d have the lock", n)
			}
			served++
			enter(-1)
			if err := file.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if served != 8 {
		t.Errorf("%d were served", served)
	}
}

func TestAFolderThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "a.lock")
	if _, err := filelock.Wait(path, patience, time.Millisecond); err == nil || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("got %v", err)
	}
}
