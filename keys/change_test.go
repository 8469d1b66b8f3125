package keys_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/keys"
)

func open(t *testing.T, dir string) *keys.Ring {
	t.Helper()
	ring, err := keys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestEnsure(t *testing.T) {
	dir := t.TempDir()
	ring := create(t, dir)
	narrow := keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 1, Bytes: 16}
	for range 2 {
		if err := ring.Ensure(narrow); err != nil {
			t.Fatal(err)
		}
	}
	before := ring.List()
	wide := narrow
	wide.Bytes = 32
	if err := ring.Ensure(wide); !errors.Is(err, keys.ErrKey) || !strings.Contains(err.Error(), "16 bytes and 32 are wanted") {
		t.Errorf("a key of another length: %v", err)
	}
	if _, err := ring.Generate(narrow); !errors.Is(err, keys.ErrExists) {
		t.Errorf("generated anew: %v", err)
	}
	wide.Bytes, wide.Version = 15, 2
	if err := ring.Ensure(wide); !errors.Is(err, keys.ErrKey) {
		t.Errorf("15 bytes: %v", err)
	}
	wide.Bytes, wide.Exportability = 32, 'X'
	if err := ring.Ensure(wide); !errors.Is(err, keys.ErrName) {
		t.Errorf("exportability X: %v", err)
	}
	if after := open(t, dir).List(); len(after) != 1 || after[0] != before[0] {
		t.Errorf("the ring changed: %v", after)
	}
}

// TestAKeyAddedByAnotherProcessIsFound rotates while a ring is in use.
func TestAKeyAddedByAnotherProcessIsFound(t *testing.T) {
	dir := t.TempDir()
	running := create(t, dir, everyUsage...)
	one, err := running.CodeMaster(testRange, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := running.CodeMaster(testRange, 2); !errors.Is(err, keys.ErrNoKey) {
			t.Fatalf("a key before it was made: %v", err)
		}
	}
	typed := open(t, dir)
	if _, err := typed.Generate(keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := typed.Generate(keys.Wanted{Usage: keys.CVK, Range: testRange, Version: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := running.CodeMaster(testRange, 2); err != nil {
		t.Errorf("the new version: %v", err)
	}
	if k, err := running.CVK(testRange, 1); err != nil || k.IsZero() {
		t.Errorf("the static key: %v", err)
	}
	if again, err := running.CodeMaster(testRange, 1); err != nil || again != one {
		t.Errorf("the old version: %v", err)
	}
}

// TestABrokenFileLeavesTheRingAsItWas breaks it under a running ring, mends it,
// and finds what was added.
func TestABrokenFileLeavesTheRingAsItWas(t *testing.T) {
	dir := t.TempDir()
	running := create(t, dir, everyUsage...)
	before := running.List()
	if _, err := open(t, dir).Generate(keys.Wanted{Usage: keys.Token, Version: 2}); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, replace("E0TX02N", "E0TX03N"))
	for name, act := range map[string]func() error{
		"a key that was added": func() error { _, err := running.TokenMaster(2); return err },
		"reading again":        running.Reload,
		"adding":               func() error { return running.Ensure(keys.Wanted{Usage: keys.Token, Version: 3}) },
	} {
		if err := act(); !errors.Is(err, keys.ErrKeyBlockMAC) && !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := running.List(); len(after) != len(before) {
		t.Errorf("the ring changed to %v", after)
	}
	if _, err := running.TokenMaster(1); err != nil {
		t.Errorf("the key in use: %v", err)
	}
	edit(t, dir, replace("E0TX03N", "E0TX02N"))
	if _, err := running.TokenMaster(2); err != nil {
		t.Errorf("after mending: %v", err)
	}
}

func TestAKeyInUseIsNeverReplaced(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	running := create(t, dir)
	for path, digits := range map[string]string{dir: codeKey, other: tokenKey} {
		if path == other {
			wrapping(t, other, wrappingOf(t, dir), 0o600)
		}
		ring := create(t, path)
		if err := ring.Import(keys.DCVV2, testRange, 1, unhex(t, digits)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := running.CodeMaster(testRange, 1); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(string) string { return string(foreign) })
	if err := running.Reload(); !errors.Is(err, keys.ErrExists) {
		t.Errorf("another key in the place of one in use: %v", err)
	}
	if info := running.List()[0]; info.CheckValue != "08D7B4" {
		t.Errorf("the key in use became %s", info.CheckValue)
	}
}

func wrappingOf(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "wrapping.key"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestSeveralProcessesLoseNoKey lets rings on one folder, as processes have
// them, add keys at once.
func TestSeveralProcessesLoseNoKey(t *testing.T) {
	const rings, each = 4, 8
	dir := t.TempDir()
	var done sync.WaitGroup
	for n := range rings {
		done.Go(func() {
			ring, err := keys.Create(dir, chance(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			for v := range each {
				if _, err := ring.Generate(keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 1 + n*each + v}); err != nil {
					t.Error(err)
				}
				if err := ring.Ensure(keys.Wanted{Usage: keys.Token, Version: 1 + v}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	if n := len(open(t, dir).List()); n != rings*each+each {
		t.Errorf("%d keys", n)
	}
}

func TestCheckGoesOnAfterABlockThatDoesNotVerify(t *testing.T) {
	dir := t.TempDir()
	create(t, dir, everyUsage...)
	verdicts, err := keys.Check(dir)
	if err != nil || len(verdicts) != len(everyUsage) {
		t.Fatalf("%d verdicts, %v", len(verdicts), err)
	}
	for _, v := range verdicts {
		if v.Err != nil || len(v.Info.CheckValue) != 6 {
			t.Errorf("%+v", v)
		}
	}
	edit(t, dir, replace("E6TX", "E0TX"))
	verdicts, err = keys.Check(dir)
	bad := 0
	for _, v := range verdicts {
		if v.Err != nil {
			bad++
		}
		if (v.Err == nil) == (v.Info.Usage == keys.DCVV2) {
			t.Errorf("%s: %v", v.Info.Usage, v.Err)
		}
	}
	if err != nil || bad != 1 {
		t.Errorf("%d blocks do not verify, %v", bad, err)
	}
	remove(t, dir, "wrapping.key")
	if _, err := keys.Check(dir); err == nil {
		t.Error("checked without a wrapping key")
	}
}
