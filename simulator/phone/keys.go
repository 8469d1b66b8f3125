package phone

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/firsttap/firsttap/emv"
)

// Limits of limited-use keys on a phone (both are ours).
const (
	LentKeysMax = 4   // of one token: the one in use, and some fetched ahead
	LentUsesMax = 255 // of one key; token services lend about five
)

// Errors of limited-use keys. Replenish wraps the first two, Keys gives the
// last two.
var (
	ErrKeysFull    = fmt.Errorf("a token has at most %d limited-use keys that are good", LentKeysMax)
	ErrNotLent     = errors.New("the token has a card key of its own, which does not run out")
	ErrKeysUsedUp  = errors.New("all limited-use keys are used up: replenish the token")
	ErrKeysExpired = errors.New("the limited-use keys have expired: replenish the token")
)

// LentKey is a limited-use key: it makes UsesMax cryptograms of version 43
// before it Expires.
type LentKey struct {
	Index   string // YHHHHCC, seven digits
	Key     emv.Key
	UsesMax int       // 1 to LentUsesMax
	Expires time.Time // the first moment at which the key is good no more
}

func (k LentKey) check() error {
	switch {
	case k.Key.IsZero():
		return errors.New("it has no limited-use key")
	case len(k.Index) != emv.IndexDigits || !decimal(k.Index):
		return emv.ErrIndex
	case k.UsesMax < 1 || k.UsesMax > LentUsesMax:
		return fmt.Errorf("a limited-use key has 1 to %d uses, not %d", LentUsesMax, k.UsesMax)
	case k.Expires.IsZero():
		return errors.New("a limited-use key says when it expires")
	}
	return nil
}

// lentKey is a LentKey with how often it was used.
type lentKey struct {
	LentKey
	used int
}

func (k *lentKey) left() int { return k.UsesMax - k.used }

func (k *lentKey) expired(now time.Time) bool { return !now.Before(k.Expires) }

func (k *lentKey) usable(now time.Time) bool { return k.left() > 0 && !k.expired(now) }

// Keys tells what a token has to make cryptograms with.
type Keys struct {
	Reference string    // of the token; "" when the phone has none
	Lent      bool      // it pays with limited-use keys; false: nothing runs out
	Uses      int       // cryptograms that the limited-use keys can still make
	Next      string    // index of the limited-use key of the next tap; "" when there is none
	Expires   time.Time // of that key
	Why       error     // why there is no next key: ErrKeysUsedUp or ErrKeysExpired
}

// Keys tells of the token that pays. A phone that refuses a tap (6985) for want
// of a key says in Why what is wrong.
func (p *Phone) Keys() Keys {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) == 0 {
		return Keys{}
	}
	return p.tokens[p.chosen].keys(p.now())
}

func (a *application) keys(now time.Time) Keys {
	k := Keys{Reference: a.material.Reference, Lent: a.version == emv.Version43}
	if !k.Lent {
		return k
	}
	for i := range a.lent {
		if !a.lent[i].usable(now) {
			continue
		}
		k.Uses += a.lent[i].left()
		if k.Next == "" {
			k.Next, k.Expires = a.lent[i].Index, a.lent[i].Expires
		}
	}
	if k.Next == "" {
		k.Why = a.why(now)
	}
	return k
}

// why says what is wrong with the keys when none is usable: one that still had
// uses must have expired.
func (a *application) why(now time.Time) error {
	for i := range a.lent {
		if a.lent[i].left() > 0 && a.lent[i].expired(now) {
			return ErrKeysExpired
		}
	}
	return ErrKeysUsedUp
}

// take gives the key of the next cryptogram and spends one use of it. index
// names a limited-use key and is empty for a card key.
func (a *application) take(now time.Time) (key emv.Key, index string, err error) {
	if a.version != emv.Version43 {
		return a.material.CardKey, "", nil
	}
	for i := range a.lent {
		if k := &a.lent[i]; k.usable(now) {
			k.used++
			return k.Key, k.Index, nil
		}
	}
	return emv.Key{}, "", a.why(now)
}

// Replenish adds a limited-use key to the cloud token of this reference. Keys
// that have expired make room, and the oldest used-up one when the phone is
// full. A key that is there already is refused, so that no answer gives its
// uses back.
func (p *Phone) Replenish(reference string, k LentKey) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(reference)
	if i < 0 {
		return ErrNotLoaded
	}
	return p.tokens[i].replenish(k, p.now())
}

func (a *application) replenish(k LentKey, now time.Time) error {
	if a.version != emv.Version43 {
		return ErrNotLent
	}
	added := lentKey{LentKey: k}
	switch err := k.check(); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMaterial, err)
	case a.lentAs(k.Index) != nil:
		return fmt.Errorf("%w: this limited-use key is on the phone already", ErrMaterial)
	case added.expired(now):
		return fmt.Errorf("%w: the limited-use key has expired, or the phone's clock is wrong", ErrMaterial)
	}
	if !a.makeRoom(now) {
		return ErrKeysFull
	}
	a.lent = append(a.lent, added)
	return nil
}

// makeRoom drops what is of no use, and reports whether a key more fits.
func (a *application) makeRoom(now time.Time) bool {
	a.lent = slices.DeleteFunc(a.lent, func(k lentKey) bool { return k.expired(now) })
	if len(a.lent) < LentKeysMax {
		return true
	}
	spent := slices.IndexFunc(a.lent, func(k lentKey) bool { return k.left() == 0 })
	if spent < 0 {
		return false
	}
	a.lent = slices.Delete(a.lent, spent, spent+1)
	return true
}

func (a *application) lentAs(index string) *lentKey {
	for i := range a.lent {
		if a.lent[i].Index == index {
			return &a.lent[i]
		}
	}
	return nil
}
