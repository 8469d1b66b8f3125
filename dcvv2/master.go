package dcvv2

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/cmac"
	"github.com/firsttap/firsttap/internal/secret"
)

// Length of a master key in bytes: 16 for TDES, 32 for AES and HMAC.
const (
	MasterKeyBytesMin = 16
	MasterKeyBytesMax = 32
)

// Errors of master keys. None of them carries a value.
var (
	ErrMasterKeyLength = errors.New("a master key has 16 to 32 bytes")
	ErrMasterKey       = errors.New("the master key does not suit the code profile")
)

// Derivation is the one computation that a code profile does with a master
// key; all others are done with the account's key that it gives.
type Derivation int

// Derivations.
const (
	DeriveTDES Derivation = iota + 1 // TDES-ECB of 16 bytes under a key of 16
	DeriveCMAC                       // AES-CMAC under a key of 32, gives 16 bytes
	DeriveHMAC                       // HMAC-SHA256 under a key of 32, gives 32 bytes
)

// String is the derivation's algorithm.
func (d Derivation) String() string {
	switch d {
	case DeriveTDES:
		return "TDES-ECB"
	case DeriveCMAC:
		return "AES-CMAC"
	case DeriveHMAC:
		return "HMAC-SHA256"
	default:
		return "no derivation"
	}
}

// DerivedBytesMax is the length of the longest result of a derivation.
const DerivedBytesMax = 32

// Master is a range's master key, wherever it is held: in memory (MasterKey)
// or in a module that never gives it out. It may be used by many goroutines.
type Master interface {
	// Derive computes over input. The result fills the array from its
	// beginning. It fails on a key that cannot do d (ErrMasterKey), and on
	// whatever keeps a module from answering.
	Derive(d Derivation, input []byte) ([DerivedBytesMax]byte, error)
}

// Masters finds the master key of a version, 1 to KeyVersionMax.
type Masters func(keyVersion int) (Master, error)

// MarshalText is a mask, so that facts with keys in them can be logged as JSON.
func (Masters) MarshalText() ([]byte, error) { return []byte("[keys]"), nil }

// MasterKey is a master key in memory that cannot be printed. The zero value
// is no key.
type MasterKey struct {
	bytes secret.Text
	tdes  emv.Encrypter
	aes   *cmac.Key
}

// NewMasterKey takes 16 to 32 bytes. Profiles may want one length exactly.
func NewMasterKey(b []byte) (MasterKey, error) {
	if len(b) < MasterKeyBytesMin || len(b) > MasterKeyBytesMax {
		return MasterKey{}, fmt.Errorf("%w, not %d", ErrMasterKeyLength, len(b))
	}
	k := MasterKey{bytes: secret.New(string(b))}
	switch len(b) {
	case emv.KeyBytes:
		double, err := emv.NewKey(b)
		if err != nil {
			return MasterKey{}, err
		}
		k.tdes = emv.NewEncrypter(double)
	case wideKeyBytes:
		block, err := aes.NewCipher(b)
		if err != nil {
			return MasterKey{}, err
		}
		k.aes = cmac.New(block)
	}
	return k, nil
}

// Derive is documented at Master.
func (k MasterKey) Derive(d Derivation, input []byte) (out [DerivedBytesMax]byte, err error) {
	switch {
	case d == DeriveTDES && !k.tdes.IsZero() && len(input) == emv.KeyBytes:
		encrypted := k.tdes.Encrypt([emv.KeyBytes]byte(input))
		copy(out[:], encrypted[:])
	case d == DeriveCMAC && k.aes != nil:
		sum := k.aes.Sum(input)
		copy(out[:], sum[:])
	case d == DeriveHMAC && k.aes != nil:
		out = hmacSHA256(k.Reveal(), input)
	default:
		return out, fmt.Errorf("%w: it cannot do %s", ErrMasterKey, d)
	}
	return out, nil
}

func hmacSHA256(key, message []byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return [sha256.Size]byte(mac.Sum(nil))
}

// Masters gives k for every version: for calculators and tests.
func (k MasterKey) Masters(int) (Master, error) { return k, nil }

// Reveal gives the bytes. Callers must not print, log or store them.
func (k MasterKey) Reveal() []byte { return []byte(k.bytes.Reveal()) }

// IsZero reports whether k is no key.
func (k MasterKey) IsZero() bool { return k.bytes.IsZero() }

// String is a mask.
func (k MasterKey) String() string { return "[key]" }

// Format writes a mask for every verb.
func (k MasterKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (k MasterKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
