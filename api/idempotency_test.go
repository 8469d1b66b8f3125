package api_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// issuing is the issuers' door over a store on disk, which can be opened anew.
type issuing struct {
	file     string
	now      time.Time
	schedule dcvv2.Schedule
	store    vault.Store
	door     http.Handler
}

func newIssuing(t *testing.T, policy dcvv2.Policy) *issuing {
	i := &issuing{
		file: filepath.Join(t.TempDir(), "store.db"), now: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC),
		schedule: dcvv2.Always(policy),
	}
	i.open(t)
	t.Cleanup(func() { i.store.Close() })
	return i
}

func (i *issuing) open(t *testing.T) {
	t.Helper()
	cipher, err := vault.NewCipher(bytes.Repeat([]byte{1}, vault.CipherKeyBytes), bytes.Repeat([]byte{2}, vault.CipherKeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	if i.store, err = sqlite.Open(i.file, cipher); err != nil {
		t.Fatal(err)
	}
	i.serve(t)
}

// serve opens the door anew, with the ranges as they are now.
func (i *issuing) serve(t *testing.T) {
	t.Helper()
	ranges, err := dcvv2.NewRegistry(dcvv2.Registration{Range: card.MustRange("4761739"), Issuer: "greenbank", Schedule: i.schedule})
	if err != nil {
		t.Fatal(err)
	}
	a, err := api.New(api.Options{Store: i.store, Keys: ring{}, Registry: ranges, Now: func() time.Time { return i.now }})
	if err != nil {
		t.Fatal(err)
	}
	i.door = checked(t, "issuers", a.Issuers())
}

// ask sends a body to a path and gives status and answer.
func (i *issuing) ask(path, body string) exchange {
	return call(i.door, "issuers", http.MethodPost, path, "application/json", body)
}

func (i *issuing) restart(t *testing.T) {
	t.Helper()
	if err := i.store.Close(); err != nil {
		t.Fatal(err)
	}
	i.open(t)
}

func wantSame(t *testing.T, what string, got, want exchange) {
	t.Helper()
	if want.status != http.StatusCreated || got.status != want.status || !bytes.Equal(got.body, want.body) {
		t.Errorf("%s: got %d %s, want %d %s", what, got.status, got.body, want.status, want.body)
	}
}

func TestRepeatsOutliveARestart(t *testing.T) {
	i := newIssuing(t, dcvv2.DefaultPolicy())
	account := func(id string) string { return fmt.Sprintf(goodAccount, id) }
	enrolled := i.ask(wire.EnrollPath, account("e-1"))
	codes := i.ask(wire.GeneratePath, good)
	unenrolled := i.ask(wire.UnenrollPath, account("u-1"))
	i.now = i.now.Add(vault.RequestsFor - time.Second)
	i.restart(t)
	wantSame(t, "enrol", i.ask(wire.EnrollPath, account("e-1")), enrolled)
	wantSame(t, "codes", i.ask(wire.GeneratePath, good), codes)
	wantSame(t, "unenrol", i.ask(wire.UnenrollPath, account("u-1")), unenrolled)
	if x := i.ask(wire.GeneratePath, strings.Replace(good, `"cdCnt":2`, `"cdCnt":3`, 1)); x.status != 402 || !strings.Contains(string(x.body), wire.CodeRequestIDReused) {
		t.Errorf("an id names one request: %d %s", x.status, x.body)
	}
	if x := i.ask(wire.InquiryPath, account("i-1")); !strings.Contains(string(x.body), `"notEnrolled"`) {
		t.Errorf("repeats changed the account: %s", x.body)
	}
	i.now = i.now.Add(time.Second)
	if x := i.ask(wire.GeneratePath, good); x.status != 402 || !strings.Contains(string(x.body), wire.CodeNotEnrolled) {
		t.Errorf("after 24 hours it is a new request: %d %s", x.status, x.body)
	}
}

// The schedule has the history: a policy that came since, under which the wish
// would be refused, does not change a repeat.
func TestARepeatAfterThePolicyChanged(t *testing.T) {
	i := newIssuing(t, dcvv2.DefaultPolicy())
	enrolled := i.ask(wire.EnrollPath, fmt.Sprintf(goodAccount, "e-1"))
	codes := i.ask(wire.GeneratePath, good)
	few := dcvv2.DefaultPolicy()
	few.WindowHours, few.CodesMax, few.FailuresInRowMax = 5, 1, 3
	var err error
	if i.schedule, err = i.schedule.Change(few, i.now, i.now.Add(time.Hour), true); err != nil {
		t.Fatal(err)
	}
	i.now = i.now.Add(3 * time.Hour)
	i.serve(t)
	wantSame(t, "a repeated enrolment", i.ask(wire.EnrollPath, fmt.Sprintf(goodAccount, "e-1")), enrolled)
	wantSame(t, "a repeat", i.ask(wire.GeneratePath, good), codes)
	for range 2 {
		if x := i.ask(wire.GeneratePath, strings.Replace(good, "r-1", "r-2", 1)); x.status != 400 || !strings.Contains(string(x.body), wire.CodeCount) {
			t.Errorf("a new wish is held to the new policy: %d %s", x.status, x.body)
		}
	}
}

// The last month of a card is good to its last second; a repeat of what was
// asked in it is answered in the next.
func TestAnExpiredCard(t *testing.T) {
	i := newIssuing(t, dcvv2.DefaultPolicy())
	i.now = time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	i.ask(wire.EnrollPath, fmt.Sprintf(goodAccount, "e-1"))
	last := strings.Replace(good, "3112", "2611", 1)
	codes := i.ask(wire.GeneratePath, last)
	wantSame(t, "the last month", codes, codes)
	i.now = i.now.Add(time.Second)
	wantSame(t, "a repeat in the next", i.ask(wire.GeneratePath, last), codes)
	for _, late := range []struct {
		by   time.Duration
		body string
	}{{0, strings.Replace(last, "r-1", "r-2", 1)}, {vault.RequestsFor, last}} {
		i.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Add(late.by)
		if x := i.ask(wire.GeneratePath, late.body); x.status != 402 || !strings.Contains(string(x.body), wire.CodeCardExpired) || !strings.Contains(string(x.body), wire.Expiry) {
			t.Errorf("%v into the next month: %d %s", late.by, x.status, x.body)
		}
	}
	if x := i.ask(wire.GeneratePath, last[:len(last)-1]+" }"); x.status != 402 { // the id was not spent on a refusal
		t.Errorf("got %d %s", x.status, x.body)
	}
	if x := i.ask(wire.GeneratePath, strings.Replace(good, "r-1", "r-3", 1)); x.status != http.StatusCreated {
		t.Errorf("another card: %d %s", x.status, x.body)
	}
}

func TestEnrolByDefault(t *testing.T) {
	policy := dcvv2.DefaultPolicy()
	policy.EnrolByDefault = true
	i := newIssuing(t, policy)
	account := func(id string) string { return fmt.Sprintf(goodAccount, id) }
	if x := i.ask(wire.InquiryPath, account("i-1")); !strings.Contains(string(x.body), `"enrlmnt":{"sts":"enrolled","gnrtn":0}`) {
		t.Errorf("never seen: %s", x.body)
	}
	if x := i.ask(wire.GeneratePath, good); x.status != http.StatusCreated {
		t.Errorf("never seen: %d %s", x.status, x.body)
	}
	if x := i.ask(wire.UnenrollPath, account("u-1")); !strings.Contains(string(x.body), `"notEnrolled","sinceDtTm"`) {
		t.Errorf("unenrolled: %s", x.body)
	}
	if x := i.ask(wire.GeneratePath, strings.Replace(good, "r-1", "r-2", 1)); x.status != 402 {
		t.Errorf("unenrolled: %d %s", x.status, x.body)
	}
	if x := i.ask(wire.EnrollPath, account("e-1")); !strings.Contains(string(x.body), `"gnrtn":1`) {
		t.Errorf("enrolled anew: %s", x.body)
	}
}

func TestAttemptsAndUnlock(t *testing.T) {
	h := enrolled(t, ring{})
	pan, ctx := card.MustPAN(clearPAN), context.Background()
	for _, c := range []struct {
		attempts dcvv2.Attempts
		want     string
	}{
		{dcvv2.Attempts{}, client.AttemptsOpen},
		{dcvv2.Attempts{FailuresInDay: 4, FailuresInRow: 9}, client.AttemptsOpen},
		{dcvv2.Attempts{FailuresInDay: 5, FailuresInRow: 9}, client.AttemptsWaiting},
		{dcvv2.Attempts{FailuresInDay: 4, FailuresInRow: 10}, client.AttemptsLocked},
		{dcvv2.Attempts{FailuresInDay: 5, FailuresInRow: 10}, client.AttemptsLocked},
	} {
		h.store.attempts[pan] = c.attempts
		got, err := h.issuer().Inquire(ctx, client.AccountRequest{PAN: pan})
		want := client.Attempts{
			Status: c.want, FailuresInDay: c.attempts.FailuresInDay, InDayMax: 5, FailuresInRow: c.attempts.FailuresInRow, InRowMax: 10,
		}
		if err != nil || got.Attempts != want {
			t.Errorf("got %+v, %v, want %+v", got.Attempts, err, want)
		}
	}
	got, err := h.issuer().Unlock(ctx, client.AccountRequest{PAN: pan})
	if err != nil || got.Attempts.Status != client.AttemptsOpen || got.Attempts.FailuresInRow != 0 || !got.Enrolled {
		t.Errorf("got %+v, %v", got, err)
	}
	blue := h.issuer()
	blue.ClientID = "bluebank"
	_, err = blue.Unlock(ctx, client.AccountRequest{PAN: pan})
	wantClientProblem(t, err, 403, client.CodeClientForbidden)
}
