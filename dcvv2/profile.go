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

// Profile is one way to compute a code. It is pure: the same arguments give
// the same code, on every machine and in every year.
type Profile interface {
	// Name is what policies and vector files call the profile.
	Name() string
	// KeyBytes is the length of the master key that Code takes.
	KeyBytes() int
	// Code computes the code of an account in a window. It fails on a key
	// that does not suit (ErrMasterKey), an account without PAN or expiry
	// (ErrAccount) and a window it cannot express (ErrWindow).
	Code(k MasterKey, a Account, w Window) (Code, error)
}

// codes computes the codes of one account, window by window.
type codes func(Window) (Code, error)

// accountProfile is a Profile that derives the account's key once for many
// windows.
type accountProfile interface {
	Profile
	forAccount(k MasterKey, a Account) (codes, error)
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

func codesOf(p Policy, k MasterKey, a Account) (codes, error) {
	profile, err := ProfileByName(p.Profile)
	if err != nil {
		return nil, err
	}
	if ready, ok := profile.(accountProfile); ok {
		return ready.forAccount(k, a)
	}
	return func(w Window) (Code, error) { return profile.Code(k, a, w) }, nil
}

func (a Account) validate() error {
	if a.PAN.IsZero() || a.Expiry.IsZero() {
		return ErrAccount
	}
	return nil
}
