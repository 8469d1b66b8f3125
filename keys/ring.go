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
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/secret"
)

// Errors of a ring. None carries a key.
var (
	ErrNoKey  = errors.New("no such key in the key ring")
	ErrExists = errors.New("another key of this name is in the key ring, and a key is never replaced: import it as a new version")
	ErrName   = errors.New("no good name for a key")
	ErrKey    = errors.New("no good key")
)

// Ring holds the keys of a folder. It may be used by many goroutines.
type Ring struct {
	folder folder
	random io.Reader

	mu   sync.RWMutex
	keys map[Wanted]held
}

// held is a key in the ring.
type held struct {
	key       secret.Text
	algorithm byte
	block     string
}

// Format writes what a ring is and nothing of its keys.
func (r *Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key ring]") }

// Open reads the ring in a folder: dir/wrapping.key, which only its owner may
// read, and dir/keys.json. A block that does not unwrap, or holds another key
// than its name says, is an error.
func Open(dir string) (*Ring, error) { return open(dir, rand.Reader, false) }

// Create opens the ring in a folder, or makes folder and ring, and generates
// the keys wanted that it does not have. random supplies all chance.
func Create(dir string, random io.Reader, wanted []Wanted) (*Ring, error) {
	r, err := open(dir, random, true)
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		if err := r.generate(w); err != nil {
			return nil, fmt.Errorf("generating key %s: %w", w, err)
		}
	}
	return r, nil
}

func open(dir string, random io.Reader, create bool) (*Ring, error) {
	f, err := openFolder(dir, random, create)
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	r := &Ring{folder: f, random: random, keys: map[Wanted]held{}}
	records, err := f.read(create)
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	for _, rec := range records {
		w := Wanted{Usage: rec.Usage, Range: rec.Range, Version: rec.Version}
		if err := r.take(w, rec.Block); err != nil {
			return nil, fmt.Errorf("key ring %s: key %s: %w", dir, w, err)
		}
	}
	return r, nil
}

// CodeMaster gives the code master key of an account range, or ErrNoKey.
func (r *Ring) CodeMaster(accountRange string, version int) (dcvv2.Master, error) {
	key, err := r.find(Wanted{Usage: DCVV2, Range: accountRange, Version: version})
	if err != nil {
		return nil, err
	}
	return dcvv2.NewMasterKey(key)
}

// TokenMaster gives the token cryptogram master key, or ErrNoKey.
func (r *Ring) TokenMaster(version int) (emv.Key, error) {
	key, err := r.find(Wanted{Usage: Token, Version: version})
	if err != nil {
		return emv.Key{}, err
	}
	return emv.NewKey(key)
}

// Secret gives the 32 bytes of a pan-seal or pan-reference key, or ErrNoKey.
func (r *Ring) Secret(u Usage, version int) ([]byte, error) {
	if u != PANSeal && u != PANReference {
		return nil, fmt.Errorf("%w: a %s key leaves the ring only as its own type", ErrNoKey, u)
	}
	return r.find(Wanted{Usage: u, Version: version})
}

// Import adds a clear key. Adding the same key again changes nothing; another
// key of the same name is refused (ErrExists).
func (r *Ring) Import(u Usage, accountRange string, version int, clear []byte) error {
	w := Wanted{Usage: u, Range: accountRange, Version: version}
	if err := r.add(w, clear); err != nil {
		return fmt.Errorf("importing key %s: %w", w, err)
	}
	return nil
}

// List tells of all keys, by usage, range and version.
func (r *Ring) List() []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Info, 0, len(r.keys))
	for w, k := range r.keys {
		all = append(all, Info{
			Usage: w.Usage, Range: w.Range, Version: w.Version,
			Algorithm: algorithmName(k.algorithm), CheckValue: checkValue(k.algorithm, []byte(k.key.Reveal())),
		})
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Usage, b.Usage), cmp.Compare(a.Range, b.Range), cmp.Compare(a.Version, b.Version))
	})
	return all
}

func (r *Ring) find(w Wanted) ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.keys[w]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, w)
	}
	return []byte(k.key.Reveal()), nil
}

func (r *Ring) generate(w Wanted) error {
	if err := w.validate(); err != nil {
		return err
	}
	length := cmp.Or(w.Bytes, uses[w.Usage].generated)
	w.Bytes = 0
	if _, err := r.find(w); err == nil {
		return nil
	}
	key, err := draw(w.Usage, length, r.random)
	if err != nil {
		return err
	}
	return r.add(w, key)
}

// add wraps a key and writes the ring with it, then holds it.
func (r *Ring) add(w Wanted, key []byte) error {
	if err := w.validate(); err != nil {
		return err
	}
	algorithm, err := algorithmOf(w.Usage, key)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.keys[w]; ok {
		if bytes.Equal([]byte(old.key.Reveal()), key) {
			return nil
		}
		return ErrExists
	}
	block, err := WrapKeyBlock(r.folder.wrappingKey(), headerOf(w, algorithm), key, r.random)
	if err != nil {
		return err
	}
	r.keys[w] = held{key: secret.New(string(key)), algorithm: algorithm, block: block}
	if err := r.folder.write(r.records()); err != nil {
		delete(r.keys, w)
		return err
	}
	return nil
}

// take unwraps a key from the folder and checks that it is what its name says.
func (r *Ring) take(w Wanted, block string) error {
	if err := w.validate(); err != nil {
		return err
	}
	if _, ok := r.keys[w]; ok {
		return fmt.Errorf("%w: it stands there twice", ErrName)
	}
	header, key, err := UnwrapKeyBlock(r.folder.wrappingKey(), block)
	if err != nil {
		return err
	}
	algorithm, err := algorithmOf(w.Usage, key)
	if err != nil {
		return err
	}
	if err := sameHeader(header, headerOf(w, algorithm)); err != nil {
		return err
	}
	r.keys[w] = held{key: secret.New(string(key)), algorithm: algorithm, block: block}
	return nil
}

func (r *Ring) records() []record {
	all := make([]record, 0, len(r.keys))
	for w, k := range r.keys {
		all = append(all, record{Usage: w.Usage, Range: w.Range, Version: w.Version, Block: k.block})
	}
	slices.SortFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.Usage, b.Usage), cmp.Compare(a.Range, b.Range), cmp.Compare(a.Version, b.Version))
	})
	return all
}
