package dcvv2

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of profiles.
var (
	ErrProfile = errors.New("unknown code profile")
	ErrWindow  = errors.New("the window lies outside what the code profile can express")
)

// Profile is one way to compute a code. It is pure but for where the master
// key is held: the same arguments give the same code, on every machine and in
// every year.
type Profile interface {
	// Name is what policies and vector files call the profile.
	Name() string
	// KeyBytes is the length of the master key.
	KeyBytes() int
	// Derivation is what the profile does with the master key.
	Derivation() Derivation
	// account derives an account's key for windows of so many hours, 1 to 18,
	// once for many windows. The account has a PAN and an expiry.
	account(k Master, a Account, hours int) (codes, error)
}

// codes computes the codes of one account in windows, into as many places; not
// by several goroutines at once. A window that the profile cannot express gets
// none, and the error is ErrWindow.
type codes func(into []digits, windows []Window) error

// eachWindow makes codes of what computes the code of one window.
func eachWindow(code func(Window) (digits, error)) codes {
	return func(into []digits, windows []Window) (failed error) {
		for i, w := range windows {
			var err error
			if into[i], err = code(w); err != nil {
				failed = err
			}
		}
		return failed
	}
}

// CodeOf computes the code of an account in a window. It fails on a key that
// does not suit (ErrMasterKey), an account without PAN or expiry (ErrAccount)
// and a window that the profile cannot express (ErrWindow).
func CodeOf(p Profile, k Master, a Account, w Window) (Code, error) {
	code, err := codesFor(p, k, a, w.Hours)
	if err != nil {
		return Code{}, err
	}
	var d [1]digits
	if err := code(d[:], []Window{w}); err != nil {
		return Code{}, err
	}
	return d[0].code(), nil
}

func codesFor(p Profile, k Master, a Account, hours int) (codes, error) {
	switch {
	case a.PAN.IsZero() || a.Expiry.IsZero():
		return nil, ErrAccount
	case hours < WindowHoursMin || hours > WindowHoursMax:
		return nil, fmt.Errorf("%w: %d hours, not %d to %d", ErrWindow, hours, WindowHoursMin, WindowHoursMax)
	}
	return p.account(k, a, hours)
}

// profiles in the order in which they are listed.
var profiles = []Profile{cvvHour{}, aesCMAC{}, totp{}}

// ProfileByName finds a profile. The error for an unknown name, ErrProfile,
// lists the known ones.
func ProfileByName(name string) (Profile, error) {
	for _, p := range profiles {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w %q: use one of %s", ErrProfile, name, strings.Join(ProfileNames(), ", "))
}

// ProfileNames lists the known profiles.
func ProfileNames() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name()
	}
	return names
}

// coder computes codes of one account in windows of one schedule, and derives
// the account's key anew only where the policy changes it.
type coder struct {
	masters Masters
	account Account
	basis   basis
	code    codes
}

// one gives the code of the account in a slot.
func (c *coder) one(s Slot) (digits, error) {
	var d [1]digits
	err := c.all(d[:], []Slot{s})
	return d[0], err
}

// all puts the codes of the account in slots, up to CodesMax, into as many
// places. A slot that has no key, or that the profile cannot express, gets none,
// and the error says why.
func (c *coder) all(into []digits, slots []Slot) (failed error) {
	for len(slots) > 0 {
		var windows [CodesMax]Window
		n := 0
		for n < len(slots) && slots[n].Policy.basis() == slots[0].Policy.basis() {
			windows[n] = slots[n].Window
			n++
		}
		err := c.prepare(&slots[0].Policy)
		if err == nil {
			err = c.code(into[:n], windows[:n])
		}
		if err != nil {
			failed = err
		}
		into, slots = into[n:], slots[n:]
	}
	return failed
}

func (c *coder) prepare(p *Policy) error {
	if c.code != nil && c.basis == p.basis() {
		return nil
	}
	profile, err := ProfileByName(p.Profile)
	if err != nil {
		return err
	}
	master, err := c.masters(p.KeyVersion)
	if err != nil {
		return err
	}
	code, err := codesFor(profile, master, c.account, p.WindowHours)
	if err != nil {
		return err
	}
	c.basis, c.code = p.basis(), code
	return nil
}
