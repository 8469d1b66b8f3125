package client

import (
	"context"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/emv"
)

// lentUsesMax is the most uses of a limited-use key (see the document).
const lentUsesMax = 255

// LentKey is a limited-use key of a cloud token. Key cannot be printed.
type LentKey struct {
	Index   string // YHHHHCC, seven digits
	Key     emv.Key
	Uses    int       // cryptograms that it may make, 1 to 255
	Expires time.Time // the first moment at which it is good no more, UTC
}

// Replenish is lent the next limited-use key of a cloud token that was
// activated from this phone: it signs for it with the phone's key, decrypts the
// answer and compares the key with its check value. A token that has a card key
// gives the Problem CodeKeyNotLimited; one that was lent all keys of the hour
// CodeKeysLentOut.
func (p Phone) Replenish(ctx context.Context, reference string) (LentKey, error) {
	body, err := p.signed(reference)
	if err != nil {
		return LentKey{}, err
	}
	clear, err := p.fetch(ctx, addressed(wire.TokenReplenishPath, "reference", reference), body)
	if err != nil {
		return LentKey{}, err
	}
	a := &answer{doc: clear}
	a.about(reference)
	k := a.lentKey()
	if a.fault != nil {
		return LentKey{}, a.fault
	}
	return k, nil
}

// about reads whose key it is, which must be the token asked for.
func (a *answer) about(reference string) string {
	if a.text(wire.MaterialReference) != reference {
		a.wrong(wire.MaterialReference, "the token asked for")
	}
	return reference
}

// cryptogramVersion reads a cryptogram version by its number.
func (a *answer) cryptogramVersion() int {
	n := int(a.number(wire.MaterialCryptogramVersion, 1, 99))
	if _, known := emv.VersionOfNumber(n); !known {
		a.wrong(wire.MaterialCryptogramVersion, "a cryptogram version that is known")
	}
	return n
}

// readKeys reads the kind of key that goes with the version.
func (a *answer) readKeys(m *Material) {
	if m.CryptogramVersion == emv.Version43.Number() {
		if a.doc.Has(wire.MaterialCardKey) {
			a.wrong(wire.MaterialCardKey, "for a phone that has a limited-use key")
		}
		m.Lent = a.lentKey()
		return
	}
	m.CardKey = a.key(wire.MaterialCardKey, wire.MaterialCheckValue)
}

func (a *answer) lentKey() LentKey {
	return LentKey{
		Index:   parsed(a, wire.LentIndex, parseIndex),
		Key:     a.key(wire.LentKey, wire.LentCheckValue),
		Uses:    int(a.number(wire.LentUses, 1, lentUsesMax)),
		Expires: a.time(wire.LentExpires),
	}
}

// key reads a key and holds it against its check value.
func (a *answer) key(path, check string) emv.Key {
	k := parsed(a, path, emv.ParseKey)
	if k.CheckValue() != a.text(check) {
		a.wrong(check, "the check value of the key")
	}
	return k
}

func parseIndex(s string) (string, error) {
	if len(s) != emv.IndexDigits {
		return "", emv.ErrIndex
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return "", emv.ErrIndex
		}
	}
	return s, nil
}
