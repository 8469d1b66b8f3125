package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// The worked token as a cloud token at 12:34:56 on 22 November 2026: hour 7813
// of the year, so that its second key of the hour is the worked one.
const (
	firstIndex = "6781300"
	workedLent = "79FF348AE57DC85BB36CD0209DC39995" // of index 6781301
)

var lentUntil = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// lending is the phones' door before a real store that holds the worked token.
type lending struct {
	store vault.Store
	log   journal
	clock time.Time
	phone *ecdsa.PrivateKey
	door  *httptest.Server
}

func newLending(t *testing.T, change func(*token.Token)) *lending {
	t.Helper()
	l := &lending{clock: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC), phone: stranger(t)}
	cipher, err := vault.NewCipher(bytes.Repeat([]byte{1}, vault.CipherKeyBytes), bytes.Repeat([]byte{2}, vault.CipherKeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	if l.store, err = sqlite.Open(filepath.Join(t.TempDir(), "store.db"), cipher); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	doors, err := api.New(api.Options{
		Store: l.store, Keys: ring{}, Registry: registry(t), Now: func() time.Time { return l.clock },
		Log: zerolog.New(&l.log).Level(zerolog.TraceLevel), Limits: api.Limits{RequestsPerSecond: api.LimitMax, Burst: api.LimitMax},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.door = httptest.NewServer(checked(t, "phones", doors.Phones()))
	t.Cleanup(l.door.Close)
	l.mint(t, change)
	return l
}

// mint stores the token as an activation does.
func (l *lending) mint(t *testing.T, change func(*token.Token)) {
	t.Helper()
	tok := (&house{phone: l.phone, clock: l.clock}).token()
	tok.Type, tok.Version = token.Cloud, emv.Version43
	change(&tok)
	claim := vault.Claim{Key: "activation", Kind: vault.KindActivation, TransactionID: tok.TransactionID, PAN: tok.PAN, At: l.clock}
	if got, err := l.store.Claim(t.Context(), claim); err != nil || got.State != vault.Won {
		t.Fatal(got, err)
	}
	err := l.store.Conclude(t.Context(), vault.Conclusion{
		Key: claim.Key, At: l.clock, PAN: tok.PAN, Token: &tok,
		Outcome: token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, Reference: tok.Reference},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func asIs(*token.Token) {}

func (l *lending) wallet() client.Phone {
	return client.Phone{BaseURL: l.door.URL, Key: l.phone, Now: func() time.Time { return l.clock }}
}

func replenishAddress(reference string) string {
	return strings.Replace(wire.TokenReplenishPath, "{reference}", reference, 1)
}

// asked is a signed request for the next key.
func asked(t *testing.T, key *ecdsa.PrivateKey, reference string, at time.Time) string {
	t.Helper()
	return jwsOf(t, key, wire.Object{wire.Text(wire.ResultReference, reference), wire.Text(wire.ResultTime, at.Format(time.RFC3339))})
}

func jwsOf(t *testing.T, key *ecdsa.PrivateKey, o wire.Object) string {
	t.Helper()
	jws, err := wire.Sign(key, o)
	if err != nil {
		t.Fatal(err)
	}
	return `{"jws":"` + jws + `"}`
}

func TestACloudTokenIsLentKeys(t *testing.T) {
	l := newLending(t, asIs)
	m, err := l.wallet().FetchKey(context.Background(), reference)
	if err != nil {
		t.Fatal(err)
	}
	if m.CryptogramVersion != 43 || !m.CardKey.IsZero() || m.Number.Reveal() != clearNumber || m.Sequence != 1 {
		t.Errorf("the material is %+v", m)
	}
	if k := m.Lent; k.Index != firstIndex || k.Uses != token.LentUsesMax || !k.Expires.Equal(lentUntil) {
		t.Errorf("the first key is %+v", k)
	}
	k, err := l.wallet().Replenish(context.Background(), reference)
	if err != nil {
		t.Fatal(err)
	}
	if k.Index != "6781301" || fmt.Sprintf("%X", k.Key.Reveal()) != workedLent || k.Uses != token.LentUsesMax || !k.Expires.Equal(lentUntil) {
		t.Errorf("the next key is %+v", k)
	}
	if k.Key == m.Lent.Key || token.LentKeyExpired(k.Index, lentUntil.Add(-time.Second)) || !token.LentKeyExpired(k.Index, lentUntil) {
		t.Error("a key is another each time, and expires for the network when it does for the phone")
	}
	shown := fmt.Sprintf("%v %+v %#v %q", m, k, k, []any{m}) + l.log.String()
	for _, clear := range []string{clearNumber, workedLent, strings.ToLower(workedLent), fmt.Sprintf("%X", m.Lent.Key.Reveal())} {
		if strings.Contains(shown, clear) {
			t.Errorf("material or log shows %s", clear)
		}
	}
}

// opened is what an answer's JWE says, as JSON.
func opened(t *testing.T, key *ecdsa.PrivateKey, a answer) []byte {
	t.Helper()
	var sealed struct{ JWE string }
	if err := json.Unmarshal([]byte(a.body), &sealed); err != nil || a.status != http.StatusOK {
		t.Fatal(a.status, a.body, err)
	}
	doc, err := wire.Open(key, sealed.JWE)
	if err != nil {
		t.Fatal(err)
	}
	var o wire.Object
	for _, path := range doc.Paths() {
		if text, ok := doc.Text(path); ok {
			o = append(o, wire.Text(path, text.Reveal()))
			continue
		}
		number, _ := doc.Number(path)
		n, err := strconv.Atoi(number.Reveal())
		if err != nil {
			t.Fatalf("%s is no number: %v", path, err)
		}
		o = append(o, wire.Integer(path, n))
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is inside the JWE is as the document says, for every version, and holds
// one kind of key.
func TestWhatIsSealedIsInTheDocument(t *testing.T) {
	schemas := theDocument(t).Components.Schemas
	for version, number := range map[emv.Version]int{0: 18, emv.Version10: 10, emv.Version17: 17, emv.Version18: 18, emv.Version43: 43} {
		l := newLending(t, func(tok *token.Token) { tok.Version = version })
		clear := opened(t, l.phone, post(t, l.door.URL+keyAddress(reference), keyBody(t, l.phone)))
		if err := theDocument(t).checkJSON(schemas["KeyMaterial"], clear); err != nil {
			t.Errorf("version %d: %v", number, err)
		}
		lends := number == 43
		if bytes.Contains(clear, []byte(`"limitedUseKey"`)) != lends || bytes.Contains(clear, []byte(`"cardKey"`)) == lends {
			t.Errorf("version %d holds another kind of key", number)
		}
		m, err := l.wallet().FetchKey(context.Background(), reference)
		if err != nil || m.CryptogramVersion != number || m.CardKey.IsZero() != lends {
			t.Errorf("version %d is read as %+v, %v", number, m, err)
		}
	}
	l := newLending(t, asIs)
	clear := opened(t, l.phone, post(t, l.door.URL+replenishAddress(reference), asked(t, l.phone, reference, l.clock)))
	if err := theDocument(t).checkJSON(schemas["NextKey"], clear); err != nil {
		t.Error(err)
	}
	if theDocument(t).checkJSON(schemas["KeyMaterial"], clear) == nil {
		t.Error("the next key passes for whole material")
	}
}

// An hour has a hundred keys. The hundred-and-first waits for the next hour.
func TestAnHourHasSoManyKeys(t *testing.T) {
	l := newLending(t, asIs)
	seen := map[string]bool{}
	for range emv.IndexCounterMax + 1 {
		k, err := l.wallet().Replenish(context.Background(), reference)
		if err != nil || seen[k.Index] {
			t.Fatalf("key %d: %s, %v", len(seen)+1, k.Index, err)
		}
		seen[k.Index] = true
	}
	for name, a := range map[string]answer{
		"replenish": post(t, l.door.URL+replenishAddress(reference), asked(t, l.phone, reference, l.clock)),
		"key":       post(t, l.door.URL+keyAddress(reference), keyBody(t, l.phone)),
	} {
		wantProblem(t, a, 429, wire.CodeKeysLentOut, "")
		if got := a.header.Get("Retry-After"); got != "1504" { // from 12:34:56 to 13:00:00
			t.Errorf("%s: Retry-After is %s", name, got)
		}
	}
	_, err := l.wallet().Replenish(context.Background(), reference)
	wantClientProblem(t, err, 429, client.CodeKeysLentOut)
	l.clock = l.clock.Add(1504*time.Second - time.Nanosecond)
	_, err = l.wallet().Replenish(context.Background(), reference)
	wantClientProblem(t, err, 429, client.CodeKeysLentOut)
	l.clock = l.clock.Add(time.Nanosecond)
	if k, err := l.wallet().Replenish(context.Background(), reference); err != nil || k.Index != "6781400" {
		t.Errorf("the next hour gives %s, %v", k.Index, err)
	}
}

// Many phones at once, or one that asks many times, never get a key twice.
func TestNoKeyIsLentTwiceAtOnce(t *testing.T) {
	l := newLending(t, asIs)
	var mu sync.Mutex
	seen := map[string]int{}
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			k, err := l.wallet().Replenish(context.Background(), reference)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[k.Index]++
		})
	}
	asking.Wait()
	if len(seen) != 20 {
		t.Errorf("twenty requests got %d keys: %v", len(seen), seen)
	}
}

func TestReplenishRefuses(t *testing.T) {
	l := newLending(t, asIs)
	good := asked(t, l.phone, reference, l.clock)
	for _, c := range []struct{ name, body, code, field string }{
		{"no JWS", `{}`, wire.CodeFieldMissing, wire.SignedResult},
		{"a phone's key alone", keyBody(t, l.phone), wire.CodeFieldUnknown, "jwk.crv"},
		{"not a JWS", `{"jws":"a.b.c"}`, wire.CodeProofInvalid, wire.SignedResult},
		{"a changed signature", strings.Replace(good, good[len(good)-12:], `AAAAAAAAAA"}`, 1), wire.CodeProofInvalid, wire.SignedResult},
		{"about another token", asked(t, l.phone, unknownReference, l.clock), wire.CodeProofInvalid, wire.ResultReference},
		{"a report of a result", signed(t, l.phone, reference, "success", l.clock), wire.CodeFieldUnknown, wire.ResultWord},
		{"without a time", jwsOf(t, l.phone, wire.Object{wire.Text(wire.ResultReference, reference)}), wire.CodeFieldMissing, wire.ResultTime},
		{"a time that is none", jwsOf(t, l.phone, wire.Object{wire.Text(wire.ResultReference, reference), wire.Text(wire.ResultTime, "noon")}), wire.CodeFieldValue, wire.ResultTime},
		{"too old", asked(t, l.phone, reference, l.clock.Add(-api.ProofAge-time.Second)), wire.CodeProofExpired, wire.ResultTime},
		{"from the future", asked(t, l.phone, reference, l.clock.Add(api.ProofAge+time.Second)), wire.CodeProofExpired, wire.ResultTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, post(t, l.door.URL+replenishAddress(reference), c.body), 400, c.code, c.field)
		})
	}
	thief := stranger(t)
	for _, a := range []answer{
		post(t, l.door.URL+replenishAddress(reference), asked(t, thief, reference, l.clock)),
		post(t, l.door.URL+replenishAddress(unknownReference), asked(t, l.phone, unknownReference, l.clock)),
		post(t, l.door.URL+keyAddress(reference), keyBody(t, thief)),
	} {
		wantProblem(t, a, 404, wire.CodeTokenNotFound, "")
	}
	wantProblem(t, post(t, l.door.URL+resultAddress(reference), good), 400, wire.CodeFieldMissing, wire.ResultWord)
	for _, shift := range []time.Duration{-api.ProofAge, api.ProofAge} {
		if a := post(t, l.door.URL+replenishAddress(reference), asked(t, l.phone, reference, l.clock.Add(shift))); a.status != http.StatusOK {
			t.Errorf("%v is at the limit: %d %s", shift, a.status, a.body)
		}
	}
	if k, err := l.wallet().Replenish(context.Background(), reference); err != nil || k.Index != "6781302" {
		t.Errorf("what was refused must cost no key: the next is %s, %v", k.Index, err)
	}
}

func TestOnlyActiveCloudTokensAreLentKeys(t *testing.T) {
	for _, status := range token.Statuses {
		l := newLending(t, func(tok *token.Token) { tok.Status = status })
		_, fetched := l.wallet().FetchKey(context.Background(), reference)
		_, lent := l.wallet().Replenish(context.Background(), reference)
		if status == token.Active {
			if fetched != nil || lent != nil {
				t.Errorf("an active token: %v, %v", fetched, lent)
			}
			continue
		}
		wantClientProblem(t, fetched, 402, client.CodeTokenNotActive)
		wantClientProblem(t, lent, 402, client.CodeTokenNotActive)
	}
	for _, version := range []emv.Version{0, emv.Version10, emv.Version17, emv.Version18} {
		l := newLending(t, func(tok *token.Token) { tok.Version = version })
		_, err := l.wallet().Replenish(context.Background(), reference)
		wantClientProblem(t, err, 402, client.CodeKeyNotLimited)
	}
}

// What is out of reach is 503, and a store that lends nonsense is a fault of
// ours, not a key.
func TestLendingOutOfReach(t *testing.T) {
	for name, c := range map[string]struct {
		store  vault.Store
		keys   ring
		status int
	}{
		"a store that is gone":  {lender{err: errors.New("disk")}, ring{}, 503},
		"a key that is gone":    {lender{index: firstIndex}, ring{missing: errors.New("ring")}, 503},
		"an index that is none": {lender{index: "6000000"}, ring{}, 500},
	} {
		h := newHouse(t, ring{})
		tok := h.token()
		tok.Version = emv.Version43
		h.store.tokens[reference] = tok
		doors, err := api.New(api.Options{
			Store: both{h.store, c.store.(lender)}, Keys: c.keys, Registry: registry(t), Now: func() time.Time { return h.clock },
		})
		if err != nil {
			t.Fatal(err)
		}
		x := call(checked(t, "phones", doors.Phones()), "phones", http.MethodPost, replenishAddress(reference), "application/json", asked(t, h.phone, reference, h.clock))
		if x.status != c.status || strings.Contains(string(x.body), "disk") {
			t.Errorf("%s is answered %d %s", name, x.status, x.body)
		}
	}
}

// lender lends the index it has, or fails.
type lender struct {
	vault.Store
	index string
	err   error
}

func (l lender) LendKey(context.Context, string, time.Time) (string, error) { return l.index, l.err }

// both is a memory that lends.
type both struct {
	*memory
	lender lender
}

func (b both) LendKey(ctx context.Context, reference string, at time.Time) (string, error) {
	return b.lender.LendKey(ctx, reference, at)
}

// FuzzPhonesDoor throws bytes at every path of the phones' door: whatever comes,
// the door answers as the document says, and neither answer nor log holds a
// number or key in clear.
func FuzzPhonesDoor(f *testing.F) {
	paths := []string{keyAddress(reference), replenishAddress(reference), resultAddress(reference), replenishAddress("short"), "/"}
	h := newHouseWith(f, ring{}, api.Limits{RequestsPerSecond: api.LimitMax, Burst: api.LimitMax})
	tok := h.token()
	tok.Version = emv.Version43
	h.store.tokens[reference] = tok
	doors, err := api.New(api.Options{
		Store: both{h.store, lender{index: firstIndex}}, Keys: ring{}, Registry: registry(f), Now: func() time.Time { return h.clock },
		Log: zerolog.New(h.log).Level(zerolog.TraceLevel), Limits: api.Limits{RequestsPerSecond: api.LimitMax, Burst: api.LimitMax},
	})
	if err != nil {
		f.Fatal(err)
	}
	said := wire.Object{wire.Text(wire.ResultReference, reference), wire.Text(wire.ResultTime, h.clock.Format(time.RFC3339))}
	good, err := wire.Sign(h.phone, said)
	if err != nil {
		f.Fatal(err)
	}
	for i := range paths {
		for _, seed := range []string{`{"jws":"` + good + `"}`, `{"jws":"a.b.c"}`, `{"jwk":{"kty":"EC","crv":"P-256","x":"","y":""}}`, `{}`, ``, `{"jws":1}`, `{"jws":"` + clearNumber + `"}`} {
			f.Add(uint8(i), seed)
		}
	}
	door, doc := doors.Phones(), theDocument(f)
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		h.log.Reset()
		x := call(door, "phones", http.MethodPost, paths[int(which)%len(paths)], "application/json", body)
		if x.status >= 500 {
			t.Errorf("got %d %s", x.status, x.body)
		}
		if err := doc.check(x); err != nil {
			t.Errorf("%d %s: %v", x.status, x.body, err)
		}
		for _, clear := range []string{clearNumber, workedLent} {
			if strings.Contains(string(x.body), clear) || strings.Contains(h.log.String(), clear) {
				t.Error("the answer or the log holds a number or key")
			}
		}
	})
}
