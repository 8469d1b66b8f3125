package site

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Status is how far an application has come.
type Status string

// States of an application. Waiting leads to Approved or Declined, both final.
const (
	Waiting  Status = "waiting"
	Approved Status = "approved"
	Declined Status = "declined"
)

// Products are the cards one can apply for.
var Products = []string{"Everyday debit", "Travel credit"}

// Errors of applications.
var (
	ErrName            = fmt.Errorf("a name has %d to %d characters and no control characters", NameBytesMin, NameBytesMax)
	ErrProduct         = errors.New("there is no such product")
	ErrFull            = fmt.Errorf("the site keeps at most %d applications", ApplicationsMax)
	ErrNoApplication   = errors.New("there is no such application")
	ErrDecided         = errors.New("the application has been decided")
	ErrInHand          = errors.New("somebody else is deciding this application")
	errAddressesFailed = errors.New("drawing an address")
)

const addressBytes = 16 // of chance in an address: 128 bits cannot be guessed

// application is one person's wish for a card.
type application struct {
	id      string // in the applicant's address; as good as a key, never shown to the office
	number  int    // what the office calls it
	name    string
	product string
	status  Status
	made    time.Time
	inHand  bool    // the office is deciding
	fault   string  // why the last approval did not come through
	card    *issued // from the moment a number was drawn
}

// Apply takes an application in and gives the id of its page.
func (s *Site) Apply(name, product string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case len(name) < NameBytesMin || len(name) > NameBytesMax || strings.ContainsFunc(name, unicode.IsControl):
		return "", ErrName
	case !slices.Contains(Products, product):
		return "", ErrProduct
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inOrder) == ApplicationsMax {
		return "", ErrFull
	}
	id, err := s.drawAddress()
	if err != nil {
		return "", err
	}
	a := &application{id: id, number: len(s.inOrder) + 1, name: name, product: product, status: Waiting, made: s.options.Now()}
	s.applications[id] = a
	s.inOrder = append(s.inOrder, a)
	return id, nil
}

// drawAddress needs s.mu.
func (s *Site) drawAddress() (string, error) {
	var chance [addressBytes]byte
	if _, err := io.ReadFull(s.options.Random, chance[:]); err != nil {
		return "", fmt.Errorf("%w: %w", errAddressesFailed, err)
	}
	return hex.EncodeToString(chance[:]), nil
}

// find gives a copy of an application by its id.
func (s *Site) find(id string) (application, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.applications[id]; ok {
		return *a, true
	}
	return application{}, false
}

func (s *Site) showForm(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusOK, "apply", formView{Products: Products})
}

func (s *Site) apply(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.problem(w, http.StatusBadRequest, "The form could not be read.", "Please go back and send it again.")
		return
	}
	name, product := r.PostForm.Get("name"), r.PostForm.Get("product")
	id, err := s.Apply(name, product)
	switch {
	case errors.Is(err, ErrName):
		s.render(w, http.StatusUnprocessableEntity, "apply", formView{Products: Products, Name: name, Product: product, Fault: err.Error()})
		return
	case errors.Is(err, ErrProduct):
		s.render(w, http.StatusUnprocessableEntity, "apply", formView{Products: Products, Name: name, Fault: "Please choose one of the cards below."})
		return
	case err != nil:
		s.options.Log.Error().Err(err).Msg("application not taken")
		s.problem(w, http.StatusServiceUnavailable, "We cannot take applications just now.", "Please try again later.")
		return
	}
	s.options.Log.Info().Str("product", product).Msg("application received")
	if s.options.AutoApprove {
		s.Approve(r.Context(), id) // a failure shows in the office, where it can be tried again
	}
	http.Redirect(w, r, "/applications/"+id, http.StatusSeeOther)
}

func (s *Site) showApplication(w http.ResponseWriter, r *http.Request) {
	a, ok := s.find(r.PathValue("id"))
	if !ok {
		s.notFound(w, r)
		return
	}
	view := applicationView{Number: a.number, Name: a.name, Product: a.product, Status: a.status, Made: shownTime(a.made)}
	if a.status == Approved {
		view.CardURL = "/cards/" + a.card.id
	}
	s.render(w, http.StatusOK, "application", view)
}
