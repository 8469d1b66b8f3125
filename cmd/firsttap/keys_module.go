package main

import (
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
	"github.com/firsttap/firsttap/keys/pkcs11"
)

// keyPlace is where keys are made and taken in.
type keyPlace interface {
	generate(w keys.Wanted) (keys.Info, error)
	importBlock(w keys.Wanted, under keys.TransportKey, block string) (keys.Info, error)
	importCombined(w keys.Wanted, combined keys.Component, confirmed string) (keys.Info, error)
	close()
}

func (f *keyFlags) addConfig(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", "", "settings of the gateway, when its keys.driver is pkcs11")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
}

// place opens the ring, which is made when there is none, and finds where a key
// belongs: dcvv2 keys of a gateway with a module in the module, all others in
// the ring.
func (f *keyFlags) place(w keys.Wanted) (*keys.Ring, keyPlace, error) {
	ring, err := keys.Create(f.dir, rand.Reader, nil)
	if err != nil {
		return nil, nil, err
	}
	if w.Usage != keys.DCVV2 {
		return ring, ringPlace{ring}, nil
	}
	module, err := f.module()
	switch {
	case err != nil:
		return nil, nil, err
	case module == nil:
		return ring, ringPlace{ring}, nil
	case w.Exportability != keys.ExportNever:
		_ = module.Close() // the wrong use tells more
		return nil, nil, usage("--exportability: a key in a PKCS#11 module never leaves it")
	}
	return ring, modulePlace{module}, nil
}

// module opens the module of --config, nil where there is none.
func (f *keyFlags) module() (*pkcs11.Module, error) {
	if f.config == "" {
		return nil, nil
	}
	settings, err := config.LoadGateway(f.config)
	if err != nil {
		return nil, badSettings(f.config, err)
	}
	if settings.Keys.Driver != config.KeysInModule {
		return nil, nil
	}
	return pkcs11.Open(pkcs11.Settings{Module: settings.Keys.Module, Token: settings.Keys.Token, PINFile: settings.Keys.PINFile})
}

// moduleKeys lists what is in the module of --config.
func (f *keyFlags) moduleKeys() ([]keys.Info, error) {
	module, err := f.module()
	if err != nil || module == nil {
		return nil, err
	}
	defer func() { _ = module.Close() }()
	return module.List()
}

type ringPlace struct{ ring *keys.Ring }

func (p ringPlace) close()                                    {}
func (p ringPlace) generate(w keys.Wanted) (keys.Info, error) { return p.ring.Generate(w) }

func (p ringPlace) importBlock(w keys.Wanted, under keys.TransportKey, block string) (keys.Info, error) {
	return p.ring.ImportBlock(w, under, block)
}

func (p ringPlace) importCombined(w keys.Wanted, combined keys.Component, confirmed string) (keys.Info, error) {
	return p.ring.ImportCombined(w, combined, confirmed)
}

type modulePlace struct{ module *pkcs11.Module }

func (p modulePlace) close() { _ = p.module.Close() }

func (p modulePlace) generate(w keys.Wanted) (keys.Info, error) {
	if _, err := p.module.CodeMaster(w.Range, w.Version); err == nil {
		return keys.Info{}, keys.ErrExists
	}
	if err := p.module.Ensure(w); err != nil {
		return keys.Info{}, err
	}
	all, err := p.module.List()
	for _, info := range all {
		if info.Range == w.Range && info.Version == w.Version {
			return info, nil
		}
	}
	return keys.Info{}, err
}

func (p modulePlace) importBlock(w keys.Wanted, under keys.TransportKey, block string) (keys.Info, error) {
	master, info, err := keys.OpenBlock(w, under, block)
	if err != nil {
		return info, err
	}
	return info, p.module.Import(w.Range, w.Version, master)
}

func (p modulePlace) importCombined(w keys.Wanted, combined keys.Component, confirmed string) (keys.Info, error) {
	master, info, err := combined.MasterKey(w, confirmed)
	if err != nil {
		return info, err
	}
	return info, p.module.Import(w.Range, w.Version, master)
}
