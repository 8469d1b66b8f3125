package api

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
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
