// Package keys is firsttap's custody of keys: a ring of them by usage, account
// range and version, kept in a folder as ANSI X9.143 key blocks under a
// wrapping key.
//
// A key leaves the ring only as the type its usage calls for, and its block
// says under a MAC what it is for, so that a code key can never serve as a
// token key. The ring never overwrites a key, never prints one, and shows
// outsiders its check value only. Start at Create and Open.
package keys

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/secret"
)

// Errors of a ring. None carries a key.
var (
	ErrNoKey  = errors.New("no such key in the key ring")
	ErrExists = errors.New("another key of this name is in the key ring, and a key is never replaced: take a new version")
	ErrName   = errors.New("no good name for a key")
	ErrKey    = errors.New("no good key")
)

// Ring holds the keys of a folder. It may be used by many goroutines, and its
// folder by many processes: each sees what another added when it looks for a
// key that it does not have.
type Ring struct {
	folder folder
	random io.Reader

	changing sync.Mutex // held while the folder is read or written; before mu
	mu       sync.RWMutex
	keys     map[Wanted]held
	seen     os.FileInfo // of keys.json when it was read last
}

// held is a key in the ring.
type held struct {
	key           secret.Text
	master        dcvv2.Master // of a dcvv2 key, prepared once for all requests
	algorithm     byte
	exportability Exportability
	block         string
}

// Format writes what a ring is and nothing of its keys.
func (r *Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key ring]") }

// Open reads the ring in a folder: dir/wrapping.key, which only its owner may
// read, and dir/keys.json. A block that does not unwrap, or holds another key
// than its name says, is an error.
func Open(dir string) (*Ring, error) {
	r, err := open(dir, rand.Reader, false)
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	return r, nil
}

// Create opens the ring in a folder, or makes folder and ring, and generates
// the keys wanted that it does not have. random supplies all chance.
func Create(dir string, random io.Reader, wanted []Wanted) (*Ring, error) {
	r, err := open(dir, random, true)
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	for _, w := range wanted {
		if err := r.Ensure(w); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func open(dir string, random io.Reader, create bool) (*Ring, error) {
	f, err := openFolder(dir, random, create)
	if err != nil {
		return nil, err
	}
	r := &Ring{folder: f, random: random, keys: map[Wanted]held{}}
	return r, r.Reload()
}

// CodeMaster gives the code master key of an account range, or ErrNoKey. It is
// the same value for all callers.
func (r *Ring) CodeMaster(accountRange string, version int) (dcvv2.Master, error) {
	k, err := r.find(Wanted{Usage: DCVV2, Range: accountRange, Version: version})
	return k.master, err
}

// CVK gives the static CVV2 key of an account range, or ErrNoKey.
func (r *Ring) CVK(accountRange string, version int) (emv.Key, error) {
	return r.double(Wanted{Usage: CVK, Range: accountRange, Version: version})
}

// TokenMaster gives the token cryptogram master key, or ErrNoKey.
func (r *Ring) TokenMaster(version int) (emv.Key, error) {
	return r.double(Wanted{Usage: Token, Version: version})
}

func (r *Ring) double(w Wanted) (emv.Key, error) {
	k, err := r.find(w)
	if err != nil {
		return emv.Key{}, err
	}
	return emv.NewKey(k.reveal())
}

// Secret gives the 32 bytes of a pan-seal, pan-reference or passcode key, or ErrNoKey.
func (r *Ring) Secret(u Usage, version int) ([]byte, error) {
	if u != PANSeal && u != PANReference && u != Passcode {
		return nil, fmt.Errorf("%w: a %s key leaves the ring only as its own type", ErrNoKey, u)
	}
	k, err := r.find(Wanted{Usage: u, Version: version})
	if err != nil {
		return nil, err
	}
	return k.reveal(), nil
}

// TransportKey gives the transport key of a version, or ErrNoKey.
func (r *Ring) TransportKey(version int) (TransportKey, error) {
	k, err := r.find(Wanted{Usage: Transport, Version: version})
	return TransportKey{key: k.key}, err
}

// List tells of all keys, by usage, range and version.
func (r *Ring) List() []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Info, 0, len(r.keys))
	for w, k := range r.keys {
		all = append(all, k.info(w))
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Usage, b.Usage), cmp.Compare(a.Range, b.Range), cmp.Compare(a.Version, b.Version))
	})
	return all
}

func (k held) reveal() []byte { return []byte(k.key.Reveal()) }

func (k held) info(w Wanted) Info {
	return Info{
		Usage: w.Usage, Range: w.Range, Version: w.Version, Exportability: k.exportability,
		Algorithm: algorithmName(k.algorithm), CheckValue: checkValue(k.algorithm, k.reveal()),
	}
}

// find gives a key. Where there is none, the folder is looked at, so that a
// key added by another process is found; that costs one look at the file's
// date, and a reading only when it changed.
func (r *Ring) find(w Wanted) (held, error) {
	if k, ok := r.get(w); ok {
		return k, nil
	}
	if !r.changed() {
		return held{}, fmt.Errorf("%w: %s", ErrNoKey, w)
	}
	err := r.Reload()
	if k, ok := r.get(w); ok {
		return k, nil
	}
	return held{}, errors.Join(fmt.Errorf("%w: %s", ErrNoKey, w), err)
}

func (r *Ring) get(w Wanted) (held, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.keys[w.name()]
	return k, ok
}
