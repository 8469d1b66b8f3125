package site_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/token"
)

// references of the tests' tokens.
const (
	refPhone = "0123456789abcdef0123456789abcdef"
	refWatch = "fedcba9876543210fedcba9876543210"
)

// callCentre is the number to call as a page's source writes it.
var callCentre = strings.ReplaceAll(site.DefaultCallCentre, "+", "&#43;")

// fakeDesk does every step at once in the book, as the host does with the
// network's answer, and remembers what was asked.
type fakeDesk struct {
	book *ledger.Book

	mu      sync.Mutex
	asked   []string
	decline token.Response
	err     error
	busy    func() // called while it is asked
}

func (d *fakeDesk) does(step, reference string, after ledger.Token) (site.Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, step+" "+reference)
	if d.busy != nil {
		d.busy()
	}
	switch {
	case d.err != nil:
		return site.Reply{}, d.err
	case d.decline != "":
		return site.Reply{Response: d.decline}, nil
	}
	after.Reference = reference
	d.book.Tokens().Note(after)
	record, _ := d.book.Tokens().Find(reference)
	return site.Reply{Response: token.Approved, Record: record}, nil
}

func (d *fakeDesk) Activate(_ context.Context, reference string, by token.Method) (site.Reply, error) {
	return d.does("activate by "+string(by), reference, ledger.Token{Status: token.Active})
}

func (d *fakeDesk) Suspend(_ context.Context, reference string) (site.Reply, error) {
	return d.does("suspend", reference, ledger.Token{Status: token.Suspended})
}

func (d *fakeDesk) Resume(_ context.Context, reference string) (site.Reply, error) {
	return d.does("resume", reference, ledger.Token{Status: token.Active})
}

func (d *fakeDesk) Delete(_ context.Context, reference string) (site.Reply, error) {
	return d.does("delete", reference, ledger.Token{Status: token.Deactivated})
}

func (d *fakeDesk) UpdateExpiry(_ context.Context, reference string, expiry card.Expiry) (site.Reply, error) {
	return d.does("expiry "+expiry.YYMM(), reference, ledger.Token{PANExpiry: expiry})
}

func (d *fakeDesk) ReplacePAN(_ context.Context, reference string, pan card.PAN, _ card.Sequence, expiry card.Expiry) (site.Reply, error) {
	return d.does("replace", reference, ledger.Token{PAN: pan, PANExpiry: expiry})
}

func (d *fakeDesk) answer(decline token.Response, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decline, d.err = decline, err
}

func (d *fakeDesk) heard() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	heard := strings.Join(d.asked, ", ")
	d.asked = nil
	return heard
}

// newOffice is a site with a desk, and the page of a card that was issued.
func newOffice(t *testing.T) (w *world, desk *fakeDesk, page string) {
	t.Helper()
	desk = &fakeDesk{}
	w = newWorld(t, func(o *site.Options) { o.Desk = desk })
	desk.book = w.Book()
	_, page = issueCard(t, w)
	return w, desk, page
}

// load notes a token of the first card.
func (w *world) load(reference string, change func(*ledger.Token)) {
	n := ledger.Token{
		Reference: reference, Number: card.MustPAN("4895370012345671"), PAN: w.Book().All()[0].PAN, TransactionID: "5326120001234" + reference[:2],
		Type: token.SecureElement, Status: token.Active, Device: token.Device{Type: "01"},
	}
	if change != nil {
		change(&n)
	}
	w.Book().Tokens().Note(n)
}

// waiting makes a token one that waits for a step-up by a method.
func waiting(method token.Method) func(*ledger.Token) {
	return func(n *ledger.Token) { n.Status, n.Method = token.Inactive, method }
}

// bringing makes it one that has a passcode until a time.
func bringing(t *testing.T, digits string, until time.Time) func(*ledger.Token) {
	t.Helper()
	code, err := token.ParseActivationCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return func(n *ledger.Token) {
		n.Status, n.Method, n.Passcode, n.PasscodeExpires = token.Inactive, token.ByPasscode, code, until
	}
}

func TestTheCardsPageShowsItsTokens(t *testing.T) {
	tests := []struct {
		name        string
		change      func(*ledger.Token)
		kind, words string
	}{
		{"a phone", nil, "Phone", "active"},
		{"a watch with a name", func(n *ledger.Token) { n.Device.Type, n.Device.Name = "03", "Ada's" }, "Ada's – Watch", "active"},
		{"a tablet, suspended", func(n *ledger.Token) { n.Device.Type, n.Status = "02", token.Suspended }, "Tablet", "suspended"},
		{"nobody said what", func(n *ledger.Token) { n.Device.Type = "" }, "Phone", "active"},
		{"a cloud wallet", func(n *ledger.Token) { n.Type = token.Cloud }, "Phone, cloud wallet", "active"},
		{"on file, deleted", func(n *ledger.Token) { n.Type, n.Status = token.CardOnFile, token.Deactivated }, "Card on file at a shop", "deleted"},
		{"online", func(n *ledger.Token) { n.Type = token.ECommerce }, "Online payments", "active"},
		{"one that waits", waiting(token.ByCallCentre), "Phone", "waits to be activated"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, _, page := newOffice(t)
			if shown, err := (site.Cardholder{}).Tokens(t.Context(), page); err != nil || len(shown) != 0 {
				t.Fatalf("before, the page shows %v, %v", shown, err)
			}
			w.load(refPhone, test.change)
			shown, err := site.Cardholder{}.Tokens(t.Context(), page)
			if err != nil || len(shown) != 1 {
				t.Fatalf("the page shows %v, %v", shown, err)
			}
			record, _ := w.Book().Tokens().Find(refPhone)
			want := site.ShownToken{
				Reference: refPhone, Number: "489537******5671", Kind: test.kind, Status: record.Status.Word(), Words: test.words,
			}
			if shown[0] != want {
				t.Errorf("the page shows %+v, want %+v", shown[0], want)
			}
		})
	}
}

func TestThePasscodeOnTheCardsPage(t *testing.T) {
	w, _, page := newOffice(t)
	holder, ends := site.Cardholder{}, w.clock.now().Add(time.Minute)
	read := func() string {
		t.Helper()
		code, err := holder.Passcode(t.Context(), page, refPhone)
		if err != nil && !errors.Is(err, site.ErrMissing) {
			t.Fatal(err)
		}
		return code.Reveal()
	}
	w.load(refPhone, waiting(token.ByPasscode))
	if got := read(); got != "" {
		t.Error("a passcode is shown that did not come")
	}
	w.load(refPhone, bringing(t, "012345", ends))
	if got := read(); got != "012345" {
		t.Errorf("the page shows %q", got)
	}
	if _, body := w.do(t, "GET", path(t, page), ""); !strings.Contains(body, ends.Format(time.RFC3339)) {
		t.Error("the page does not say until when it is good")
	}
	w.clock.advance(time.Minute - 1)
	if got := read(); got != "012345" {
		t.Error("a passcode is gone before its time")
	}
	w.clock.advance(1)
	if got := read(); got != "" {
		t.Error("an expired passcode is shown")
	}
	if _, body := w.do(t, "GET", path(t, page), ""); !strings.Contains(body, "not good any more") {
		t.Error("the page does not say that the passcode is over")
	}
	w.load(refPhone, bringing(t, "543210", ends.Add(time.Hour)))
	if got := read(); got != "543210" {
		t.Error("another passcode is not shown")
	}
	w.load(refPhone, func(n *ledger.Token) { n.Status, n.Result = token.Inactive, token.PasscodesTried })
	if got := read(); got != "" {
		t.Error("a passcode without a try left is shown")
	}
	w.load(refPhone, bringing(t, "543210", ends.Add(time.Hour)))
	if got := read(); got != "" {
		t.Error("a passcode without a try left is shown because it came twice")
	}
	w.load(refPhone, bringing(t, "000000", ends.Add(2*time.Hour)))
	if got := read(); got != "000000" {
		t.Error("a passcode after one without a try left is not shown")
	}
	w.load(refPhone, nil)
	if got := read(); got != "" {
		t.Error("an active token's passcode is shown")
	}
}

func TestConfirmingInTheApp(t *testing.T) {
	w, desk, page := newOffice(t)
	holder, ctx := site.Cardholder{}, t.Context()
	w.load(refPhone, waiting(token.ByIssuerApp))
	w.load(refWatch, nil)
	if _, err := holder.Passcode(ctx, page, refPhone); !errors.Is(err, site.ErrMissing) {
		t.Errorf("a passcode: %v", err)
	}
	for _, step := range []struct {
		name     string
		decline  token.Response
		err      error
		words    string
		response token.Response
		status   string
	}{
		{"the network declines", token.InvalidTransaction, nil, "12: not possible", token.InvalidTransaction, "inactive"},
		{"the network is silent", "", errNetwork, "no answer", "", "inactive"},
		{"the network does it", "", nil, "", "", "active"},
	} {
		desk.answer(step.decline, step.err)
		shown, err := holder.Confirm(ctx, page, refPhone)
		if err != nil || shown.Status != step.status || shown.Response != step.response ||
			!strings.Contains(shown.Answer, step.words) || (shown.Answer == "") != (step.words == "") {
			t.Errorf("%s: the page shows %+v, %v", step.name, shown, err)
		}
		if got := desk.heard(); got != "activate by 03 "+refPhone {
			t.Errorf("%s: the desk was asked to %s", step.name, got)
		}
	}
	for _, reference := range []string{refPhone, refWatch, strings.Repeat("0", 32)} {
		if _, err := holder.Confirm(ctx, page, reference); !errors.Is(err, site.ErrMissing) {
			t.Errorf("a token that does not wait for it has a button: %v", err)
		}
	}
}

// Only the card's own page confirms, and only a token that waits for it.
func TestNobodyElseConfirms(t *testing.T) {
	w, desk, page := newOffice(t)
	_, other := issueCard(t, w)
	w.load(refPhone, waiting(token.ByIssuerApp))
	w.load(refWatch, waiting(token.ByCallCentre))
	for _, address := range []string{
		path(t, other) + "/tokens/" + refPhone, "/cards/x/tokens/" + refPhone,
		path(t, page) + "/tokens/x", path(t, page) + "/tokens/" + refWatch,
	} {
		if answer, _ := w.do(t, "POST", address+"/confirm", ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %s", address, answer.Status)
		}
	}
	if got := desk.heard(); got != "" {
		t.Errorf("the desk was asked to %s", got)
	}
}

func TestTheCallCentre(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, waiting(token.ByCallCentre))
	if _, body := w.do(t, "GET", path(t, page), ""); !strings.Contains(body, callCentre) {
		t.Error("the page does not say whom to call")
	}
	shown, err := site.Cardholder{}.Activate(t.Context(), page, refPhone)
	if err != nil || shown.Status != "active" || shown.Response != token.Approved || desk.heard() != "activate by 02 "+refPhone {
		t.Errorf("the office shows %+v, %v", shown, err)
	}
	if _, body := w.do(t, "GET", path(t, page), ""); strings.Contains(body, callCentre) {
		t.Error("the page still says whom to call")
	}
}

// The office's buttons follow the token's state, and what the network answered
// stands beside the token.
func TestTheOfficesButtons(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, waiting(token.ByPasscode))
	office, ctx := site.Cardholder{}, t.Context()
	type press func(context.Context, string, string) (site.ShownToken, error)
	for _, step := range []struct {
		name    string
		press   press
		decline token.Response
		asked   string // "" where there is no such button
		status  string
	}{
		{"suspend what is inactive", office.Suspend, "", "", ""},
		{"resume what is inactive", office.Resume, "", "", ""},
		{"activate, declined", office.Activate, token.RecordNotFound, "activate by 02", "inactive"},
		{"activate", office.Activate, "", "activate by 02", "active"},
		{"activate what is active", office.Activate, "", "", ""},
		{"resume what is active", office.Resume, "", "", ""},
		{"suspend", office.Suspend, "", "suspend", "suspended"},
		{"suspend what is suspended", office.Suspend, "", "", ""},
		{"resume, declined", office.Resume, token.InvalidTransaction, "resume", "suspended"},
		{"resume", office.Resume, "", "resume", "active"},
		{"delete", office.Delete, "", "delete", "deactivated"},
		{"delete what is deleted", office.Delete, "", "", ""},
	} {
		desk.answer(step.decline, nil)
		shown, err := step.press(ctx, page, refPhone)
		if step.asked == "" {
			if !errors.Is(err, site.ErrMissing) || desk.heard() != "" {
				t.Errorf("%s: %+v, %v", step.name, shown, err)
			}
			continue
		}
		want := token.Approved
		if step.decline != "" {
			want = step.decline
		}
		if err != nil || shown.Status != step.status || shown.Response != want || !strings.Contains(shown.Answer, string(want)) {
			t.Errorf("%s: the office shows %+v, %v", step.name, shown, err)
		}
		if got := desk.heard(); got != step.asked+" "+refPhone {
			t.Errorf("%s: the desk was asked to %s", step.name, got)
		}
	}
}

// No button goes without a name of its own: who hears the page knows which token
// each is for.
func TestButtonsHaveNames(t *testing.T) {
	w, _, page := newOffice(t)
	w.load(refPhone, waiting(token.ByIssuerApp))
	_, office := w.do(t, "GET", "/office", "")
	for _, name := range []string{
		`aria-label="Activate: token 489537******5671"`, `aria-label="Delete: token 489537******5671"`,
		`aria-label="Replace card: account 1"`, `aria-label="New expiry date: account 1"`,
	} {
		if !strings.Contains(office, name) {
			t.Errorf("the office has no button with %s", name)
		}
	}
	if _, body := w.do(t, "GET", path(t, page), ""); !strings.Contains(body, `aria-label="Confirm in the app: token 489537******5671"`) {
		t.Error("the app's button has no name")
	}
	if strings.Contains(office, "<script") || strings.Contains(office, "onclick") {
		t.Error("the office needs a script")
	}
}

func TestNewExpiryDate(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	w.load(refWatch, func(n *ledger.Token) { n.Status = token.Deactivated })
	tokens, err := site.Cardholder{}.NewExpiry(t.Context(), page)
	if err != nil || len(tokens) != 2 || tokens[0].Response != token.Approved || tokens[1].Answer != "" {
		t.Errorf("the office shows %+v, %v", tokens, err)
	}
	if got := desk.heard(); got != "expiry 3011 "+refPhone {
		t.Errorf("the desk was asked to %s", got)
	}
	shown, err := site.Cardholder{}.ReadPage(t.Context(), page)
	account := w.Book().All()[0]
	if err != nil || shown.Expiry != card.MustExpiry("3011") || account.Expiry != shown.Expiry || shown.PAN != account.PAN {
		t.Errorf("the card's page does not show the new date: %v", err)
	}
	if got := shown.Code.Reveal(); got != "700" {
		t.Errorf("the card's page shows the code %s", got)
	}
}

func TestReplaceCard(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	holder, ctx := site.Cardholder{}, t.Context()
	old := w.Book().All()[0]
	w.clock.advance(366 * 24 * time.Hour)
	tokens, err := holder.ReplaceCard(ctx, page)
	if err != nil || len(tokens) != 1 || tokens[0].Reference != refPhone || tokens[0].Response != token.Approved {
		t.Errorf("the office shows %+v, %v", tokens, err)
	}
	if got := desk.heard(); got != "replace "+refPhone {
		t.Errorf("the desk was asked to %s", got)
	}
	shown, err := holder.ReadPage(ctx, page)
	fresh, ok := w.Book().Find(shown.PAN)
	switch {
	case err != nil || !ok || shown.PAN == old.PAN || shown.Expiry != card.MustExpiry("3011"):
		t.Errorf("the card's page shows another card: %v", err)
	case fresh.Holder != old.Holder || fresh.Product != old.Product || fresh.Balance != old.Balance || fresh.Number != 2:
		t.Errorf("the new account is %+v", fresh)
	case w.codes.enrolled[1] != fresh.PAN || shown.Code.Reveal() != "700":
		t.Error("the new card has no codes of its own")
	}
	if record, _ := w.Book().Tokens().Find(refPhone); record.PAN != fresh.PAN || record.PANExpiry != fresh.Expiry {
		t.Errorf("the token is of %+v", record)
	}
	if _, body := w.do(t, "GET", "/office", ""); !strings.Contains(body, "replaced by account 2") {
		t.Error("the office does not say what became of the old card")
	}
	if answer, _ := w.do(t, "POST", "/office/cards/1/expiry", ""); answer.StatusCode != http.StatusConflict {
		t.Errorf("a replaced card gets a date: %s", answer.Status)
	}
}

// What the network declined to move stays with the old card, and can be moved
// later.
func TestTokensThatAreLeftBehind(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	desk.answer(token.Malfunction, nil)
	if tokens, err := (site.Cardholder{}).ReplaceCard(t.Context(), page); err != nil || len(tokens) != 0 {
		t.Fatalf("the new card has %+v, %v", tokens, err)
	}
	fresh := w.Book().All()[1]
	_, office := w.do(t, "GET", "/office", "")
	if !strings.Contains(office, "Move its tokens to the new card") || !strings.Contains(office, `data-response="96"`) {
		t.Error("the office does not offer to move the token")
	}
	desk.answer("", nil)
	answer, _ := w.do(t, "POST", "/office/cards/1/replace", "")
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != "/office#account-2" {
		t.Fatalf("moving is answered %s, to %s", answer.Status, to)
	}
	if record, _ := w.Book().Tokens().Find(refPhone); record.PAN != fresh.PAN || len(w.Book().All()) != 2 {
		t.Errorf("the token is of %s, among %d accounts", record.PAN, len(w.Book().All()))
	}
	if _, office := w.do(t, "GET", "/office", ""); strings.Contains(office, "Move its tokens") {
		t.Error("there is nothing more to move")
	}
}

func TestReplacingWhileTheNetworkIsAway(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	w.codes.fail(errNetwork, nil)
	if _, err := (site.Cardholder{}).ReplaceCard(t.Context(), page); !errors.Is(err, site.ErrAnswer) {
		t.Errorf("replacing gave %v", err)
	}
	if len(w.Book().All()) != 1 || desk.heard() != "" {
		t.Error("something was changed all the same")
	}
	w.codes.fail(nil, nil)
	desk.answer("", errNetwork)
	tokens, err := site.Cardholder{}.NewExpiry(t.Context(), page)
	if err != nil || len(tokens) != 1 || tokens[0].Response != "" || !strings.Contains(tokens[0].Answer, "no answer") {
		t.Errorf("the office shows %+v, %v", tokens, err)
	}
}

// Two clerks change cards one after the other: who comes while one is at it is
// told so.
func TestTwoClerksChangeOneCard(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	var second int
	desk.busy = func() {
		answer, _ := w.do(t, "POST", "/office/cards/1/replace", "")
		second = answer.StatusCode
	}
	if _, err := (site.Cardholder{}).ReplaceCard(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	if second != http.StatusConflict || len(w.Book().All()) != 2 {
		t.Errorf("the second clerk got %d; there are %d accounts", second, len(w.Book().All()))
	}
}

func TestTheLastYearOfACard(t *testing.T) {
	w, desk, page := newOffice(t)
	w.load(refPhone, nil)
	renew := func(from string) error {
		t.Helper()
		if err := w.Book().Renew(w.Book().All()[0].PAN, card.MustExpiry(from)); err != nil {
			t.Fatal(err)
		}
		_, err := site.Cardholder{}.NewExpiry(t.Context(), page)
		return err
	}
	if err := renew("9812"); err != nil || desk.heard() != "expiry 9912 "+refPhone {
		t.Errorf("the last year: %v", err)
	}
	if err := renew("9912"); !errors.Is(err, site.ErrAnswer) || desk.heard() != "" {
		t.Errorf("a year past the last: %v", err)
	}
}

func TestAddressesOfTheOffice(t *testing.T) {
	w, desk, _ := newOffice(t)
	w.load(refPhone, nil)
	for _, address := range []string{
		"/office/tokens/x/suspend", "/office/tokens/" + refPhone + "/paint", "/office/cards/0/expiry", "/office/cards/2/expiry",
		"/office/cards/x/replace", "/office/cards/1/paint",
	} {
		if answer, _ := w.do(t, "POST", address, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %s", address, answer.Status)
		}
	}
	for _, address := range []string{"/office/tokens/" + refPhone + "/suspend", "/office/cards/1/expiry"} {
		if answer, _ := w.do(t, "POST", address, "", "Sec-Fetch-Site", "cross-site"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s from elsewhere is answered %s", address, answer.Status)
		}
		if answer, _ := w.do(t, "GET", address, ""); answer.StatusCode == http.StatusSeeOther {
			t.Errorf("GET %s does something", address)
		}
	}
	if got := desk.heard(); got != "" {
		t.Errorf("the desk was asked to %s", got)
	}
}

// Without a desk the pages show tokens and offer nothing.
func TestASiteWithoutADesk(t *testing.T) {
	w := newWorld(t, nil)
	_, page := issueCard(t, w)
	w.load(refPhone, waiting(token.ByIssuerApp))
	_, office := w.do(t, "GET", "/office", "")
	if strings.Contains(office, "<form") || !strings.Contains(office, "token-"+refPhone) {
		t.Error("the office offers something")
	}
	if _, body := w.do(t, "GET", path(t, page), ""); strings.Contains(body, "<form") || !strings.Contains(body, callCentre) {
		t.Error("the card's page offers something")
	}
	for _, address := range []string{"/office/tokens/" + refPhone + "/suspend", "/office/cards/1/expiry", path(t, page) + "/tokens/" + refPhone + "/confirm"} {
		if answer, _ := w.do(t, "POST", address, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %s", address, answer.Status)
		}
	}
}

// A passcode stands on its card's page and nowhere else; no page shows a token's
// number or a new card's.
func TestTokensKeepSecrets(t *testing.T) {
	w, _, page := newOffice(t)
	_, other := issueCard(t, w)
	w.load(refWatch, nil)
	if _, err := (site.Cardholder{}).ReplaceCard(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	fresh := w.Book().All()[2]
	w.load(refPhone, func(n *ledger.Token) {
		bringing(t, "864209", w.clock.now().Add(time.Minute))(n)
		n.PAN = fresh.PAN
	})
	_, own := w.do(t, "GET", path(t, page), "")
	if !strings.Contains(own, "864209") {
		t.Fatal("the card's page does not show the passcode")
	}
	_, office := w.do(t, "GET", "/office", "")
	_, others := w.do(t, "GET", path(t, other), "")
	number := card.MustPAN("4895370012345671").Reveal()
	for where, text := range map[string]string{"the office": office, "another card's page": others, "the log": w.log.String()} {
		for _, secret := range []string{"864209", number, fresh.PAN.Reveal(), w.Book().All()[0].PAN.Reveal()} {
			if strings.Contains(strings.ReplaceAll(text, " ", ""), secret) {
				t.Errorf("%s shows %s", where, secret)
			}
		}
	}
	if strings.Contains(own, number) {
		t.Error("the card's page shows the token's number")
	}
}

func TestTheOfficeTellsWhatAccountsHold(t *testing.T) {
	w, _, _ := newOffice(t)
	pan := w.Book().All()[0].PAN
	for _, step := range []struct {
		amount uint64
		want   string
	}{{1, "holds 999.99"}, {ledger.OpeningBalance, "owes 0.01"}} {
		if _, err := w.Book().Settle(pan, step.amount); err != nil {
			t.Fatal(err)
		}
		if _, office := w.do(t, "GET", "/office", ""); !strings.Contains(office, step.want) {
			t.Errorf("the office does not say that it %s", step.want)
		}
	}
	if err := w.Book().Block(pan, true); err != nil {
		t.Fatal(err)
	}
	if _, office := w.do(t, "GET", "/office", ""); !strings.Contains(office, ">blocked<") {
		t.Error("the office does not say that the card is blocked")
	}
}

func TestDeviceNamesAreShownAsText(t *testing.T) {
	w, _, page := newOffice(t)
	w.load(refPhone, func(n *ledger.Token) { n.Device.Name = "<script>1</script>" })
	for _, address := range []string{"/office", path(t, page)} {
		if _, body := w.do(t, "GET", address, ""); strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not escape a name", address)
		}
	}
}

// A page holds as many tokens as a reader takes.
func TestAPageWithManyTokens(t *testing.T) {
	w, _, page := newOffice(t)
	for i := range 100 {
		w.load(fmt.Sprintf("%032x", i), waiting(token.ByIssuerApp))
	}
	if shown, err := (site.Cardholder{}).Tokens(t.Context(), page); err != nil || len(shown) != 100 {
		t.Errorf("%d are read: %v", len(shown), err)
	}
}
