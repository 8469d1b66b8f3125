package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/simulator/load"
)

// loadParts is who plays in a load, by their settings.
type loadParts struct {
	wallet   config.WalletPart
	merchant config.MerchantPart
	issuer   config.IssuerPart
}

// targetOptions are those of a load on a gateway that runs elsewhere.
func (f loadFlags) targetOptions(ctx context.Context, log zerolog.Logger) (load.Options, func() error, error) {
	nothing := func() error { return nil }
	parts, err := f.parts()
	if err != nil {
		return load.Options{}, nothing, err
	}
	if err := parts.nearby(f); err != nil {
		return load.Options{}, nothing, err
	}
	options, err := f.around(parts)
	if err != nil || f.issuer == "" {
		return options, nothing, err
	}
	running := background(ctx)
	if err := f.host(ctx, parts.issuer, running, log); err != nil {
		return load.Options{}, nothing, errors.Join(err, running.stop())
	}
	return options, running.stop, nil
}

// host listens at --issuer and waits until the gateway has connected.
func (f loadFlags) host(ctx context.Context, settings config.IssuerPart, running *backgrounds, log zerolog.Logger) error {
	secured, admit, err := hostTLS(settings)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", f.issuer)
	if err != nil {
		return fmt.Errorf("the issuer's host cannot listen: %w", err)
	}
	host := load.NewIssuer(settings.Codec(), settings.Frames(), settings.Station, log)
	host.Options.TLS, host.Options.Admit = secured, admit
	met := link.NewPool(settings.Name, false)
	host.Options.Pool = met
	running.run(func(ctx context.Context) error { return host.Serve(ctx, l) })
	waiting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := met.WaitUp(waiting); err != nil {
		return fmt.Errorf("no gateway connected to the issuer's host at %s: do its settings name this address? %w", l.Addr(), err)
	}
	return nil
}

// parts reads the settings.
func (f loadFlags) parts() (p loadParts, err error) {
	if p.wallet, err = config.LoadWallet(f.settings.wallet); err != nil {
		return p, badSettings(f.settings.wallet, err)
	}
	if p.merchant, err = config.LoadMerchant(f.settings.merchant); err != nil {
		return p, badSettings(f.settings.merchant, err)
	}
	if p.issuer, err = config.LoadIssuer(f.settings.issuer); err != nil {
		return p, badSettings(f.settings.issuer, err)
	}
	p.wallet.Gateway = cmp.Or(f.target, p.wallet.Gateway)
	p.merchant.Gateway = cmp.Or(f.merchant, f.target, p.merchant.Gateway)
	p.wallet.Certificate = cmp.Or(p.wallet.Certificate, filepath.Join(config.DataDir("gateway"), config.CertificatesFolder, certs.AuthorityFile))
	return p, nil
}

// nearby refuses a load on another machine that was not asked for in so many
// words.
func (p loadParts) nearby(f loadFlags) error {
	for _, door := range []struct{ what, addr string }{
		{"the target", p.wallet.Gateway},
		{"the door for merchants", p.merchant.Gateway},
		{"the issuers' API", hostOf(p.issuer.API)},
		{"the phones' door", hostOf(p.wallet.Channel)},
		{"the issuer's host", cmp.Or(f.issuer, anyPort)},
	} {
		if !f.anywhere && !onThisMachine(door.addr) {
			return usage("%s, %s, is not on this machine: a load there can hurt others; say --anywhere if you may", door.what, door.addr)
		}
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// onThisMachine reports whether host:port is a loopback address by its looks.
func onThisMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// around is a load's options around the settings of the parts.
func (f loadFlags) around(p loadParts) (load.Options, error) {
	wallets, err := callerTLS(p.wallet.Caller, certs.Requestor)
	if err != nil {
		return load.Options{}, err
	}
	merchants, err := callerTLS(p.merchant.Caller, certs.Merchant)
	if err != nil {
		return load.Options{}, err
	}
	o := load.Options{
		Plan: f.Plan, OwnIssuer: f.self || f.issuer != "", DeclinesOK: f.declines, Random: rand.Reader,
		Wallet: load.Station{
			Addr: p.wallet.Gateway, TLS: wallets, Number: p.wallet.Station, Codec: p.wallet.Codec(), Framing: p.wallet.Frames(),
			Acquirer: walletAcquirer, Acceptor: "TOKENREQUESTOR1",
		},
		Merchant: load.Station{
			Addr: p.merchant.Gateway, TLS: merchants, Number: p.merchant.Station, Codec: p.merchant.Codec(), Framing: p.merchant.Frames(),
			Acquirer: p.merchant.Acquirer, Acceptor: p.merchant.Acceptor,
		},
	}
	if f.echoesAlone() {
		return o, nil
	}
	o.Supply, err = f.supply(p)
	return o, err
}

// echoesAlone reports that no account, and so none of the HTTP doors, is needed.
func (f loadFlags) echoesAlone() bool { return len(f.Mix) == 1 && f.Mix.Has(load.Echo) }

func (f loadFlags) supply(p loadParts) (load.Supply, error) {
	accounts, err := card.ParseRange(p.issuer.Range)
	if err != nil {
		return load.Supply{}, err
	}
	issuing, err := calling(certificatesAt(p.issuer.Certificates), certs.Identity{Role: certs.Issuer, Name: p.issuer.Name})
	if err != nil {
		return load.Supply{}, err
	}
	phones, err := trusting(p.wallet.Certificate)
	if err != nil {
		return load.Supply{}, err
	}
	return load.Supply{
		Issuer: client.Issuer{BaseURL: p.issuer.API, ClientID: p.issuer.Name, HTTP: &http.Client{Transport: issuing}},
		Range:  accounts, Phones: p.wallet.Channel, HTTP: phones, Requestor: p.wallet.Requestor,
		Accounts: f.accounts, Tokens: f.tokens, ReuseCodes: f.reuse || f.self,
	}, nil
}

// selfLimits are those of the HTTP doors of a gateway that is there for the load
// alone (ours): its preparation must not wait.
var selfLimits = config.Limits{RequestsPerSecond: 100_000, Burst: 100_000, InFlight: 1000}

// selfTokens has room for the tokens of a long load: a thousand million numbers.
const selfTokens = "489537"

// selfOptions are those of a load on a gateway of its own.
func (f loadFlags) selfOptions(ctx context.Context, log zerolog.Logger) (load.Options, func() error, error) {
	fail := func(err error) (load.Options, func() error, error) {
		return load.Options{}, func() error { return nil }, err
	}
	dir, err := os.MkdirTemp("", "firsttap-load-")
	if err != nil {
		return fail(err)
	}
	running := background(ctx)
	stop := func() error { return errors.Join(running.stop(), os.RemoveAll(dir)) }
	n, err := f.selfNetwork(ctx, dir, running, log)
	if err != nil {
		return fail(errors.Join(err, stop()))
	}
	parts := loadParts{wallet: config.DefaultWalletPart(), merchant: config.DefaultMerchantPart(), issuer: config.DefaultIssuerPart()}
	parts.wallet.Gateway, parts.merchant.Gateway = n.Address(network.Wallets), n.Address(network.Merchants)
	parts.wallet.Channel, parts.wallet.Certificate = n.URL(network.Phones), filepath.Join(n.Certificates(), certs.AuthorityFile)
	parts.issuer.API, parts.issuer.Certificates = n.URL(network.Issuers), n.Certificates()
	options, err := f.around(parts)
	if err != nil {
		return fail(errors.Join(err, stop()))
	}
	return options, stop, nil
}

// selfNetwork starts a gateway with its issuer and waits until they have met.
func (f loadFlags) selfNetwork(ctx context.Context, dir string, running *backgrounds, log zerolog.Logger) (*network.Network, error) {
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		return nil, fmt.Errorf("the issuer's host cannot listen: %w", err)
	}
	own := config.DefaultIssuerPart()
	running.run(func(ctx context.Context) error {
		return load.NewIssuer(own.Codec(), own.Frames(), own.Station, log).Serve(ctx, l)
	})
	settings := anyPorts(l.Addr().String())
	settings.Limits = selfLimits
	for i := range settings.Stations {
		settings.Stations[i].Limits.InFlight = f.InFlight
	}
	settings.Issuers[0].Ranges[0].OncePerWindow = false
	settings.TokenRange = selfTokens
	n, err := network.Open(ctx, network.Options{
		Settings: settings, Dir: dir, Version: knownVersion(), Log: log,
		Chance: network.Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
	if err != nil {
		return nil, err
	}
	running.run(n.Run)
	waiting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := n.WaitIssuers(waiting); err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	return n, nil
}

// backgrounds are what runs beside a load, until stop.
type backgrounds struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

// background makes one that outlives ctx: what is loaded is taken away after
// the load.
func background(ctx context.Context) *backgrounds {
	b := &backgrounds{}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

func (b *backgrounds) run(do func(context.Context) error) {
	b.running.Go(func() {
		err := do(b.ctx)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failed = errors.Join(b.failed, err)
	})
}

func (b *backgrounds) stop() error {
	b.cancel()
	b.running.Wait()
	return b.failed
}
