package keys

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/secret"
)

// How many components make a key.
const (
	ComponentsMin = 2
	ComponentsMax = 3
)

// Errors of components. None carries a component.
var (
	ErrComponent  = errors.New("no good key component")
	ErrCheckValue = errors.New("the check value does not fit: a digit of one of the two is wrong")
)

// Component is one custodian's part of a key: as long as the key, and worth
// nothing without the others. It cannot be printed. The zero value is none.
type Component struct {
	part      secret.Text
	algorithm byte
}

// ParseComponent reads the hexadecimal digits of a component of a key of this
// usage, 16 or 32 bytes in upper or lower case with blanks between groups, and
// compares them with their own check value (see CheckDigits). It wraps
// ErrComponent or ErrCheckValue.
func ParseComponent(u Usage, digits, checkValue string) (Component, error) {
	c, err := parsePart(u, digits)
	if err != nil {
		return Component{}, err
	}
	if err := c.Confirm(checkValue); err != nil {
		return Component{}, err
	}
	return c, nil
}

func parsePart(u Usage, digits string) (Component, error) {
	part, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		return Component{}, fmt.Errorf("%w: it is not an even number of hexadecimal digits", ErrComponent)
	}
	algorithm, ok := uses[u].algorithms[len(part)]
	if !ok {
		return Component{}, fmt.Errorf("%w: a component of a %s key does not have %d bytes", ErrComponent, u, len(part))
	}
	if subtle.ConstantTimeCompare(part, make([]byte, len(part))) == 1 {
		return Component{}, fmt.Errorf("%w: it is all zero, which would leave the key to the others", ErrComponent)
	}
	return Component{part: secret.New(string(part)), algorithm: algorithm}, nil
}

// CheckValue is the component's check value as six hexadecimal digits, of the
// same algorithm as the key's: TDES, the first three bytes of a zero block
// enciphered; AES, of the CMAC of a zero block; HMAC, of the HMAC of nothing.
func (c Component) CheckValue() string {
	if c.part.IsZero() {
		return ""
	}
	return checkValue(c.algorithm, []byte(c.part.Reveal()))
}

// Confirm compares the check value with one that a person typed, in upper or
// lower case with blanks between; another is ErrCheckValue.
func (c Component) Confirm(typed string) error {
	want := c.CheckValue()
	if want == "" || !strings.EqualFold(strings.Join(strings.Fields(typed), ""), want) {
		return ErrCheckValue
	}
	return nil
}

// Format writes a mask for every verb.
func (c Component) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key component]") }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (c Component) MarshalText() ([]byte, error) { return []byte("[key component]"), nil }

// Combine makes the key of two or three components: their exclusive or. Equal
// components, components of several lengths, and components whose key is all
// zero or, for triple DES, has equal halves are refused (ErrComponent, ErrKey).
// The result's check value has to be confirmed before ImportCombined.
func Combine(parts ...Component) (Component, error) {
	if len(parts) < ComponentsMin || len(parts) > ComponentsMax {
		return Component{}, fmt.Errorf("%w: %d components, not %d or %d", ErrComponent, len(parts), ComponentsMin, ComponentsMax)
	}
	key := make([]byte, len(parts[0].part.Reveal()))
	for i, c := range parts {
		if c.part.IsZero() || c.algorithm != parts[0].algorithm || len(c.part.Reveal()) != len(key) {
			return Component{}, fmt.Errorf("%w: component %d is not as long as the first", ErrComponent, i+1)
		}
		for j, before := range parts[:i] {
			if before.part == c.part {
				return Component{}, fmt.Errorf("%w: components %d and %d are equal and cancel each other", ErrComponent, j+1, i+1)
			}
		}
		subtle.XORBytes(key, key, []byte(c.part.Reveal()))
	}
	if err := weakness(parts[0].algorithm, key); err != nil {
		return Component{}, fmt.Errorf("the combined key: %w", err)
	}
	return Component{part: secret.New(string(key)), algorithm: parts[0].algorithm}, nil
}

// MasterKey is ImportCombined of a dcvv2 key for a module that takes it in in
// the ring's place: nothing is kept.
func (c Component) MasterKey(w Wanted, confirmed string) (dcvv2.MasterKey, Info, error) {
	if err := c.Confirm(confirmed); err != nil {
		return dcvv2.MasterKey{}, Info{}, fmt.Errorf("importing key %s: %w", w, err)
	}
	if w.Usage != DCVV2 {
		return dcvv2.MasterKey{}, Info{}, fmt.Errorf("%w: a module takes dcvv2 keys only", ErrName)
	}
	return moduleKey(w, []byte(c.part.Reveal()))
}

// ImportCombined adds the key of components whose check value was confirmed.
// confirmed is compared again (ErrCheckValue).
func (r *Ring) ImportCombined(w Wanted, combined Component, confirmed string) (Info, error) {
	if err := combined.Confirm(confirmed); err != nil {
		return Info{}, fmt.Errorf("importing key %s: %w", w, err)
	}
	return r.importClear(w, []byte(combined.part.Reveal()))
}
