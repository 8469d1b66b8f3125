package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

// Steps of a token's life that the office has buttons for, and changes of a
// card, as addresses name them.
const (
	stepActivate = "activate"
	stepSuspend  = "suspend"
	stepResume   = "resume"
	stepDelete   = "delete"

	changeExpiry  = "expiry"
	changeReplace = "replace"
)

// stepTexts are the buttons of tokens in each state.
var stepTexts = map[token.Status][][2]string{
	token.Inactive:  {{stepActivate, "Activate"}, {stepDelete, "Delete"}},
	token.Active:    {{stepSuspend, "Suspend"}, {stepDelete, "Delete"}},
	token.Suspended: {{stepResume, "Resume"}, {stepDelete, "Delete"}},
}

// Errors of changes of cards.
var (
	errReplaced  = errors.New("the card was replaced")
	errNoAccount = errors.New("there is no such account")
	errNoStep    = errors.New("there is no such step")
)

// accountRows lists the accounts, newest first.
func (s *Site) accountRows() []accountRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []accountRow
	for _, a := range slices.Backward(s.book.All()) {
		row := accountRow{
			Number: a.Number, Holder: a.Holder, Product: a.Product, PAN: a.PAN.Masked(),
			Balance: money(a), State: stateOf(a),
		}
		if next, ok := s.book.Find(a.Successor); ok {
			row.Successor = next.Number
		}
		for _, t := range s.book.Tokens().Of(a.PAN) {
			v := s.tokenView(t)
			v.Buttons = s.tokenButtons(t)
			row.Tokens = append(row.Tokens, v)
		}
		row.Buttons = s.accountButtons(a, row.Tokens)
		rows = append(rows, row)
	}
	return rows
}

// money is what an account holds, or owes, as people write it.
func money(a ledger.Account) string {
	if a.Owed > 0 {
		return fmt.Sprintf("owes %d.%02d", a.Owed/100, a.Owed%100)
	}
	return fmt.Sprintf("holds %d.%02d", a.Balance/100, a.Balance%100)
}

func stateOf(a ledger.Account) string {
	switch {
	case !a.Successor.IsZero():
		return "replaced"
	case a.Blocked:
		return "blocked"
	}
	return ""
}

func (s *Site) tokenButtons(t ledger.Token) []button {
	if s.options.Desk == nil {
		return nil
	}
	var buttons []button
	for _, step := range stepTexts[t.Status] {
		buttons = append(buttons, button{
			URL: "/office/tokens/" + t.Reference + "/" + step[0], Text: step[1],
			About: "token " + t.Number.Masked(), Second: step[0] == stepDelete,
		})
	}
	return buttons
}

// accountButtons are those of a card in use, and one for what was left behind on
// a card that was replaced.
func (s *Site) accountButtons(a ledger.Account, tokens []tokenView) []button {
	if s.options.Desk == nil {
		return nil
	}
	at := fmt.Sprintf("/office/cards/%d/", a.Number)
	about := fmt.Sprintf("account %d", a.Number)
	if a.Successor.IsZero() {
		return []button{
			{URL: at + changeExpiry, Text: "New expiry date", About: about, Second: true},
			{URL: at + changeReplace, Text: "Replace card", About: about, Second: true},
		}
	}
	if slices.ContainsFunc(tokens, func(t tokenView) bool { return len(t.Buttons) > 0 }) {
		return []button{{URL: at + changeReplace, Text: "Move its tokens to the new card", About: about}}
	}
	return nil
}

// stepInOffice asks the network for a step in a token's life.
func (s *Site) stepInOffice(w http.ResponseWriter, r *http.Request) {
	reference := r.PathValue("reference")
	t, ok := s.book.Tokens().Find(reference)
	if !ok || s.options.Desk == nil {
		s.notFound(w, r)
		return
	}
	reply, err := s.step(r.Context(), r.PathValue("step"), reference)
	if errors.Is(err, errNoStep) {
		s.notFound(w, r)
		return
	}
	s.keep(reference, reply, err)
	account, _ := s.book.Find(t.PAN)
	s.backToAccount(w, r, account.Number)
}

func (s *Site) step(ctx context.Context, step, reference string) (Reply, error) {
	desk := s.options.Desk
	switch step {
	case stepActivate:
		return desk.Activate(ctx, reference, token.ByCallCentre)
	case stepSuspend:
		return desk.Suspend(ctx, reference)
	case stepResume:
		return desk.Resume(ctx, reference)
	case stepDelete:
		return desk.Delete(ctx, reference)
	}
	return Reply{}, errNoStep
}

// changeInOffice gives a card another expiry date or number, and tells the
// network of each of its tokens.
func (s *Site) changeInOffice(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	err := s.change(r.Context(), r.PathValue("change"), number)
	switch {
	case errors.Is(err, errNoAccount), errors.Is(err, errNoStep):
		s.notFound(w, r)
	case errors.Is(err, ErrInHand), errors.Is(err, errReplaced):
		s.problem(w, http.StatusConflict, "This card is replaced already, or somebody else is at it.", "Please look at the list again.")
	case err != nil:
		s.options.Log.Warn().Err(err).Int("account", number).Msg("card not changed")
		s.problem(w, http.StatusBadGateway, "The card could not be changed.", "The network did not take the account. Nothing was changed; please try again.")
	default:
		account, _ := s.book.Numbered(number)
		s.backToAccount(w, r, s.lastOf(account).Number)
	}
}

func (s *Site) backToAccount(w http.ResponseWriter, r *http.Request, number int) {
	http.Redirect(w, r, fmt.Sprintf("/office#account-%d", number), http.StatusSeeOther)
}

func (s *Site) change(ctx context.Context, change string, number int) error {
	account, ok := s.book.Numbered(number)
	if !ok || s.options.Desk == nil {
		return errNoAccount
	}
	if !s.clerk.TryLock() {
		return ErrInHand
	}
	defer s.clerk.Unlock()
	switch change {
	case changeExpiry:
		return s.renew(ctx, account.PAN)
	case changeReplace:
		return s.replace(ctx, account.PAN)
	}
	return errNoStep
}

// tell asks the network one thing about each token of a card that is not
// deleted, and keeps its answers.
func (s *Site) tell(pan card.PAN, ask func(reference string) (Reply, error)) {
	for _, t := range s.book.Tokens().Of(pan) {
		if t.Status == token.Deactivated {
			continue
		}
		reply, err := ask(t.Reference)
		s.keep(t.Reference, reply, err)
	}
}
