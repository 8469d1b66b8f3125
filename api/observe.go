package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/profiles"
)

// Observed is what Options.Observe hears of one answer.
type Observed struct {
	Door   string // issuers, phones or operators
	Route  string // pattern of the address; "" when the request got no so far
	Issuer string // a registered issuer's name; "" for any other caller
	Status int
	Took   time.Duration
}

// tell tells the observer of a visit. Only names of registered issuers get out,
// so that whoever counts by them has few to count.
func (a *API) tell(door string, v *visit, route string, took time.Duration) {
	issuer := ""
	if slices.ContainsFunc(a.registry.All(), func(r dcvv2.Registration) bool { return r.Issuer == v.client }) && door == issuersDoor {
		issuer = v.client
	}
	a.observe(Observed{Door: door, Route: route, Issuer: issuer, Status: v.status, Took: took})
}

// errMetrics is what the log says when the metrics could not be read.
var errMetrics = errors.New("the metrics could not be read")

// passing serves what another handler says as it is.
func passing(h http.Handler) act {
	return func(r *http.Request, _ *visit) (reply, error) {
		plain := r.Clone(r.Context())
		plain.Header.Del("Accept") // there is one form of this answer
		page := &page{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(page, plain)
		if page.status != http.StatusOK {
			return reply{}, outOfReach(errMetrics)
		}
		return reply{status: page.status, raw: page.body.Bytes(), mediaType: page.header.Get("Content-Type")}, nil
	}
}

// page keeps an answer until it is whole.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is http.ResponseWriter's.
func (p *page) Header() http.Header { return p.header }

// WriteHeader is http.ResponseWriter's.
func (p *page) WriteHeader(status int) { p.status = status }

// Write is http.ResponseWriter's.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// Profiles takes profiles of the running program; see profiles.Process.
type Profiles interface {
	// Snapshot gives a profile by its name: heap, allocs or goroutine.
	Snapshot(name string) ([]byte, error)
	// CPU gives where time went while it lasted, or profiles.ErrBusy.
	CPU(ctx context.Context, lasting time.Duration) ([]byte, error)
}

func (a *API) routeProfiles(mux *http.ServeMux) {
	if a.profiles == nil {
		return
	}
	for _, address := range []string{wire.HeapProfilePath, wire.AllocsProfilePath, wire.GoroutinesProfilePath} {
		route(mux, http.MethodGet, address, a.snapshot(path.Base(address)))
	}
	route(mux, http.MethodGet, wire.CPUProfilePath, a.cpuProfile)
}

func (a *API) snapshot(name string) act {
	return func(r *http.Request, _ *visit) (reply, error) {
		if r.URL.RawQuery != "" { // such as debug=2, which elsewhere shows arguments
			return reply{}, wire.Fault(wire.CodeFieldUnknown, "", "remove what follows the address")
		}
		return profileReply(a.profiles.Snapshot(name))
	}
}

// cpuProfile takes as long as it is asked for.
func (a *API) cpuProfile(r *http.Request, _ *visit) (reply, error) {
	seconds, err := readSeconds(r.URL.RawQuery)
	if err != nil {
		return reply{}, err
	}
	return profileReply(a.profiles.CPU(r.Context(), time.Duration(seconds)*time.Second))
}

func profileReply(profile []byte, err error) (reply, error) {
	switch {
	case errors.Is(err, profiles.ErrBusy):
		return reply{}, &tooSoon{after: ProfileSecondsDefault * time.Second}
	case err != nil:
		return reply{}, err
	}
	return reply{status: http.StatusOK, raw: profile, mediaType: "application/octet-stream"}, nil
}

// secondsWord is the one word that the query of a CPU profile may have.
const secondsWord = "seconds"

// readSeconds reads a query, which may say how long a CPU profile is to take.
func readSeconds(query string) (int, error) {
	values, err := url.ParseQuery(query)
	for name := range values {
		if name != secondsWord {
			return 0, wire.Fault(wire.CodeFieldUnknown, "", "remove what follows the address but for "+secondsWord)
		}
	}
	sent := values[secondsWord]
	if err == nil && len(sent) == 0 {
		return ProfileSecondsDefault, nil
	}
	if err == nil && len(sent) == 1 {
		if n, err := strconv.Atoi(sent[0]); err == nil && 1 <= n && n <= ProfileSecondsMax {
			return n, nil
		}
	}
	return 0, wire.Fault(wire.CodeFieldValue, secondsWord, fmt.Sprintf("send 1 to %d, once", ProfileSecondsMax))
}
