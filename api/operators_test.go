package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/token"
)

func operatorAddress(h *house, pattern string) string {
	return h.operators.URL + strings.Replace(pattern, "{reference}", reference, 1)
}

func TestOperatorsSeeATokenMasked(t *testing.T) {
	h := newHouse(t, ring{})
	tok := h.token()
	tok.DeviceID = strings.Repeat("0a", 24)
	h.store.tokens[reference] = tok
	a := send(t, http.MethodGet, operatorAddress(h, wire.TokenPath), "", "")
	a.status += http.StatusCreated - http.StatusOK
	golden(t, "token.json", indented(t, a))
	if strings.Contains(a.body, clearPAN) || strings.Contains(a.body, clearNumber) {
		t.Error("numbers are masked")
	}
}

func TestOperatorsMoveTokens(t *testing.T) {
	h := newHouse(t, ring{})
	ctx, o := context.Background(), h.operator()
	steps := []struct {
		do    func(context.Context, string) (client.Token, error)
		after string // "" when refused
	}{
		{o.Resume, ""},
		{o.Suspend, "suspended"},
		{o.Suspend, ""},
		{o.Resume, "active"},
		{o.Suspend, "suspended"},
		{o.Deactivate, "deactivated"},
		{o.Resume, ""},
		{o.Deactivate, ""},
	}
	wakes := 0
	for i, s := range steps {
		tok, err := s.do(ctx, reference)
		if s.after == "" {
			wantClientProblem(t, err, 409, client.CodeStepNotAllowed)
			continue
		}
		if wakes++; err != nil || tok.Status != s.after {
			t.Errorf("step %d: got %s, %v, want %s", i, tok.Status, err, s.after)
		}
	}
	if h.wakes != wakes {
		t.Errorf("every step taken wakes the sender of notices: %d of %d", h.wakes, wakes)
	}
	shown, err := o.Token(ctx, reference)
	if err != nil || shown.Status != token.Deactivated.Word() {
		t.Errorf("got %+v, %v", shown, err)
	}
	_, err = o.Suspend(ctx, unknownReference)
	wantClientProblem(t, err, 404, client.CodeTokenNotFound)
}

func TestStepsTakeNoBody(t *testing.T) {
	h := newHouse(t, ring{})
	wantProblem(t, post(t, operatorAddress(h, wire.SuspendPath), `{}`), 400, wire.CodeBodyNotEmpty, "")
}

func TestOtherSitesPagesAreRefused(t *testing.T) {
	h := newHouse(t, ring{})
	r, err := http.NewRequest(http.MethodPost, operatorAddress(h, wire.SuspendPath), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	wantProblem(t, do(t, http.DefaultTransport.RoundTrip, r), 403, wire.CodeCrossOrigin, "")
	if h.store.tokens[reference].Status != token.Active {
		t.Error("the token stays as it was")
	}
}

func TestMetricsAreForOperatorsOnly(t *testing.T) {
	h := newHouse(t, ring{})
	h.counters = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "" {
			t.Error("there is one form of the counters")
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, "firsttap_up 1\n")
	})
	r, err := http.NewRequest(http.MethodGet, h.operators.URL+wire.MetricsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/vnd.google.protobuf")
	if a := do(t, http.DefaultTransport.RoundTrip, r); a.status != http.StatusOK || a.body != "firsttap_up 1\n" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, door := range []string{h.issuers.URL, h.phones.URL} {
		for _, path := range []string{wire.MetricsPath, wire.HealthPath, wire.ReadyPath} {
			wantProblem(t, send(t, http.MethodGet, door+path, "", ""), 404, wire.CodePathUnknown, "")
		}
	}
	h.counters = http.NotFoundHandler()
	wantProblem(t, send(t, http.MethodGet, h.operators.URL+wire.MetricsPath, "", ""), 503, wire.CodeUnavailable, "")
}

// The observer hears of each answer, and no name but an issuer's that is
// registered.
func TestWhatTheObserverHears(t *testing.T) {
	h := enrolled(t, ring{})
	h.heard = nil
	post(t, h.issuers.URL+wire.GeneratePath, good)
	post(t, h.issuers.URL+wire.GeneratePath, strings.Replace(good, "greenbank", "redbank", 1))
	send(t, http.MethodGet, h.issuers.URL+"/"+clearPAN, "", "")
	send(t, http.MethodGet, operatorAddress(h, wire.TokenPath), "", "")
	want := []api.Observed{
		{Door: "issuers", Route: wire.GeneratePath, Issuer: "greenbank", Status: 201},
		{Door: "issuers", Route: wire.GeneratePath, Status: 403},
		{Door: "issuers", Route: "/", Status: 404},
		{Door: "operators", Route: wire.TokenPath, Status: 200},
	}
	for i := range h.heard {
		h.heard[i].Took = 0
	}
	if diff := cmp.Diff(want, h.heard); diff != "" {
		t.Error(diff)
	}
}

func TestHealth(t *testing.T) {
	h := newHouse(t, ring{})
	for _, path := range []string{wire.HealthPath, wire.ReadyPath} {
		if a := send(t, http.MethodGet, h.operators.URL+path, "", ""); a.status != 200 || a.body != `{"status":"ok"}` {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
	h.store.broken = errors.New("disk full")
	if a := send(t, http.MethodGet, h.operators.URL+wire.HealthPath, "", ""); a.status != 200 {
		t.Errorf("alive is alive: %d", a.status)
	}
	wantProblem(t, send(t, http.MethodGet, h.operators.URL+wire.ReadyPath, "", ""), 503, wire.CodeUnavailable, "")
	wantClientProblem(t, h.operator().Ready(context.Background()), 503, client.CodeUnavailable)
}
