package site

import (
	"net/http"
	"strings"
	"time"
)

func (s *Site) showCard(w http.ResponseWriter, r *http.Request) {
	view, ok := s.cardView(r.PathValue("id"))
	if !ok {
		s.notFound(w, r)
		return
	}
	s.render(w, http.StatusOK, "card", view)
}

// cardView reveals a card for its holder's page.
func (s *Site) cardView(id string) (cardView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cards[id]
	if !ok {
		return cardView{}, false
	}
	mmyy := c.account.Expiry.MMYY()
	view := cardView{
		Number: groups(c.account.PAN.Reveal()), Expiry: mmyy[:2] + "/" + mmyy[2:],
		Holder: c.account.Holder, Product: c.account.Product, CodesURL: "/cards/" + id + "/codes", PageURL: "/cards/" + id,
	}
	now := s.options.Now()
	if account, ok := s.book.Find(c.account.PAN); ok {
		view.AccountNumber = account.Number
	}
	view.Tokens = s.tokensOnCard(id, c.account.PAN, now)
	if code, ok := c.current(now); ok {
		view.Code = code.Code.Reveal()
		view.Until, view.UntilStamp = shownTime(code.Expires), code.Expires.UTC().Format(time.RFC3339)
		view.RefreshSeconds = int(code.Expires.Sub(now)/time.Second) + 1
	}
	return view, true
}

// renewCodes asks for new codes for a card and shows its page again.
func (s *Site) renewCodes(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.mu.Lock()
	c, ok := s.cards[id]
	s.mu.Unlock()
	if !ok {
		s.notFound(w, r)
		return
	}
	if err := s.fetchCodes(r.Context(), c); err != nil {
		s.options.Log.Warn().Err(err).Stringer("pan", c.account.PAN).Msg("no codes")
		s.problem(w, http.StatusBadGateway, "No new codes could be had.", "The network did not answer as it should. Please try again in a moment.")
		return
	}
	s.options.Log.Info().Stringer("pan", c.account.PAN).Msg("codes renewed")
	http.Redirect(w, r, "/cards/"+id, http.StatusSeeOther)
}

// groups sets a blank after every four digits, as on a card.
func groups(digits string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}
