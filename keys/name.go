package keys

import (
	"fmt"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Usage says what a key is for.
type Usage string

// Usages.
const (
	DCVV2        Usage = "dcvv2"         // code master key of an account range, 16 bytes (32 for AES profiles)
	Token        Usage = "token"         // token cryptogram master key (IMK), 16 bytes
	PANSeal      Usage = "pan-seal"      // AES-256 key that seals PANs at rest
	PANReference Usage = "pan-reference" // HMAC-SHA256 key of PAN references
)

// VersionMax is the highest key version.
const VersionMax = dcvv2.KeyVersionMax

// Wanted names a key.
type Wanted struct {
	Usage   Usage
	Range   string // account range of a dcvv2 key, as card.ParseRange reads it; "" for others
	Version int    // 1 to VersionMax
	// Bytes is the length of a key that has to be made; 0 is the usage's usual
	// one. It is no part of the key's name.
	Bytes int
}

// String is usage/range/version, the label in the key's block.
func (w Wanted) String() string { return fmt.Sprintf("%s/%s/%d", w.Usage, w.Range, w.Version) }

// Info is what anybody may know of a key.
type Info struct {
	Usage      Usage
	Range      string
	Version    int
	Algorithm  string // TDES, AES or HMAC
	CheckValue string // 6 hexadecimal digits, see CheckValue
}

// validate checks a name, wrapping ErrName.
func (w Wanted) validate() error {
	if w.Version < 1 || w.Version > VersionMax {
		return fmt.Errorf("%w: version %d is not 1 to %d", ErrName, w.Version, VersionMax)
	}
	if _, ok := uses[w.Usage]; !ok {
		return fmt.Errorf("%w: usage %q is none of dcvv2, token, pan-seal and pan-reference", ErrName, w.Usage)
	}
	if w.Usage != DCVV2 && w.Range != "" {
		return fmt.Errorf("%w: a %s key belongs to no account range", ErrName, w.Usage)
	}
	if w.Usage == DCVV2 {
		accountRange, err := card.ParseRange(w.Range)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrName, err)
		}
		if accountRange.String() != w.Range {
			return fmt.Errorf("%w: write the range as %s", ErrName, accountRange)
		}
	}
	return nil
}
