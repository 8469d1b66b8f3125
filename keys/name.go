package keys

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Usage says what a key is for.
type Usage string

// Usages.
const (
	DCVV2        Usage = "dcvv2"         // code master key of an account range, 16 bytes (32 for wide profiles)
	CVK          Usage = "cvk"           // static CVV2 key of an account range, 16 bytes
	Token        Usage = "token"         // token cryptogram master key (IMK), 16 bytes
	PANSeal      Usage = "pan-seal"      // AES-256 key that seals PANs at rest
	PANReference Usage = "pan-reference" // HMAC-SHA256 key of PAN references
	Passcode     Usage = "passcode"      // HMAC-SHA256 key that passcodes of tokens are computed with
	Transport    Usage = "transport"     // AES key that key blocks travel under, 16 or 32 bytes
)

// Usages lists the usages in the order in which they are told to people.
func Usages() []Usage { return []Usage{DCVV2, CVK, Token, PANSeal, PANReference, Passcode, Transport} }

// byRange reports whether keys of a usage belong to an account range each.
func (u Usage) byRange() bool { return u == DCVV2 || u == CVK }

// VersionMax is the highest key version.
const VersionMax = dcvv2.KeyVersionMax

// Exportability says whether a key may leave the ring in a key block (ANSI
// X9.143, byte 11). The zero value counts as ExportNever.
type Exportability byte

// Exportabilities, from the narrowest to the widest.
const (
	ExportNever     Exportability = 'N'
	ExportTrusted   Exportability = 'E' // under a transport key kept as ANSI X9.24 wants
	ExportSensitive Exportability = 'S' // under any transport key
)

// exportabilities from the narrowest to the widest.
var exportabilities = []Exportability{ExportNever, ExportTrusted, ExportSensitive}

// ParseExportability reads N, E or S; anything else wraps ErrName.
func ParseExportability(s string) (Exportability, error) {
	if len(s) != 1 || !Exportability(s[0]).known() {
		return 0, fmt.Errorf("%w: exportability is N (never), E (under a trusted key) or S (sensitive), not %q", ErrName, s)
	}
	return Exportability(s[0]), nil
}

// String is N, E or S.
func (e Exportability) String() string { return string(rune(e.orNever())) }

func (e Exportability) orNever() Exportability {
	if e == 0 {
		return ExportNever
	}
	return e
}

func (e Exportability) known() bool { return slices.Contains(exportabilities, e) }

// within reports whether e allows no more than f does.
func (e Exportability) within(f Exportability) bool {
	return slices.Index(exportabilities, e) <= slices.Index(exportabilities, f)
}

// Wanted names a key.
type Wanted struct {
	Usage   Usage
	Range   string // account range of a dcvv2 or cvk key, as card.ParseRange reads it; "" for others
	Version int    // 1 to VersionMax
	// Bytes is the length of a key that has to be made; 0 is the usage's usual
	// one. It is no part of the key's name.
	Bytes int
	// Exportability of a key that has to be made; the zero value is
	// ExportNever. It is no part of the key's name.
	Exportability Exportability
}

// String is usage/range/version, the label in the key's block.
func (w Wanted) String() string { return fmt.Sprintf("%s/%s/%d", w.Usage, w.Range, w.Version) }

// name is w without what is no part of the key's name.
func (w Wanted) name() Wanted { return Wanted{Usage: w.Usage, Range: w.Range, Version: w.Version} }

// Info is what anybody may know of a key.
type Info struct {
	Usage         Usage
	Range         string
	Version       int
	Algorithm     string        // TDES, AES or HMAC
	CheckValue    string        // 6 hexadecimal digits, see docs/custody.md
	Exportability Exportability // whether it may leave the ring in a key block
}

// Validate checks a name, wrapping ErrName: the usage, the version (1 to
// VersionMax), a range in its shortest form where the usage has one, and the
// exportability.
func (w Wanted) Validate() error {
	if w.Version < 1 || w.Version > VersionMax {
		return fmt.Errorf("%w: version %d is not 1 to %d", ErrName, w.Version, VersionMax)
	}
	if _, ok := uses[w.Usage]; !ok {
		return fmt.Errorf("%w: usage %q is none of %s", ErrName, w.Usage, usageNames())
	}
	if !w.Exportability.orNever().known() {
		return fmt.Errorf("%w: exportability %q is none of N, E and S", ErrName, byte(w.Exportability))
	}
	if !w.Usage.byRange() {
		if w.Range != "" {
			return fmt.Errorf("%w: a %s key belongs to no account range", ErrName, w.Usage)
		}
		return nil
	}
	accountRange, err := card.ParseRange(w.Range)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	if accountRange.String() != w.Range {
		return fmt.Errorf("%w: write the range as %s", ErrName, accountRange)
	}
	return nil
}

func usageNames() string {
	var all []string
	for _, u := range Usages() {
		all = append(all, string(u))
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
