package network

import (
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
	"github.com/firsttap/firsttap/keys/pkcs11"
)

// masters gives the master keys that the doors work with: all of them from the
// ring, or those of codes from a module.
type masters interface {
	CodeMaster(accountRange string, version int) (dcvv2.Master, error)
	CVK(accountRange string, version int) (emv.Key, error)
	TokenMaster(version int) (emv.Key, error)
	Ensure(w keys.Wanted) error
	Close() error
}

// ringMasters are those of the ring alone.
type ringMasters struct{ *keys.Ring }

// Close has nothing to end.
func (ringMasters) Close() error { return nil }

// mastersOver opens the module where the settings name one.
func mastersOver(ring *keys.Ring, settings config.Gateway) (masters, error) {
	if settings.Keys.Driver != config.KeysInModule {
		return ringMasters{ring}, nil
	}
	registry, err := settings.Registry()
	if err != nil {
		return nil, err
	}
	module, err := openModule(settings.Keys, registry)
	if err != nil {
		return nil, err
	}
	if err := refusePublished(settings, module); err != nil {
		_ = module.Close() // the first error tells more
		return nil, err
	}
	return module.Over(ring), nil
}

// refusePublished keeps a gateway in production from starting with keys that
// everybody knows in its module.
func refusePublished(settings config.Gateway, module *pkcs11.Module) error {
	if settings.Mode != config.ModeProduction {
		return nil
	}
	all, err := module.List()
	if err != nil {
		return err
	}
	for _, info := range all {
		if keys.Published(info) {
			return fmt.Errorf("key %s/%s/%d in the PKCS#11 module, check value %s, is a published test key: production takes keys of one's own only",
				info.Usage, info.Range, info.Version, info.CheckValue)
		}
	}
	return nil
}

// openModule opens the module of the settings. It must be able to do what the
// profiles of the registered ranges need; a nil registry needs nothing.
func openModule(k config.Keys, registry *dcvv2.Registry) (*pkcs11.Module, error) {
	needs, err := derivationsOf(registry)
	if err != nil {
		return nil, err
	}
	return pkcs11.Open(pkcs11.Settings{Module: k.Module, Token: k.Token, PINFile: k.PINFile, Needs: needs})
}

func derivationsOf(registry *dcvv2.Registry) (needs []dcvv2.Derivation, err error) {
	if registry == nil {
		return nil, nil
	}
	for _, r := range registry.All() {
		for _, v := range r.Schedule.Versions() {
			profile, err := dcvv2.ProfileByName(v.Policy.Profile)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(needs, profile.Derivation()) {
				needs = append(needs, profile.Derivation())
			}
		}
	}
	return needs, nil
}
