package network

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/internal/config"
)

// pipes is a listener without sockets, so that a test can wait until nothing
// moves any more.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialled:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// held is a server with one request under way, whose handler waits for leave.
type held struct {
	stop     context.CancelFunc
	leave    chan struct{}
	returned chan error // of ServeHTTP
	answered chan int   // status; 0 for none
}

func hold(t *testing.T) held {
	ctx, stop := context.WithCancel(t.Context())
	h := held{stop: stop, leave: make(chan struct{}), returned: make(chan error, 1), answered: make(chan int, 1)}
	door := &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-h.leave
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { h.returned <- ServeHTTP(ctx, server, door, "door", zerolog.Nop()) }()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			door.dialled <- far
			return near, nil
		},
	}}
	go func() {
		answer, err := client.Get("http://door/")
		if err != nil {
			h.answered <- 0
			return
		}
		answer.Body.Close()
		h.answered <- answer.StatusCode
	}()
	synctest.Wait()
	return h
}

func TestServeHTTPLetsRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t)
		h.stop()
		synctest.Wait()
		select {
		case err := <-h.returned:
			t.Fatalf("it returned with a request under way: %v", err)
		default:
		}
		close(h.leave)
		if status := <-h.answered; status != http.StatusNoContent {
			t.Errorf("the request under way got status %d", status)
		}
		if err := <-h.returned; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestServeHTTPCutsOffWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t)
		began := time.Now()
		h.stop()
		if err := <-h.returned; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took != shutdownTimeout {
			t.Errorf("it ended after %v, not %v", took, shutdownTimeout)
		}
		if status := <-h.answered; status != 0 {
			t.Errorf("the request got status %d", status)
		}
		close(h.leave)
	})
}

// TestLimitsOfTheSettings keeps the settings' defaults and bounds with those
// of package api.
func TestLimitsOfTheSettings(t *testing.T) {
	want := api.Limits{RequestsPerSecond: api.RequestsPerSecondDefault, Burst: api.BurstDefault, InFlight: api.InFlightDefault}
	if got := api.Limits(config.DefaultLimits()); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
