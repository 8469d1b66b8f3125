package main

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
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/keys"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// storeFile is the store in a network's folder.
const storeFile = "store.db"

const (
	tokenKeyVersion = 1
	secretVersion   = 1
	shutdownTimeout = 5 * time.Second // for requests under way when the network stops
)

// network is the gateway with its HTTP doors, its store and its keys.
type network struct {
	settings  config.Gateway
	gateway   *gateway.Gateway
	api       *api.API
	store     vault.Store
	keys      masters
	ranges    *ranges.Register
	log       zerolog.Logger
	listeners map[string]net.Listener
	tls       map[string]*tls.Config // by door; none for plain HTTP
}

// networkChance is where a network's time and chance come from.
type networkChance struct {
	now    func() time.Time
	random io.Reader // numbers and identifiers
	keys   io.Reader // keys that are missing
}

// Doors of a network, as they are named to people.
const (
	doorWallets   = "wallets"
	doorMerchants = "merchants"
	doorIssuers   = "issuers' API"
	doorPhones    = "phones"
	doorOperators = "operators"
)

// openNetwork opens the store and the keys in dir and listens at every door.
func openNetwork(settings config.Gateway, dir string, chance networkChance, log zerolog.Logger) (*network, error) {
	n := &network{settings: settings, log: log, listeners: make(map[string]net.Listener)}
	if err := n.open(dir, chance, log); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *network) open(dir string, chance networkChance, log zerolog.Logger) error {
	settings := n.settings
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	ring, err := keys.Create(dir, chance.keys, networkKeys())
	if err != nil {
		return err
	}
	if n.keys, err = mastersOver(ring, settings); err != nil {
		return err
	}
	if n.store, err = openStore(dir, ring); err != nil {
		return err
	}
	if err := certify(settings, dir); err != nil {
		return err
	}
	if n.tls, err = protect(settings, dir, log); err != nil {
		return err
	}
	if err := n.listen(); err != nil {
		return err
	}
	numbers, err := card.ParseRange(settings.TokenRange)
	if err != nil {
		return err
	}
	if n.ranges, err = openRanges(n.store, settings, numbers, n.keys, chance.now, log); err != nil {
		return err
	}
	counts := metrics.New(knownVersion())
	n.gateway, err = gateway.New(gateway.Options{
		Store: counts.Store(n.store), Observe: observing(counts), Keys: n.keys, Registry: n.ranges, Issuers: issuerStations(settings),
		TokenRange: numbers, TokenKeyVersion: tokenKeyVersion, Institution: settings.Institution,
		IssuerTimeout: time.Duration(settings.IssuerTimeoutSeconds) * time.Second,
		Now:           chance.now, Random: chance.random, Log: log.With().Str("actor", "gateway").Logger(),
		RequestorFailuresPerHourMax: settings.RequestorFailuresPerHourMax,
	})
	if err != nil {
		return err
	}
	counts.Watch(n.store, n.gateway.LinesUp)
	n.api, err = api.New(api.Options{
		Store: n.store, Keys: n.keys, Registry: n.ranges, Ranges: n.ranges, Now: chance.now,
		Limits: api.Limits(settings.Limits), Metrics: counts.Handler(),
		Observe: func(o api.Observed) { counts.Request(o.Door, o.Route, o.Issuer, o.Status, o.Took) },
		Log:     log.With().Str("actor", "api").Logger(), Wake: n.gateway.WakeNotices,
		TwoWay: twoWay(settings), Identify: settings.TLS.Known().Identify,
	})
	return err
}

// observing counts what the gateway answers.
func observing(m *metrics.Metrics) func(gateway.Observed) {
	return func(o gateway.Observed) {
		if o.Kind == vault.KindTap {
			m.Tap(string(o.Response), o.Took)
			return
		}
		m.Activation(o.Result, string(o.Response), o.Took)
	}
}

// networkKeys lists the keys that a network needs beside those of the account
// ranges.
func networkKeys() []keys.Wanted {
	return []keys.Wanted{
		{Usage: keys.Token, Version: tokenKeyVersion},
		{Usage: keys.PANSeal, Version: secretVersion},
		{Usage: keys.PANReference, Version: secretVersion},
	}
}

// openRanges opens the account ranges in force, with the keys of their codes.
func openRanges(store vault.Store, settings config.Gateway, tokens card.Range, held masters, now func() time.Time, log zerolog.Logger) (*ranges.Register, error) {
	registry, err := settings.Registry()
	if err != nil {
		return nil, err
	}
	var stated []ranges.Stated
	for _, r := range registry.All() {
		stated = append(stated, ranges.Stated{Range: r.Range, Issuer: r.Issuer, Policy: r.Schedule.At(now())})
	}
	o := ranges.Options{TokenRange: tokens, Log: log.With().Str("actor", "ranges").Logger()}
	for _, issuer := range settings.Issuers {
		o.Issuers = append(o.Issuers, issuer.Name)
	}
	o.Ensure = func(accountRange string, version, bytes int) error {
		if _, err := held.CodeMaster(accountRange, version); err != nil && settings.Mode == config.ModeProduction {
			return fmt.Errorf("%w: in production it is made on purpose, by `firsttap keys generate` or `import` with --usage dcvv2 --range %s --key-version %d", err, accountRange, version)
		}
		return held.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: accountRange, Version: version, Bytes: bytes})
	}
	return ranges.Open(context.Background(), store, now, stated, o)
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
	return sqlite.Open(filepath.Join(dir, storeFile), cipher)
}

func issuerStations(settings config.Gateway) []gateway.IssuerStation {
	var stations []gateway.IssuerStation
	for _, issuer := range settings.Issuers {
		stations = append(stations, gateway.IssuerStation{Station: stationOf(issuer.Name, issuer.Wire), Addr: issuer.Address})
	}
	return stations
}

func stationOf(name string, w config.Wire) gateway.Station {
	return gateway.Station{Name: name, Codec: w.Codec(), Framing: w.Frames(), Number: w.Station}
}

func (n *network) listen() error {
	for door, address := range map[string]string{
		doorWallets: n.settings.Doors.Wallets.Listen, doorMerchants: n.settings.Doors.Merchants.Listen,
		doorIssuers: n.settings.HTTP.Issuers, doorPhones: n.settings.HTTP.Phones, doorOperators: n.settings.HTTP.Operators,
	} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("the door for %s cannot listen: %w", door, err)
		}
		n.listeners[door] = l
	}
	return nil
}

// address is where a door listens, port filled in.
func (n *network) address(door string) string { return n.listeners[door].Addr().String() }

// run serves every door until ctx ends, then closes the store.
func (n *network) run(ctx context.Context) error {
	defer n.close()
	servers := map[string]http.Handler{
		doorIssuers: n.api.Issuers(), doorPhones: n.api.Phones(), doorOperators: n.api.Operators(),
	}
	failed := make(chan error, len(servers)+2)
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
		failed <- n.gateway.Run(ctx,
			gateway.Door{Station: stationOf(doorWallets, n.settings.Doors.Wallets.Wire), Listener: n.listeners[doorWallets]},
			gateway.Door{Station: stationOf(doorMerchants, n.settings.Doors.Merchants.Wire), Listener: n.listeners[doorMerchants]})
	}()
	var all []error
	for range cap(failed) {
		err := <-failed
		cancel()
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (n *network) serveHTTP(ctx context.Context, door string, handler http.Handler) error {
	server := api.NewHTTPServer(handler)
	server.ErrorLog = complaintsTo(n.log, door)
	listener := n.listeners[door]
	if protection := n.tls[door]; protection != nil {
		listener = tls.NewListener(listener, protection)
	}
	return serveUntil(ctx, server, listener)
}

// serveUntil serves until ctx ends and then lets requests under way finish;
// those that take longer than shutdownTimeout are cut off. When it returns,
// nothing asks the store any more.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener) error {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(l) // returns when the shutdown begins, not when it ends
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (n *network) close() {
	for _, l := range n.listeners {
		_ = l.Close()
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
