package site

import (
	"bytes"
	"html/template"
	"net/http"
	"time"
)

// The views are what the templates in pages/ show. Only cardView holds clear
// card data.
type (
	formView struct {
		Products             []string
		Name, Product, Fault string
	}
	applicationView struct {
		Number              int
		Name, Product, Made string
		Status              Status
		CardURL             string
	}
	officeRow struct {
		Number                          int
		Name, Product, Made, PAN, Fault string
		Status                          Status
		InHand                          bool
	}
	accountRow struct {
		Number               int
		Holder, Product, PAN string
		Balance, State       string
		Successor            int // number of the account that replaced it; 0 for none
		Tokens               []tokenView
		Buttons              []button
	}
	officeView struct {
		Rows     []officeRow
		Accounts []accountRow
	}
	tokenView struct {
		Reference, Number, Kind string
		Status, Words           string // for programs, and for people
		Waits                   bool
		Passcode                string
		Until, UntilStamp       string // of the passcode
		Gone                    bool   // the passcode is not good any more
		ConfirmURL              string
		Call                    string // number to call
		Answered, Response      string // what the network answered last, in words and its code
		Buttons                 []button
	}
	button struct {
		URL, Text, About string // About is what is read out after Text
		Second           bool
	}
	cardView struct {
		Number, Expiry, Code string
		Until, UntilStamp    string
		Holder, Product      string
		CodesURL             string
		PageURL              string
		AccountNumber        int
		Tokens               []tokenView
		RefreshSeconds       int
	}
	problemView struct{ Title, Advice string }
)

// page is what the frame around every view knows.
type page struct {
	Issuer string
	View   any
}

var templates = parseTemplates("apply", "application", "office", "card", "problem")

func parseTemplates(names ...string) map[string]*template.Template {
	all := make(map[string]*template.Template, len(names))
	for _, name := range names {
		all[name] = template.Must(template.ParseFS(pages, "pages/frame.html", "pages/"+name+".html"))
	}
	return all
}

// render writes a page, whole or not at all.
func (s *Site) render(w http.ResponseWriter, status int, name string, view any) {
	var out bytes.Buffer
	if err := templates[name].ExecuteTemplate(&out, "frame", page{Issuer: s.options.Name, View: view}); err != nil {
		s.options.Log.Error().Err(err).Str("page", name).Msg("page not rendered")
		http.Error(w, "This page cannot be shown just now.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

func (s *Site) problem(w http.ResponseWriter, status int, title, advice string) {
	s.render(w, status, "problem", problemView{Title: title, Advice: advice})
}

func (s *Site) notFound(w http.ResponseWriter, _ *http.Request) {
	s.problem(w, http.StatusNotFound, "There is nothing at this address.", "Please check it, or start anew on the first page.")
}

func shownTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }
