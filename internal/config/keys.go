package config

import (
	"slices"
	"strings"
)

// Drivers of keys: where the code master keys are.
const (
	KeysInRing   = "ring"   // in the data folder, with all other keys
	KeysInModule = "pkcs11" // in a module that never gives them out
)

// tokenLabelMax is the length of a PKCS#11 token's label in characters.
const tokenLabelMax = 32

// Keys says where the code master keys are. All other keys are in the ring.
type Keys struct {
	Driver  string `yaml:"driver"`            // ring or pkcs11
	Module  string `yaml:"module,omitempty"`  // pkcs11: path of the module's library
	Token   string `yaml:"token,omitempty"`   // pkcs11: label of the token
	PINFile string `yaml:"pinFile,omitempty"` // pkcs11: file of the user's PIN, mode 0600
}

func defaultKeys() Keys { return Keys{Driver: KeysInRing} }

func (k Keys) check(f *Faults, path string) {
	drivers := []string{KeysInRing, KeysInModule}
	if !slices.Contains(drivers, k.Driver) {
		f.add(path+".driver", "must be one of %s, not %q", strings.Join(drivers, ", "), k.Driver)
		return
	}
	for _, one := range []struct{ name, value string }{{"module", k.Module}, {"token", k.Token}, {"pinFile", k.PINFile}} {
		switch {
		case k.Driver == KeysInModule && one.value == "":
			f.add(path+"."+one.name, "is missing, and driver pkcs11 needs it")
		case k.Driver == KeysInRing && one.value != "":
			f.add(path+"."+one.name, "belongs to driver pkcs11, and the driver is ring")
		}
	}
	if len(k.Token) > tokenLabelMax {
		f.add(path+".token", "a token's label has at most %d characters", tokenLabelMax)
	}
}
