package keys

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/secret"
)

// Ensure generates a key where the ring has none of that name. A key that is
// there but has another length than w.Bytes, when that is given, is refused
// (ErrKey): it was made for another code profile.
func (r *Ring) Ensure(w Wanted) error {
	if k, err := r.find(w); err == nil {
		return k.suits(w)
	}
	err := r.add(w, func() ([]byte, error) { return draw(w.Usage, w.length(), r.random) }, keepOld)
	if err != nil {
		return fmt.Errorf("generating key %s: %w", w, err)
	}
	k, err := r.find(w)
	if err != nil {
		return err
	}
	return k.suits(w)
}

// Generate makes a new key; where one of that name is, it fails (ErrExists).
func (r *Ring) Generate(w Wanted) (Info, error) {
	err := r.add(w, func() ([]byte, error) { return draw(w.Usage, w.length(), r.random) }, refuseOld)
	return r.told("generating", w, err)
}

// Import adds a clear key that never leaves the ring again. Adding the same
// key again changes nothing; another key of the same name is refused
// (ErrExists).
func (r *Ring) Import(u Usage, accountRange string, version int, clear []byte) error {
	_, err := r.importClear(Wanted{Usage: u, Range: accountRange, Version: version}, clear)
	return err
}

func (r *Ring) importClear(w Wanted, clear []byte) (Info, error) {
	err := r.add(w, func() ([]byte, error) { return clear, nil }, sameOld)
	return r.told("importing", w, err)
}

func (r *Ring) told(doing string, w Wanted, err error) (Info, error) {
	if err != nil {
		return Info{}, fmt.Errorf("%s key %s: %w", doing, w, err)
	}
	k, err := r.find(w)
	return k.info(w), err
}

func (w Wanted) length() int { return cmp.Or(w.Bytes, uses[w.Usage].generated) }

// suits checks that a key has the length wanted.
func (k held) suits(w Wanted) error {
	if n := len(k.reveal()); w.Bytes != 0 && w.Bytes != n {
		return fmt.Errorf("%w: %s has %d bytes and %d are wanted: give the range another key version", ErrKey, w, n, w.Bytes)
	}
	return nil
}

// What add does where a key of the name is there already; nil keeps it.
func keepOld(_ held, _ []byte) error   { return nil }
func refuseOld(_ held, _ []byte) error { return ErrExists }

func sameOld(old held, key []byte) error {
	if bytes.Equal(old.reveal(), key) {
		return nil
	}
	return ErrExists
}

// add wraps a key and writes it beside those in the folder, then holds it. It
// reads the folder first, so that no process's key is lost.
func (r *Ring) add(w Wanted, make func() ([]byte, error), taken func(old held, key []byte) error) error {
	if err := w.Validate(); err != nil {
		return err
	}
	r.changing.Lock() // guards r.random as well
	defer r.changing.Unlock()
	key, err := make()
	if err != nil {
		return err
	}
	algorithm, err := algorithmOf(w.Usage, key)
	if err != nil {
		return err
	}
	return r.folder.locked(func() error {
		records, err := r.reload()
		if err != nil {
			return err
		}
		if old, ok := r.get(w); ok {
			return taken(old, key)
		}
		block, err := WrapKeyBlock(r.folder.wrappingKey(), headerOf(w, algorithm), key, r.random)
		if err != nil {
			return err
		}
		records = append(records, record{Usage: w.Usage, Range: w.Range, Version: w.Version, Block: block})
		slices.SortFunc(records, record.compare)
		if err := r.folder.write(records); err != nil {
			return err
		}
		_, err = r.reload()
		return err
	})
}

// Reload reads the folder again. Keys that were added are found from then on;
// a key that is another one than before is refused (ErrExists), and one that
// is gone stays in use until the process ends. After an error the ring is what
// it was.
func (r *Ring) Reload() error {
	r.changing.Lock()
	defer r.changing.Unlock()
	_, err := r.reload()
	return err
}

// changed reports whether keys.json is another file than the one read last.
func (r *Ring) changed() bool {
	now, err := os.Stat(filepath.Join(r.folder.dir, blocksFile))
	r.mu.RLock()
	defer r.mu.RUnlock()
	return err == nil && (r.seen == nil || !os.SameFile(now, r.seen) || now.Size() != r.seen.Size() || !now.ModTime().Equal(r.seen.ModTime()))
}

// reload is Reload under r.changing. It gives the folder's records.
func (r *Ring) reload() ([]record, error) {
	records, info, err := r.folder.read()
	var found map[Wanted]held
	if err == nil {
		found, err = r.unwrap(records)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if info != nil {
		r.seen = info // a file that cannot be read is read again when it changes
	}
	for w, k := range found {
		r.keys[w] = k
	}
	return records, err
}

// unwrap gives the keys of records, those that the ring has already as it has
// them.
func (r *Ring) unwrap(records []record) (map[Wanted]held, error) {
	found := make(map[Wanted]held, len(records))
	for _, rec := range records {
		w := Wanted{Usage: rec.Usage, Range: rec.Range, Version: rec.Version}
		if _, twice := found[w]; twice {
			return nil, fmt.Errorf("key %s: %w", w, errTwice)
		}
		k, err := r.take(w, rec.Block)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", w, err)
		}
		found[w] = k
	}
	return found, nil
}

var errTwice = fmt.Errorf("%w: it stands there twice", ErrName)

// take unwraps a key from the folder and checks that it is what its name says.
func (r *Ring) take(w Wanted, block string) (held, error) {
	old, known := r.get(w)
	if known && old.block == block {
		return old, nil
	}
	k, err := unwrapHeld(r.folder.wrappingKey(), w, block)
	if err == nil && known {
		err = sameOld(old, k.reveal())
	}
	return k, err
}

func unwrapHeld(wrapping []byte, w Wanted, block string) (held, error) {
	if err := w.Validate(); err != nil {
		return held{}, err
	}
	header, key, err := UnwrapKeyBlock(wrapping, block)
	if err != nil {
		return held{}, err
	}
	algorithm, err := algorithmOf(w.Usage, key)
	if err != nil {
		return held{}, err
	}
	if w.Exportability = Exportability(header.Exportability); !w.Exportability.known() {
		return held{}, fmt.Errorf("%w: its block's exportability is %q, none of N, E and S", ErrKey, header.Exportability)
	}
	if err := sameHeader(header, headerOf(w, algorithm)); err != nil {
		return held{}, err
	}
	k := held{key: secret.New(string(key)), algorithm: algorithm, exportability: w.Exportability, block: block}
	if w.Usage == DCVV2 {
		k.master, err = dcvv2.NewMasterKey(key)
	}
	return k, err
}

// Verdict is how one record of a folder stands: Err says why its block does
// not verify, and is nil when it does. Then Info tells of its key.
type Verdict struct {
	Info Info
	Err  error
}

// Check verifies every block in a folder and goes on after one that does not
// verify. It fails when there is no folder or wrapping key to begin with.
func Check(dir string) ([]Verdict, error) {
	f, err := openFolder(dir, nil, false)
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	records, _, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("opening the key ring %s: %w", dir, err)
	}
	all := make([]Verdict, 0, len(records))
	seen := make(map[Wanted]bool)
	for _, rec := range records {
		w := Wanted{Usage: rec.Usage, Range: rec.Range, Version: rec.Version}
		v := Verdict{Info: Info{Usage: w.Usage, Range: w.Range, Version: w.Version}}
		k, err := unwrapHeld(f.wrappingKey(), w, rec.Block)
		switch {
		case seen[w]:
			v.Err = errTwice
		case err != nil:
			v.Err = err
		default:
			v.Info = k.info(w)
		}
		seen[w] = true
		all = append(all, v)
	}
	return all, nil
}
