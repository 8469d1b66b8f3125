package api

import (
	"crypto/tls"
	"net/http"
	"time"
)

// Limits of every door. Ours: far above what a good client needs, far below
// what hurts.
const (
	BodyBytesMax     = 16 << 10 // of a request; the largest good one has about 4 KiB (a JWS)
	HeaderBytesMax   = 16 << 10 // of a request's first line and headers
	RequestsInFlight = 256      // per door, of all clients; one more gets 429

	HeaderTimeout  = 5 * time.Second  // from connect to the last header
	ReadTimeout    = 10 * time.Second // from connect to the body's last byte: cuts slow senders
	RequestTimeout = 12 * time.Second // for the work of one request
	ProfileTimeout = 72 * time.Second // for that of a CPU profile, which takes ProfileSecondsMax
	WriteTimeout   = 20 * time.Second // from the headers to the answer's last byte: cuts slow readers
	IdleTimeout    = 60 * time.Second // between requests of one connection

	ProfileSecondsDefault = 30 // of a CPU profile, as elsewhere in Go
	ProfileSecondsMax     = 60

	serverSlack = 4096 // net/http reads so much more than http.Server.MaxHeaderBytes

	retryAfterSeconds = "1" // with 503; with 429 it is computed
)

// NewHTTPServer makes a server with every timeout and limit set, and TLS 1.3
// where it is used with TLS. The caller sets the address, certificates and
// where the server's own complaints go.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: HeaderTimeout,
		ReadTimeout:       ReadTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    HeaderBytesMax - serverSlack,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13},
	}
}
