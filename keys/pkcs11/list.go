//go:build pkcs11 && cgo

package pkcs11

import (
	"cmp"
	"crypto/aes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/pkcs11"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

// objectsMax bounds how many objects of a token are looked at.
const objectsMax = 10_000

// List tells of all code master keys in the module, by range, version and
// algorithm, with the check values that the key ring shows of the same keys:
// the module computes them. A key of 32 bytes is listed twice, as AES and as
// HMAC, because it is two objects. Objects of other names are left out.
func (m *Module) List() ([]keys.Info, error) {
	var names []keys.Wanted
	err := m.with(func(session pkcs11.SessionHandle) (err error) {
		names, err = m.names(session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the keys in the PKCS#11 module: %w", err)
	}
	all := []keys.Info{}
	for _, w := range names {
		infos, err := m.infos(w)
		if err != nil {
			return nil, err
		}
		all = append(all, infos...)
	}
	return all, nil
}

// names are the keys of the token's labels, each once.
func (m *Module) names(session pkcs11.SessionHandle) ([]keys.Wanted, error) {
	err := m.ctx.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY)})
	if err != nil {
		return nil, err
	}
	found, _, err := m.ctx.FindObjects(session, objectsMax)
	if err = errors.Join(err, m.ctx.FindObjectsFinal(session)); err != nil {
		return nil, err
	}
	var all []keys.Wanted
	for _, handle := range found {
		label, err := m.ctx.GetAttributeValue(session, handle, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil)})
		if err != nil {
			return nil, err
		}
		if w, ok := named(string(label[0].Value)); ok && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b keys.Wanted) int {
		return cmp.Or(cmp.Compare(a.Range, b.Range), cmp.Compare(a.Version, b.Version))
	})
	return all, nil
}

// named reads a label, the other way of labelOf.
func named(label string) (keys.Wanted, bool) {
	parts := strings.Split(label, "/")
	if len(parts) != 3 {
		return keys.Wanted{}, false
	}
	version, err := strconv.Atoi(parts[2])
	w := keys.Wanted{Usage: keys.Usage(parts[0]), Range: parts[1], Version: version}
	return w, err == nil && w.Usage == keys.DCVV2 && w.Validate() == nil && w.String() == label
}

// checks say how a check value is derived, see docs/custody.md.
var checks = map[dcvv2.Derivation]struct {
	algorithm string
	input     int // zero bytes
}{
	dcvv2.DeriveTDES: {"TDES", 16},
	dcvv2.DeriveCMAC: {"AES", aes.BlockSize},
	dcvv2.DeriveHMAC: {"HMAC", 0},
}

func (m *Module) infos(w keys.Wanted) (all []keys.Info, err error) {
	for _, d := range derivations {
		if m.cannot(d) != nil {
			continue
		}
		check := checks[d]
		out, err := master{m, w.String()}.Derive(d, make([]byte, check.input))
		switch {
		case isMissing(err):
			continue
		case err != nil:
			return nil, err
		}
		all = append(all, keys.Info{
			Usage: w.Usage, Range: w.Range, Version: w.Version, Algorithm: check.algorithm,
			CheckValue: fmt.Sprintf("%X", out[:3]), Exportability: keys.ExportNever,
		})
	}
	return all, nil
}
