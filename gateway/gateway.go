// Package gateway is the network's ISO 8583 side: the path of each message
// between stations that dial in and issuers. Who is connected how is
// gateway/stations' to know.
//
// A message goes straight down: decode, read the facts, let the core decide,
// claim durably, ask the issuer, let the core conclude, record durably, answer
// (activate.go and tap.go read like that). The package decides nothing itself
// and holds no state that must survive: that is the vault's. Start at New.
package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Defaults and limits. All are ours.
const (
	IssuerTimeoutDefault = 10 * time.Second
	concludeTimeout      = 10 * time.Second // of the store, after the issuer has answered
	mintTries            = 5                // token numbers drawn before giving up
	leftMax              = 1024             // requests claimed that the store would not conclude
	leftLook             = time.Second      // between tries to conclude them
	drainSpare           = 5 * time.Second  // of an orderly end, beside the longest wait for an issuer: to screen, conclude and write
)

// Keys gives the master keys that the gateway works with.
type Keys interface {
	screening.Keys
	// TokenMaster gives the key that token card keys derive from.
	TokenMaster(version int) (emv.Key, error)
}

// Options say what a gateway works with. All are required but IssuerTimeout,
// RequestorFailuresPerHourMax, Alarm, Observe, Asked, Trouble, Admit, Listen and Times.
type Options struct {
	Store           vault.Store
	Keys            Keys
	Registry        dcvv2.Ranges
	Stations        []stations.Settings // who dials in, and who is dialled; see SetStations
	TokenRange      card.Range          // that token numbers are drawn from
	TokenKeyVersion int                 // of new tokens
	Institution     string              // field 32 of what the gateway itself sends, up to 11 digits
	IssuerTimeout   time.Duration
	Passcodes       token.PasscodeKey // computes the passcodes of tokens that wait for a step-up
	// CryptogramVersion is that of new tokens in secure elements; 18 when 0.
	CryptogramVersion emv.Version

	Now    func() time.Time
	Random io.Reader
	Log    zerolog.Logger

	RequestorFailuresPerHourMax int                // see screening.Screener; 0 is without end
	Alarm                       func(scope string) // see screening.Screener
	Observe                     func(Observed)     // hears of every message of a station
	Asked                       func(Asked)        // hears of every question to an issuer
	// Trouble hears of what a station did that is no request: an answer that
	// nobody waits for or can read ("answer " and why, see link.Unmatched), or why its
	// connection was closed (see link.Options).
	Trouble func(station, what string)

	// Admit is shown the certificate of a station with two-way TLS, see
	// stations.Options; nil admits whomever the handshake verified.
	Admit func(s stations.Station, state tls.ConnectionState) error
	// Listen opens a door at host:port; nil is net.Listen for TCP.
	Listen func(address string) (net.Listener, error)
	Times  link.Times // of connections; zero is each one's default
}

// GatewayNumber is the gateway's own station number in headers (ours).
const GatewayNumber = 400000

// Gateway is the network. Make one with New and run it with Run.
type Gateway struct {
	Options
	screener       screening.Screener
	stations       *stations.Table
	notices        *notifier
	left           chan vault.Conclusion // see leave
	transactionIDs *screening.TransactionIDs
	stan           atomic.Uint32
	draining       atomic.Bool
}

// New checks the options and prepares a gateway.
func New(o Options) (*Gateway, error) {
	if o.Store == nil || o.Keys == nil || o.Registry == nil || o.Now == nil || o.Random == nil || o.TokenRange.IsZero() || o.Passcodes.IsZero() {
		return nil, errors.New("gateway: Store, Keys, Registry, TokenRange, Passcodes, Now and Random are required")
	}
	if o.IssuerTimeout == 0 {
		o.IssuerTimeout = IssuerTimeoutDefault
	}
	ids := screening.NewTransactionIDs(o.Random)
	g := &Gateway{
		Options: o,
		screener: screening.Screener{
			Store: o.Store, Keys: o.Keys, Ranges: o.Registry, TransactionIDs: ids, Log: o.Log,
			RequestorFailuresPerHourMax: o.RequestorFailuresPerHourMax, Alarm: o.Alarm,
		},
		left: make(chan vault.Conclusion, leftMax), transactionIDs: ids,
	}
	g.notices = newNotifier(g)
	g.stations = stations.New(stations.Options{
		Handle: g.handle, SignOn: g.signOn, Idle: g.echo, Admit: o.Admit, Listen: o.Listen, Times: o.Times, Number: GatewayNumber, Log: o.Log,
		Trouble:   func(s stations.Station, why string) { g.trouble(s, why) },
		Unmatched: func(s stations.Station, u link.Unmatched) { g.trouble(s, "answer "+string(u.Why)) },
	})
	if err := g.SetStations(context.Background(), o.Stations); err != nil {
		return nil, err
	}
	return g, nil
}

// Run resolves what the last run left behind, then serves the stations, keeps
// the issuers' lines and sends notices until ctx ends, which is no error, and
// cuts off what is under way; see Drain.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.stations.Close()
	switch err := g.resolve(ctx); {
	case ctx.Err() != nil:
		return nil // what is left is resolved at the next start
	case err != nil:
		return fmt.Errorf("resolving transactions of the last run: %w", err)
	}
	var running sync.WaitGroup
	running.Go(func() { g.stations.Run(ctx) })
	running.Go(func() { g.notices.run(ctx) })
	running.Go(func() { g.concludeLeft(ctx) })
	running.Go(func() { g.watchClock(ctx) })
	running.Wait()
	g.Log.Info().Msg("all connections are closed")
	return nil
}

// noteEnding is why requests are refused while the gateway drains.
const noteEnding = "the gateway is about to end"

// Drain ends the gateway's work in order: nobody is let in, requests that come
// are refused with 91, those under way are answered, notices being sent are
// sent, and then the issuers are left. It takes as long as the slowest issuer
// may, and 5 s, at most; what is under way still is cut off by the end of Run's
// ctx, which the caller brings about after it. It does nothing before Run.
func (g *Gateway) Drain(ctx context.Context) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, g.longestAnswer()+drainSpare)
	defer cancel()
	g.Log.Info().Msg("draining: no new connections, and what is under way ends")
	g.draining.Store(true)
	g.stations.DrainDoors(ctx)
	g.notices.finish(ctx)
	g.stations.DrainIssuers(ctx)
	log := g.Log.Info()
	if ctx.Err() != nil {
		log = g.Log.Warn().Err(ctx.Err())
	}
	log.Dur("took_ms", time.Since(began)).Msg("drained")
}

// longestAnswer is the longest that an issuer is waited for.
func (g *Gateway) longestAnswer() time.Duration {
	longest := g.IssuerTimeout
	for _, s := range g.stations.List() {
		longest = max(longest, cmp.Or(s.Timeouts.Answer, g.IssuerTimeout))
	}
	return longest
}

// WakeNotices sends queued notices now rather than at the next look.
func (g *Gateway) WakeNotices() { g.notices.nudgeAll() }

// nextSTAN gives the gateway's own trace numbers, 000001 to 999999 and round.
func (g *Gateway) nextSTAN() string {
	digits := strconv.Itoa(int(g.stan.Add(1)%traceNumbers + 1))
	return "000000"[len(digits):] + digits
}
