package api_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
)

func enrolledWith(t testing.TB, limits api.Limits) *house {
	h := newHouseWith(t, ring{}, limits)
	h.store.enrol(h.clock, clearPAN, otherPAN)
	return h
}

// held sends n requests that wait in the store, and lets them go with the
// function it gives.
func held(t *testing.T, h *house, n int, issuers ...string) (release func()) {
	t.Helper()
	h.store.hold, h.store.waiting = make(chan struct{}), make(chan struct{}, n)
	stop := time.AfterFunc(30*time.Second, func() { panic("a request past the limit waits in the store") })
	t.Cleanup(func() { stop.Stop() })
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := inquire(h, issuers[i%len(issuers)]); err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		<-h.store.waiting
	}
	return func() {
		close(h.store.hold)
		group.Wait()
	}
}

func inquire(h *house, issuer string) error {
	pan := map[string]string{"greenbank": clearPAN, "bluebank": otherPAN}[issuer]
	i := h.issuer()
	i.ClientID = issuer
	_, err := i.Inquire(context.Background(), client.AccountRequest{PAN: card.MustPAN(pan)})
	return err
}

func TestOneRequestTooManyAtADoor(t *testing.T) {
	h := enrolledWith(t, api.Limits{InFlight: api.RequestsInFlight + 1})
	release := held(t, h, api.RequestsInFlight, "greenbank")
	wantClientProblem(t, inquire(h, "greenbank"), 429, wire.CodeTooManyRequests)
	release()
}

func TestOneRequestTooManyOfAClient(t *testing.T) {
	h := enrolledWith(t, api.Limits{})
	release := held(t, h, api.InFlightDefault, "greenbank")
	refused := post(t, h.issuers.URL+wire.InquiryPath, fmt.Sprintf(goodAccount, "one-more"))
	wantProblem(t, refused, 429, wire.CodeTooManyRequests, "")
	h.store.waiting = make(chan struct{}, 1)
	blue := make(chan error)
	go func() { blue <- inquire(h, "bluebank") }()
	<-h.store.waiting // another client's request got in
	release()
	if err := <-blue; err != nil {
		t.Error(err)
	}
	if err := inquire(h, "greenbank"); err != nil {
		t.Errorf("when they have left there is room again: %v", err)
	}
}

func TestTheRateOfAClient(t *testing.T) {
	h := enrolledWith(t, api.Limits{RequestsPerSecond: 2, Burst: 5})
	ask := func(id string) answer { return post(t, h.issuers.URL+wire.InquiryPath, fmt.Sprintf(goodAccount, id)) }
	for i := range 5 {
		if a := ask(fmt.Sprint("r-", i)); a.status != http.StatusCreated {
			t.Fatalf("request %d of a burst of 5: %d %s", i+1, a.status, a.body)
		}
	}
	wantRetry(t, ask("r-5"), 1)
	if err := inquire(h, "bluebank"); err != nil {
		t.Errorf("another client is another: %v", err)
	}
	h.clock = h.clock.Add(time.Second/2 - time.Millisecond)
	wantRetry(t, ask("r-5"), 1)
	h.clock = h.clock.Add(time.Millisecond)
	if a := ask("r-5"); a.status != http.StatusCreated {
		t.Errorf("after half a second there is one more: %d", a.status)
	}
	wantRetry(t, ask("r-6"), 1)
}

func TestRetryAfterIsComputed(t *testing.T) {
	h := newHouseWith(t, ring{}, api.Limits{RequestsPerSecond: 1, Burst: 1})
	look := func() answer { return send(t, http.MethodGet, h.operators.URL+wire.HealthPath, "", "") }
	if a := look(); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	wantRetry(t, look(), 1)
	h.clock = h.clock.Add(-3 * time.Second) // a clock that was set back gives nothing away, and no absurd wait
	wantRetry(t, look(), 1)
}

func wantRetry(t *testing.T, a answer, seconds int) {
	t.Helper()
	wantProblem(t, a, 429, wire.CodeTooManyRequests, "")
	if got := a.header.Get("Retry-After"); got != strconv.Itoa(seconds) {
		t.Errorf("Retry-After is %q, want %d", got, seconds)
	}
}

// Whoever is no registered issuer is counted by address, whatever name is sent.
func TestStrangersAreCountedByAddress(t *testing.T) {
	h := enrolledWith(t, api.Limits{RequestsPerSecond: 1, Burst: 2})
	door := h.api.Issuers()
	from := func(address, clientID string) int {
		body := strings.Replace(fmt.Sprintf(goodAccount, "s-1"), "greenbank", clientID, 1)
		r := httptest.NewRequest(http.MethodPost, wire.InquiryPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
	for i, want := range []int{403, 403, 429} {
		if got := from("192.0.2.1:1000", fmt.Sprint("stranger", i)); got != want {
			t.Errorf("request %d of one address: got %d, want %d", i+1, got, want)
		}
	}
	if got := from("192.0.2.2:1000", "stranger"); got != 403 {
		t.Errorf("another address: got %d", got)
	}
	for i, want := range []int{403, 403, 429} { // one network of version 6
		if got := from(fmt.Sprintf("[2001:db8::%d]:1000", i+1), "stranger"); got != want {
			t.Errorf("request %d of one network: got %d, want %d", i+1, got, want)
		}
	}
	for i, want := range []int{201, 201, 429} { // an issuer, from anywhere
		if got := from(fmt.Sprintf("198.51.100.%d:1000", i+1), "greenbank"); got != want {
			t.Errorf("request %d of an issuer: got %d, want %d", i+1, got, want)
		}
	}
}

func TestClientsRememberedAreBounded(t *testing.T) {
	h := newHouseWith(t, ring{}, api.Limits{RequestsPerSecond: 1, Burst: 1})
	door := h.api.Operators()
	from := func(n int) int {
		r := httptest.NewRequest(http.MethodGet, wire.HealthPath, nil)
		r.RemoteAddr = net.IPv4(10, byte(n>>16), byte(n>>8), byte(n)).String() + ":1"
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
	for n := range api.ClientsRemembered {
		from(n)
	}
	if got := from(0); got != http.StatusTooManyRequests {
		t.Errorf("at the limit the first is still known: got %d", got)
	}
	from(api.ClientsRemembered)
	if got := from(0); got != http.StatusTooManyRequests {
		t.Errorf("who asked lately stays known: got %d", got)
	}
	if got := from(1); got != http.StatusOK {
		t.Errorf("past the limit who asked longest ago is new: got %d", got)
	}
}

// With certificates a client is its certificate's name, whatever the request
// says and wherever it comes from.
func TestTheRateOfACertificate(t *testing.T) {
	f := newFort(t, nil) // 100 at once
	green := f.as(t, certs.Identity{Role: certs.Issuer, Name: "greenbank"})
	address := f.issuers.URL + wire.InquiryPath
	for i := range 100 {
		name := []string{"greenbank", "bluebank", "stranger"}[i%3]
		if a := sendAs(t, green, http.MethodPost, address, fields(fmt.Sprint("r-", i), name, clearPAN)); a.status == 429 {
			t.Fatalf("request %d of a burst of 100: %d", i+1, a.status)
		}
	}
	if a := sendAs(t, green, http.MethodPost, address, fields("r-x", "greenbank", clearPAN)); a.status != 429 {
		t.Errorf("one more: got %d", a.status)
	}
	blue := f.as(t, certs.Identity{Role: certs.Issuer, Name: "bluebank"})
	if a := sendAs(t, blue, http.MethodPost, address, fields("r-x", "bluebank", otherPAN)); a.status != http.StatusCreated {
		t.Errorf("another certificate: got %d %s", a.status, a.body)
	}
}
