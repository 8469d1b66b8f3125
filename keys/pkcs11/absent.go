//go:build !(pkcs11 && cgo)

package pkcs11

import (
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

// Built reports whether the driver is in this program.
const Built = false

// Module is a token that is logged in. This program is built without the
// driver, so there is none.
type Module struct{}

// Open is ErrNotBuilt.
func Open(Settings) (*Module, error) { return nil, ErrNotBuilt }

// CodeMaster is ErrNotBuilt.
func (*Module) CodeMaster(string, int) (dcvv2.Master, error) { return nil, ErrNotBuilt }

// Ensure is ErrNotBuilt.
func (*Module) Ensure(keys.Wanted) error { return ErrNotBuilt }

// Import is ErrNotBuilt.
func (*Module) Import(string, int, dcvv2.MasterKey) error { return ErrNotBuilt }

// List is ErrNotBuilt.
func (*Module) List() ([]keys.Info, error) { return nil, ErrNotBuilt }

// Close does nothing.
func (*Module) Close() error { return nil }
