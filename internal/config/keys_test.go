package config

import (
	"strings"
	"testing"
)

func TestKeysSettings(t *testing.T) {
	good := Keys{Driver: KeysInModule, Module: "libsofthsm2.so", Token: strings.Repeat("t", 32), PINFile: "pin"}
	for _, one := range []struct {
		name   string
		change func(k *Keys)
		want   string // "" when it holds
	}{
		{"a module", func(*Keys) {}, ""},
		{"the default", func(k *Keys) { *k = defaultKeys() }, ""},
		{"no driver", func(k *Keys) { k.Driver = "" }, `keys.driver: must be one of ring, pkcs11, not ""`},
		{"another driver", func(k *Keys) { k.Driver = "hsm" }, "keys.driver: must be one of ring, pkcs11"},
		{"no module", func(k *Keys) { k.Module = "" }, "keys.module: is missing"},
		{"no token", func(k *Keys) { k.Token = "" }, "keys.token: is missing"},
		{"no PIN file", func(k *Keys) { k.PINFile = "" }, "keys.pinFile: is missing"},
		{"a label too long", func(k *Keys) { k.Token += "t" }, "keys.token: a token's label has at most 32"},
		{"a ring with a token", func(k *Keys) { *k = Keys{Driver: KeysInRing, Token: "t"} }, "keys.token: belongs to driver pkcs11"},
	} {
		k := good
		one.change(&k)
		var faults Faults
		k.check(&faults, "keys")
		if (one.want == "") != (len(faults) == 0) || !strings.Contains(faults.Error(), one.want) {
			t.Errorf("%s: %v", one.name, faults)
		}
	}
}

func TestKeysInAFile(t *testing.T) {
	g := DefaultGateway()
	var faults Faults
	text := "keys:\n  driver: pkcs11\n  module: libsofthsm2.so\n  token: firsttap\n  pinFile: pin\n"
	if err := decode([]byte(text), &g, &faults); err != nil || len(faults) != 0 {
		t.Fatalf("%v, %v", faults, err)
	}
	if g.Keys != (Keys{Driver: KeysInModule, Module: "libsofthsm2.so", Token: "firsttap", PINFile: "pin"}) {
		t.Errorf("%+v", g.Keys)
	}
}
