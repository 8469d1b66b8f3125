package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/token"
)

const unknownReference = "ffffffffffffffffffffffffffffffff"

func keyAddress(reference string) string {
	return strings.Replace(wire.TokenKeyPath, "{reference}", reference, 1)
}

func resultAddress(reference string) string {
	return strings.Replace(wire.TokenResultPath, "{reference}", reference, 1)
}

// keyBody is a request for a token's key by the phone that holds key.
func keyBody(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	o, err := wire.KeyObject(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func stranger(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The worked token: its card key derives from the test key by option A.
func TestAPhoneGetsItsKey(t *testing.T) {
	h := newHouse(t, ring{})
	m, err := h.wallet().FetchKey(context.Background(), reference)
	if err != nil {
		t.Fatal(err)
	}
	if m.Number.Reveal() != clearNumber || m.Expiry.YYMM() != "2912" || m.Sequence != 1 || m.Reference != reference {
		t.Errorf("the material is of another token: %+v", m)
	}
	if got := fmt.Sprintf("%X", m.CardKey.Reveal()); got != "68EFE6451FDF864C2FE579FE16B35826" {
		t.Error("the card key is wrong")
	}
	if m.CryptogramVersion != 18 || m.KeyIndex != 1 || !bytes.Equal(m.AID, []byte{0xA0, 0, 0, 0, 3, 0x10, 0x10}) || m.ServiceCode != "201" {
		t.Errorf("got %+v", m)
	}
	shown := fmt.Sprintf("%v %+v %#v %q", m, m, m, []any{m})
	for _, clear := range []string{clearNumber, "68EFE6451FDF864C", "68efe6451fdf864c"} {
		if strings.Contains(shown, clear) {
			t.Errorf("the material shows %s", clear)
		}
	}
}

func TestTheAnswerIsForThePhoneOnly(t *testing.T) {
	h := newHouse(t, ring{})
	a := post(t, h.phones.URL+keyAddress(reference), keyBody(t, h.phone))
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	var answer struct {
		JWE string `json:"jwe"`
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Open(stranger(t), answer.JWE); err == nil {
		t.Error("another key must not open it")
	}
	doc, err := wire.Open(h.phone, answer.JWE)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"aid", "cardKey", "cryptogramVersion", "discretionary", "expiry", "keyCheckValue", "keyIndex", "number", "reference", "sequence", "serviceCode"}
	if diff := cmp.Diff(want, doc.Paths()); diff != "" {
		t.Error(diff)
	}
}

// An unknown reference and another phone's token look alike, to the byte.
func TestNoOracle(t *testing.T) {
	h := newHouse(t, ring{})
	thief := stranger(t)
	var answers []string
	for _, a := range []answer{
		post(t, h.phones.URL+keyAddress(unknownReference), keyBody(t, thief)),
		post(t, h.phones.URL+keyAddress(unknownReference), keyBody(t, h.phone)),
		post(t, h.phones.URL+keyAddress("short"), keyBody(t, thief)),
		post(t, h.phones.URL+keyAddress(clearNumber), keyBody(t, thief)),
		post(t, h.phones.URL+keyAddress(strings.ToUpper(reference)), keyBody(t, h.phone)),
		post(t, h.phones.URL+keyAddress(reference), keyBody(t, thief)),
		post(t, h.phones.URL+resultAddress(reference), signed(t, thief, reference, "success", h.clock)),
		post(t, h.phones.URL+resultAddress(unknownReference), signed(t, h.phone, unknownReference, "success", h.clock)),
	} {
		wantProblem(t, a, 404, wire.CodeTokenNotFound, "")
		a.header.Del("Date")
		answers = append(answers, fmt.Sprint(a.header, a.body))
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("%s differs from %s", a, answers[0])
		}
	}
	if len(h.store.notices) != 0 || h.wakes != 0 {
		t.Error("nothing is queued")
	}
	if strings.Contains(h.log.String(), clearNumber) {
		t.Error("what stands in the address of no token is not logged")
	}
}

func TestOnlyActiveTokensGiveKeys(t *testing.T) {
	h := newHouse(t, ring{})
	for _, status := range token.Statuses {
		if status == token.Active {
			continue
		}
		tok := h.token()
		tok.Status = status
		h.store.tokens[reference] = tok
		_, err := h.wallet().FetchKey(context.Background(), reference)
		wantClientProblem(t, err, 402, client.CodeTokenNotActive)
	}
}

func TestTokenKeyRefuses(t *testing.T) {
	h := newHouse(t, ring{})
	body := keyBody(t, h.phone)
	var key struct{ JWK struct{ X, Y string } }
	if err := json.Unmarshal([]byte(body), &key); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, code, field string }{
		{"another type", `"EC"`, `"RSA"`, wire.CodeFieldValue, wire.KeyType},
		{"another curve", `"P-256"`, `"P-384"`, wire.CodeFieldValue, wire.KeyCurve},
		{"no x", `"x":"` + key.JWK.X + `",`, ``, wire.CodeFieldValue, wire.KeyX},
		{"a short x", key.JWK.X, key.JWK.X[:42], wire.CodeFieldValue, wire.KeyX},
		{"a padded y", key.JWK.Y, key.JWK.Y + "=", wire.CodeFieldValue, wire.KeyY},
		{"a point off the curve", key.JWK.X, key.JWK.Y, wire.CodeFieldValue, wire.KeyX},
		{"a private key", `"kty"`, `"d":"AA","kty"`, wire.CodeFieldUnknown, "jwk.d"},
		{"no key", body, `{}`, wire.CodeFieldValue, wire.KeyType},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, post(t, h.phones.URL+keyAddress(reference), strings.Replace(body, c.old, c.new, 1)), 400, c.code, c.field)
		})
	}
}

func signed(t *testing.T, key *ecdsa.PrivateKey, reference, result string, at time.Time) string {
	t.Helper()
	jws, err := wire.Sign(key, wire.Object{
		wire.Text(wire.ResultReference, reference), wire.Text(wire.ResultWord, result), wire.Text(wire.ResultTime, at.Format(time.RFC3339)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return `{"jws":"` + jws + `"}`
}

func TestAPhoneReports(t *testing.T) {
	for word, result := range map[string]string{client.ResultSuccess: "00", client.ResultFailure: "01"} {
		h := newHouse(t, ring{})
		if err := h.wallet().Report(context.Background(), reference, word); err != nil {
			t.Fatal(err)
		}
		want := []token.Notice{{Reason: token.NoticeProvisioned, TransactionID: "123456789012345", Reference: reference, Result: result}}
		if diff := cmp.Diff(want, h.store.notices); diff != "" {
			t.Error(diff)
		}
		if h.wakes != 1 {
			t.Errorf("the notice is sent at once: %d wakes", h.wakes)
		}
	}
}

func TestTokenResultRefuses(t *testing.T) {
	h := newHouse(t, ring{})
	good := signed(t, h.phone, reference, "success", h.clock)
	for _, c := range []struct{ name, body, code, field string }{
		{"no JWS", `{}`, wire.CodeFieldMissing, wire.SignedResult},
		{"no string", `{"jws":1}`, wire.CodeFieldType, wire.SignedResult},
		{"not a JWS", `{"jws":"a.b.c"}`, wire.CodeProofInvalid, wire.SignedResult},
		{"a changed signature", strings.Replace(good, good[len(good)-12:], `AAAAAAAAAA"}`, 1), wire.CodeProofInvalid, wire.SignedResult},
		{"about another token", signed(t, h.phone, unknownReference, "success", h.clock), wire.CodeProofInvalid, wire.ResultReference},
		{"another word", signed(t, h.phone, reference, "maybe", h.clock), wire.CodeFieldValue, wire.ResultWord},
		{"too old", signed(t, h.phone, reference, "success", h.clock.Add(-api.ProofAge-time.Second)), wire.CodeProofExpired, wire.ResultTime},
		{"from the future", signed(t, h.phone, reference, "success", h.clock.Add(api.ProofAge+time.Second)), wire.CodeProofExpired, wire.ResultTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, post(t, h.phones.URL+resultAddress(reference), c.body), 400, c.code, c.field)
		})
	}
	if len(h.store.notices) != 0 || h.wakes != 0 {
		t.Fatal("nothing is queued")
	}
	for _, shift := range []time.Duration{-api.ProofAge, api.ProofAge} {
		if a := post(t, h.phones.URL+resultAddress(reference), signed(t, h.phone, reference, "success", h.clock.Add(shift))); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("%v is at the limit: %d %s", shift, a.status, a.body)
		}
	}
}

func TestAPhoneWithoutAKey(t *testing.T) {
	h := newHouse(t, ring{})
	p := h.wallet()
	p.Key = nil
	if p.DeviceID() != "" {
		t.Error("no key, no name")
	}
	if _, err := p.FetchKey(context.Background(), reference); !errors.Is(err, client.ErrKey) {
		t.Errorf("got %v", err)
	}
	if err := p.Report(context.Background(), reference, client.ResultSuccess); !errors.Is(err, client.ErrKey) {
		t.Errorf("got %v", err)
	}
}
