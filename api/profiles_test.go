package api_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/internal/profiles"
)

// camera takes pictures that say what was asked for.
type camera struct{ busy bool }

func (c *camera) Snapshot(name string) ([]byte, error) {
	return []byte("the " + name), nil
}

func (c *camera) CPU(ctx context.Context, lasting time.Duration) ([]byte, error) {
	if c.busy {
		return nil, profiles.ErrBusy
	}
	return []byte(lasting.String()), ctx.Err()
}

func TestProfiles(t *testing.T) {
	o := newOffice(t)
	lens := &camera{}
	options := o.options
	options.Profiles = lens
	o.open(options)
	for _, c := range []struct {
		address, body string // "" for a refusal
		status        int
		code, field   string
	}{
		{address: "/debug/pprof/heap", body: "the heap"},
		{address: "/debug/pprof/allocs", body: "the allocs"},
		{address: "/debug/pprof/goroutine", body: "the goroutine"},
		{address: "/debug/pprof/profile", body: "30s"},
		{address: "/debug/pprof/profile?seconds=1", body: "1s"},
		{address: "/debug/pprof/profile?seconds=60", body: "1m0s"},
		{address: "/debug/pprof/profile?seconds=61", status: 400, code: wire.CodeFieldValue, field: "seconds"},
		{address: "/debug/pprof/profile?seconds=0", status: 400, code: wire.CodeFieldValue, field: "seconds"},
		{address: "/debug/pprof/profile?seconds=1&seconds=2", status: 400, code: wire.CodeFieldValue, field: "seconds"},
		{address: "/debug/pprof/profile?seconds=", status: 400, code: wire.CodeFieldValue, field: "seconds"},
		{address: "/debug/pprof/profile?seconds=%zz", status: 400, code: wire.CodeFieldValue, field: "seconds"},
		{address: "/debug/pprof/profile?debug=1", status: 400, code: wire.CodeFieldUnknown},
		{address: "/debug/pprof/heap?debug=2", status: 400, code: wire.CodeFieldUnknown},
		{address: "/debug/pprof/cmdline", status: 404, code: wire.CodePathUnknown},
		{address: "/debug/pprof/symbol", status: 404, code: wire.CodePathUnknown},
		{address: "/debug/pprof/trace", status: 404, code: wire.CodePathUnknown},
		{address: "/debug/pprof/block", status: 404, code: wire.CodePathUnknown},
		{address: "/debug/pprof", status: 404, code: wire.CodePathUnknown},
	} {
		a := send(t, http.MethodGet, o.door.URL+c.address, "", "")
		switch {
		case c.body == "":
			wantProblem(t, a, c.status, c.code, c.field)
		case a.status != http.StatusOK || a.body != c.body || a.header.Get("Content-Type") != "application/octet-stream":
			t.Errorf("%s: got %d %s %v", c.address, a.status, a.body, a.header)
		}
	}
	lens.busy = true
	a := send(t, http.MethodGet, o.door.URL+wire.CPUProfilePath, "", "")
	wantProblem(t, a, 429, wire.CodeTooManyRequests, "")
	if a.header.Get("Retry-After") != "30" {
		t.Errorf("it says when to come again: %v", a.header)
	}
	if a := send(t, http.MethodPost, o.door.URL+wire.CPUProfilePath, "", ""); a.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d", a.status)
	}
}

func TestADoorWithoutProfiles(t *testing.T) {
	o := newOffice(t)
	for _, address := range []string{wire.CPUProfilePath, "/debug/pprof/heap"} {
		wantProblem(t, send(t, http.MethodGet, o.door.URL+address, "", ""), 404, wire.CodePathUnknown, "")
	}
}

// TestProfilesByRole takes real profiles over two-way TLS. Who may not look at
// the operators' door gets none.
func TestProfilesByRole(t *testing.T) {
	f := newFort(t, nil)
	heap := f.operators.URL + "/debug/pprof/heap"
	for _, who := range everyone {
		status := http.StatusForbidden
		if who == operator || who == auditor {
			status = http.StatusOK
		}
		a := sendAs(t, f.as(t, who), http.MethodGet, heap, "")
		if a.status != status || status == http.StatusForbidden && a.body != "" {
			t.Errorf("%s %s gets %d with %d bytes", who.Role, who.Name, a.status, len(a.body))
		}
		if status == http.StatusForbidden {
			continue
		}
		if _, err := gzip.NewReader(strings.NewReader(a.body)); err != nil {
			t.Errorf("%s gets no profile: %v", who.Role, err)
		}
	}
	wantProblem(t, sendAs(t, f.as(t, greenbank), http.MethodGet, f.issuers.URL+wire.CPUProfilePath, ""), 404, wire.CodePathUnknown, "")
	wantProblem(t, send(t, http.MethodGet, f.phones.URL+"/debug/pprof/heap", "", ""), 404, wire.CodePathUnknown, "")
}

// patient takes as long as it is asked to.
type patient struct{ camera }

func (*patient) CPU(ctx context.Context, lasting time.Duration) ([]byte, error) {
	select {
	case <-time.After(lasting):
		return []byte("whole"), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestTheLongestProfileIsNotCut holds that neither the door's time for a request
// nor those of the server cut a profile of the longest kind, and that they cut
// others as ever.
func TestTheLongestProfileIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := api.New(api.Options{Store: &memory{}, Keys: ring{}, Registry: registry(t), Profiles: &patient{}})
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		door := &onePipe{conn: far, closed: make(chan struct{})}
		server := api.NewHTTPServer(a.Operators())
		go server.Serve(door)
		defer server.Close()
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return near, nil },
		}}
		began := time.Now()
		w, err := client.Get(fmt.Sprintf("http://door%s?seconds=%d", wire.CPUProfilePath, api.ProfileSecondsMax))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		body, err := io.ReadAll(w.Body)
		if err != nil || w.StatusCode != http.StatusOK || string(body) != "whole" {
			t.Errorf("got %d %q, %v", w.StatusCode, body, err)
		}
		if took := time.Since(began); took != api.ProfileSecondsMax*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// onePipe is a listener with one connection.
type onePipe struct {
	conn   net.Conn
	closed chan struct{}
}

func (p *onePipe) Accept() (net.Conn, error) {
	if c := p.conn; c != nil {
		p.conn = nil
		return c, nil
	}
	<-p.closed
	return nil, net.ErrClosed
}

func (p *onePipe) Close() error {
	close(p.closed)
	return nil
}

func (p *onePipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
