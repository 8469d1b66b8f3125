// Package gateway is the network's ISO 8583 side: doors for wallets and
// merchants, lines to issuers, and the path of each message between them.
//
// A message goes straight down: decode, read the facts, let the core decide,
// claim durably, ask the issuer, let the core conclude, record durably, answer
// (activate.go and tap.go read like that). The package decides nothing itself
// and holds no state that must survive: that is the vault's. Start at New.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/vault"
)

// Defaults and limits. All are ours.
const (
	IssuerTimeoutDefault = 10 * time.Second
	concludeTimeout      = 10 * time.Second // of the store, after the issuer has answered
	mintTries            = 5                // token numbers drawn before giving up
	leftMax              = 1024             // requests claimed that the store would not conclude
	leftLook             = time.Second      // between tries to conclude them
)

// Keys gives the master keys that the gateway works with.
type Keys interface {
	screening.Keys
	// TokenMaster gives the key that token card keys derive from.
	TokenMaster(version int) (emv.Key, error)
}

// Options say what a gateway works with. All are required but IssuerTimeout,
// RequestorFailuresPerHourMax, Alarm and Observe.
type Options struct {
	Store           vault.Store
	Keys            Keys
	Registry        dcvv2.Ranges
	Issuers         []IssuerStation
	TokenRange      card.Range // that token numbers are drawn from
	TokenKeyVersion int        // of new tokens
	Institution     string     // field 32 of what the gateway itself sends, up to 11 digits
	IssuerTimeout   time.Duration
	Now             func() time.Time
	Random          io.Reader
	Log             zerolog.Logger

	RequestorFailuresPerHourMax int                // see screening.Screener; 0 is without end
	Alarm                       func(scope string) // see screening.Screener
	Observe                     func(Observed)     // hears of every request that was answered
}

// Station is a peer's place on the wire.
type Station struct {
	Name    string
	Codec   *specs.Codec
	Framing specs.Framing
	Number  uint32 // six digits, the station in the header
}

// IssuerStation is an issuer's host, which the gateway dials.
type IssuerStation struct {
	Station
	Addr string // host:port
}

// Door is a station that dials in, and where it finds the gateway.
type Door struct {
	Station
	Listener net.Listener
}

// GatewayNumber is the gateway's own station number in headers (ours).
const GatewayNumber = 400000

// Gateway is the network. Make one with New and run it with Run.
type Gateway struct {
	Options
	screener screening.Screener
	issuers  map[string]*link.Line
	notices  *notifier
	left     chan vault.Conclusion // see leave
	stan     atomic.Uint32
}

// New checks the options and prepares a gateway.
func New(o Options) (*Gateway, error) {
	if o.Store == nil || o.Keys == nil || o.Registry == nil || o.Now == nil || o.Random == nil || o.TokenRange.IsZero() {
		return nil, errors.New("gateway: Store, Keys, Registry, TokenRange, Now and Random are required")
	}
	if o.IssuerTimeout == 0 {
		o.IssuerTimeout = IssuerTimeoutDefault
	}
	g := &Gateway{
		Options: o,
		screener: screening.Screener{
			Store: o.Store, Keys: o.Keys, Ranges: o.Registry, Random: o.Random, Log: o.Log,
			RequestorFailuresPerHourMax: o.RequestorFailuresPerHourMax, Alarm: o.Alarm,
		},
		issuers: make(map[string]*link.Line), left: make(chan vault.Conclusion, leftMax),
	}
	for _, issuer := range o.Issuers {
		g.issuers[issuer.Name] = g.line(issuer)
	}
	for _, r := range o.Registry.All() {
		if g.issuers[r.Issuer] == nil {
			return nil, fmt.Errorf("gateway: range %s belongs to issuer %q, which has no station", r.Range, r.Issuer)
		}
	}
	g.notices = &notifier{gateway: g, wake: make(chan struct{}, 1)}
	return g, nil
}

// Run resolves what the last run left behind, then serves the doors, keeps the
// issuers' lines and sends notices until ctx ends, which is no error.
func (g *Gateway) Run(ctx context.Context, doors ...Door) error {
	switch err := g.resolve(ctx); {
	case ctx.Err() != nil:
		return nil // what is left is resolved at the next start
	case err != nil:
		return fmt.Errorf("resolving transactions of the last run: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	for _, line := range g.issuers {
		running.Go(func() { line.Run(ctx) })
	}
	running.Go(func() { g.notices.run(ctx) })
	running.Go(func() { g.concludeLeft(ctx) })
	for _, d := range doors {
		running.Go(func() {
			if err := link.Serve(ctx, d.Listener, g.linkOptions(d.Station, g.handler(d.Name, g.serve))); err != nil {
				g.Log.Error().Err(err).Str("station", d.Name).Msg("door closed")
			}
		})
	}
	running.Wait()
	return nil
}

// WaitIssuers waits until every issuer's line is up.
func (g *Gateway) WaitIssuers(ctx context.Context) error {
	for _, line := range g.issuers {
		if err := line.WaitUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WakeNotices sends queued notices now rather than at the next look.
func (g *Gateway) WakeNotices() { g.notices.nudge() }

func (g *Gateway) linkOptions(s Station, handle link.Handler) link.Options {
	return link.Options{
		Name: s.Name, Codec: s.Codec, Framing: s.Framing, Key: messages.Key, Log: g.Log,
		Header: specs.Header{Destination: s.Number, Source: GatewayNumber},
		Handle: handle,
	}
}

// nextSTAN gives the gateway's own trace numbers, 000001 to 999999 and round.
func (g *Gateway) nextSTAN() string {
	return fmt.Sprintf("%06d", g.stan.Add(1)%999999+1)
}
