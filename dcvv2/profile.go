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

// codes computes the codes of one account; not by several goroutines at once.
type codes interface {
	// two gives the codes in two windows, of which the second may be none. A
	// window that the profile cannot express gets none, and the error is
	// ErrWindow.
	two(one, other Window) (a, b digits, err error)
}

// eachAlone is two for a profile that gains nothing by computing both at once.
func eachAlone(code func(Window) (digits, error), one, other Window) (a, b digits, err error) {
	a, err = code(one)
	if !other.IsZero() {
		var failed error
		if b, failed = code(other); failed != nil {
			err = failed
		}
	}
	return a, b, err
}

// CodeOf computes the code of an account in a window. It fails on a key that
// does not suit (ErrMasterKey), an account without PAN or expiry (ErrAccount)
// and a window that the profile cannot express (ErrWindow).
func CodeOf(p Profile, k Master, a Account, w Window) (Code, error) {
	account, err := codesFor(p, k, a, w.Hours)
	if err != nil {
		return Code{}, err
	}
	d, _, err := account.two(w, Window{})
	if err != nil {
		return Code{}, err
	}
	return d.code(), nil
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
	codes   codes
}

// one gives the code of the account in a slot.
func (c *coder) one(s *Slot) (digits, error) {
	if err := c.prepare(&s.Policy); err != nil {
		return digits{}, err
	}
	d, _, err := c.codes.two(s.Window, Window{})
	return d, err
}

// all puts the codes of the account in slots into as many places. A slot that
// has no key, or that the profile cannot express, gets none, and the error says
// why.
func (c *coder) all(into []digits, slots []Slot) (failed error) {
	for i := 0; i < len(slots); i += 2 {
		pair := slots[i:min(i+2, len(slots))]
		if len(pair) == 2 && pair[0].Policy.basis() == pair[1].Policy.basis() && c.prepare(&pair[0].Policy) == nil {
			var err error
			if into[i], into[i+1], err = c.codes.two(pair[0].Window, pair[1].Window); err != nil {
				failed = err
			}
			continue
		}
		for j := range pair {
			var err error
			if into[i+j], err = c.one(&pair[j]); err != nil {
				failed = err
			}
		}
	}
	return failed
}

func (c *coder) prepare(p *Policy) error {
	if c.codes != nil && c.basis == p.basis() {
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
	codes, err := codesFor(profile, master, c.account, p.WindowHours)
	if err != nil {
		return err
	}
	c.basis, c.codes = p.basis(), codes
	return nil
}
