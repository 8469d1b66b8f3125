package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

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
)

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
	hostAt   net.Listener
	siteAt   net.Listener
	trace    func(sent bool, body []byte)
	stopHost context.CancelFunc
}

// openIssuer listens; reach must be called before run.
func openIssuer(settings config.IssuerPart, now func() time.Time, random io.Reader, wire *wiretap.Tap, log zerolog.Logger) (*issuerActor, error) {
	log = log.With().Str("actor", "issuer").Logger()
	accounts, err := card.ParseRange(settings.Range)
	if err != nil {
		return nil, err
	}
	a := &issuerActor{settings: settings, log: log}
	if wire != nil {
		a.trace = wire.ISO("issuer", settings.Codec())
	}
	book := ledger.NewBook()
	a.host = &issuer.Host{Book: book, Random: random, Log: log}
	a.site, err = site.New(site.Options{
		Name: settings.Title, Range: accounts, Codes: &a.codes, Book: book,
		Now: now, Random: random, Log: log, AutoApprove: settings.Approve == config.ApproveAuto,
	})
	if err != nil {
		return nil, err
	}
	if a.hostAt, err = net.Listen("tcp", settings.Host); err != nil {
		return nil, fmt.Errorf("the issuer's host cannot listen: %w", err)
	}
	if a.siteAt, err = net.Listen("tcp", settings.Site); err != nil {
		_ = a.hostAt.Close()
		return nil, fmt.Errorf("the issuer's site cannot listen: %w", err)
	}
	return a, nil
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

func (a *issuerActor) close() {
	_ = a.hostAt.Close()
	_ = a.siteAt.Close()
}

// run serves host and site until ctx ends.
func (a *issuerActor) run(ctx context.Context) error {
	hosting, stop := context.WithCancel(ctx)
	a.stopHost = stop
	defer stop()
	var failed [2]error
	var running sync.WaitGroup
	running.Go(func() {
		failed[0] = link.Serve(hosting, a.hostAt, link.Options{
			Name: "issuer host", Codec: a.settings.Codec(), Framing: a.settings.Frames(), Key: messages.Key,
			Handle: a.host.Handle, Log: a.log, Trace: a.trace,
		})
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

func (a *issuerActor) siteURL() string { return "http://" + a.siteAt.Addr().String() }
