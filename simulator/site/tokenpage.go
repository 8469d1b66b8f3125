package site

import (
	"fmt"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

// answered is what came of the last wish about a token.
type answered struct {
	reply Reply
	err   error
}

// words says it for a page.
func (a answered) words() string {
	if a.err != nil {
		return "The network gave no answer. Please try again."
	}
	return fmt.Sprintf("The network answered %s: %s.", a.reply.Response, a.reply.Words())
}

// tokensOnCard is the card's tokens as its holder sees them. It needs s.mu.
func (s *Site) tokensOnCard(id string, pan card.PAN, now time.Time) []tokenView {
	var views []tokenView
	for _, t := range s.book.Tokens().Of(pan) {
		v := s.tokenView(t)
		if v.Waits {
			s.tellWhatToDo(&v, id, t, now)
		}
		if v.ConfirmURL == "" { // what the office asked is the office's
			v.Answered, v.Response = "", ""
		}
		views = append(views, v)
	}
	return views
}

// tokenView is what every page shows of a token. It needs s.mu.
func (s *Site) tokenView(t ledger.Token) tokenView {
	v := tokenView{
		Reference: t.Reference, Number: t.Number.Masked(), Kind: kindOf(t),
		Status: t.Status.Word(), Words: statusWords[t.Status], Waits: t.Status == token.Inactive,
	}
	if a, asked := s.answers[t.Reference]; asked {
		v.Answered, v.Response = a.words(), string(a.reply.Response)
	}
	return v
}

// tellWhatToDo says how a token that waits gets active. The passcode stands here
// as if it had come by a text message.
func (s *Site) tellWhatToDo(v *tokenView, id string, t ledger.Token, now time.Time) {
	switch {
	case t.Method == token.ByIssuerApp && s.options.Desk != nil:
		v.ConfirmURL = "/cards/" + id + "/tokens/" + t.Reference + "/confirm"
	case t.Passcode.IsZero():
		v.Call = s.options.CallCentre
	case t.Result == token.PasscodesTried, !now.Before(t.PasscodeExpires):
		v.Gone = true
	default:
		v.Passcode = t.Passcode.Reveal()
		v.Until, v.UntilStamp = shownTime(t.PasscodeExpires), t.PasscodeExpires.UTC().Format(time.RFC3339)
	}
}

// statusWords are a token's states as people read them.
var statusWords = map[token.Status]string{
	token.Inactive: "waits to be activated", token.Active: "active",
	token.Suspended: "suspended", token.Deactivated: "deleted",
}

// deviceKinds are the types of field 125 set 01 tag 01.
var deviceKinds = map[string]string{"01": "Phone", "02": "Tablet", "03": "Watch"}

// kindOf says in words where a token lives.
func kindOf(t ledger.Token) string {
	kind, ok := deviceKinds[t.Device.Type]
	if !ok {
		kind = "Phone"
	}
	switch t.Type {
	case token.Cloud:
		kind += ", cloud wallet"
	case token.CardOnFile:
		kind = "Card on file at a shop"
	case token.ECommerce:
		kind = "Online payments"
	}
	if t.Device.Name != "" {
		return t.Device.Name + " – " + kind
	}
	return kind
}

// confirmInApp is the button of the issuer's app.
func (s *Site) confirmInApp(w http.ResponseWriter, r *http.Request) {
	id, reference := r.PathValue("id"), r.PathValue("reference")
	t, ok := s.book.Tokens().Find(reference)
	if !ok || s.options.Desk == nil || t.PAN != s.panOf(id) || t.Method != token.ByIssuerApp {
		s.notFound(w, r)
		return
	}
	reply, err := s.options.Desk.Activate(r.Context(), reference, token.ByIssuerApp)
	s.keep(reference, reply, err)
	http.Redirect(w, r, "/cards/"+id, http.StatusSeeOther)
}

// panOf is the number of the card whose page has an id, or none.
func (s *Site) panOf(id string) card.PAN {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.cards[id]; ok {
		return c.account.PAN
	}
	return card.PAN{}
}

// keep keeps what the network answered, for the pages that show it.
func (s *Site) keep(reference string, reply Reply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[reference] = answered{reply, err}
}
