package stations

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// DrainTimeout is how long connections that go may end what is under way:
// longer than the longest wait for an issuer (ours).
const DrainTimeout = 75 * time.Second

// ErrNoIssuer is given for questions to an issuer that has no station.
var ErrNoIssuer = errors.New("the issuer has no station")

// Options are what a table does about the messages of its stations. Handle and
// SignOn are required.
type Options struct {
	// Handle answers a message of a station, which is as it stands now.
	Handle func(ctx context.Context, from Station, in link.Inbound) *specs.Message
	// SignOn signs on at an issuer that was dialled.
	SignOn func(ctx context.Context, at Station, c *link.Conn) error
	// Idle is called when nothing was sent to a dialled issuer for a while.
	Idle func(at Station, c *link.Conn)
	// Admit is shown the certificate of a station that dials in with TwoWay; an
	// error refuses the connection. Nil admits whomever the handshake verified.
	Admit func(s Station, state tls.ConnectionState) error
	// Unmatched hears of answers that nobody waits for. Optional.
	Unmatched func(s Station, u link.Unmatched)
	// Trouble hears why connections are closed, see link.Options. Optional.
	Trouble func(s Station, why string)

	// Listen opens a door at host:port; nil is net.Listen for TCP.
	Listen func(address string) (net.Listener, error)

	Number uint32     // the gateway's own, in headers
	Times  link.Times // of connections
	Log    zerolog.Logger
}

// Table is the stations in force. Make one with New; its methods may be called
// by many goroutines.
type Table struct {
	Options

	changing   sync.Mutex // held by Prepare until Commit or Abort
	neighbours link.Neighbours

	mu      sync.Mutex
	list    []*entry // in the order of the settings
	byName  map[string]*entry
	doors   map[string]*link.Server // by place
	ctx     context.Context         // of Run; nil before it
	closed  bool
	running sync.WaitGroup
	retired sync.WaitGroup // those of running that let connections end
}

// entry is a station in force.
type entry struct {
	settings atomic.Pointer[Settings] // of one wire
	door     *link.Server             // nil: it is dialled
	pool     *link.Pool               // nil: it is not asked
	stop     context.CancelFunc       // of the pool's lines, once they run
}

// New makes an empty table.
func New(o Options) *Table {
	if o.Listen == nil {
		o.Listen = func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	}
	return &Table{Options: o, byName: map[string]*entry{}, doors: map[string]*link.Server{}}
}

// Run serves the stations until ctx ends, and then closes everything. Before
// it, doors are open and nobody is answered.
func (t *Table) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.mu.Lock()
	t.ctx = ctx
	for _, door := range t.doors {
		t.open(door)
	}
	for _, e := range t.list {
		t.dial(e)
	}
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}

// Close closes the doors of a table that never ran.
func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx != nil {
		return
	}
	t.closed = true
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, door := range t.doors {
		door.Drain(ended)
	}
}

// open and dial start what was prepared, when the table runs. The lock is held.
func (t *Table) open(door *link.Server) {
	if t.ctx == nil {
		return
	}
	t.running.Go(func() {
		if err := door.Run(t.ctx); err != nil {
			t.Log.Error().Err(err).Str("address", door.Address()).Msg("door closed")
		}
	})
}

func (t *Table) dial(e *entry) {
	if t.ctx == nil || e.pool == nil {
		return
	}
	var ctx context.Context
	ctx, e.stop = context.WithCancel(t.ctx)
	t.running.Go(func() { e.pool.Run(ctx) })
}

// drain calls f, which lets connections end, in the background.
func (t *Table) drain(f func(ctx context.Context)) {
	ctx := t.ctx
	if ctx == nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		ctx = ended
	}
	t.retired.Add(1)
	t.running.Go(func() {
		defer t.retired.Done()
		ctx, cancel := context.WithTimeout(ctx, DrainTimeout)
		defer cancel()
		f(ctx)
	})
}

// newEntry makes what a station needs but its door.
func (t *Table) newEntry(s Settings) *entry {
	e := &entry{}
	e.settings.Store(&s)
	if s.Role == Issuer {
		var lines []*link.Line
		if s.Address != "" {
			for range max(s.Connections, 1) {
				lines = append(lines, t.line(e, s))
			}
		}
		e.pool = link.NewPool(s.Name, s.SignOn, lines...)
	}
	return e
}

func (e *entry) station() Station { return e.settings.Load().Station }

func (t *Table) line(e *entry, s Settings) *link.Line {
	line := &link.Line{Addr: s.Address, Options: t.linkOptions(e, s)}
	if s.secured() {
		line.TLS = s.TLS
	}
	if s.SignOn {
		line.Up = func(ctx context.Context, c *link.Conn) error {
			if err := t.SignOn(ctx, e.station(), c); err != nil {
				return err
			}
			c.Session().Set(true)
			return nil
		}
	}
	if t.Idle != nil {
		line.Idle = func(c *link.Conn) { t.Idle(e.station(), c) }
	}
	return line
}

func (t *Table) linkOptions(e *entry, s Settings) link.Options {
	o := link.Options{
		Name: s.Name, Codec: s.Codec, Framing: s.Framing, Log: t.Log,
		Key: messages.Key, KeyFields: messages.KeyFields(), Subject: messages.Subject,
		Header: specs.Header{Destination: s.Number, Source: t.Number},
		Handle: func(ctx context.Context, in link.Inbound) *specs.Message { return t.Handle(ctx, e.station(), in) },
		Pool:   e.pool, Neighbours: &t.neighbours, NeverHeldBack: s.Limits.NeverHeldBack,
		ConnectionsMax: s.Limits.Connections, InFlight: s.Limits.InFlight,
		RequestsPerSecond: s.Limits.RequestsPerSecond, IdleTimeout: s.Timeouts.Idle, AnswerTimeout: s.Timeouts.Answer,
		Times: t.Times,
	}
	if t.Unmatched != nil {
		o.Unmatched = func(u link.Unmatched) { t.Unmatched(e.station(), u) }
	}
	if t.Trouble != nil {
		o.Trouble = func(why string) { t.Trouble(e.station(), why) }
	}
	if s.secured() {
		o.TLS = s.TLS
	}
	if s.Security == TwoWay && t.Admit != nil {
		o.Admit = func(state tls.ConnectionState) error { return t.Admit(e.station(), state) }
	}
	return o
}

// Station gives a station by name, as it stands.
func (t *Table) Station(name string) (Station, bool) {
	if e := t.find(name); e != nil {
		return e.station(), true
	}
	return Station{}, false
}

func (t *Table) find(name string) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName[name]
}

// Ask asks an issuer. The error wraps ErrNoIssuer, or is link.Pool's: with
// link.ErrDown the question was not sent.
func (t *Table) Ask(ctx context.Context, issuer string, question *specs.Message) (*specs.Message, error) {
	for {
		e := t.find(issuer)
		if e == nil || e.pool == nil {
			return nil, fmt.Errorf("issuer %q: %w", issuer, ErrNoIssuer)
		}
		answer, err := e.pool.Ask(ctx, question)
		if errors.Is(err, link.ErrDown) && t.find(issuer) != e {
			continue // its station was changed in the same moment
		}
		return answer, err
	}
}

// Up tells of each issuer whether one of its connections can be asked on.
func (t *Table) Up() map[string]bool {
	up := make(map[string]bool)
	for _, e := range t.entries() {
		if e.pool != nil {
			up[e.station().Name] = e.pool.IsUp()
		}
	}
	return up
}

// WaitUp waits until every issuer can be asked.
func (t *Table) WaitUp(ctx context.Context) error {
	for _, e := range t.entries() {
		if e.pool == nil {
			continue
		}
		if err := e.pool.WaitUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) entries() []*entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*entry(nil), t.list...)
}

// Address is where a station dials in, the port filled in; "" for one that does
// not.
func (t *Table) Address(name string) string {
	if e := t.find(name); e != nil && e.door != nil {
		return e.door.Address()
	}
	return ""
}

// List tells how all stations stand, in the order of the settings.
func (t *Table) List() []Status {
	var list []Status
	for _, e := range t.entries() {
		list = append(list, e.status())
	}
	return list
}

func (e *entry) status() Status {
	s := e.settings.Load()
	status := Status{Station: s.Station, Address: s.Address, Dialled: s.Address != ""}
	conns := []*link.Conn(nil)
	if e.door != nil {
		status.Address, conns = e.door.Address(), e.door.Connections()
	} else {
		conns = e.pool.Live()
	}
	for _, c := range conns {
		status.Connections++
		if c.Session().SignedOn() {
			status.SignedOn++
		}
	}
	return status
}
