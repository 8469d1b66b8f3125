package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// Serve accepts connections on l until ctx ends, then closes l and every
// connection and returns nil. A door that is full closes a further connection
// at once; accept errors that pass (out of file descriptors) are waited out.
func Serve(ctx context.Context, l net.Listener, opts Options) error {
	d := door{opts: opts, conns: make(map[*Conn]struct{})}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer d.closeAll()
	backOff := acceptBackOffMin
	for {
		socket, err := l.Accept()
		switch {
		case err == nil:
			backOff = acceptBackOffMin
			d.welcome(ctx, socket)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		default:
			opts.Log.Warn().Str("station", opts.Name).Err(err).Dur("wait_ms", backOff).Msg("cannot accept")
			sleep(ctx, backOff)
			backOff = min(2*backOff, acceptBackOffMax)
		}
	}
}

type door struct {
	opts  Options
	mu    sync.Mutex
	conns map[*Conn]struct{}
	gone  sync.WaitGroup
}

func (d *door) welcome(ctx context.Context, socket net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.conns) >= connectionsMax {
		d.opts.Log.Warn().Str("station", d.opts.Name).Int("connections", connectionsMax).Msg("door is full")
		_ = socket.Close()
		return
	}
	c, err := newConn(ctx, socket, d.opts, nil)
	if err != nil {
		d.opts.Log.Error().Str("station", d.opts.Name).Err(err).Msg("cannot serve a connection")
		_ = socket.Close()
		return
	}
	d.conns[c] = struct{}{}
	d.gone.Go(func() {
		<-c.Done()
		c.Close()
		d.mu.Lock()
		delete(d.conns, c)
		d.mu.Unlock()
	})
}

func (d *door) closeAll() {
	d.mu.Lock()
	for c := range d.conns {
		c.cancel()
	}
	d.mu.Unlock()
	d.gone.Wait()
}

// Dial connects once; the connection ends with ctx. A nil config is plain TCP.
func Dial(ctx context.Context, addr string, config *tls.Config, opts Options) (*Conn, error) {
	return dial(ctx, addr, config, opts, nil)
}

func dial(ctx context.Context, addr string, config *tls.Config, opts Options, ping func(*Conn)) (*Conn, error) {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var socket net.Conn
	var err error
	if config == nil {
		socket, err = (&net.Dialer{}).DialContext(dialing, "tcp", addr)
	} else {
		socket, err = (&tls.Dialer{Config: config}).DialContext(dialing, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	return newConn(ctx, socket, opts, ping)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
