package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/internal/seed"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/clock"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/simulator/story"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/simulator/wiretap"
	"github.com/firsttap/firsttap/token"
)

// anyPort lets the system choose a loopback port.
const anyPort = "127.0.0.1:0"

// startTimeout is how long the gateway may take to reach the issuer, which is
// in the same process.
const startTimeout = 10 * time.Second

// world is every part of firsttap in one process, on loopback ports that the
// system chose.
type world struct {
	dir        string
	seed       uint64
	clock      *clock.Clock
	phoneClock *clock.View
	wire       *wiretap.Tap
	network    *network.Network
	issuer     *issuerActor
	log        zerolog.Logger
	story      story.World
	wires      wires

	cancel  context.CancelFunc
	running sync.WaitGroup
	failed  error
	phones  int
	phone   *phone.Phone // the first
}

// worldOptions say what a world hangs on.
type worldOptions struct {
	dir       string
	seed      uint64
	fixedKeys bool // draw missing keys from the seed too, so that a run can be had again
	start     time.Time
	holder    string
	amount    uint64
	log       zerolog.Logger
	raw       func(body []byte) // see wiretap.Tap
	wires     wires
	setup     story.Setup
}

// wires tells of a door, or of lineIssuer, how messages are written and framed
// there. What is not told of is as by default.
type wires map[network.Door]config.Wire

// lineIssuer is the line between the gateway and the issuer.
const lineIssuer network.Door = "issuer"

func (w wires) set(door network.Door, wire *config.Wire) {
	if told, ok := w[door]; ok {
		wire.Spec, wire.Framing = told.Spec, told.Framing
	}
}

// openWorld starts every part and waits until the gateway has reached the
// issuer.
func openWorld(ctx context.Context, o worldOptions) (*world, error) {
	w := &world{dir: o.dir, seed: o.seed, clock: clock.New(o.start), wire: &wiretap.Tap{Raw: o.raw}, log: o.log, wires: o.wires}
	issuerClock := w.clock.View()
	w.phoneClock = w.clock.View()
	issuerSettings := config.DefaultIssuerPart()
	issuerSettings.Host, issuerSettings.Site, issuerSettings.Approve = anyPort, anyPort, config.ApproveOffice
	o.wires.set(lineIssuer, &issuerSettings.Wire)
	var err error
	if w.issuer, err = openIssuer(issuerSettings, issuerClock.Now, seed.Stream(o.seed, "issuer"), w.wire, o.log); err != nil {
		return nil, err
	}
	chance := network.Chance{Now: w.clock.Now, Random: seed.Stream(o.seed, "gateway"), Keys: rand.Reader}
	if o.fixedKeys {
		chance.Keys = seed.Stream(o.seed, "keys")
	}
	settings := anyPorts(w.issuer.hostAt.Addr().String())
	arrange(&settings, o.setup)
	for i := range settings.Stations {
		o.wires.set(network.Door(settings.Stations[i].Name), &settings.Stations[i].Wire)
	}
	o.wires.set(lineIssuer, &settings.Issuers[0].Wire)
	w.network, err = network.Open(ctx, network.Options{
		Settings: settings, Dir: o.dir, Version: knownVersion(), Chance: chance, Log: o.log,
	})
	if err != nil {
		return nil, err
	}
	if err := w.meet(issuerClock, o); err != nil {
		w.issuer.close()
		w.network.Close()
		return nil, err
	}
	w.start(ctx)
	waiting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := w.network.WaitIssuers(waiting); err != nil {
		return nil, errors.Join(fmt.Errorf("starting: %w", err), w.close())
	}
	return w, nil
}

// meet gives those who call the network's doors their certificates.
func (w *world) meet(issuerClock *clock.View, o worldOptions) error {
	if err := w.issuer.reach(w.network.URL(network.Issuers), w.certificates(), w.wire); err != nil {
		return err
	}
	operator, err := calling(w.certificates(), network.OperatorDefault)
	if err != nil {
		return err
	}
	w.story = w.actors(issuerClock, o)
	w.story.Operator.HTTP = &http.Client{Transport: operator}
	return nil
}

// certificates is the folder of the network's certificates.
func (w *world) certificates() string { return w.network.Certificates() }

// arrange changes what a case needs of the network's settings.
func arrange(settings *config.Gateway, s story.Setup) {
	settings.Issuers[0].StandIn = config.StandIn{
		Activations: cmp.Or(string(s.StandIn.Activations), config.StandInDecline),
		Taps:        cmp.Or(string(s.StandIn.Taps), config.StandInDecline), TapAmountMax: int(s.StandIn.TapAmountMax),
	}
	for i := range settings.Stations {
		settings.Stations[i].SignOn = settings.Stations[i].SignOn || s.SignOn
	}
	settings.CryptogramVersion = cmp.Or(s.CryptogramVersion, settings.CryptogramVersion)
	settings.IssuerTimeoutSeconds = cmp.Or(int(s.IssuerTimeout/time.Second), settings.IssuerTimeoutSeconds)
}

func anyPorts(issuerHost string) config.Gateway {
	g := config.DefaultGateway()
	for i := range g.Stations {
		g.Stations[i].Listen = anyPort
	}
	g.HTTP.Issuers, g.HTTP.Phones, g.HTTP.Operators = anyPort, anyPort, anyPort
	g.TLS.Operators = config.TwoWay
	g.Issuers[0].Address = issuerHost
	return g
}

func (w *world) start(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	var mu sync.Mutex
	for _, run := range []func(context.Context) error{w.network.Run, w.issuer.run} {
		w.running.Go(func() {
			err := run(ctx)
			mu.Lock()
			defer mu.Unlock()
			w.failed = errors.Join(w.failed, err)
		})
	}
}

// close ends every part and gives what went wrong in them.
func (w *world) close() error {
	w.cancel()
	w.running.Wait()
	return w.failed
}

func (w *world) actors(issuerClock *clock.View, o worldOptions) story.World {
	return story.World{
		Clock: w.clock, IssuerClock: issuerClock, Wire: w.wire, SiteURL: w.issuer.siteURL(),
		Person:     site.Cardholder{HTTP: w.browser("person")},
		Office:     site.Cardholder{HTTP: w.browser("office")},
		Host:       w.issuer.host,
		Codes:      w.issuer.codes,
		Operator:   client.Operator{BaseURL: w.network.URL(network.Operators)},
		PhoneClock: w.phoneClock,
		StopIssuer: func() { _ = w.issuer.down() }, StartIssuer: w.issuerBack,
		OpenWallet: w.openWallet, OpenMerchant: w.openMerchant,
		Holder: o.holder, Amount: o.amount,
	}
}

// issuerBack opens the issuer's host again and waits until the gateway has
// reached it.
func (w *world) issuerBack() error {
	if err := w.issuer.up(); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return w.network.WaitIssuers(waiting)
}

func (w *world) browser(who string) *http.Client {
	return &http.Client{Transport: w.wire.HTTP(who, nil), Timeout: pageTimeout}
}

func (w *world) openWallet(ctx context.Context, kind token.Type) (*wallet.Wallet, error) {
	w.phones++
	random := seed.Stream(w.seed, fmt.Sprintf("phone %d", w.phones))
	held, err := phone.New(random, phone.Clock(w.phoneClock.Now))
	if err != nil {
		return nil, err
	}
	if w.phone == nil {
		w.phone = held
	}
	settings := config.DefaultWalletPart()
	settings.Gateway = w.network.Address(network.Wallets)
	w.wires.set(network.Wallets, &settings.Wire)
	settings.Channel = "https://" + w.network.Address(network.Phones)
	settings.Certificate = filepath.Join(w.certificates(), certs.AuthorityFile)
	return openWallet(ctx, settings, held, walletLinks{
		name: fmt.Sprintf("WALLET%02d", w.phones), now: w.clock.Now, random: random, wire: w.wire, log: w.log, kind: kind,
	})
}

func (w *world) openMerchant(ctx context.Context, change func(*merchant.Options)) (*merchant.Merchant, error) {
	settings := config.DefaultMerchantPart()
	settings.Gateway = w.network.Address(network.Merchants)
	w.wires.set(network.Merchants, &settings.Wire)
	o, err := merchantOptions(settings, w.clock.Now, seed.Stream(w.seed, "merchant"), w.wire, w.log)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&o)
	}
	return merchant.Open(ctx, o)
}

// walletLinks is what a wallet is connected with beside its settings.
type walletLinks struct {
	name string // of its terminal id, 8 characters
	now  func() time.Time
	kind token.Type // of the tokens it asks for

	random io.Reader
	wire   *wiretap.Tap // optional
	log    zerolog.Logger
}

// walletAcquirer is field 32 of what the simulated wallet sends.
const walletAcquirer = "400552"

func openWallet(ctx context.Context, settings config.WalletPart, held *phone.Phone, l walletLinks) (*wallet.Wallet, error) {
	channel, err := trusting(settings.Certificate)
	if err != nil {
		return nil, err
	}
	secured, err := callerTLS(settings.Caller, certs.Requestor)
	if err != nil {
		return nil, err
	}
	o := wallet.Options{
		Station: station.Options{
			Name: "wallet", Addr: settings.Gateway, TLS: secured, Number: settings.Station, Codec: settings.Codec(), Framing: settings.Frames(),
			Acquirer: walletAcquirer, Terminal: l.name, Acceptor: "TOKENREQUESTOR1",
			Now: l.now, Random: l.random, Log: l.log.With().Str("actor", "wallet").Logger(),
		},
		ChannelURL: settings.Channel, HTTP: channel, Requestor: settings.Requestor, Phone: held, Type: l.kind,
		Device: token.Device{Type: "01", Language: "en", PhoneLast4: "0100", Name: "ADAS PHONE"},
	}
	if l.kind == token.CardOnFile { // is the merchant's own, who alone may use it
		o.Station.Acceptor = config.DefaultMerchantPart().Acceptor
	}
	if l.wire != nil {
		o.Station.Trace = l.wire.ISO("wallet", settings.Codec())
		o.HTTP.Transport = l.wire.HTTP("phone", channel.Transport)
	}
	return wallet.Open(ctx, o)
}

func merchantOptions(settings config.MerchantPart, now func() time.Time, random io.Reader, wire *wiretap.Tap, log zerolog.Logger) (merchant.Options, error) {
	secured, err := callerTLS(settings.Caller, certs.Merchant)
	if err != nil {
		return merchant.Options{}, err
	}
	o := merchant.Options{
		Station: station.Options{
			Name: "merchant", Addr: settings.Gateway, TLS: secured, Number: settings.Station, Codec: settings.Codec(), Framing: settings.Frames(),
			Acquirer: settings.Acquirer, Terminal: settings.Terminal, Acceptor: settings.Acceptor,
			Now: now, Random: random, Log: log.With().Str("actor", "merchant").Logger(),
		},
		Name: messages.NameAndPlace(settings.Name, settings.City, settings.Letters), Category: settings.Category, Country: settings.Country, Currency: settings.Currency,
	}
	if wire != nil {
		o.Station.Trace = wire.ISO("merchant", settings.Codec())
	}
	return o, nil
}
