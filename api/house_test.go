package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The published test key, as master key of codes and of tokens.
const masterKey = "0123456789ABCDEFFEDCBA9876543210"

const (
	clearPAN    = "4761739001010010" // of issuer greenbank
	clearNumber = "4895370012345671" // of its token
	otherPAN    = "4000000000000002" // of issuer bluebank
	strangerPAN = "4111111111111111" // of nobody
	reference   = "00112233445566778899aabbccddeeff"
)

// memory is a store that keeps what the doors need in maps. What they have no
// business with is not there: calling it panics.
type memory struct {
	vault.Store
	mu         sync.Mutex
	enrolments map[card.PAN]dcvv2.Enrolment
	attempts   map[card.PAN]dcvv2.Attempts
	served     map[string]served
	tokens     map[string]token.Token
	notices    []token.Notice
	broken     error
	panics     any
	hold       chan struct{} // set: a request about an account waits for it
	waiting    chan struct{} // told when somebody waits
}

func (m *memory) enter() (func(), error) {
	m.mu.Lock()
	if m.panics != nil {
		m.mu.Unlock()
		panic(m.panics)
	}
	return m.mu.Unlock, m.broken
}

// served is a request that a memory remembers.
type served struct {
	content string
	answer  vault.AccountAnswer
}

func (m *memory) ServeAccount(_ context.Context, r vault.AccountRequest) (vault.AccountAnswer, error) {
	if m.hold != nil {
		m.waiting <- struct{}{}
		<-m.hold
	}
	leave, err := m.enter()
	defer leave()
	if err != nil {
		return vault.AccountAnswer{}, err
	}
	name := r.Client + "/" + r.ID
	if was, ok := m.served[name]; ok && r.At.Sub(was.answer.At) < vault.RequestsFor {
		if was.content != string(r.Content) {
			return vault.AccountAnswer{State: vault.AnswerConflict}, nil
		}
		was.answer.State = vault.AnswerRepeated
		return was.answer, nil
	}
	m.change(r)
	account := vault.Account{Enrolment: m.enrolments[r.PAN], Attempts: m.attempts[r.PAN]}
	answer := vault.AccountAnswer{State: vault.AnswerNew, At: r.At, Account: account}
	if !r.MustBeEnrolled || answer.Account.Enrolment.Enrolled {
		m.served[name] = served{string(r.Content), answer}
	}
	return answer, nil
}

func (m *memory) change(r vault.AccountRequest) {
	e := m.enrolments[r.PAN]
	switch known := !e.Since.IsZero(); {
	case r.Change == vault.ChangeUnlock:
		delete(m.attempts, r.PAN)
	case r.Change == vault.ChangeEnrol && !e.Enrolled:
		if known {
			e.Generation++
		}
		e.Enrolled, e.Since = true, r.At
	case r.Change == vault.ChangeUnenrol && (e.Enrolled || !known && r.ByDefault):
		e.Enrolled, e.Since = false, r.At
	}
	m.enrolments[r.PAN] = e
}

// enrol is what happened before a test.
func (m *memory) enrol(at time.Time, pans ...string) {
	for _, pan := range pans {
		m.enrolments[card.MustPAN(pan)] = dcvv2.Enrolment{Enrolled: true, Since: at}
	}
}

func (m *memory) TokenByReference(_ context.Context, reference string) (token.Token, error) {
	leave, err := m.enter()
	defer leave()
	t, ok := m.tokens[reference]
	if !ok && err == nil {
		err = vault.ErrNotFound
	}
	return t, err
}

func (m *memory) Step(ctx context.Context, c token.Change, _ time.Time) (token.Token, error) {
	t, err := m.TokenByReference(ctx, c.Reference)
	if err != nil {
		return t, err
	}
	if t, err = t.Apply(c); err == nil {
		m.tokens[c.Reference] = t
	}
	return t, err
}

func (m *memory) Notify(_ context.Context, n token.Notice, _ time.Time) error {
	leave, err := m.enter()
	defer leave()
	m.notices = append(m.notices, n)
	return err
}

func (m *memory) Audit(context.Context, int64, int) ([]vault.Entry, error) {
	leave, err := m.enter()
	defer leave()
	return nil, err
}

// ring gives the test key for everything, or an error.
type ring struct{ missing error }

func (r ring) CodeMaster(string, int) (dcvv2.Master, error) {
	if r.missing != nil {
		return nil, r.missing
	}
	b, _ := hex.DecodeString(masterKey)
	return dcvv2.NewMasterKey(b)
}

func (r ring) TokenMaster(int) (emv.Key, error) {
	if r.missing != nil {
		return emv.Key{}, r.missing
	}
	return emv.ParseKey(masterKey)
}

// journal is a log that many requests write at once.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines.Reset()
}

// house is the API with all its doors open.
type house struct {
	store    *memory
	api      *api.API
	log      *journal
	wakes    int
	clock    time.Time
	counters http.Handler // at /metrics
	mu       sync.Mutex
	heard    []api.Observed
	phone    *ecdsa.PrivateKey // of the token

	issuers, phones, operators *httptest.Server
}

func newHouse(t testing.TB, keys ring) *house { return newHouseWith(t, keys, api.Limits{}) }

func newHouseWith(t testing.TB, keys ring, limits api.Limits) *house {
	t.Helper()
	phone, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{log: &journal{}, phone: phone, clock: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)}
	h.store = &memory{
		enrolments: map[card.PAN]dcvv2.Enrolment{}, attempts: map[card.PAN]dcvv2.Attempts{}, served: map[string]served{},
		tokens: map[string]token.Token{reference: h.token()},
	}
	h.api, err = api.New(api.Options{
		Store: h.store, Keys: keys, Registry: registry(t), Now: func() time.Time { return h.clock },
		Log: zerolog.New(h.log).Level(zerolog.TraceLevel), Wake: func() { h.wakes++ }, Limits: limits,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.counters.ServeHTTP(w, r) }),
		Observe: h.hear,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.issuers, h.phones, h.operators = httptest.NewServer(checked(t, "issuers", h.api.Issuers())),
		httptest.NewServer(checked(t, "phones", h.api.Phones())), httptest.NewServer(checked(t, "operators", h.api.Operators()))
	t.Cleanup(func() {
		h.issuers.Close()
		h.phones.Close()
		h.operators.Close()
	})
	return h
}

func (h *house) hear(o api.Observed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, o)
}

func registry(t testing.TB) *dcvv2.Registry {
	t.Helper()
	few := dcvv2.DefaultPolicy()
	few.CodesMax, few.WindowHours = 3, 5
	r, err := dcvv2.NewRegistry(
		dcvv2.Registration{Range: card.MustRange("4761739"), Issuer: "greenbank", Schedule: dcvv2.Always(dcvv2.DefaultPolicy())},
		dcvv2.Registration{Range: card.MustRange("400000"), Issuer: "bluebank", Schedule: dcvv2.Always(few)},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) token() token.Token {
	return token.Token{
		Number: card.MustPAN(clearNumber), Sequence: 1, Expiry: card.MustExpiry("2912"), Reference: reference,
		Status: token.Active, Type: token.SecureElement, Requestor: "40010030273", DeviceID: h.wallet().DeviceID(),
		PAN: card.MustPAN(clearPAN), PANExpiry: card.MustExpiry("3112"), Issuer: "greenbank",
		TransactionID: "123456789012345", KeyVersion: 1, Created: h.clock,
	}
}

func (h *house) issuer() client.Issuer {
	return client.Issuer{BaseURL: url(h.issuers), ClientID: "greenbank"}
}

func (h *house) wallet() client.Phone {
	return client.Phone{BaseURL: url(h.phones), Key: h.phone, Now: func() time.Time { return h.clock }}
}

func (h *house) operator() client.Operator { return client.Operator{BaseURL: url(h.operators)} }

func url(s *httptest.Server) string {
	if s == nil {
		return ""
	}
	return s.URL
}

// answer is what came back for one request.
type answer struct {
	status  int
	header  http.Header
	body    string
	problem *wire.Problem
}

func post(t testing.TB, url, body string) answer {
	t.Helper()
	return send(t, http.MethodPost, url, "application/json", body)
}

func send(t testing.TB, method, url, mediaType, body string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	return do(t, http.DefaultTransport.RoundTrip, r)
}

func do(t testing.TB, send func(*http.Request) (*http.Response, error), r *http.Request) answer {
	t.Helper()
	w, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: w.StatusCode, header: w.Header, body: string(b)}
	if w.StatusCode >= 300 {
		a.problem = wire.ReadProblem(w.StatusCode, b)
	}
	return a
}

func wantProblem(t testing.TB, a answer, status int, code, field string) {
	t.Helper()
	if a.status != status || a.problem == nil || a.problem.Code != code || a.problem.Field != field {
		t.Fatalf("got %d %s, want %d %s at %q", a.status, a.body, status, code, field)
	}
	if a.header.Get("Content-Type") != wire.ProblemType || a.problem.Detail == "" {
		t.Errorf("a problem has its media type and says what to do: %v %s", a.header, a.body)
	}
}

func wantClientProblem(t *testing.T, err error, status int, code string) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Code != code {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
}

// golden compares with a file under testdata, or rewrites it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), got); diff != "" {
		t.Error(diff)
	}
}
