package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api/wire"
)

func TestParseReadsLeavesByPath(t *testing.T) {
	doc, err := wire.Parse([]byte(`{"acctInfo":{"primryAcctNum":{"pan":4761739001010010}},"agentId":"a","none":{},"off":null,"cds":[{"cd":"075"},{"cd":"917"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"acctInfo.primryAcctNum.pan", "agentId", "cds", "none", "off"}
	if diff := cmp.Diff(want, doc.Paths()); diff != "" {
		t.Error(diff)
	}
	if pan, ok := doc.Number(wire.PAN); !ok || pan.Reveal() != "4761739001010010" {
		t.Error("an integer keeps the digits that were sent")
	}
	if _, ok := doc.Text(wire.PAN); ok {
		t.Error("an integer is no string")
	}
	items, ok := doc.List("cds")
	if !ok || len(items) != 2 {
		t.Fatal("the list has two items")
	}
	if second, _ := items[1].Text(wire.Code); second.Reveal() != "917" {
		t.Error("items are documents")
	}
}

func TestParseRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + `"x"` + strings.Repeat("}", n) }
	wide := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, c := range []struct{ name, body, code, field string }{
		{"nothing", ``, wire.CodeBodyNotJSON, ""},
		{"no JSON", `pan=4761739001010010`, wire.CodeBodyNotJSON, ""},
		{"half an object", `{"agentId":"a"`, wire.CodeBodyNotJSON, ""},
		{"two objects", `{} {}`, wire.CodeBodyNotJSON, ""},
		{"a comma behind", `{"agentId":"a",}`, wire.CodeBodyNotJSON, ""},
		{"a list", `[]`, wire.CodeBodyNotJSON, ""},
		{"a string", `"a"`, wire.CodeBodyNotJSON, ""},
		{"null", `null`, wire.CodeBodyNotJSON, ""},
		{"no UTF-8", "{\"agentId\":\"\xff\"}", wire.CodeBodyNotJSON, ""},
		{"one level too deep", deep(wire.DepthMax + 1), wire.CodeBodyNotJSON, ""},
		{"one member too many", wide(wire.MembersMax + 1), wire.CodeBodyNotJSON, ""},
		{"a name twice", `{"a":{"b":1,"b":2}}`, wire.CodeFieldDuplicate, "a.b"},
		{"an object twice", `{"a":{"b":1},"a":{"c":2}}`, wire.CodeFieldDuplicate, "a"},
		{"a name with a dot", `{"a.b":1}`, wire.CodeFieldUnknown, "?"},
		{"an empty name", `{"a":{"":1}}`, wire.CodeFieldUnknown, "a.?"},
		{"a list of numbers", `{"a":[1]}`, wire.CodeFieldType, "a"},
		{"a list of lists", `{"a":[[]]}`, wire.CodeFieldType, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := wire.Parse([]byte(c.body))
			wantProblem(t, err, c.code, c.field)
		})
	}
	for _, body := range []string{deep(wire.DepthMax), wide(wire.MembersMax), "{}", " {\n} "} {
		if _, err := wire.Parse([]byte(body)); err != nil {
			t.Errorf("%.20s… is at the limit, not past it: %v", body, err)
		}
	}
}

func TestOnly(t *testing.T) {
	for _, c := range []struct{ body, code, field string }{
		{`{"acctInfo":{"primryAcctNum":{"pin":1}}}`, wire.CodeFieldUnknown, "acctInfo.primryAcctNum.pin"},
		{`{"acctInfo":"x"}`, wire.CodeFieldType, "acctInfo"},
		{`{"acctInfo":{}}`, wire.CodeFieldType, "acctInfo"},
		{`{"acctInfo":{"primryAcctNum":{"pan":{"digits":"1"}}}}`, wire.CodeFieldType, wire.PAN},
		{`{"ACCTINFO":{}}`, wire.CodeFieldUnknown, "ACCTINFO"},
		{`{"4761739001010010":1}`, wire.CodeFieldUnknown, "****************"},
		{`{"` + strings.Repeat("x", 200) + `":1}`, wire.CodeFieldUnknown, strings.Repeat("x", 64) + "…"},
	} {
		doc, err := wire.Parse([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		wantProblem(t, doc.Only(wire.PAN), c.code, c.field)
	}
}

func wantProblem(t *testing.T, err error, code, field string) {
	t.Helper()
	var p *wire.Problem
	if !errors.As(err, &p) || p.Status != 400 || p.Code != code || p.Field != field || p.Detail == "" {
		t.Errorf("got %v, want 400 %s at %q", err, code, field)
	}
}

func TestObjectNests(t *testing.T) {
	o := wire.Object{
		wire.Text("a.b.c", "1"), wire.Integer("d", 2), wire.List("a.e", []wire.Object{{wire.Text("f.g", "3")}, {}}),
	}
	got, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":{"b":{"c":"1"},"e":[{"f":{"g":"3"}},{}]},"d":2}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingPrints(t *testing.T) {
	const clear = "4761739001010010"
	doc, err := wire.Parse([]byte(`{"pan":"` + clear + `","list":[{"pan":"` + clear + `"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	o := wire.Object{wire.Text("pan", clear)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown := fmt.Sprintf(verb+verb+verb, doc, &doc, struct{ o wire.Object }{o}) + fmt.Sprintf(verb, o)
		if strings.Contains(shown, clear) || strings.Contains(shown, fmt.Sprintf("%x", clear)) {
			t.Errorf("%s shows the value: %s", verb, shown)
		}
	}
}

func TestHashIsOfTheMeaning(t *testing.T) {
	digest := func(body string) string {
		doc, err := wire.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var h hash.Hash = sha256.New()
		doc.Hash(h)
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	first := digest(`{"a":{"b":"1"},"c":"2","l":[{"x":1}]}`)
	for _, same := range []string{`{ "c" : "2", "l":[{"x":1}], "a":{"b":"1"} }`, `{"a":{"b":1},"c":2,"l":[{"x":"1"}]}`} {
		if digest(same) != first {
			t.Errorf("%s means the same", same)
		}
	}
	for _, other := range []string{`{"a":{"b":"1"},"c":"3","l":[{"x":1}]}`, `{"a":{"b":"1"},"l":[{"x":1}]}`, `{"a":{"b":"1"},"c":"2","l":[{"x":2}]}`, `{"a":{"b":"1"},"c":"2","l":[{"x":1},{}]}`} {
		if digest(other) == first {
			t.Errorf("%s means something else", other)
		}
	}
}

// The thumbprint is RFC 7638's own arithmetic; the key is the example of
// RFC 7517 A.1, its thumbprint computed by openssl over the canonical members.
func TestDeviceID(t *testing.T) {
	doc, err := wire.Parse([]byte(`{"jwk":{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}}`))
	if err != nil {
		t.Fatal(err)
	}
	key, err := wire.ReadKey(doc)
	if err != nil {
		t.Fatal(err)
	}
	canonical := `{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(canonical)))[:wire.DeviceIDCharacters]
	got, err := wire.DeviceID(key)
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if _, err := wire.DeviceID(&newKey(t, elliptic.P384()).PublicKey); !errors.Is(err, wire.ErrKey) {
		t.Errorf("P-384: got %v", err)
	}
	if _, err := wire.DeviceID(nil); !errors.Is(err, wire.ErrKey) {
		t.Errorf("no key: got %v", err)
	}
}

func TestSealOpensForOneKeyOnly(t *testing.T) {
	phone, thief := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	sealed, err := wire.Seal(&phone.PublicKey, wire.Object{wire.Text("cardKey", "0123")})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := wire.Open(phone, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := doc.Text("cardKey"); got.Reveal() != "0123" {
		t.Error("the phone reads what was sealed")
	}
	if _, err := wire.Open(thief, sealed); err == nil {
		t.Error("another phone must not read it")
	}
	if _, err := wire.Open(phone, sealed[:len(sealed)-2]); err == nil {
		t.Error("a cut JWE must not open")
	}
}

func TestVerifyRefuses(t *testing.T) {
	key := newKey(t, elliptic.P256())
	signed, err := wire.Sign(key, wire.Object{wire.Text("result", "success")})
	if err != nil {
		t.Fatal(err)
	}
	if by, _, err := wire.Verify(signed); err != nil || !by.Equal(&key.PublicKey) {
		t.Fatalf("a good signature: %v", err)
	}
	parts := strings.Split(signed, ".")
	other, err := wire.Sign(newKey(t, elliptic.P256()), wire.Object{wire.Text("result", "failure")})
	if err != nil {
		t.Fatal(err)
	}
	otherParts := strings.Split(other, ".")
	for name, bad := range map[string]string{
		"nothing":             "",
		"two parts":           parts[0] + "." + parts[1],
		"another payload":     parts[0] + "." + otherParts[1] + "." + parts[2],
		"another key":         otherParts[0] + "." + parts[1] + "." + parts[2],
		"algorithm none":      "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"no key in header":    "eyJhbGciOiJFUzI1NiJ9." + parts[1] + "." + parts[2],
		"a shorter signature": signed[:len(signed)-4],
	} {
		_, _, err := wire.Verify(bad)
		var p *wire.Problem
		if !errors.As(err, &p) || p.Code != wire.CodeProofInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"b":[{"c":1}]}}`, `{"a":1,"a":2}`, `[`, `{"a":1e400}`, `{"\u0000":""}`, `null`,
		`{"acctInfo":{"primryAcctNum":{"pan":"4761739001010010"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := wire.Parse(body)
		if err == nil {
			doc.Hash(sha256.New())
			err = doc.Only(wire.PAN)
		}
		var p *wire.Problem
		if err != nil && (!errors.As(err, &p) || p.Code == "" || p.Detail == "") {
			t.Errorf("every refusal is a problem with code and advice: %v", err)
		}
		if err == nil && !json.Valid(body) {
			t.Error("what is no JSON must not be read")
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, jws string) {
		_, _, err := wire.Verify(jws)
		var p *wire.Problem
		if err != nil && !errors.As(err, &p) {
			t.Errorf("every refusal is a problem: %v", err)
		}
	})
}
