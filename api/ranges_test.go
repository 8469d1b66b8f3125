package api_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// office is the operators' door over ranges that can be changed: 4761739 of
// greenbank, and bluebank, which has none.
type office struct {
	*testing.T
	store    vault.Store
	register *ranges.Register
	keys     error // of Ensure
	log      *journal
	clock    time.Time
	door     *httptest.Server
	options  api.Options
}

func newOffice(t *testing.T) *office {
	t.Helper()
	cipher, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{T: t, log: &journal{}, clock: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)}
	if o.store, err = sqlite.Open(filepath.Join(t.TempDir(), "store.db"), cipher); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.store.Close() })
	now := func() time.Time { return o.clock }
	stated := []ranges.Stated{{Range: card.MustRange("4761739"), Issuer: "greenbank", Policy: dcvv2.DefaultPolicy()}}
	o.register, err = ranges.Open(context.Background(), o.store, now, stated, ranges.Options{
		Issuers: []string{"greenbank", "bluebank"}, TokenRange: card.MustRange("489537001"),
		Ensure: func(string, int, int) error { return o.keys },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.options = api.Options{
		Store: o.store, Keys: ring{}, Registry: o.register, Ranges: o.register, Now: now,
		Log: zerolog.New(o.log).Level(zerolog.TraceLevel),
	}
	o.open(o.options)
	return o
}

// open opens the door with other options.
func (o *office) open(options api.Options) {
	o.Helper()
	a, err := api.New(options)
	if err != nil {
		o.Fatal(err)
	}
	o.door = httptest.NewServer(checked(o, "operators", a.Operators()))
	o.Cleanup(o.door.Close)
}

func (o *office) client() client.Operator { return client.Operator{BaseURL: url(o.door)} }

func (o *office) put(digits, body string) answer {
	o.Helper()
	return send(o, http.MethodPut, o.door.URL+wire.RangesPath+"/"+digits, "application/json", body)
}

func (o *office) show(digits string) answer {
	o.Helper()
	return send(o, http.MethodGet, o.door.URL+wire.RangesPath+"/"+digits, "", "")
}

func (o *office) remove(digits, query string) answer {
	o.Helper()
	return send(o, http.MethodDelete, o.door.URL+wire.RangesPath+"/"+digits+query, "", "")
}

func TestAnswersAboutRanges(t *testing.T) {
	o := newOffice(t)
	created := o.put("400000", `{"issuer":"bluebank","windowHours":5,"oncePerWindow":false,"onNoMatch":"ask"}`)
	golden(t, "range-put-new.json", indented(t, created))
	changed := o.put("4761739", `{"keyVersion":2}`)
	changed.status += http.StatusCreated - http.StatusOK
	golden(t, "range-put.json", indented(t, changed))
	o.clock = o.clock.Add(48 * time.Hour)
	shown := o.show("4761739")
	shown.status += http.StatusCreated - http.StatusOK
	golden(t, "range.json", indented(t, shown))
	listed := send(t, http.MethodGet, o.door.URL+wire.RangesPath, "", "")
	listed.status += http.StatusCreated - http.StatusOK
	golden(t, "ranges.json", indented(t, listed))
	if a := o.remove("400000", "?void=true"); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	wantProblem(t, o.show("400000"), 404, wire.CodeRangeNotFound, wire.RangeDigits)
	if !strings.Contains(o.log.String(), `"range":"400000"`) {
		t.Error("the log names the range")
	}
}

func TestWhatIsNotNamedStays(t *testing.T) {
	o := newOffice(t)
	for _, body := range []string{`{"enrolByDefault":true,"graceSeconds":60}`, `{}`, `{"codesMax":3}`} {
		if a := o.put("4761739", body); a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, a.status, a.body)
		}
	}
	want := dcvv2.DefaultPolicy()
	want.EnrolByDefault, want.Grace, want.CodesMax = true, time.Minute, 3
	one, _ := o.register.Get(card.MustRange("4761739"))
	if got := one.Schedule.At(o.clock.Add(48 * time.Hour)); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func TestWhatIsRefusedAboutRanges(t *testing.T) {
	o := newOffice(t)
	put := func(digits, body string) func() answer { return func() answer { return o.put(digits, body) } }
	remove := func(digits, query string) func() answer { return func() answer { return o.remove(digits, query) } }
	for _, c := range []struct {
		name   string
		send   func() answer
		status int
		code   string
		field  string
		says   string
	}{
		{"digits that are no range", put("47617", `{}`), 400, wire.CodeFieldValue, wire.RangeDigits, "6 to 11"},
		{"a PAN for a range", put(clearPAN, `{}`), 400, wire.CodeFieldValue, wire.RangeDigits, "6 to 11"},
		{"an unknown member", put("4761739", `{"windowhours":2}`), 400, wire.CodeFieldUnknown, "windowhours", ""},
		{"another type of void", put("4761739", `{"void":"true"}`), 400, wire.CodeFieldType, wire.RangeVoid, ""},
		{"a time that is none", put("4761739", `{"from":"tomorrow"}`), 400, wire.CodeFieldValue, wire.RangeVersionFrom, "RFC 3339"},
		{"a time of another type", put("4761739", `{"from":5}`), 400, wire.CodeFieldType, wire.RangeVersionFrom, ""},
		{"a time that is past", put("4761739", `{"codesMax":3,"from":"2026-11-22T12:00:00Z"}`), 400, wire.CodeFieldValue, wire.RangeVersionFrom, "future"},
		{
			"a policy with many faults", put("4761739", `{"windowHours":19,"profile":"md5","enrolByDefault":1,"onMissing":"static","graceSeconds":1.5}`),
			400, wire.CodePolicyInvalid, wire.PolicyWindowHours,
			"windowHours must be an integer from 1 to 18; graceSeconds must be an integer from 0 to 3600; enrolByDefault must be true or false; profile must be one of",
		},
		{"a number in quotes", put("4761739", `{"windowHours":"6"}`), 400, wire.CodePolicyInvalid, wire.PolicyWindowHours, "integer"},
		{"numbers past all integers", put("4761739", `{"codesMax":99999999999999999999}`), 400, wire.CodePolicyInvalid, wire.PolicyCodesMax, "1 to 24"},
		{"a new range without an issuer", put("400000", `{}`), 400, wire.CodeIssuerUnknown, wire.RangeIssuer, "settings"},
		{"an issuer without a station", put("400000", `{"issuer":"redbank"}`), 400, wire.CodeIssuerUnknown, wire.RangeIssuer, "settings"},
		{"an issuer that is no word", put("400000", `{"issuer":"red bank"}`), 400, wire.CodeFieldValue, wire.RangeIssuer, ""},
		{"another issuer's range", put("4761739", `{"issuer":"bluebank"}`), 409, wire.CodeRangeTaken, wire.RangeIssuer, "greenbank"},
		{"inside another issuer's range", put("47617391", `{"issuer":"bluebank"}`), 409, wire.CodeRangeOverlaps, wire.RangeDigits, "overlaps"},
		{"numbers of tokens", put("489537", `{"issuer":"bluebank"}`), 409, wire.CodeRangeOverlaps, wire.RangeDigits, "tokens"},
		{"a new range later", put("400000", `{"issuer":"bluebank","from":"2026-11-23T12:00:00Z"}`), 400, wire.CodeFieldValue, wire.RangeVersionFrom, "at once"},
		{"codes that are out", put("4761739", `{"keyVersion":2,"from":"2026-11-22T14:00:00Z"}`), 409, wire.CodeCodesOut, "", "2026-11-23T13:00:00Z"},
		{"taking back what has codes out", remove("4761739", ""), 409, wire.CodeCodesOut, "", "2026-11-23T13:00:00Z"},
		{"taking back what has codes out, said twice", remove("4761739", "?void=false"), 409, wire.CodeCodesOut, "", "void them on purpose"},
		{"taking back what is not there", remove("400000", "?void=true"), 404, wire.CodeRangeNotFound, wire.RangeDigits, ""},
		{"void with another word", remove("4761739", "?void=yes"), 400, wire.CodeFieldValue, wire.RangeVoid, ""},
		{"void twice", remove("4761739", "?void=true&void=true"), 400, wire.CodeFieldValue, wire.RangeVoid, ""},
		{"another word than void", remove("4761739", "?viod=true"), 400, wire.CodeFieldUnknown, "", ""},
		{"a query that is none", remove("4761739", "?void=%zz"), 400, wire.CodeFieldValue, wire.RangeVoid, ""},
		{"a body where none belongs", func() answer {
			return send(t, http.MethodDelete, o.door.URL+wire.RangesPath+"/4761739", "application/json", "{}")
		}, 400, wire.CodeBodyNotEmpty, "", ""},
		{"no body where one belongs", put("4761739", ""), 400, wire.CodeBodyNotJSON, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.send()
			wantProblem(t, a, c.status, c.code, c.field)
			if !strings.Contains(a.problem.Detail, c.says) || strings.Contains(a.body, clearPAN) {
				t.Errorf("%q does not say %q", a.problem.Detail, c.says)
			}
		})
	}
	if list := o.register.List(); len(list) != 1 || list[0].Revision != 1 || strings.Contains(o.log.String(), clearPAN) {
		t.Errorf("nothing changed and nothing leaked: %+v", list)
	}
}

func TestARangeWithoutItsKey(t *testing.T) {
	o := newOffice(t)
	o.keys = errors.New("there is none, and this network makes none")
	a := o.put("4761739", `{"keyVersion":7}`)
	wantProblem(t, a, 409, wire.CodeKeyMissing, wire.PolicyKeyVersion)
	if !strings.Contains(a.problem.Detail, "version 7: there is none") {
		t.Error(a.problem.Detail)
	}
	_ = o.store.Close()
	wantProblem(t, o.put("4761739", `{"codesMax":7}`), 503, wire.CodeUnavailable, "")
}

func TestRangesHaveThreeMethods(t *testing.T) {
	o := newOffice(t)
	a := post(t, o.door.URL+wire.RangesPath+"/4761739", `{}`)
	wantProblem(t, a, 405, wire.CodeMethod, "")
	if got := a.header.Get("Allow"); got != "DELETE, GET, HEAD, PUT" {
		t.Errorf("got %q", got)
	}
	o.options.Ranges = nil
	o.open(o.options)
	wantProblem(t, o.show("4761739"), 404, wire.CodePathUnknown, "")
}

// TestWhoChangesARange holds that the trail names an operator by the
// certificate, and that an auditor looks and changes nothing.
func TestWhoChangesARange(t *testing.T) {
	o := newOffice(t)
	who := certs.Identity{Role: certs.Operator, Name: "ada"}
	o.options.TwoWay.Operators = true
	o.options.Identify = func(*x509.Certificate) (certs.Identity, error) { return who, nil }
	a, err := api.New(o.options)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, body string) int {
		r := httptest.NewRequest(method, wire.RangesPath+"/4761739", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
		w := httptest.NewRecorder()
		a.Operators().ServeHTTP(w, r)
		return w.Code
	}
	if status := ask(http.MethodPut, `{"codesMax":3}`); status != 200 {
		t.Errorf("got %d", status)
	}
	who = certs.Identity{Role: certs.Auditor, Name: "eve"}
	if ask(http.MethodGet, "") != 200 || ask(http.MethodPut, `{"codesMax":4}`) != 403 || ask(http.MethodDelete, "") != 403 {
		t.Error("an auditor looks and changes nothing")
	}
	o.put("4761739", `{"codesMax":5}`)
	entries, err := o.store.Audit(context.Background(), 0, 10)
	if err != nil || len(entries) != 3 || !strings.Contains(entries[1].Detail, "by ada: codesMax 24 -> 3") || !strings.Contains(entries[2].Detail, "by operator: codesMax 3 -> 5") {
		t.Errorf("got %+v, %v", entries, err)
	}
}

func TestTheClientChangesRanges(t *testing.T) {
	o, ctx := newOffice(t), context.Background()
	c, accounts := o.client(), card.MustRange("400000-400009")
	odd := dcvv2.Policy{
		WindowHours: 7, Profile: dcvv2.ProfileTOTP, KeyVersion: 9, Grace: 61 * time.Second, CodesMax: 2, EnrolByDefault: true,
		FailuresPerDayMax: 3, FailuresInRowMax: 4, RangeFailuresPerHourMax: 0,
		OnNoMatch: dcvv2.ActionDecline82, OnMissing: dcvv2.ActionDecline, OnNotParticipating: dcvv2.ActionDecline, OnNotProcessed: dcvv2.ActionAsk,
	}
	done, err := c.PutRange(ctx, accounts, client.RangeChange{Issuer: "bluebank", Policy: wire.WholePolicy(odd)})
	if err != nil || !done.New || !done.Changed || !done.Effective.IsZero() {
		t.Fatalf("got %+v, %v", done, err)
	}
	hours := 8
	from := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	if done, err = c.PutRange(ctx, accounts, client.RangeChange{Policy: client.PolicyChange{WindowHours: &hours}, From: from}); err != nil || done.New || done.Effective.Before(from) {
		t.Fatalf("got %+v, %v", done, err)
	}
	one, err := c.Range(ctx, accounts)
	if err != nil || len(one.Versions) != 2 || one.Versions[0].Policy != odd || one.Versions[0].State != client.StateInForce ||
		one.Versions[1].State != client.StatePlanned || !one.Versions[1].From.Equal(done.Effective) {
		t.Errorf("got %+v, %v", one, err)
	}
	list, err := c.Ranges(ctx)
	if err != nil || len(list) != 2 || list[0].Range != accounts || list[0].Issuer != "bluebank" || list[1].Issuer != "greenbank" {
		t.Errorf("got %+v, %v", list, err)
	}
	wantClientProblem(t, c.RemoveRange(ctx, accounts, false), 409, client.CodeCodesOut)
	if err := c.RemoveRange(ctx, accounts, true); err != nil {
		t.Error(err)
	}
	_, err = c.Range(ctx, accounts)
	wantClientProblem(t, err, 404, client.CodeRangeNotFound)
}
