package keys

import (
	"errors"
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/secret"
)

// Errors of keys that travel.
var (
	ErrTransportKey = errors.New("no good transport key")
	ErrNotExported  = errors.New("this key never leaves the ring: its block says exportability N, given when it was made")
)

// transportLengths of an AES key block protection key, in bytes.
var transportLengths = []int{16, 24, 32}

// TransportKey is an AES key that two parties share to send each other key
// blocks (X9.143 usage K1, key block protection key). It cannot be printed.
// The zero value is no key.
type TransportKey struct {
	key secret.Text
}

// ReadTransportKey reads 32, 48 or 64 hexadecimal digits from a file that only
// its owner may open (else ErrPermissions).
func ReadTransportKey(path string) (TransportKey, error) {
	key, err := readKeyFile(path, transportLengths...)
	if err != nil {
		return TransportKey{}, fmt.Errorf("reading the transport key: %w", err)
	}
	return NewTransportKey([]byte(key.Reveal()))
}

// NewTransportKey takes 16, 24 or 32 bytes that are not all zero.
func NewTransportKey(key []byte) (TransportKey, error) {
	if !slices.Contains(transportLengths, len(key)) {
		return TransportKey{}, fmt.Errorf("%w: it has %d bytes, not %s", ErrTransportKey, len(key), either(transportLengths, 1))
	}
	if err := weakness('A', key); err != nil {
		return TransportKey{}, fmt.Errorf("%w: %w", ErrTransportKey, err)
	}
	return TransportKey{key: secret.New(string(key))}, nil
}

// CheckValue is the first three bytes of the CMAC of a zero block, as six
// hexadecimal digits; empty for no key.
func (k TransportKey) CheckValue() string {
	if k.key.IsZero() {
		return ""
	}
	return checkValue('A', []byte(k.key.Reveal()))
}

// Format writes a mask for every verb.
func (k TransportKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key]") }

// MarshalText is a mask, so JSON, YAML and zerolog show no more than fmt does.
func (k TransportKey) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// ImportBlock adds the key of an X9.143 version D block that another party
// made under a transport key. The block's header must allow what w asks for:
// its usage and algorithm are those of w's usage, its mode of use is the one
// that the ring gives such keys or N (no restriction), its version is 00 or
// w's, and w's exportability is not wider than the block's. A label of the
// other party is not kept. It fails with ErrKeyBlock, ErrKeyBlockMAC, ErrKey
// or ErrExists and says why.
func (r *Ring) ImportBlock(w Wanted, under TransportKey, block string) (Info, error) {
	key, err := openForeign(w, under, block)
	if err != nil {
		return Info{}, fmt.Errorf("importing key %s: %w", w, err)
	}
	return r.importClear(w, key)
}

// OpenBlock is ImportBlock of a dcvv2 key for a module that takes it in in the
// ring's place: the block is checked alike, and nothing is kept.
func OpenBlock(w Wanted, under TransportKey, block string) (dcvv2.MasterKey, Info, error) {
	if w.Usage != DCVV2 {
		return dcvv2.MasterKey{}, Info{}, fmt.Errorf("%w: a module takes dcvv2 keys only", ErrName)
	}
	key, err := openForeign(w, under, block)
	if err != nil {
		return dcvv2.MasterKey{}, Info{}, fmt.Errorf("importing key %s: %w", w, err)
	}
	return moduleKey(w, key)
}

// moduleKey is a key for a module, and what may be told of it. It never leaves
// the module.
func moduleKey(w Wanted, key []byte) (dcvv2.MasterKey, Info, error) {
	algorithm, err := algorithmOf(w.Usage, key)
	if err != nil {
		return dcvv2.MasterKey{}, Info{}, err
	}
	master, err := dcvv2.NewMasterKey(key)
	k := held{key: secret.New(string(key)), algorithm: algorithm, exportability: ExportNever}
	return master, k.info(w), err
}

func openForeign(w Wanted, under TransportKey, block string) ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	header, key, err := UnwrapKeyBlock([]byte(under.key.Reveal()), block)
	if err != nil {
		return nil, err
	}
	if err := allows(header, w, len(key)); err != nil {
		return nil, err
	}
	if w.Bytes != 0 && w.Bytes != len(key) {
		return nil, fmt.Errorf("%w: it has %d bytes and %d are wanted", ErrKey, len(key), w.Bytes)
	}
	return key, nil
}

// Header fields that restrict nothing (X9.143).
const (
	anyMode   = 'N'
	noVersion = "00"
)

// allows compares what a foreign block permits with what a usage does.
func allows(h Header, w Wanted, keyBytes int) error {
	u := uses[w.Usage]
	if h.Usage != u.usage {
		return fmt.Errorf("%w: its block is for usage %q, and a %s key has %q", ErrKey, h.Usage, w.Usage, u.usage)
	}
	algorithm, ok := u.algorithms[keyBytes]
	if !ok {
		return fmt.Errorf("%w: a %s key does not have %d bytes", ErrKey, w.Usage, keyBytes)
	}
	if h.Algorithm != algorithm {
		return fmt.Errorf("%w: its block is for algorithm %q, and a %s key of %d bytes has %q", ErrKey, h.Algorithm, w.Usage, keyBytes, algorithm)
	}
	if h.Mode != u.mode && h.Mode != anyMode {
		return fmt.Errorf("%w: its block allows mode of use %q, and a %s key needs %q", ErrKey, h.Mode, w.Usage, u.mode)
	}
	if h.Version != noVersion && h.Version != versionField(w) {
		return fmt.Errorf("%w: its block is key version %q, not %q", ErrKey, h.Version, versionField(w))
	}
	if hash := h.optional(hashID); algorithm == 'H' && hash != hashSHA256 {
		return fmt.Errorf("%w: its block is for hash %q, and a %s key has %q (SHA-256)", ErrKey, hash, w.Usage, hashSHA256)
	}
	given := Exportability(h.Exportability)
	if !given.known() {
		return fmt.Errorf("%w: its block's exportability is %q, none of N, E and S", ErrKey, h.Exportability)
	}
	if !w.Exportability.orNever().within(given) {
		return fmt.Errorf("%w: its block says exportability %s, which cannot become %s", ErrKey, given, w.Exportability)
	}
	return nil
}

// Export gives a key as an X9.143 version D block under a transport key, with
// the header that it has in the ring, label included. A key of exportability N
// is refused (ErrNotExported).
func (r *Ring) Export(w Wanted, under TransportKey) (string, error) {
	k, err := r.find(w)
	if err != nil {
		return "", err
	}
	if k.exportability == ExportNever {
		return "", fmt.Errorf("exporting key %s: %w", w, ErrNotExported)
	}
	w.Exportability = k.exportability
	r.changing.Lock() // guards r.random
	defer r.changing.Unlock()
	block, err := WrapKeyBlock([]byte(under.key.Reveal()), headerOf(w, k.algorithm), k.reveal(), r.random)
	if err != nil {
		return "", fmt.Errorf("exporting key %s: %w", w, err)
	}
	return block, nil
}
