package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/specs"
)

// Line keeps one connection to a peer: it dials, calls Up, and dials again
// with growing waits whenever the connection ends.
type Line struct {
	Addr    string
	TLS     *tls.Config // nil is plain TCP
	Options Options
	// Up is called on each new connection before it is used, to sign on. An
	// error closes the connection. Optional.
	Up func(ctx context.Context, c *Conn) error
	// Jitter says how much of a wait's second half is waited before dialling
	// again, 0 up to 1; nil draws it. With it, lines that a peer lost at once do
	// not come back at once.
	Jitter func() float64
	// Idle is called when nothing was sent for a while, to echo. Optional.
	Idle func(c *Conn)

	conn    atomic.Pointer[Conn]
	stopped atomic.Bool // dials no more
	away    bool        // said in the log already; only Run's goroutine touches it
}

// Run keeps the line up until ctx ends.
func (l *Line) Run(ctx context.Context) {
	wait := redialBackOffMin
	for ctx.Err() == nil && !l.stopped.Load() {
		connected := l.once(ctx)
		if connected {
			wait = redialBackOffMin
		}
		sleep(ctx, l.jittered(wait))
		wait = min(2*wait, redialBackOffMax)
	}
}

// jittered is at least half of a wait, and less than all of it.
func (l *Line) jittered(wait time.Duration) time.Duration {
	draw := l.Jitter
	if draw == nil {
		draw = rand.Float64
	}
	return wait/2 + time.Duration(draw()*float64(wait/2))
}

// once dials, serves the connection to its end and reports whether it was up.
func (l *Line) once(ctx context.Context) bool {
	log := l.Options.Log.With().Str("station", l.Options.Name).Str("remote", l.Addr).Logger()
	c, err := dial(ctx, l.Addr, l.TLS, l.Options, l.Idle)
	if err != nil {
		l.sayAway(ctx, log, err)
		return false
	}
	l.away = false
	defer c.Close()
	if err := l.signOn(ctx, c); err != nil {
		log.Warn().Err(err).Msg("sign-on failed")
		return false
	}
	log.Info().Msg("line is up")
	l.conn.Store(c)
	defer l.conn.Store(nil)
	if l.stopped.Load() {
		return true
	}
	<-c.Done()
	if ctx.Err() == nil {
		log.Warn().Msg("line is down")
	}
	return true
}

// sayAway tells once that the peer cannot be reached; the tries that follow are
// for those who debug.
func (l *Line) sayAway(ctx context.Context, log zerolog.Logger, err error) {
	level := zerolog.WarnLevel
	if l.away || ctx.Err() != nil {
		level = zerolog.DebugLevel
	}
	l.away = true
	log.WithLevel(level).Err(err).Msg("cannot connect, trying again")
}

func (l *Line) signOn(ctx context.Context, c *Conn) error {
	if l.Up == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, frameTimeout)
	defer cancel()
	return l.Up(ctx, c)
}

// Ask sends a question on the line, or gives ErrDown at once.
func (l *Line) Ask(ctx context.Context, question *specs.Message) (*specs.Message, error) {
	c := l.conn.Load()
	if c == nil {
		return nil, fmt.Errorf("%s: %w", l.Options.Name, ErrDown)
	}
	return c.Ask(ctx, question)
}

// IsUp reports whether the line is connected and signed on.
func (l *Line) IsUp() bool { return l.conn.Load() != nil }

// WaitUp waits until the line is up.
func (l *Line) WaitUp(ctx context.Context) error {
	for !l.IsUp() {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", l.Options.Name, ErrDown)
		}
		sleep(ctx, 5*time.Millisecond)
	}
	return nil
}
