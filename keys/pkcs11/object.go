//go:build pkcs11 && cgo

package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"

	"github.com/miekg/pkcs11"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

// labelOf is an object's CKA_LABEL: the key's name in the ring's manner.
func labelOf(accountRange string, version int) string {
	return keys.Wanted{Usage: keys.DCVV2, Range: accountRange, Version: version}.String()
}

// template is what a master key is in the module: there to stay, for one use,
// and never to be read. value is nil for a key that the module makes.
func template(label string, d dcvv2.Derivation, value []byte) []*pkcs11.Attribute {
	how := ways[d]
	all := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, how.keyType),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, how.sign),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, !how.sign),
		pkcs11.NewAttribute(pkcs11.CKA_VERIFY, false),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, false),
		pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, false),
	}
	switch {
	case value == nil && how.keyType == pkcs11.CKK_DES2: // its length is in its type
		return all
	case value == nil:
		return append(all, pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, how.bytes))
	case how.keyType == pkcs11.CKK_DES2:
		value = oddParity(value) // PKCS#11 lets a module refuse a DES key without
	}
	return append(all, pkcs11.NewAttribute(pkcs11.CKA_VALUE, value))
}

func oddParity(key []byte) []byte {
	key = bytes.Clone(key)
	for i, b := range key {
		key[i] = b&0xFE | byte(bits.OnesCount8(b&0xFE)+1)&1
	}
	return key
}

func isMissing(err error) bool { return errors.Is(err, keys.ErrNoKey) }

// handle finds an object, once.
func (m *Module) handle(session pkcs11.SessionHandle, o object) (pkcs11.ObjectHandle, error) {
	m.mu.Lock()
	known, ok := m.objects[o]
	m.mu.Unlock()
	if ok {
		return known, nil
	}
	found, err := m.find(session, o)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("%w: no object %s for %s", keys.ErrNoKey, o.label, o.derivation)
	}
	if len(found) > 1 {
		return 0, fmt.Errorf("%w: %d objects %s for %s: which one is meant cannot be known", ErrObject, len(found), o.label, o.derivation)
	}
	if err := m.stays(session, found[0]); err != nil {
		return 0, fmt.Errorf("object %s: %w", o.label, err)
	}
	m.mu.Lock()
	m.objects[o] = found[0]
	m.mu.Unlock()
	return found[0], nil
}

// knows reports whether an object of a label was found before.
func (m *Module) knows(label string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range derivations {
		if _, ok := m.objects[object{label, d}]; ok {
			return true
		}
	}
	return false
}

// forget drops all handles: a module that was restarted gives others.
func (m *Module) forget() {
	m.mu.Lock()
	clear(m.objects)
	m.mu.Unlock()
}

// find gives at most two objects.
func (m *Module) find(session pkcs11.SessionHandle, o object) ([]pkcs11.ObjectHandle, error) {
	err := m.ctx.FindObjectsInit(session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, ways[o.derivation].keyType),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, o.label),
	})
	if err != nil {
		return nil, err
	}
	found, _, err := m.ctx.FindObjects(session, 2)
	return found, errors.Join(err, m.ctx.FindObjectsFinal(session))
}

// stays refuses a key that the module would give out.
func (m *Module) stays(session pkcs11.SessionHandle, key pkcs11.ObjectHandle) error {
	attributes, err := m.ctx.GetAttributeValue(session, key, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil),
	})
	if err != nil {
		return err
	}
	sensitive, extractable := attributes[0].Value, attributes[1].Value
	if !bytes.Equal(sensitive, []byte{1}) || !bytes.Equal(extractable, []byte{0}) {
		return fmt.Errorf("%w: it may leave the module; make it sensitive and not extractable", ErrObject)
	}
	return nil
}
