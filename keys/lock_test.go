package keys

import (
	"errors"
	"testing"
)

func TestALockHeldElsewhereIsReported(t *testing.T) {
	f := folder{dir: t.TempDir()}
	release, err := f.lock(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.lock(lockPause); !errors.Is(err, ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	again, err := f.lock(0)
	if err != nil {
		t.Fatalf("after it was given free: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
	if _, err := (folder{dir: "no such folder"}).lock(lockWait); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
