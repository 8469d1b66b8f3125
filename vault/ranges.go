package vault

import (
	"github.com/firsttap/firsttap/dcvv2"
)

// RangeRecord is a registered range as the store keeps it.
type RangeRecord struct {
	Registration dcvv2.Registration
	Removed      bool   // its issuer or operator took it back; kept for its past codes
	Said         string // what the settings file said of it last; "" when it never did
	Revision     int64  // counts changes from 1; 0 is not stored yet
}

// Validate reports what is wrong with the registration, wrapping
// dcvv2.ErrRegistry.
func (r RangeRecord) Validate() error {
	_, err := dcvv2.NewRegistry(r.Registration)
	return err
}
