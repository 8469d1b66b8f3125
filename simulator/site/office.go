package site

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

func (s *Site) showOffice(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusOK, "office", officeView{Rows: s.officeRows(), Accounts: s.accountRows()})
}

// officeRows lists the applications, newest first.
func (s *Site) officeRows() []officeRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make([]officeRow, 0, len(s.inOrder))
	for _, a := range slices.Backward(s.inOrder) {
		row := officeRow{
			Number: a.number, Name: a.name, Product: a.product, Status: a.status,
			Made: shownTime(a.made), Fault: a.fault, InHand: a.inHand,
		}
		if a.status == Approved {
			row.PAN = a.card.account.PAN.Masked()
		}
		rows = append(rows, row)
	}
	return rows
}

func (s *Site) approveInOffice(w http.ResponseWriter, r *http.Request) {
	s.decide(w, r, s.Approve)
}

func (s *Site) declineInOffice(w http.ResponseWriter, r *http.Request) {
	s.decide(w, r, func(_ context.Context, id string) error { return s.Decline(id) })
}

// decide lets the office decide for an application that its address names.
func (s *Site) decide(w http.ResponseWriter, r *http.Request, decision func(context.Context, string) error) {
	err := decision(r.Context(), s.officeID(r.PathValue("id")))
	switch {
	case errors.Is(err, ErrNoApplication):
		s.notFound(w, r)
	case errors.Is(err, ErrDecided), errors.Is(err, ErrInHand):
		s.problem(w, http.StatusConflict, "This application is decided already, or somebody else is at it.", "Please look at the list again.")
	case err != nil:
		s.problem(w, http.StatusBadGateway, "The card could not be issued.", "The network did not take the account. The application keeps waiting and can be approved again.")
	default:
		http.Redirect(w, r, "/office", http.StatusSeeOther)
	}
}

// officeID gives the id of the application that the office calls by its
// number. The office never sees the id, which opens the cardholder's page; who
// has it, because he applied or reads the log of a test, may use it as well.
func (s *Site) officeID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(s.inOrder) {
		return s.inOrder[n-1].id
	}
	return name
}
