//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

// way is how a module does a derivation.
type way struct {
	name      string
	mechanism uint
	keyType   uint // of the object that it takes
	bytes     int  // of the key
	generate  uint // the mechanism that makes such a key
	sign      bool // C_Sign, else C_Encrypt
	out       int  // bytes that it gives
}

var ways = map[dcvv2.Derivation]way{
	dcvv2.DeriveTDES: {"CKM_DES3_ECB", pkcs11.CKM_DES3_ECB, pkcs11.CKK_DES2, 16, pkcs11.CKM_DES2_KEY_GEN, false, 16},
	dcvv2.DeriveCMAC: {"CKM_AES_CMAC", pkcs11.CKM_AES_CMAC, pkcs11.CKK_AES, 32, pkcs11.CKM_AES_KEY_GEN, true, 16},
	dcvv2.DeriveHMAC: {"CKM_SHA256_HMAC", pkcs11.CKM_SHA256_HMAC, pkcs11.CKK_GENERIC_SECRET, 32, pkcs11.CKM_GENERIC_SECRET_KEY_GEN, true, 32},
}

// derivations in the order in which they are tried.
var derivations = []dcvv2.Derivation{dcvv2.DeriveTDES, dcvv2.DeriveCMAC, dcvv2.DeriveHMAC}

// object names a key in the module.
type object struct {
	label      string
	derivation dcvv2.Derivation
}

// master is a code master key that never leaves the module.
type master struct {
	module *Module
	label  string
}

// Derive computes inside the module; it is documented at dcvv2.Master.
func (k master) Derive(d dcvv2.Derivation, input []byte) (out [dcvv2.DerivedBytesMax]byte, err error) {
	if err := k.module.cannot(d); err != nil {
		return out, err
	}
	how := ways[d]
	err = k.module.with(func(session pkcs11.SessionHandle) error {
		handle, err := k.module.handle(session, object{k.label, d})
		if err != nil {
			return err
		}
		result, err := k.module.compute(session, how, handle, input)
		if err == nil && len(result) != how.out {
			err = fmt.Errorf("%w: %s gave %d bytes, not %d", ErrCannot, how.name, len(result), how.out)
		}
		copy(out[:], result)
		return err
	})
	switch {
	case isMissing(err): // another profile's key, or none any more
		return out, fmt.Errorf("%w: %w", dcvv2.ErrMasterKey, err)
	case err != nil:
		return out, fmt.Errorf("key %s in the PKCS#11 module: %w", k.label, err)
	}
	return out, nil
}

func (m *Module) compute(session pkcs11.SessionHandle, how way, key pkcs11.ObjectHandle, input []byte) ([]byte, error) {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(how.mechanism, nil)}
	if how.sign {
		if err := m.ctx.SignInit(session, mechanism, key); err != nil {
			return nil, err
		}
		return m.ctx.Sign(session, input)
	}
	if len(input) != how.out {
		return nil, fmt.Errorf("%w: %s takes %d bytes here", dcvv2.ErrMasterKey, how.name, how.out)
	}
	if err := m.ctx.EncryptInit(session, mechanism, key); err != nil {
		return nil, err
	}
	return m.ctx.Encrypt(session, input)
}

// CodeMaster gives the code master key of an account range as the module holds
// it, or keys.ErrNoKey. It fails (ErrObject) on a key that may leave the
// module.
func (m *Module) CodeMaster(accountRange string, version int) (dcvv2.Master, error) {
	label := labelOf(accountRange, version)
	if m.knows(label) {
		return master{m, label}, nil
	}
	err := m.with(func(session pkcs11.SessionHandle) error {
		_, err := m.any(session, label)
		return err
	})
	if err != nil {
		return nil, err
	}
	return master{m, label}, nil
}

// any finds one of the objects of a label and says for what it is.
func (m *Module) any(session pkcs11.SessionHandle, label string) (dcvv2.Derivation, error) {
	for _, d := range derivations {
		if _, err := m.handle(session, object{label, d}); !isMissing(err) {
			return d, err
		}
	}
	return 0, fmt.Errorf("%w: %s in the PKCS#11 module", keys.ErrNoKey, label)
}

// Ensure makes a code master key inside the module where there is none of the
// name: of w.Bytes, 16 for TDES and 32 for the wide profiles. For 32 bytes it
// makes two objects, one for AES-CMAC and one for HMAC-SHA256, where the
// module can do both, or none. A key of the other length is refused
// (keys.ErrKey), and one that has only one of its two objects (ErrObject).
func (m *Module) Ensure(w keys.Wanted) error {
	if err := m.ensure(w); err != nil {
		return fmt.Errorf("generating key %s in the PKCS#11 module: %w", w, err)
	}
	return nil
}

func (m *Module) ensure(w keys.Wanted) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if w.Usage != keys.DCVV2 {
		return fmt.Errorf("%w: it holds code master keys only", ErrCannot)
	}
	m.making.Lock()
	defer m.making.Unlock()
	return m.with(func(session pkcs11.SessionHandle) error {
		d, err := m.any(session, w.String())
		switch {
		case err == nil && w.Bytes != 0 && w.Bytes != ways[d].bytes:
			return fmt.Errorf("%w: it has %d bytes and %d are wanted: give the range another key version", keys.ErrKey, ways[d].bytes, w.Bytes)
		case err == nil:
			return m.whole(session, w.String(), d)
		case !isMissing(err):
			return err
		}
		return m.each(session, w.Bytes, func(d dcvv2.Derivation) (pkcs11.ObjectHandle, error) {
			return m.ctx.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(ways[d].generate, nil)}, template(w.String(), d, nil))
		})
	})
}

// Import puts a code master key into the module, for good and not to come out
// again: 16 bytes for TDES, 32 for AES-CMAC and HMAC-SHA256. A name that is
// taken is refused (keys.ErrExists).
func (m *Module) Import(accountRange string, version int, clear dcvv2.MasterKey) error {
	w := keys.Wanted{Usage: keys.DCVV2, Range: accountRange, Version: version}
	if err := m.put(w, clear.Reveal()); err != nil {
		return fmt.Errorf("importing key %s into the PKCS#11 module: %w", w, err)
	}
	return nil
}

func (m *Module) put(w keys.Wanted, clear []byte) error {
	if err := w.Validate(); err != nil {
		return err
	}
	m.making.Lock()
	defer m.making.Unlock()
	return m.with(func(session pkcs11.SessionHandle) error {
		if _, err := m.any(session, w.String()); err == nil {
			return keys.ErrExists
		} else if !isMissing(err) {
			return err
		}
		return m.each(session, len(clear), func(d dcvv2.Derivation) (pkcs11.ObjectHandle, error) {
			return m.ctx.CreateObject(session, template(w.String(), d, clear))
		})
	})
}

// whole refuses a key that lacks the object for a derivation that its length
// serves and the module can do. The missing one is not made: where the key was
// imported, its value is not ours to draw.
func (m *Module) whole(session pkcs11.SessionHandle, label string, has dcvv2.Derivation) error {
	for _, d := range derivations {
		if ways[d].bytes != ways[has].bytes || m.cannot(d) != nil {
			continue
		}
		if _, err := m.handle(session, object{label, d}); isMissing(err) {
			return fmt.Errorf("%w: %s has an object for %s and none for %s: delete the one there and make the key anew, or, where codes were issued with it, give the range another key version",
				ErrObject, label, has, d)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// each makes an object for every derivation that a key of this length serves
// and the module can do: all, or after a failure none.
func (m *Module) each(session pkcs11.SessionHandle, length int, make func(dcvv2.Derivation) (pkcs11.ObjectHandle, error)) error {
	var made []pkcs11.ObjectHandle
	var cannot error
	for _, d := range derivations {
		if ways[d].bytes != length && (length != 0 || d != dcvv2.DeriveTDES) {
			continue
		}
		if err := m.cannot(d); err != nil {
			cannot = err
			continue
		}
		one, err := make(d)
		if err != nil {
			for _, other := range made {
				err = errors.Join(err, m.ctx.DestroyObject(session, other))
			}
			return err
		}
		made = append(made, one)
	}
	switch {
	case len(made) > 0:
		return nil
	case cannot != nil:
		return cannot
	}
	return fmt.Errorf("%w: a code master key has 16 or 32 bytes, not %d", keys.ErrKey, length)
}
