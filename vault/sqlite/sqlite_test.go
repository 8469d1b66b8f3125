package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
	"github.com/firsttap/firsttap/vault/vaulttest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		os.Exit(childWrites(path))
	}
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	t.Run("grouped commits", func(t *testing.T) { vaulttest.Run(t, place()) })
	// One caller's change is always a commit of its own.
	t.Run("single commits", func(t *testing.T) { vaulttest.RunManyAtOnce(t, place(sqlite.ChangesPerCommitMax(1))) })
}

func place(options ...sqlite.Option) func(t *testing.T) vaulttest.Place {
	return func(t *testing.T) vaulttest.Place {
		path := filepath.Join(t.TempDir(), "vault.db")
		return vaulttest.Place{
			Open:   func(c *vault.Cipher) (vault.Store, error) { return sqlite.Open(path, c, options...) },
			AtRest: func() ([]byte, error) { return readAll(path + "*") },
		}
	}
}

func readAll(pattern string) ([]byte, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

func open(t *testing.T, path string) vault.Store {
	t.Helper()
	store, err := sqlite.Open(path, vaulttest.Cipher(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestASecondOpenerIsToldWhoHoldsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	first := open(t, path)

	_, err := sqlite.Open(path, vaulttest.Cipher(t))
	if !errors.Is(err, sqlite.ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d ", os.Getpid())) {
		t.Errorf("got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "vault with ? # % in its name.db")
	store := open(t, path)
	request := vault.AccountRequest{Client: "greenbank", Change: vault.ChangeEnrol, PAN: vaulttest.PAN(1), At: vaulttest.Token(1).Created}
	if _, err := store.ServeAccount(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", filepath.Base(name), info.Mode().Perm())
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	seal, reference := []byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by")
	other := []byte("another key of thirty-two bytes.")
	for _, pair := range []struct {
		name            string
		seal, reference []byte
		want            error
	}{
		{"both the same", seal, reference, nil},
		{"other sealing key", other, reference, sqlite.ErrOtherKeys},
		{"other reference key", seal, other, sqlite.ErrOtherKeys},
		{"changed places", reference, seal, sqlite.ErrOtherKeys},
	} {
		c, err := vault.NewCipher(pair.seal, pair.reference)
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlite.Open(path, c)
		if !errors.Is(err, pair.want) {
			t.Errorf("%s: %v", pair.name, err)
		}
		if err == nil {
			err = store.Close()
		}
		if pair.want == nil && err != nil {
			t.Error(err)
		}
	}
}

func TestAFileThatIsNoVaultIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if store, err := sqlite.Open(path, vaulttest.Cipher(t)); err == nil {
		t.Errorf("opened: %v", store.Close())
	}
}
