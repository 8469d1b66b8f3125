package site_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/simulator/site"
)

var errNetwork = errors.New("the network is away")

// fakeCodes gives the codes 700, 701 … for the hours from its clock on.
type fakeCodes struct {
	clock *clock

	mu       sync.Mutex
	enrolled []card.PAN
	enroll   error // what Enroll answers
	generate error // what Generate answers
}

func (f *fakeCodes) fail(enroll, generate error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enroll, f.generate = enroll, generate
}

func (f *fakeCodes) Enroll(_ context.Context, pan card.PAN) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enrolled = append(f.enrolled, pan)
	return f.enroll
}

func (f *fakeCodes) Generate(_ context.Context, _ card.PAN, _ card.Sequence, _ card.Expiry, count int) ([]site.Code, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.generate != nil {
		return nil, f.generate
	}
	hour := f.clock.now().Truncate(time.Hour)
	codes := make([]site.Code, count)
	for i := range codes {
		code, err := dcvv2.ParseCode(fmt.Sprint(700 + i))
		if err != nil {
			return nil, err
		}
		from := hour.Add(time.Duration(i) * time.Hour)
		codes[i] = site.Code{Code: code, ValidFrom: from, Expires: from.Add(time.Hour)}
	}
	return codes, nil
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a site with its doubles and what it logs.
type world struct {
	*site.Site
	codes *fakeCodes
	clock *clock
	log   *bytes.Buffer
	url   string
}

func newWorld(t *testing.T, change func(*site.Options)) *world {
	t.Helper()
	w := &world{clock: &clock{at: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)}, log: &bytes.Buffer{}}
	w.codes = &fakeCodes{clock: w.clock}
	o := site.Options{
		Range: card.MustRange("4761739"), Codes: w.codes, Now: w.clock.now,
		Random: rand.NewChaCha8([32]byte{7}), Log: zerolog.New(zerolog.SyncWriter(w.log)),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if w.Site, err = site.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// do asks the site for a page and gives status and body.
func (w *world) do(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(page)
}

func TestFromApplicationToCard(t *testing.T) {
	w, holder, ctx := newWorld(t, nil), site.Cardholder{}, t.Context()

	application, err := holder.Apply(ctx, w.url, "Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if status, err := holder.Status(ctx, application); status != site.Waiting || err != nil {
		t.Fatalf("after applying: %q, %v", status, err)
	}
	if _, _, err := holder.Show(ctx, application); !errors.Is(err, site.ErrNotApproved) {
		t.Fatalf("showing the card before approval gave %v", err)
	}

	if err := holder.Approve(ctx, application); err != nil {
		t.Fatal(err)
	}
	if status, err := holder.Wait(ctx, application, time.Hour); status != site.Approved || err != nil {
		t.Fatalf("after approval: %q, %v", status, err)
	}

	shown, page, err := holder.Show(ctx, application)
	if err != nil {
		t.Fatal(err)
	}
	account, ok := w.Book().Find(shown.PAN)
	switch {
	case !ok || account.Holder != "Ada Lovelace" || account.Balance != ledger.OpeningBalance:
		t.Errorf("the book says %+v", account)
	case shown.Expiry != card.MustExpiry("2911") || account.Expiry != shown.Expiry:
		t.Error("the card must be valid for three years, to November 2029")
	case !card.MustRange("4761739").Contains(shown.PAN):
		t.Error("the card is outside the issuer's range")
	case len(w.codes.enrolled) != 1 || w.codes.enrolled[0] != shown.PAN:
		t.Errorf("enrolled: %v", w.codes.enrolled)
	case shown.Code.Reveal() != "700" || !shown.Expires.Equal(w.clock.now().Truncate(time.Hour).Add(time.Hour)):
		t.Errorf("the page shows another code than the first, or another end: %v", shown.Expires)
	}

	w.clock.advance(time.Hour)
	if shown, err = holder.ReadPage(ctx, page); err != nil || shown.Code.Reveal() != "701" {
		t.Errorf("an hour later the page must show the next code: %v", err)
	}
}

func TestWhenCodesRunOut(t *testing.T) {
	w, holder, ctx := newWorld(t, nil), site.Cardholder{}, t.Context()
	_, page := issueCard(t, w)

	w.clock.advance(24 * time.Hour)
	shown, err := holder.ReadPage(ctx, page)
	if !errors.Is(err, site.ErrMissing) || !strings.Contains(err.Error(), site.CodeID) || shown.PAN.IsZero() {
		t.Errorf("a page without a current code gave %+v, %v", shown, err)
	}
	w.codes.fail(nil, errNetwork)
	if err := holder.Renew(ctx, page); !errors.Is(err, site.ErrAnswer) {
		t.Errorf("asking for codes while the network is away gave %v", err)
	}
	w.codes.fail(nil, nil)
	if err := holder.Renew(ctx, page); err != nil {
		t.Fatal(err)
	}
	if shown, err = holder.ReadPage(ctx, page); err != nil || shown.Code.Reveal() != "700" {
		t.Errorf("after asking for codes: %v", err)
	}
	if err := holder.Renew(ctx, page); !errors.Is(err, site.ErrMissing) {
		t.Errorf("a page with a code must not offer new ones: %v", err)
	}
}

func TestACodeEndsOnTheSecond(t *testing.T) {
	w, holder := newWorld(t, nil), site.Cardholder{}
	_, page := issueCard(t, w)
	for _, step := range []struct {
		to   time.Time
		code string
	}{
		{time.Date(2026, 11, 22, 12, 59, 59, 999_999_999, time.UTC), "700"},
		{time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), "701"},
	} {
		w.clock.advance(step.to.Sub(w.clock.now()))
		shown, err := holder.ReadPage(t.Context(), page)
		if err != nil || shown.Code.Reveal() != step.code {
			t.Errorf("at %v the page must show the code of that time: %v", step.to, err)
		}
	}
}

func TestDecline(t *testing.T) {
	w, holder, ctx := newWorld(t, nil), site.Cardholder{}, t.Context()
	application, err := holder.Apply(ctx, w.url, "Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Decline(ctx, application); err != nil {
		t.Fatal(err)
	}
	if status, err := holder.Status(ctx, application); status != site.Declined || err != nil {
		t.Errorf("after declining: %q, %v", status, err)
	}
	if err := holder.Approve(ctx, application); !errors.Is(err, site.ErrDecided) {
		t.Errorf("the office must not offer to decide again: %v", err)
	}
	if answer, _ := w.do(t, "POST", "/office/applications/1/approve", ""); answer.StatusCode != http.StatusConflict {
		t.Errorf("deciding again answered %s", answer.Status)
	}
	if len(w.Book().All()) != 0 {
		t.Error("a declined applicant got a card")
	}
}

func TestApprovalWhileTheNetworkIsAway(t *testing.T) {
	w, holder, ctx := newWorld(t, nil), site.Cardholder{}, t.Context()
	application, err := holder.Apply(ctx, w.url, "Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	w.codes.fail(errNetwork, nil)
	if err := holder.Approve(ctx, application); !errors.Is(err, site.ErrAnswer) {
		t.Fatalf("approving gave %v", err)
	}
	if status, _ := holder.Status(ctx, application); status != site.Waiting || len(w.Book().All()) != 0 {
		t.Errorf("an account that is not enrolled has no card: %q", status)
	}
	w.codes.fail(nil, errNetwork)
	if err := holder.Approve(ctx, application); err != nil {
		t.Fatal(err)
	}
	if w.codes.enrolled[0] != w.codes.enrolled[1] {
		t.Error("a second approval must enrol the number of the first")
	}
	if _, _, err := holder.Show(ctx, application); !errors.Is(err, site.ErrMissing) {
		t.Errorf("a card without codes must say so: %v", err)
	}
}

func TestAutoApprove(t *testing.T) {
	w, holder := newWorld(t, func(o *site.Options) { o.AutoApprove = true }), site.Cardholder{}
	application, err := holder.Apply(t.Context(), w.url, "Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := holder.Show(t.Context(), application); err != nil {
		t.Error(err)
	}
}

func TestTwoClerksIssueOneCard(t *testing.T) {
	w := newWorld(t, nil)
	id, err := w.Apply("Ada Lovelace", site.Products[0])
	if err != nil {
		t.Fatal(err)
	}
	var clerks sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		clerks.Go(func() { errs[i] = w.Approve(t.Context(), id) })
	}
	clerks.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, site.ErrDecided) && !errors.Is(err, site.ErrInHand):
			t.Errorf("a clerk who came late got %v", err)
		}
	}
	if won != 1 || len(w.Book().All()) != 1 {
		t.Errorf("%d approvals, %d cards", won, len(w.Book().All()))
	}
}

func TestForms(t *testing.T) {
	post := func(name, product string) string {
		return url.Values{"name": {name}, "product": {product}}.Encode()
	}
	debit := site.Products[0]
	tests := []struct {
		name, body string
		status     int
	}{
		{"shortest name", post("Al", debit), http.StatusSeeOther},
		{"one letter", post("A", debit), http.StatusUnprocessableEntity},
		{"longest name", post(strings.Repeat("a", 26), debit), http.StatusSeeOther},
		{"one letter more", post(strings.Repeat("a", 27), debit), http.StatusUnprocessableEntity},
		{"blanks are no name", post("      ", debit), http.StatusUnprocessableEntity},
		{"a control character", post("Ada\x00", debit), http.StatusUnprocessableEntity},
		{"a product of nobody's", post("Ada", "Gold"), http.StatusUnprocessableEntity},
		{"no fields", "", http.StatusUnprocessableEntity},
		{"a body at the limit", pad(post("Ada", debit), site.FormBytesMax), http.StatusSeeOther},
		{"a body past the limit", pad(post("Ada", debit), site.FormBytesMax+1), http.StatusBadRequest},
		{"a broken escape", "name=%zz", http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, _ := newWorld(t, nil).do(t, "POST", "/apply", tt.body)
			if answer.StatusCode != tt.status {
				t.Errorf("the site answered %s, want %d", answer.Status, tt.status)
			}
		})
	}
}

func TestNamesAreShownAsText(t *testing.T) {
	w := newWorld(t, nil)
	w.do(t, "POST", "/apply", url.Values{"name": {"<script>1</script>"}, "product": {site.Products[0]}}.Encode())
	if _, page := w.do(t, "GET", "/office", ""); strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("a name must be escaped")
	}
	if _, page := w.do(t, "POST", "/apply", url.Values{"name": {`"><script>alert(1)</script><b x="`}}.Encode()); strings.Contains(page, "<script") {
		t.Error("a name must be escaped where it is given back")
	}
}

func TestOtherOriginsMayNotPost(t *testing.T) {
	w := newWorld(t, nil)
	body := url.Values{"name": {"Ada"}, "product": {site.Products[0]}}.Encode()
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://elsewhere.example"},
	} {
		if answer, _ := w.do(t, "POST", "/apply", body, headers...); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%v: the site answered %s", headers, answer.Status)
		}
	}
	if answer, _ := w.do(t, "POST", "/apply", body, "Sec-Fetch-Site", "same-origin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("its own form: the site answered %s", answer.Status)
	}
}

// TestPagesKeepSecrets sweeps every page, header and log line for the card's
// number and code. Only the cardholder's own page may show them.
func TestPagesKeepSecrets(t *testing.T) {
	w := newWorld(t, nil)
	application, page := issueCard(t, w)
	account := w.Book().All()[0]
	number := account.PAN.Reveal()
	grouped := number[:4] + " " + number[4:8] + " " + number[8:12] + " " + number[12:]

	sweep := func(where, text string) {
		t.Helper()
		for _, clear := range []string{number, grouped, ">700<", ">701<", "11/29"} {
			if strings.Contains(text, clear) {
				t.Errorf("%s shows %q", where, clear)
			}
		}
	}
	for _, path := range []string{"/", "/office", path(t, application), "/nowhere", "/cards/unknown", "/applications/unknown", "/style.css", "/icon.svg"} {
		answer, body := w.do(t, "GET", path, "")
		sweep(path, body+fmt.Sprint(answer.Header))
		if csp := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s has the policy %q", path, csp)
		}
	}
	sweep("the log", w.log.String())

	answer, body := w.do(t, "GET", path(t, page), "")
	if !strings.Contains(body, grouped) || !strings.Contains(body, ">700<") || strings.Contains(body, "701") {
		t.Error("the cardholder's page must show the number and the current code only")
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("the cardholder's page must not be kept")
	}
	if _, office := w.do(t, "GET", "/office", ""); !strings.Contains(office, account.PAN.Masked()) || strings.Contains(office, path(t, application)) {
		t.Error("the office must see the masked number and no way to the cardholder's page")
	}
}

func TestAddresses(t *testing.T) {
	w := newWorld(t, nil)
	application, page := issueCard(t, w)
	for _, address := range []string{path(t, application), path(t, page)} {
		if id := address[strings.LastIndex(address, "/")+1:]; len(id) != 32 {
			t.Errorf("%s has an id of %d characters, not 128 bits", address, len(id))
		}
	}
	for request, want := range map[string]int{
		"GET /nowhere": 404, "GET /cards/x": 404, "GET /applications/x": 404, "POST /cards/x/codes": 404,
		"POST /office/applications/x/approve": 404, "POST /office/applications/99/decline": 404,
		"POST /office/applications/0/decline": 404, "GET /applications/1": 404,
	} {
		method, to, _ := strings.Cut(request, " ")
		if answer, _ := w.do(t, method, to, ""); answer.StatusCode != want {
			t.Errorf("%s answered %s, want %d", request, answer.Status, want)
		}
	}
}

func TestTheLastApplication(t *testing.T) {
	w := newWorld(t, nil)
	for range site.ApplicationsMax {
		if _, err := w.Apply("Ada", site.Products[0]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Apply("Ada", site.Products[0]); !errors.Is(err, site.ErrFull) {
		t.Errorf("one more gave %v", err)
	}
}

func TestNewNeedsRangeAndCodes(t *testing.T) {
	if _, err := site.New(site.Options{Codes: &fakeCodes{}}); err == nil {
		t.Error("a site without a range was made")
	}
	if _, err := site.New(site.Options{Range: card.MustRange("4761739")}); err == nil {
		t.Error("a site without codes was made")
	}
}

func TestASourceThatEnds(t *testing.T) {
	w := newWorld(t, func(o *site.Options) { o.Random = strings.NewReader("") })
	answer, _ := w.do(t, "POST", "/apply", url.Values{"name": {"Ada"}, "product": {site.Products[0]}}.Encode())
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the site answered %s", answer.Status)
	}
}

// issueCard lets one person apply and be approved, and gives the addresses of
// the application's and the card's page.
func issueCard(t *testing.T, w *world) (application, page string) {
	t.Helper()
	holder := site.Cardholder{}
	application, err := holder.Apply(t.Context(), w.url, "Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Approve(t.Context(), application); err != nil {
		t.Fatal(err)
	}
	_, page, err = holder.Show(t.Context(), application)
	if err != nil {
		t.Fatal(err)
	}
	return application, page
}

func path(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func pad(form string, size int) string { return form + "&x=" + strings.Repeat("y", size-len(form)-3) }
