//go:build !(pkcs11 && cgo)

package pkcs11

import (
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

func TestWithoutTheDriverEveryCallSaysSo(t *testing.T) {
	m, err := Open(Settings{})
	if Built || m != nil || !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "build with -tags pkcs11") {
		t.Errorf("%v", err)
	}
	ring, err := keys.Create(t.TempDir(), strings.NewReader(strings.Repeat("chance", 99)), nil)
	if err != nil {
		t.Fatal(err)
	}
	over := (&Module{}).Over(ring)
	if _, err := over.CodeMaster("4761739", 1); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("%v", err)
	}
	if err := over.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: "4761739", Version: 1}); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("%v", err)
	}
	if err := (&Module{}).Import("4761739", 1, dcvv2.MasterKey{}); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("%v", err)
	}
	if err := over.Ensure(keys.Wanted{Usage: keys.Token, Version: 1}); err != nil {
		t.Errorf("a key of the ring: %v", err)
	}
	if err := over.Close(); err != nil {
		t.Error(err)
	}
}
