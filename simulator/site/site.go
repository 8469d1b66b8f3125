// Package site is the issuer's web server: a person applies for a card, the
// office approves, and the cardholder's page shows card number, expiry date
// and the current dynamic CVV2. Below are the card's tokens, with what is to be
// done for one that waits; the office has them all, with a button for each step
// in their life.
//
// It issues cards (test numbers only), asks for codes through Codes, and keeps
// its cards in a Book that the issuer's host shares. It never computes a code,
// never writes anything to disk, and shows a clear card number, code or passcode on
// one page only, the cardholder's own. The package also holds the other side of
// the glass: Cardholder browses the site as a person does, and ReadCard reads
// the page as a wallet's camera would.
//
// The whole site is ours. Start at New.
package site

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/simulator/ledger"
)

// Limits of the site.
const (
	FormBytesMax    = 4 << 10          // a form's body; the longest has two short fields
	NameBytesMin    = 2                // of a cardholder's name, ISO/IEC 7813
	NameBytesMax    = 26               // likewise: what fits on a card
	ApplicationsMax = 10_000           // kept in memory; a simulator is restarted more often
	CodesTimeout    = 20 * time.Second // for the network to enrol and to give codes
	CodesCount      = dcvv2.CodesMax   // asked for at once
	ExpiryYears     = 3                // a card is valid this long
)

// DefaultCallCentre is the number of a call centre that has none: one of those
// that are kept for fiction.
const DefaultCallCentre = "+1 415 555 0100"

// DefaultIssuer is the name on the pages of an issuer that has none.
const DefaultIssuer = "Harbour Bank"

// contentPolicy lets a page load its own style and icon and nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Code is one dynamic CVV2 with the time it may be used in: from ValidFrom, up
// to but not at Expires.
type Code struct {
	Code      dcvv2.Code
	ValidFrom time.Time
	Expires   time.Time
}

// Codes is where the issuer gets its codes: the network's dCVV2 service.
type Codes interface {
	// Enroll tells the network that the account uses dynamic codes. Enrolling
	// an enrolled account changes nothing.
	Enroll(ctx context.Context, pan card.PAN) error
	// Generate gives count codes, the first of them current or next.
	Generate(ctx context.Context, pan card.PAN, seq card.Sequence, expiry card.Expiry, count int) ([]Code, error)
}

// Options set up a Site. Range and Codes are needed.
type Options struct {
	Name        string           // of the issuer, as pages show it; DefaultIssuer when empty
	Range       card.Range       // that cards are drawn from
	Codes       Codes            // the network's dCVV2 service
	Book        *ledger.Book     // of cards; a new one when nil
	Now         func() time.Time // time.Now when nil
	Random      io.Reader        // for numbers and addresses; crypto/rand when nil
	Log         zerolog.Logger
	Desk        Desk   // what the office asks the network by; the pages offer nothing to press when nil
	CallCentre  string // number that cardholders call; DefaultCallCentre when empty
	AutoApprove bool   // every application is approved as it comes in
}

// Site is the issuer's web server. Its methods may be called by many
// goroutines.
type Site struct {
	options Options
	book    *ledger.Book

	mu           sync.Mutex // guards what follows and Options.Random
	applications map[string]*application
	inOrder      []*application
	cards        map[string]*issued
	answers      map[string]answered // of the network to wishes about tokens, by reference

	clerk sync.Mutex // held by who changes cards; before mu
}

//go:embed pages
var pages embed.FS

// New makes a site without applications.
func New(o Options) (*Site, error) {
	if o.Range.IsZero() {
		return nil, errors.New("an issuer's site needs an account range to draw card numbers from")
	}
	if o.Codes == nil {
		return nil, errors.New("an issuer's site needs a dCVV2 service to ask for codes")
	}
	if o.Name == "" {
		o.Name = DefaultIssuer
	}
	if o.Book == nil {
		o.Book = ledger.NewBook()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.CallCentre == "" {
		o.CallCentre = DefaultCallCentre
	}
	return &Site{
		options: o, book: o.Book,
		applications: map[string]*application{}, cards: map[string]*issued{}, answers: map[string]answered{},
	}, nil
}

// Book is the book of the cards that the site issued.
func (s *Site) Book() *ledger.Book { return s.book }

// Handler serves the site. Forms posted from other origins are refused.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showForm)
	mux.HandleFunc("POST /apply", s.apply)
	mux.HandleFunc("GET /applications/{id}", s.showApplication)
	mux.HandleFunc("GET /cards/{id}", s.showCard)
	mux.HandleFunc("POST /cards/{id}/codes", s.renewCodes)
	mux.HandleFunc("POST /cards/{id}/tokens/{reference}/confirm", s.confirmInApp)
	mux.HandleFunc("GET /office", s.showOffice)
	mux.HandleFunc("POST /office/applications/{id}/approve", s.approveInOffice)
	mux.HandleFunc("POST /office/applications/{id}/decline", s.declineInOffice)
	mux.HandleFunc("POST /office/tokens/{reference}/{step}", s.stepInOffice)
	mux.HandleFunc("POST /office/cards/{number}/{change}", s.changeInOffice)
	mux.HandleFunc("GET /style.css", asset("pages/style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", asset("pages/icon.svg", "image/svg+xml"))
	mux.HandleFunc("/", s.notFound)
	return guarded(http.NewCrossOriginProtection().Handler(mux))
}

// guarded sets the headers of every answer and limits every body. Referrers
// stay within the site, whose addresses are its only keys.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, FormBytesMax)
		next.ServeHTTP(w, r)
	})
}

func asset(name, kind string) http.HandlerFunc {
	content, err := pages.ReadFile(name)
	if err != nil {
		panic("an embedded file is missing: " + name)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Write(content)
	}
}
