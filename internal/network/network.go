// Package network is the gateway put together: the store and the keys of a
// data folder, the doors for ISO 8583 and for HTTP with their TLS, and the
// account ranges in force. It also says what production refuses.
//
// It decides nothing about requests: that is of gateway and api, which it lets
// meet at the store. It reads no flags and prints nothing, and it plays no
// actor: cmd does, or puts it into the demo. Start at Open.
package network

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/internal/profiles"
	"github.com/firsttap/firsttap/keys"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// StoreFile is the store in a network's data folder.
const StoreFile = "store.db"

const (
	tokenKeyVersion = 1
	secretVersion   = 1
)

// Options say what a network works with. All are required but Version and File.
type Options struct {
	Settings config.Gateway
	File     string // that Settings were read from and Reload reads anew; "" for none
	Dir      string // data folder: store, keys and certificates; made when it is missing
	Version  string // of the program, for the metrics
	Chance   Chance
	Log      zerolog.Logger
}

// Chance is where a network's time and chance come from.
type Chance struct {
	Now    func() time.Time
	Random io.Reader // numbers and identifiers
	Keys   io.Reader // keys that are missing
}

// Network is the gateway with its HTTP doors, its store and its keys. Make one
// with Open, and end it with Run or Close.
type Network struct {
	settings  config.Gateway
	dir       string
	chance    Chance
	log       zerolog.Logger
	gateway   *gateway.Gateway
	api       *api.API
	store     vault.Store
	passcodes token.PasscodeKey
	keys      masters
	ranges    *ranges.Register
	listeners map[Door]net.Listener
	tls       map[Door]*tls.Config // none for plain HTTP

	reloading sync.Mutex
	file      string
	secured   map[security]*tls.Config // of stations; only Open and Reload touch it
}

// Open opens the store and the keys and listens at every door; nobody is
// answered until Run. The settings must be those that Load gave, or as good.
func Open(ctx context.Context, o Options) (*Network, error) {
	n := &Network{settings: o.Settings, dir: o.Dir, chance: o.Chance, log: o.Log, listeners: make(map[Door]net.Listener), file: o.File, secured: make(map[security]*tls.Config)}
	if err := n.open(ctx, o.Version); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Network) open(ctx context.Context, version string) error {
	settings := n.settings
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	ring, err := keys.Create(n.dir, n.chance.Keys, networkKeys())
	if err != nil {
		return err
	}
	if n.keys, err = mastersOver(ring, settings); err != nil {
		return err
	}
	if n.store, err = openStore(n.dir, ring); err != nil {
		return err
	}
	if n.passcodes, err = passcodeKey(ring); err != nil {
		return err
	}
	if err := certify(settings, n.dir); err != nil {
		return err
	}
	if n.tls, err = protect(settings, n.dir, n.log); err != nil {
		return err
	}
	n.warnOfEnd()
	if err := n.listen(); err != nil {
		return err
	}
	return n.assemble(ctx, metrics.New(version))
}

// assemble makes what answers behind the doors.
func (n *Network) assemble(ctx context.Context, counts *metrics.Metrics) error {
	settings := n.settings
	numbers, err := card.ParseRange(settings.TokenRange)
	if err != nil {
		return err
	}
	if n.ranges, err = n.openRanges(ctx, numbers); err != nil {
		return err
	}
	met, err := n.stationsOf(settings)
	if err != nil {
		return err
	}
	n.gateway, err = gateway.New(gateway.Options{
		Store: counts.Store(n.store), Observe: observing(counts), Asked: asked(counts), Trouble: counts.Trouble, Keys: n.keys, Registry: n.ranges, Stations: met, Admit: n.admit,
		TokenRange: numbers, TokenKeyVersion: tokenKeyVersion, Institution: settings.Institution,
		Passcodes: n.passcodes, CryptogramVersion: emv.Version(settings.CryptogramVersion),
		IssuerTimeout: time.Duration(settings.IssuerTimeoutSeconds) * time.Second,
		Now:           n.chance.Now, Random: n.chance.Random, Log: n.log.With().Str("actor", "gateway").Logger(),
		RequestorFailuresPerHourMax: settings.RequestorFailuresPerHourMax,
	})
	if err != nil {
		return err
	}
	counts.Watch(n.store, n.gateway.LinesUp, n.connections)
	n.api, err = api.New(api.Options{
		Store: n.store, Keys: n.keys, Registry: n.ranges, Ranges: n.ranges, Stations: operated{n}, Now: n.chance.Now,
		Limits: api.Limits(settings.Limits), Metrics: counts.Handler(), Profiles: profiles.Process{},
		Observe: func(o api.Observed) { counts.Request(o.Door, o.Route, o.Issuer, o.Status, o.Took) },
		Log:     n.log.With().Str("actor", "api").Logger(), Wake: n.gateway.WakeNotices,
		TwoWay: twoWay(settings), Identify: settings.TLS.Known().Identify,
	})
	return err
}

// Store is what the network keeps, to be looked at while it is open.
func (n *Network) Store() vault.Store { return n.store }

// Certificates is the folder of the certificates that are made or looked for.
func (n *Network) Certificates() string { return n.settings.TLS.Dir(n.dir) }

// WaitIssuers waits until every issuer's line is up, while Run runs.
func (n *Network) WaitIssuers(ctx context.Context) error { return n.gateway.WaitIssuers(ctx) }

// networkKeys lists the keys that a network needs beside those of the account
// ranges.
func networkKeys() []keys.Wanted {
	return []keys.Wanted{
		{Usage: keys.Token, Version: tokenKeyVersion},
		{Usage: keys.PANSeal, Version: secretVersion},
		{Usage: keys.PANReference, Version: secretVersion},
		{Usage: keys.Passcode, Version: secretVersion},
	}
}

// openRanges opens the account ranges in force, with the keys of their codes.
func (n *Network) openRanges(ctx context.Context, tokens card.Range) (*ranges.Register, error) {
	settings, held, now := n.settings, n.keys, n.chance.Now
	stated, err := statedIn(settings, now())
	if err != nil {
		return nil, err
	}
	o := ranges.Options{TokenRange: tokens, Log: n.log.With().Str("actor", "ranges").Logger()}
	o.Issuers = issuersIn(settings)
	o.Ensure = func(accountRange string, version, bytes int) error {
		if _, err := held.CodeMaster(accountRange, version); err != nil && settings.Mode == config.ModeProduction {
			return fmt.Errorf("%w: in production it is made on purpose, by `firsttap keys generate` or `import` with --usage dcvv2 --range %s --key-version %d", err, accountRange, version)
		}
		return held.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: accountRange, Version: version, Bytes: bytes})
	}
	return ranges.Open(ctx, n.store, now, stated, o)
}

func passcodeKey(ring *keys.Ring) (token.PasscodeKey, error) {
	secret, err := ring.Secret(keys.Passcode, secretVersion)
	if err != nil {
		return token.PasscodeKey{}, err
	}
	return token.NewPasscodeKey(secret)
}

func openStore(dir string, ring *keys.Ring) (vault.Store, error) {
	seal, err := ring.Secret(keys.PANSeal, secretVersion)
	if err != nil {
		return nil, err
	}
	reference, err := ring.Secret(keys.PANReference, secretVersion)
	if err != nil {
		return nil, err
	}
	cipher, err := vault.NewCipher(seal, reference)
	if err != nil {
		return nil, err
	}
	return sqlite.Open(filepath.Join(dir, StoreFile), cipher)
}

// Run serves every door until ctx ends, then lets what is under way end, see
// gateway.Drain, and closes the network. To be ended is no error, at whatever
// moment.
func (n *Network) Run(ctx context.Context) error {
	defer n.Close()
	servers := map[Door]http.Handler{
		Issuers: n.api.Issuers(), Phones: n.api.Phones(), Operators: n.api.Operators(),
	}
	failed := make(chan error, len(servers)+3)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for door, handler := range servers {
		go func() { failed <- n.serveHTTP(ctx, door, handler) }()
	}
	go func() {
		n.ranges.Run(ctx)
		failed <- nil
	}()
	go func() {
		keep := time.Duration(n.settings.RetentionDays) * 24 * time.Hour
		pruner{n.store, n.chance.Now, keep, n.log}.run(ctx)
		failed <- nil
	}()
	go func() { failed <- n.runGateway(ctx) }()
	var all []error
	for range cap(failed) {
		err := <-failed
		cancel()
		all = append(all, err)
	}
	return errors.Join(all...)
}

// runGateway runs the gateway until ctx ends and what is under way then has.
func (n *Network) runGateway(ctx context.Context) error {
	running, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := context.AfterFunc(ctx, func() {
		defer cut()
		n.gateway.Drain(running)
	})
	defer stop()
	return n.gateway.Run(running)
}

// Close ends a network that does not run: doors, store and keys.
func (n *Network) Close() {
	for _, l := range n.listeners {
		_ = l.Close()
	}
	if n.gateway != nil {
		n.gateway.Close()
	}
	if n.store != nil {
		if err := n.store.Close(); err != nil {
			n.log.Error().Err(err).Msg("closing the store")
		}
	}
	if n.keys != nil {
		if err := n.keys.Close(); err != nil {
			n.log.Error().Err(err).Msg("closing the keys")
		}
	}
}
