// Package pkcs11 keeps code master keys in a module behind PKCS#11, such as an
// HSM or SoftHSM: they are made there, or put in once, and never come out. What
// a code profile derives of them is computed inside.
//
// Token master keys, static CVV2 keys and the keys of the store stay in the
// key ring: their algorithms are no single call of a module. The driver needs
// cgo and the build tag pkcs11; without them Open says so. Start at Open and
// Over.
package pkcs11

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/files"
	"github.com/firsttap/firsttap/internal/secret"
	"github.com/firsttap/firsttap/keys"
)

// Limits of a module's use. All are ours.
const (
	SessionsDefault = 8
	SessionsMax     = 64
	pinBytesMin     = 4
	pinBytesMax     = 255
	pinFileBytesMax = 2 * pinBytesMax
)

// Errors of a module. None carries a key or a PIN.
var (
	// ErrNotBuilt is what every call gives in a program without the driver.
	ErrNotBuilt = errors.New("built without PKCS#11: build with -tags pkcs11 and a C compiler")
	// ErrCannot says what the module lacks for a profile.
	ErrCannot = errors.New("the module cannot do this")
	// ErrPIN is a PIN file that is no good; the text says why.
	ErrPIN = errors.New("no good PIN file")
	// ErrObject is a key in the module that is not as a master key must be.
	ErrObject = errors.New("no good key in the module")
)

// Settings say which module and token, and how to log in.
type Settings struct {
	Module   string // path of the module's library
	Token    string // label of the token, at most 32 characters
	PINFile  string // file of the user's PIN, mode 0600
	Sessions int    // computing at once; 0 is SessionsDefault, at most SessionsMax
	// Needs are the derivations that must be there, else Open refuses
	// (ErrCannot): those of the profiles in use.
	Needs []dcvv2.Derivation
}

// Keys is a key ring whose code master keys are in a module. All its other
// keys are the ring's.
type Keys struct {
	*keys.Ring
	module *Module
}

// Over puts the module in the place of the ring's code master keys. A code
// master key that lies in the ring is not used.
func (m *Module) Over(ring *keys.Ring) Keys { return Keys{Ring: ring, module: m} }

// CodeMaster gives the code master key of an account range, or keys.ErrNoKey.
func (k Keys) CodeMaster(accountRange string, version int) (dcvv2.Master, error) {
	return k.module.CodeMaster(accountRange, version)
}

// Ensure makes a key where there is none: in the module for codes, else in the
// ring.
func (k Keys) Ensure(w keys.Wanted) error {
	if w.Usage == keys.DCVV2 {
		return k.module.Ensure(w)
	}
	return k.Ring.Ensure(w)
}

// Close ends the module's sessions.
func (k Keys) Close() error { return k.module.Close() }

// readPIN reads the one line of a file that only its owner may open.
func readPIN(path string) (secret.Text, error) {
	text, err := files.ReadOwn(path, pinFileBytesMax)
	if err != nil {
		return secret.Text{}, fmt.Errorf("%w: %w", ErrPIN, err)
	}
	pin := strings.TrimRight(string(text), "\r\n")
	if len(pin) < pinBytesMin || len(pin) > pinBytesMax || strings.ContainsAny(pin, "\r\n") {
		return secret.Text{}, fmt.Errorf("%w: %s does not hold one line of %d to %d characters", ErrPIN, path, pinBytesMin, pinBytesMax)
	}
	return secret.New(pin), nil
}

func (s Settings) sessions() (int, error) {
	switch {
	case s.Sessions == 0:
		return SessionsDefault, nil
	case s.Sessions < 0 || s.Sessions > SessionsMax:
		return 0, fmt.Errorf("%d sessions are not 1 to %d", s.Sessions, SessionsMax)
	default:
		return s.Sessions, nil
	}
}
