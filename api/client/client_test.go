package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
)

const clearPAN = "4761739001010010"

// server answers every request alike and keeps the last one.
type server struct {
	*httptest.Server
	status    int
	mediaType string
	body      string

	path, sent string
}

func newServer(t testing.TB) *server {
	s := &server{status: http.StatusCreated, mediaType: "application/json"}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.path, s.sent = r.Method+" "+r.URL.EscapedPath(), string(b)
		w.Header().Set("Content-Type", s.mediaType)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) issuer() client.Issuer {
	return client.Issuer{BaseURL: s.URL + "/", ClientID: "greenbank"}
}

var wish = client.GenerateRequest{
	TransactionID: "r-1", AgentID: "web", PAN: card.MustPAN(clearPAN), Sequence: 1, Expiry: card.MustExpiry("3112"),
	Count: 3, MinRemaining: 1500 * time.Millisecond,
}

const oneCode = `{"msgIdentfctn":{"tranId":"r-1"},"dcvv2Rspn":{"cds":[{"cd":"075","validFrom":"2026-11-22T12:00:00Z","xpryDtTm":"2026-11-22T13:00:00Z","wndw":498708,"wndwHrs":1}]},"new":{"later":true}}`

func TestWhatGenerateSendsAndReads(t *testing.T) {
	s := newServer(t)
	s.body = oneCode
	got, err := s.issuer().Generate(context.Background(), wish)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"msgIdentfctn":{"tranId":"r-1"},"cardAcceptr":{"clientId":"greenbank"},"acctInfo":{"primryAcctNum":{"pan":"4761739001010010","panSeqNum":"01","xpryDt":"3112"}},"agentId":"web","dcvv2Reqst":{"cdCnt":3,"minRemngSecs":2}}`
	if diff := cmp.Diff(want, s.sent); diff != "" {
		t.Error(diff)
	}
	if s.path != "POST /dCVV2/v1/generate" {
		t.Errorf("sent to %s", s.path)
	}
	if len(got.Codes) != 1 || got.Codes[0].Code.Reveal() != "075" || !got.Codes[0].Expires.Equal(got.Codes[0].Window.End()) {
		t.Errorf("got %+v", got)
	}
	if shown := fmt.Sprintf("%+v %+v", got, wish); strings.Contains(shown, "075") || strings.Contains(shown, clearPAN) {
		t.Errorf("it shows a code or a PAN: %s", shown)
	}
}

func TestEveryRequestHasAnID(t *testing.T) {
	s := newServer(t)
	s.body = `{"msgIdentfctn":{"tranId":"x"},"enrlmnt":{"sts":"enrolled","gnrtn":2},"attmpts":{"sts":"open","flrsInDay":0,"flrsInDayMax":5,"flrsInRow":0,"flrsInRowMax":10}}`
	var sent []string
	for range 2 {
		got, err := s.issuer().Enroll(context.Background(), client.AccountRequest{PAN: card.MustPAN(clearPAN)})
		if err != nil || !got.Enrolled || got.Generation != 2 || !got.Since.IsZero() {
			t.Fatalf("got %+v, %v", got, err)
		}
		sent = append(sent, s.sent)
	}
	if sent[0] == sent[1] {
		t.Error("two requests without an id get two ids")
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(oneCode, old, new, 1) }
	for name, body := range map[string]string{
		"nothing":             "",
		"no JSON":             "<html>",
		"no codes":            replace(oneCode[strings.Index(oneCode, `[`):strings.Index(oneCode, `]`)+1], `[]`),
		"a code of two":       replace(`"075"`, `"75"`),
		"a code in digits":    replace(`"075"`, `75`),
		"no window":           replace(`"wndw":498708`, `"w":1`),
		"a window of 19 h":    replace(`"wndwHrs":1`, `"wndwHrs":19`),
		"an expiry like this": replace(`"2026-11-22T13:00:00Z"`, `"at one"`),
		"no id":               replace(`"tranId"`, `"id"`),
		"too much":            replace(`"later":true`, `"later":"`+strings.Repeat("a", client.AnswerBytesMax)+`"`),
	} {
		s := newServer(t)
		s.body = body
		got, err := s.issuer().Generate(context.Background(), wish)
		if !errors.Is(err, client.ErrAnswer) || len(got.Codes) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s := newServer(t)
	s.body, s.mediaType = oneCode, "text/html"
	if _, err := s.issuer().Generate(context.Background(), wish); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("a page: got %v", err)
	}
}

func TestAnswersThatAreProblems(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, code string
	}{
		{402, `{"status":402,"code":"account-not-enrolled","field":"acctInfo.primryAcctNum.pan","detail":"enrol"}`, client.CodeNotEnrolled},
		{403, ``, client.CodeClientForbidden},
		{302, ``, "internal"},
		{502, `<html>`, "internal"},
		{500, `{"code":1}`, "internal"},
	} {
		s := newServer(t)
		s.status, s.body = c.status, c.body
		_, err := s.issuer().Generate(context.Background(), wish)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != c.status || p.Code != c.code || p.Error() == "" {
			t.Errorf("%d: got %v", c.status, err)
		}
		if s.path != "POST /dCVV2/v1/generate" {
			t.Errorf("card data went on to %s", s.path)
		}
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	_, err := client.Issuer{BaseURL: s.URL}.Generate(ctx, wish)
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), clearPAN) {
		t.Errorf("got %v", err)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, base := range []string{"", "http://[", "ftp://host"} {
		if _, err := (client.Operator{BaseURL: base}).Token(context.Background(), "x"); err == nil {
			t.Errorf("%q is no base URL", base)
		}
	}
}

// An id is one segment of the path, whatever it holds: none leads elsewhere.
func TestIDsAreEscaped(t *testing.T) {
	s := newServer(t)
	o := client.Operator{BaseURL: s.URL}
	for id, want := range map[string]string{
		"a/../../healthz": "/operator/v1/tokens/a%2F..%2F..%2Fhealthz/suspend",
		"..":              "/operator/v1/tokens/%2E%2E/suspend",
		".":               "/operator/v1/tokens/%2E/suspend",
		"a?b#c":           "/operator/v1/tokens/a%3Fb%23c/suspend",
		"50%":             "/operator/v1/tokens/50%25/suspend",
	} {
		_, _ = o.Suspend(context.Background(), id)
		if s.path != "POST "+want {
			t.Errorf("%q went to %s", id, s.path)
		}
	}
	_, _ = o.Explain(context.Background(), "1/2")
	if s.path != "GET /operator/v1/transactions/1%2F2" {
		t.Errorf("went to %s", s.path)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Phone{BaseURL: s.URL, Key: key}.FetchKey(context.Background(), "1/2")
	if s.path != "POST /provisioning/v1/tokens/1%2F2/key" {
		t.Errorf("went to %s", s.path)
	}
}

func TestUnlock(t *testing.T) {
	s := newServer(t)
	s.body = `{"msgIdentfctn":{"tranId":"x"},"enrlmnt":{"sts":"enrolled","gnrtn":0},"attmpts":{"sts":"locked","flrsInDay":5,"flrsInDayMax":5,"flrsInRow":10,"flrsInRowMax":10}}`
	got, err := s.issuer().Unlock(context.Background(), client.AccountRequest{PAN: card.MustPAN(clearPAN)})
	want := client.Attempts{Status: client.AttemptsLocked, FailuresInDay: 5, InDayMax: 5, FailuresInRow: 10, InRowMax: 10}
	if err != nil || got.Attempts != want || s.path != "POST /dCVV2/v1/PanDB/Unlock" {
		t.Errorf("got %+v, %v at %s", got, err, s.path)
	}
}

func TestMaterialThatCannotBeRead(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"no JWE":          `{"material":""}`,
		"a JWE that none": `{"jwe":"a.b.c.d.e"}`,
	} {
		s := newServer(t)
		s.status, s.body = http.StatusOK, body
		_, err := client.Phone{BaseURL: s.URL, Key: key}.FetchKey(context.Background(), "00")
		if !errors.Is(err, client.ErrAnswer) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
