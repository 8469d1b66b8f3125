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
