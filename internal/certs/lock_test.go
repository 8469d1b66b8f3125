package certs_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/internal/certs"
)

// TestManyMakeAtOnce holds that several that make in one empty folder at the
// same moment end with one authority that signed all the rest.
func TestManyMakeAtOnce(t *testing.T) {
	dir, clients := t.TempDir(), []certs.Identity{harbour, other, asking, ops}
	prints := make([]certs.Fingerprint, 2*len(clients))
	var all sync.WaitGroup
	for n := range prints {
		all.Go(func() {
			items, err := certs.Make(dir, certs.Order{Clients: clients[n%len(clients):][:1]})
			if err != nil {
				t.Error(err)
				return
			}
			prints[n] = items[0].Print
		})
	}
	all.Wait()
	for n, one := range prints {
		if one != prints[0] {
			t.Errorf("number %d has another authority: %v, not %v", n, one, prints[0])
		}
	}
	for _, i := range filled(t, dir, certs.Order{Clients: clients}) {
		if i.State != certs.Kept {
			t.Errorf("%s was %s", i.File, i.State)
		}
	}
}

// TestAFolderWithoutALock holds that a folder that takes no lock file can still
// be used as it is.
func TestAFolderWithoutALock(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, certs.Order{})
	lock := filepath.Join(dir, "certs.lock")
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(lock, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, i := range filled(t, dir, certs.Order{}) {
		if i.State != certs.Kept {
			t.Errorf("%s was %s", i.File, i.State)
		}
	}
}
