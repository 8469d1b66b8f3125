//go:build pkcs11 && cgo

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/firsttap/firsttap/internal/need"
)

// TestModuleScripts plays the keys commands with a module: testdata/module.
func TestModuleScripts(t *testing.T) {
	h := need.SoftHSM(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/module", RequireUniqueNames: true, RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOFTHSM2_CONF", h.Conf)
			text := "keys: {driver: pkcs11, module: %s, token: %s, pinFile: %s}\n"
			for name, token := range map[string]string{"gateway.yaml": h.Token, "other.yaml": "other"} {
				file := filepath.Join(env.WorkDir, name)
				if err := os.WriteFile(file, fmt.Appendf(nil, text, h.Module, token, h.PINFile), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
