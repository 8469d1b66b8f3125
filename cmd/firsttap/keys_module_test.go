//go:build pkcs11 && cgo

package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/need"
	"github.com/firsttap/firsttap/keys"
)

// moduleToken makes a SoftHSM token in dir; conf is what SOFTHSM2_CONF must be.
func moduleToken(t testing.TB, dir string) (k config.Keys, conf string) {
	t.Helper()
	tool, library := need.SoftHSM(t)
	conf, pin, tokens := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "pin"), filepath.Join(dir, "tokens")
	for path, text := range map[string]string{conf: "directories.tokendir = " + tokens + "\nobjectstore.backend = file\n", pin: "271828\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	made := exec.Command(tool, "--init-token", "--free", "--label", "codes", "--so-pin", "314159", "--pin", "271828")
	made.Env = append(os.Environ(), "SOFTHSM2_CONF="+conf)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("making a token: %v\n%s", err, out)
	}
	return config.Keys{Driver: config.KeysInModule, Module: library, Token: "codes", PINFile: pin}, conf
}

// TestModuleScripts plays the keys commands with a module: testdata/module.
func TestModuleScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/module", RequireUniqueNames: true, RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			dir := t.TempDir()
			k, conf := moduleToken(t, dir)
			env.Setenv("SOFTHSM2_CONF", conf)
			text := "keys: {driver: pkcs11, module: %s, token: %s, pinFile: %s}\n"
			for name, token := range map[string]string{"gateway.yaml": k.Token, "other.yaml": "other"} {
				file := filepath.Join(env.WorkDir, name)
				if err := os.WriteFile(file, fmt.Appendf(nil, text, k.Module, token, k.PINFile), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// TestModuleNetwork opens a whole gateway whose code master keys are in a
// module, and has it derive: the published code of the worked case comes out.
func TestModuleNetwork(t *testing.T) {
	settings, dir := config.DefaultGateway(), t.TempDir()
	var conf string
	settings.Keys, conf = moduleToken(t, dir)
	t.Setenv("SOFTHSM2_CONF", conf)
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
	for _, listen := range []*string{
		&settings.Doors.Wallets.Listen, &settings.Doors.Merchants.Listen,
		&settings.HTTP.Issuers, &settings.HTTP.Phones, &settings.HTTP.Operators,
	} {
		*listen = "127.0.0.1:0"
	}
	data := filepath.Join(dir, "data")
	n, err := openNetwork(settings, data, networkChance{now: time.Now, random: rand.Reader, keys: rand.Reader}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
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
