package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"testing"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
)

const (
	reference  = "00112233445566778899aabbccddeeff"
	checkValue = "50DBC9" // of the card key below, by openssl des-ede
)

// material is the worked token: its key under the published test key. change
// replaces members.
func material(change map[string]string) wire.Object {
	o := wire.Object{wire.Integer(wire.MaterialKeyIndex, 1), wire.Integer(wire.MaterialCryptogramVersion, 18)}
	for path, value := range map[string]string{
		wire.MaterialReference: reference, wire.MaterialNumber: "4895370012345671", wire.MaterialExpiry: "2912",
		wire.MaterialSequence: "01", wire.MaterialCardKey: "68EFE6451FDF864C2FE579FE16B35826",
		wire.MaterialCheckValue: checkValue, wire.MaterialAID: "A0000000031010",
		wire.MaterialServiceCode: "201", wire.MaterialDiscretionary: "0",
	} {
		if changed, ok := change[path]; ok {
			value = changed
		}
		o = append(o, wire.Text(path, value))
	}
	return o
}

func TestMaterialIsChecked(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(change map[string]string) error {
		sealed, err := wire.Seal(&key.PublicKey, material(change))
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t)
		s.status, s.body = http.StatusOK, `{"jwe":"`+sealed+`"}`
		_, err = client.Phone{BaseURL: s.URL, Key: key}.FetchKey(context.Background(), reference)
		return err
	}
	if err := fetch(nil); err != nil {
		t.Fatal(err)
	}
	for path, value := range map[string]string{
		wire.MaterialReference: "ff", wire.MaterialNumber: "4895370012345670", wire.MaterialExpiry: "2913",
		wire.MaterialSequence: "x", wire.MaterialCardKey: "68EF", wire.MaterialCheckValue: "000000",
		wire.MaterialAID: "A000",
	} {
		if err := fetch(map[string]string{path: value}); !errors.Is(err, client.ErrAnswer) {
			t.Errorf("%s of %q: got %v", path, value, err)
		}
	}
}

// lentKey is the worked limited-use key. change replaces members; an empty value
// leaves one out.
func lentKey(change map[string]string, uses int) wire.Object {
	o := wire.Object{wire.Integer(wire.LentUses, uses)}
	for path, value := range map[string]string{
		wire.MaterialReference: reference, wire.LentIndex: "6781301", wire.LentKey: "79FF348AE57DC85BB36CD0209DC39995",
		wire.LentCheckValue: lentCheckValue, wire.LentExpires: "2026-11-23T12:00:00Z",
	} {
		if changed, ok := change[path]; ok {
			value = changed
		}
		if value != "" {
			o = append(o, wire.Text(path, value))
		}
	}
	return o
}

// lentCheckValue is of the worked limited-use key, by openssl des-ede.
const lentCheckValue = "154D48"

// cloudMaterial is the worked token with a limited-use key and no card key.
func cloudMaterial(version int, key wire.Object, more ...wire.Pair) wire.Object {
	o := wire.Object{
		wire.Text(wire.MaterialNumber, "4895370012345671"), wire.Text(wire.MaterialExpiry, "2912"),
		wire.Text(wire.MaterialSequence, "01"), wire.Text(wire.MaterialAID, "A0000000031010"), wire.Text(wire.MaterialServiceCode, "201"),
		wire.Text(wire.MaterialDiscretionary, "0"), wire.Integer(wire.MaterialKeyIndex, 1), wire.Integer(wire.MaterialCryptogramVersion, version),
	}
	return append(append(o, key...), more...)
}

// answering gives a phone whose door answers everything with o, sealed to it.
func answering(t *testing.T, o wire.Object) client.Phone {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := wire.Seal(&key.PublicKey, o)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	s.status, s.body = http.StatusOK, `{"jwe":"`+sealed+`"}`
	return client.Phone{BaseURL: s.URL, Key: key}
}

func TestALimitedUseKeyIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		uses   int
		good   bool
	}{
		"as it stands": {nil, 5, true}, "one use": {nil, 1, true}, "the most uses": {nil, 255, true},
		"no use": {nil, 0, false}, "a use too many": {nil, 256, false},
		"another token":      {map[string]string{wire.MaterialReference: "ff"}, 5, false},
		"a short index":      {map[string]string{wire.LentIndex: "678130"}, 5, false},
		"a long index":       {map[string]string{wire.LentIndex: "67813011"}, 5, false},
		"a letter in it":     {map[string]string{wire.LentIndex: "678130A"}, 5, false},
		"no index":           {map[string]string{wire.LentIndex: ""}, 5, false},
		"a short key":        {map[string]string{wire.LentKey: "79FF"}, 5, false},
		"no key":             {map[string]string{wire.LentKey: ""}, 5, false},
		"no key, no check":   {map[string]string{wire.LentKey: "", wire.LentCheckValue: ""}, 5, false},
		"another check":      {map[string]string{wire.LentCheckValue: "000000"}, 5, false},
		"no time":            {map[string]string{wire.LentExpires: ""}, 5, false},
		"a time that is not": {map[string]string{wire.LentExpires: "tomorrow"}, 5, false},
	} {
		k, err := answering(t, lentKey(c.change, c.uses)).Replenish(context.Background(), reference)
		if c.good != (err == nil) || !c.good && !errors.Is(err, client.ErrAnswer) || c.good && (k.Uses != c.uses || k.Index != "6781301") {
			t.Errorf("%s: replenishing gave %+v, %v", name, k, err)
		}
		m, err := answering(t, cloudMaterial(43, lentKey(c.change, c.uses))).FetchKey(context.Background(), reference)
		if c.good != (err == nil) || !c.good && !errors.Is(err, client.ErrAnswer) || c.good && m.Lent.Uses != c.uses {
			t.Errorf("%s: fetching gave %+v, %v", name, m, err)
		}
	}
}

// A version goes with one kind of key.
func TestTheKindOfKeyGoesWithTheVersion(t *testing.T) {
	cardKey := []wire.Pair{wire.Text(wire.MaterialCardKey, "68EFE6451FDF864C2FE579FE16B35826"), wire.Text(wire.MaterialCheckValue, checkValue)}
	for name, c := range map[string]struct {
		material wire.Object
		good     bool
	}{
		"43 with a card key too":  {cloudMaterial(43, lentKey(nil, 5), cardKey...), false},
		"18 without a card key":   {cloudMaterial(18, lentKey(nil, 5)), false},
		"18 with a card key":      {cloudMaterial(18, wire.Object{wire.Text(wire.MaterialReference, reference)}, cardKey...), true},
		"10 with a card key":      {cloudMaterial(10, wire.Object{wire.Text(wire.MaterialReference, reference)}, cardKey...), true},
		"43 with a card key only": {cloudMaterial(43, wire.Object{wire.Text(wire.MaterialReference, reference)}, cardKey...), false},
		"version 67":              {cloudMaterial(0x43, lentKey(nil, 5)), false},
	} {
		_, err := answering(t, c.material).FetchKey(context.Background(), reference)
		if c.good != (err == nil) || !c.good && !errors.Is(err, client.ErrAnswer) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func TestReplenishingWithoutAKey(t *testing.T) {
	if _, err := (client.Phone{}).Replenish(context.Background(), reference); !errors.Is(err, client.ErrKey) {
		t.Errorf("got %v", err)
	}
}

// FuzzReplenish gives phones whatever a door may seal to them.
func FuzzReplenish(f *testing.F) {
	f.Add("6781301", "79FF348AE57DC85BB36CD0209DC39995", lentCheckValue, "2026-11-23T12:00:00Z", 5)
	f.Add("", "", "", "", 0)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	s := newServer(f)
	f.Fuzz(func(t *testing.T, index, lent, check, expires string, uses int) {
		sealed, err := wire.Seal(&key.PublicKey, lentKey(map[string]string{
			wire.LentIndex: index, wire.LentKey: lent, wire.LentCheckValue: check, wire.LentExpires: expires,
		}, uses))
		if err != nil {
			t.Fatal(err)
		}
		s.status, s.body = http.StatusOK, `{"jwe":"`+sealed+`"}`
		k, err := client.Phone{BaseURL: s.URL, Key: key}.Replenish(context.Background(), reference)
		if err == nil && (k.Key.IsZero() || k.Key.CheckValue() != check || k.Index != index || k.Uses < 1 || k.Expires.IsZero()) {
			t.Errorf("got %+v", k)
		}
	})
}
