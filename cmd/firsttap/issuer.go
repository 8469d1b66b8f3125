package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/wiretap"
	"github.com/firsttap/firsttap/specs"
)

func issuerCommand() *cobra.Command {
	var f partFlags
	c := &cobra.Command{
		Use:   "issuer",
		Short: "Play the issuer: a web site for applicants and a host for the gateway",
		Long: `issuer plays a bank. Its web site takes applications, issues cards (test numbers)
and shows each cardholder number, expiry date and current dynamic CVV2, which it
gets from the gateway's API, and the tokens of the card, with what to do for one
that waits: the passcode, the app's button or whom to call. Its office has all
cards and tokens, with buttons for each step in a token's life, which its host
asks of the gateway over the connections that the gateway opened or that it
dialled itself. Its host answers the gateway over ISO 8583 and decides about
activations as its settings say (decides, method). Cards are kept in memory.`,
		Example: `  firsttap issuer
  firsttap issuer --config examples/issuer.yaml`,
	}
	part(c, &f, config.LoadIssuer, func(c *cobra.Command, settings config.IssuerPart, log zerolog.Logger) error {
		b, err := openIssuer(settings, time.Now, rand.Reader, nil, log)
		if err != nil {
			return err
		}
		if err := b.reach(settings.API, certificatesAt(settings.Certificates), nil); err != nil {
			b.close()
			return err
		}
		err = f.say(c.OutOrStdout(), "issuer is up",
			fact{"site", b.siteURL()}, fact{"office", b.siteURL() + "/office"},
			fact{"host", b.hostAddress() + "  " + settings.Spec + ", " + settings.Framing})
		if err != nil {
			return err
		}
		b.host.SignedOn = func() { _ = f.say(c.OutOrStdout(), b.signedOn()) }
		return b.run(c.Context())
	})
	return c
}

// Limits of the issuer's web site, beside those it shares with the API's doors.
const (
	// siteWriteTimeout lets an approval finish, which asks the network for
	// enrolment and for codes, each for CodesTimeout at most.
	siteWriteTimeout = 2*site.CodesTimeout + api.ReadTimeout
	// pageTimeout is how long a person waits for a page: for an approval too.
	pageTimeout = siteWriteTimeout
)

// issuerActor is the simulated issuer, put together: its host and its web site.
type issuerActor struct {
	settings config.IssuerPart
	host     *issuer.Host
	codes    issuer.Codes
	site     *site.Site
	log      zerolog.Logger
	hostAt   net.Listener // nil: the host dials the gateway
	siteAt   net.Listener
	trace    func(sent bool, body []byte)
	pool     *link.Pool // connections with the gateway, which the host asks on

	hosting  sync.Mutex      // guards what follows
	running  context.Context // of run
	stopHost func()          // ends the host and waits for it
	hostFate chan error      // of the host that runs
}

// openIssuer listens; reach must be called before run.
func openIssuer(settings config.IssuerPart, now func() time.Time, random io.Reader, wire *wiretap.Tap, log zerolog.Logger) (*issuerActor, error) {
	log = log.With().Str("actor", "issuer").Logger()
	accounts, err := card.ParseRange(settings.Range)
	if err != nil {
		return nil, err
	}
	persona, err := issuer.ParsePersona(settings.Decides, settings.Method)
	if err != nil {
		return nil, err
	}
	a := &issuerActor{settings: settings, log: log}
	if wire != nil {
		a.trace = wire.ISO("issuer", settings.Codec())
	}
	book := ledger.NewBook()
	a.host = &issuer.Host{Book: book, Random: random, Log: log, Now: now, Institution: fmt.Sprint(settings.Station)}
	a.host.Follow(persona)
	if err := a.connect(); err != nil {
		return nil, err
	}
	a.site, err = site.New(site.Options{
		Name: settings.Title, Range: accounts, Codes: &a.codes, Book: book, Desk: a.host,
		Now: now, Random: random, Log: log, AutoApprove: settings.Approve == config.ApproveAuto,
	})
	if err != nil {
		return nil, err
	}
	if settings.Dial == "" {
		if a.hostAt, err = net.Listen("tcp", settings.Host); err != nil {
			return nil, fmt.Errorf("the issuer's host cannot listen: %w", err)
		}
	}
	if a.siteAt, err = net.Listen("tcp", settings.Site); err != nil {
		a.closeHost()
		return nil, fmt.Errorf("the issuer's site cannot listen: %w", err)
	}
	return a, nil
}

// connect makes the pool that the host asks on: of the lines that it dials, or of
// the connections on which the gateway signs on.
func (a *issuerActor) connect() error {
	var lines []*link.Line
	if a.settings.Dial != "" {
		secured, err := dialTLS(a.settings.TLS, a.settings.Certificates, certs.Identity{Role: certs.Issuer, Name: a.settings.Name})
		if err != nil {
			return err
		}
		for range a.settings.Connections {
			lines = append(lines, &link.Line{Addr: a.settings.Dial, TLS: secured, Options: a.wire(), Up: a.host.SignOn})
		}
	}
	a.pool = link.NewPool(a.settings.Name, true, lines...)
	a.host.Ask = a.pool.Ask
	return nil
}

// wire is how the host speaks on every connection.
func (a *issuerActor) wire() link.Options {
	return link.Options{
		Name: "issuer host", Codec: a.settings.Codec(), Framing: a.settings.Frames(),
		Key: messages.Key, KeyFields: messages.KeyFields(), Handle: a.host.Handle, Log: a.log, Trace: a.trace,
		Header: specs.Header{Destination: gatewayNumber, Source: a.settings.Station},
	}
}

// reach says where the gateway's API is, and which folder has the issuer's
// certificate for it if it has TLS.
func (a *issuerActor) reach(api, certificates string, wire *wiretap.Tap) error {
	transport := http.DefaultTransport
	if strings.HasPrefix(api, "https:") {
		own, err := calling(certificates, certs.Identity{Role: certs.Issuer, Name: a.settings.Name})
		if err != nil {
			return err
		}
		transport = own
	}
	if wire != nil {
		transport = wire.HTTP("issuer", transport)
	}
	a.codes.Client = client.Issuer{BaseURL: api, ClientID: a.settings.Name, HTTP: &http.Client{Transport: transport}}
	return nil
}

func (a *issuerActor) closeHost() {
	if a.hostAt != nil {
		_ = a.hostAt.Close()
	}
}

// signedOn says who has signed on where.
func (a *issuerActor) signedOn() string {
	if a.hostAt == nil {
		return "signed on at the gateway"
	}
	return "the gateway has signed on"
}

// hostAddress is where the host is met, or whom it dials.
func (a *issuerActor) hostAddress() string {
	if a.hostAt == nil {
		return "dials " + a.settings.Dial
	}
	return a.hostAt.Addr().String()
}

func (a *issuerActor) close() {
	a.closeHost()
	_ = a.siteAt.Close()
}

// run serves host and site until ctx ends.
func (a *issuerActor) run(ctx context.Context) error {
	a.hosting.Lock()
	a.running = ctx
	a.start()
	a.hosting.Unlock()
	var failed [2]error
	var running sync.WaitGroup
	running.Go(func() {
		<-ctx.Done()
		failed[0] = a.down()
	})
	running.Go(func() {
		server := &http.Server{
			Handler:           a.site.Handler(),
			ReadHeaderTimeout: api.HeaderTimeout, ReadTimeout: api.ReadTimeout,
			WriteTimeout: siteWriteTimeout, IdleTimeout: api.IdleTimeout,
		}
		failed[1] = network.ServeHTTP(ctx, server, a.siteAt, "site", a.log)
	})
	running.Wait()
	return errors.Join(failed[:]...)
}

// start lets the host serve until down. The lock is held.
func (a *issuerActor) start() {
	ctx, stop := context.WithCancel(a.running)
	fate := make(chan error, 1)
	a.stopHost, a.hostFate = stop, fate
	go func() { fate <- a.runHost(ctx) }()
}

// down closes the host and ends its connections. It gives what went wrong in it.
func (a *issuerActor) down() error {
	a.hosting.Lock()
	defer a.hosting.Unlock()
	if a.stopHost == nil {
		return nil
	}
	a.stopHost()
	a.stopHost = nil
	return <-a.hostFate
}

// up opens a host again that was down, at its old address.
func (a *issuerActor) up() error {
	a.hosting.Lock()
	defer a.hosting.Unlock()
	if a.hostAt != nil {
		l, err := net.Listen("tcp", a.hostAt.Addr().String())
		if err != nil {
			return fmt.Errorf("the issuer's host cannot listen again: %w", err)
		}
		a.hostAt = l
	}
	a.start()
	return nil
}

// runHost answers the gateway, which dials, or is dialled.
func (a *issuerActor) runHost(ctx context.Context) error {
	if a.hostAt == nil {
		a.pool.Run(ctx)
		return nil
	}
	o := a.wire()
	o.Pool = a.pool
	var err error
	if o.TLS, o.Admit, err = hostTLS(a.settings); err != nil {
		return err
	}
	return link.Serve(ctx, a.hostAt, o)
}

// gatewayNumber is the network's station number in headers (ours).
const gatewayNumber = 400000

func (a *issuerActor) siteURL() string { return "http://" + a.siteAt.Addr().String() }
