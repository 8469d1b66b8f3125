// Package api is the HTTP side of the network: three doors, each a handler of
// its own that a program may bind where it likes.
//
//   - Issuers ask for dynamic CVV2 codes and enrol accounts (Issuers).
//   - Phones fetch the key material of their tokens, encrypted to the phone's
//     own key, and report how loading went (Phones).
//   - Operators look at tokens and move them along their life cycle, register
//     account ranges and change their policies, look at stations and let their
//     settings be read anew, and ask whether the service is well (Operators).
//
// With two-way TLS the callers of the issuers' and the operators' door are who
// their certificates say, in the role that these say (Options.TwoWay). Without,
// an issuer is named by cardAcceptr.clientId alone and the operators' door asks
// nobody: then bind both to loopback.
//
// The package never stores or logs a code, a key or a PAN in clear: codes are
// computed, answered and forgotten, also for a repeated request. It decides
// nothing about taps and activations. The names of all JSON members stand in
// api/wire, the typed client in api/client. Start at New.
package api

import (
	"crypto/x509"
	_ "embed"
	"errors"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/vault"
)

// Keys gives the master keys that the doors derive from. Its methods may be
// called by many goroutines; an error is a key that is not there now.
type Keys interface {
	// CodeMaster is the master key for codes of an account range, named as
	// card.Range prints it.
	CodeMaster(accountRange string, version int) (dcvv2.Master, error)
	// TokenMaster is the master key that tokens' card keys derive from.
	TokenMaster(version int) (emv.Key, error)
}

// Options is what an API works with.
type Options struct {
	Store    vault.Store
	Keys     Keys
	Registry dcvv2.Ranges
	Ranges   Ranges           // what operators change Registry by; nil: they cannot
	Stations Stations         // of the ISO 8583 side; nil: operators do not see them
	Now      func() time.Time // nil: time.Now
	Log      zerolog.Logger   // one event per request
	Wake     func()           // called when a notice was queued; nil: nothing

	Metrics  http.Handler   // served to operators at wire.MetricsPath; nil: nothing is there
	Profiles Profiles       // served to operators at wire.HeapProfilePath and its like; nil: nothing is there
	Observe  func(Observed) // hears of every answer; nil: nobody does

	Limits Limits // of each client, the same at every door

	TwoWay TwoWay // doors whose callers are known by their certificates
	// Identify says whom a certificate names that the handshake has verified;
	// nil: certs.IdentityOf.
	Identify func(*x509.Certificate) (certs.Identity, error)
}

// TwoWay says at which doors a caller must have a client certificate. The
// server in front must verify it (certs.Server with TwoWay): the doors refuse
// who has none, or one that the handshake did not verify.
type TwoWay struct {
	Issuers   bool // roles issuer (all) and enquirer (inquiries only); the name is the clientId
	Operators bool // roles operator (all) and auditor (GET only)
}

// API holds what the three doors share. Its handlers may serve many requests
// at once.
type API struct {
	store    vault.Store
	keys     Keys
	registry dcvv2.Ranges
	ranges   Ranges
	stations Stations
	now      func() time.Time
	log      zerolog.Logger
	wake     func()
	limits   Limits
	metrics  http.Handler
	profiles Profiles
	observe  func(Observed)
	twoWay   TwoWay
	identify func(*x509.Certificate) (certs.Identity, error)
}

// New checks the options and makes an API. The error names what is missing.
func New(o Options) (*API, error) {
	if o.Store == nil || o.Keys == nil || o.Registry == nil {
		return nil, errors.New("an API needs a store, keys and a registry of account ranges")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Observe == nil {
		o.Observe = func(Observed) {}
	}
	if o.Identify == nil {
		o.Identify = certs.IdentityOf
	}
	limits, err := o.Limits.orDefault()
	if err != nil {
		return nil, err
	}
	return &API{
		store: o.Store, keys: o.Keys, registry: o.Registry, ranges: o.Ranges, stations: o.Stations,
		now: o.Now, log: o.Log, wake: o.Wake, limits: limits, metrics: o.Metrics, profiles: o.Profiles, observe: o.Observe, twoWay: o.TwoWay, identify: o.Identify,
	}, nil
}

// document is the OpenAPI 3.1 document of all doors, as it is served at
// wire.DocumentPath. The tests hold it to be true.
//
//go:embed openapi.yaml
var document []byte

// documentType is the media type of YAML (RFC 9512).
const documentType = "application/yaml"

func showDocument(*http.Request, *visit) (reply, error) {
	return reply{status: http.StatusOK, raw: document, mediaType: documentType}, nil
}
