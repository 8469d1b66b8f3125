package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/token"
)

// Observed is what Options.Observe hears of one message of a station.
type Observed struct {
	Station  string         // its name in the settings
	Kind     stations.Kind  // "" for a message that was refused before its kind was known
	Answered bool           // false: the connection it came on hears nothing of it
	Response token.Response // field 39 of the answer
	Reason   token.Reason   // for it; ReasonNone where the core decided nothing
	Result   dcvv2.Result   // of an activation's code; 0 for none
	Refused  token.Reason   // a limit because of which an activation's code was not checked
	Took     time.Duration
}

func (g *Gateway) observe(from stations.Station, answered bool, e event) {
	if g.Observe != nil {
		g.Observe(Observed{
			Station: from.Name, Kind: e.kind, Answered: answered, Response: e.outcome.Response, Reason: e.outcome.Reason,
			Result: e.outcome.CVV2, Refused: e.refused, Took: time.Since(e.started),
		})
	}
}

// Ending is how a question to an issuer ended.
type Ending string

// How questions end.
const (
	EndAnswered Ending = "answered"
	EndTimeout  Ending = "timeout"    // no answer came in time
	EndClosed   Ending = "closed"     // its connection ended before an answer came
	EndNotSent  Ending = "not sent"   // no connection of the issuer could take it
	EndRejected Ending = "rejected"   // the issuer rejected it as a whole
	EndUnread   Ending = "unreadable" // what came is no answer that could be read
)

// Asked is what Options.Asked hears of one question to an issuer: a request, a
// notice or an advice.
type Asked struct {
	Issuer string // of an account range in force, or that was when the question was stored
	Ending Ending
	Took   time.Duration // until the answer was read, or until there was none to wait for
}

func (g *Gateway) heard(issuer string, began time.Time, err error) {
	if g.Asked != nil {
		g.Asked(Asked{Issuer: issuer, Ending: endingOf(err), Took: time.Since(began)})
	}
}

// endingOf tells the errors of askTyped apart.
func endingOf(err error) Ending {
	switch {
	case err == nil:
		return EndAnswered
	case !errors.Is(err, errSilent):
		return EndNotSent
	case errors.Is(err, context.DeadlineExceeded):
		return EndTimeout
	case errors.Is(err, link.ErrClosed), errors.Is(err, context.Canceled):
		return EndClosed
	case errors.Is(err, link.ErrRejected):
		return EndRejected
	default:
		return EndUnread
	}
}

func (g *Gateway) trouble(from stations.Station, what string) {
	if g.Trouble != nil {
		g.Trouble(from.Name, what)
	}
}

// clockJumpMin is how far the clock must go from the time that passes within a
// look for the log to tell: more than it is ever slewed (ours).
const (
	clockJumpMin = 2 * time.Second
	clockLook    = time.Second
)

// watchClock tells the log when the clock is set: which codes are good, and what
// is late, hangs on it.
func (g *Gateway) watchClock(ctx context.Context) {
	look := time.NewTicker(clockLook)
	defer look.Stop()
	shown, passing := g.Now().Round(0), time.Now() // without the monotonic clock, and with it
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		now, passed := g.Now().Round(0), time.Since(passing)
		if by := now.Sub(shown) - passed; by.Abs() >= clockJumpMin {
			g.Log.Warn().Stringer("by", by.Round(time.Second)).Msg("the clock was set")
		}
		shown, passing = now, passing.Add(passed)
	}
}

// LinesUp tells of each issuer, by name, whether one of its connections can be
// asked on.
func (g *Gateway) LinesUp() map[string]bool { return g.stations.Up() }

// WaitIssuers waits until every issuer can be asked.
func (g *Gateway) WaitIssuers(ctx context.Context) error { return g.stations.WaitUp(ctx) }

// Stations tells how all stations stand, in the order of the settings.
func (g *Gateway) Stations() []stations.Status { return g.stations.List() }

// Address is where a station dials in, host:port, the port filled in; "" for one
// that does not.
func (g *Gateway) Address(station string) string { return g.stations.Address(station) }

// SetStations brings a list of stations into force, see stations.Table.Apply.
// Every issuer of a range in force must have one. All faults are given at once,
// and then nothing has changed.
func (g *Gateway) SetStations(ctx context.Context, list []stations.Settings) error {
	issuers := make(map[string]bool)
	for _, s := range list {
		issuers[s.Name] = issuers[s.Name] || s.Role == stations.Issuer
	}
	var faults []error
	for _, r := range g.Registry.All() {
		if !issuers[r.Issuer] {
			faults = append(faults, fmt.Errorf("gateway: range %s belongs to issuer %q, which has no station", r.Range, r.Issuer))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return g.stations.Apply(ctx, list)
}

// PrepareStations checks a list and opens the doors that it needs; what it gives
// brings the list into force, or leaves all as it is.
func (g *Gateway) PrepareStations(list []stations.Settings) (*stations.Change, error) {
	return g.stations.Prepare(list)
}

// Close closes the doors of a gateway that never ran.
func (g *Gateway) Close() { g.stations.Close() }
