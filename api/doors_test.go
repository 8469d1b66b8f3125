package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
)

func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := api.New(api.Options{}); err == nil {
		t.Error("an API needs a store")
	}
	for _, limit := range []int{-1, api.LimitMax + 1} {
		for _, l := range []api.Limits{{RequestsPerSecond: limit}, {Burst: limit}, {InFlight: limit}} {
			if _, err := api.New(api.Options{Store: &memory{}, Keys: ring{}, Registry: registry(t), Limits: l}); err == nil {
				t.Errorf("%+v is no limit", l)
			}
		}
	}
}

func TestWhatEveryDoorRefuses(t *testing.T) {
	h := newHouse(t, ring{})
	generate := h.issuers.URL + wire.GeneratePath
	fill := func(n int) string { return `{"agentId":"` + strings.Repeat("a", n-len(`{"agentId":""}`)) + `"}` }
	for _, c := range []struct {
		name, method, url, mediaType, body string
		status                             int
		code                               string
	}{
		{"another path", "POST", h.issuers.URL + "/dCVV2/v2/generate", "application/json", good, 404, wire.CodePathUnknown},
		{"the root", "GET", h.phones.URL + "/", "", "", 404, wire.CodePathUnknown},
		{"a crooked path", "POST", h.issuers.URL + "/dCVV2//v1/generate", "application/json", good, 404, wire.CodePathUnknown},
		{"another door's path", "GET", h.issuers.URL + wire.HealthPath, "", "", 404, wire.CodePathUnknown},
		{"GET for POST", "GET", generate, "", "", 405, wire.CodeMethod},
		{"PUT for POST", "PUT", generate, "application/json", good, 405, wire.CodeMethod},
		{"POST for GET", "POST", h.operators.URL + wire.HealthPath, "", "", 405, wire.CodeMethod},
		{"a word for a method", "BREW", generate, "", "", 405, wire.CodeMethod},
		{"no media type", "POST", generate, "", good, 415, wire.CodeMediaType},
		{"a form", "POST", generate, "application/x-www-form-urlencoded", good, 415, wire.CodeMediaType},
		{"a body at the limit", "POST", generate, "application/json", fill(api.BodyBytesMax), 400, wire.CodeFieldMissing},
		{"a body past it", "POST", generate, "application/json", fill(api.BodyBytesMax + 1), 413, wire.CodeBodyTooLarge},
		{"a step's body past it", "POST", operatorAddress(h, wire.SuspendPath), "", fill(api.BodyBytesMax + 1), 413, wire.CodeBodyTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := send(t, c.method, c.url, c.mediaType, c.body)
			if c.code == wire.CodeFieldMissing {
				wantProblem(t, a, c.status, c.code, wire.ClientID)
				return
			}
			wantProblem(t, a, c.status, c.code, "")
			if allow := a.header.Get("Allow"); (c.status == 405) != (allow != "") {
				t.Errorf("405 and only 405 says what is allowed: %q", allow)
			}
		})
	}
}

func TestAnswersAreNotKept(t *testing.T) {
	h := enrolled(t, ring{})
	a := post(t, h.issuers.URL+wire.GeneratePath, good)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %v", a.header)
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	h := enrolled(t, ring{})
	for _, thrown := range []any{"about " + clearPAN, errors.New("about " + clearPAN)} {
		h.store.panics = thrown
		wantProblem(t, post(t, h.issuers.URL+wire.GeneratePath, good), 500, wire.CodeInternal, "")
	}
	h.store.panics = nil
	if a := post(t, h.issuers.URL+wire.GeneratePath, good); a.status != http.StatusCreated {
		t.Errorf("the id of a request that broke is free again: %d %s", a.status, a.body)
	}
	if strings.Contains(h.log.String(), clearPAN) {
		t.Error("the log holds the PAN that was thrown")
	}
}

func TestOneEventPerRequest(t *testing.T) {
	h := enrolled(t, ring{})
	h.log.Reset()
	post(t, h.issuers.URL+wire.GeneratePath, good)
	var event map[string]any
	if err := json.Unmarshal([]byte(h.log.String()), &event); err != nil {
		t.Fatalf("one event: %v in %s", err, h.log.String())
	}
	for name, want := range map[string]any{
		"level": "info", "door": "issuers", "method": "POST", "path": wire.GeneratePath, "status": float64(201),
		"client": "greenbank", "tranId": "r-1", "pan": "476173******0010", "result": "ok",
	} {
		if event[name] != want {
			t.Errorf("%s is %v, want %v", name, event[name], want)
		}
	}
	if _, ok := event["took_ms"]; !ok {
		t.Error("the event says how long it took")
	}
}

// Everything once, well and badly, at trace level: no clear value anywhere in
// the log.
func TestNoClearValueInTheLog(t *testing.T) {
	h := enrolled(t, ring{})
	ctx := context.Background()
	codes, err := h.issuer().Generate(ctx, client.GenerateRequest{PAN: card.MustPAN(clearPAN), Expiry: card.MustExpiry("3112")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.wallet().FetchKey(ctx, reference); err != nil {
		t.Fatal(err)
	}
	if err := h.wallet().Report(ctx, reference, client.ResultSuccess); err != nil {
		t.Fatal(err)
	}
	if _, err := h.operator().Suspend(ctx, reference); err != nil {
		t.Fatal(err)
	}
	send(t, "GET", h.issuers.URL+"/"+clearPAN, "", "")
	send(t, "GET", h.operators.URL+"/operator/v1/tokens/"+clearNumber+"?pan="+clearPAN, "", "")
	send(t, clearPAN, h.issuers.URL+wire.GeneratePath, clearPAN, clearPAN)
	for _, field := range []string{"r-1", "greenbank", "web", "3112", `"00"`} {
		post(t, h.issuers.URL+wire.GeneratePath, strings.Replace(good, field, clearPAN, 1))
	}
	post(t, h.issuers.URL+wire.GeneratePath, strings.Replace(good, "agentId", clearPAN, 1))
	h.store.broken = errors.New("disk full")
	post(t, h.issuers.URL+wire.GeneratePath, strings.Replace(good, "r-1", "r-9", 1))

	log := h.log.String()
	for what, clear := range map[string]string{
		"PAN": clearPAN, "token number": clearNumber, "card key": "68EFE6451FDF864C", "master key": masterKey[:16],
	} {
		if strings.Contains(strings.ToUpper(log), clear) {
			t.Errorf("the log holds the %s", what)
		}
	}
	for _, c := range codes.Codes {
		if strings.Contains(log, `"`+c.Code.Reveal()+`"`) {
			t.Errorf("the log holds a code")
		}
	}
}
