//go:build pkcs11 && cgo

package network

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/need"
	"github.com/firsttap/firsttap/keys"
)

// TestModuleNetwork opens a whole gateway whose code master keys are in a
// module, and has it derive: the published code of the worked case comes out.
func TestModuleNetwork(t *testing.T) {
	settings, h := anyPorts(), need.SoftHSM(t)
	settings.Keys = config.Keys{Driver: config.KeysInModule, Module: h.Module, Token: h.Token, PINFile: h.PINFile}
	module, err := openModule(settings.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	published, err := dcvv2.NewMasterKey([]byte("\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10"))
	if err != nil {
		t.Fatal(err)
	}
	if err := module.Import(config.IssuerRangeDefault, 1, published); err != nil {
		t.Fatal(err)
	}
	if err := module.Close(); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	n, err := openTest(t, settings, data)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	master, err := n.keys.CodeMaster(config.IssuerRangeDefault, 1)
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := dcvv2.ProfileByName(dcvv2.ProfileCVVHour)
	expiry, _ := card.ParseExpiry("3112")
	got, err := dcvv2.CodeOf(profile, master, dcvv2.Account{PAN: card.MustPAN("4761739001010010"), Expiry: expiry}, dcvv2.Window{Hours: 1, Index: 498708})
	if want, _ := dcvv2.ParseCode("075"); err != nil || got != want {
		t.Errorf("another code: %v", err)
	}
	refused := settings
	refused.Mode = config.ModeProduction
	again, err := openModule(settings.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := refusePublished(refused, again); err == nil || !strings.Contains(err.Error(), "08D7B4, is a published test key") {
		t.Errorf("a published key in production: %v", err)
	}
	if err := refusePublished(settings, again); err != nil {
		t.Errorf("a published key in a test: %v", err)
	}
	ring, err := keys.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range ring.List() {
		if info.Usage == keys.DCVV2 {
			t.Error("a code master key lies in the ring")
		}
	}
}
