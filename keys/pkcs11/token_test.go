//go:build pkcs11 && cgo

package pkcs11

import (
	"encoding/hex"
	"os"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/need"
)

const (
	testRange = "4761739"
	codeKey   = "0123456789ABCDEFFEDCBA9876543210"
	wideKey   = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
)

// newToken makes a SoftHSM token in a folder of the test's own.
func newToken(t testing.TB) Settings {
	t.Helper()
	h := need.SoftHSM(t)
	return Settings{Module: h.Module, Token: h.Token, PINFile: h.PINFile}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func opened(t testing.TB, s Settings) *Module {
	t.Helper()
	m, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func masterKey(t testing.TB, digits string) dcvv2.MasterKey {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	k, err := dcvv2.NewMasterKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// imported puts a key in and gives it as the module holds it.
func imported(t testing.TB, m *Module, version int, digits string) dcvv2.Master {
	t.Helper()
	if err := m.Import(testRange, version, masterKey(t, digits)); err != nil {
		t.Fatal(err)
	}
	k, err := m.CodeMaster(testRange, version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
