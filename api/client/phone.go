package client

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Words for Report.
const (
	ResultSuccess = wire.ResultSuccess
	ResultFailure = wire.ResultFailure
)

// Lengths of an application identifier in bytes (ISO/IEC 7816-4).
const (
	aidBytesMin = 5
	aidBytesMax = 16
)

// Phone calls the phones' door. Its key names it and never leaves it.
type Phone struct {
	BaseURL string            // such as https://127.0.0.1:8443
	HTTP    *http.Client      // nil: one with the standard transport
	Key     *ecdsa.PrivateKey // on P-256
	Now     func() time.Time  // the phone's clock; nil: time.Now
}

// Material is what a phone needs to pay with a token: its CardKey, or for
// CryptogramVersion 43, a cloud token's, a first limited-use key. Number and keys
// cannot be printed.
type Material struct {
	Reference         string
	Number            card.PAN // the token number
	Expiry            card.Expiry
	Sequence          card.Sequence
	CardKey           emv.Key // none of a cloud token
	Lent              LentKey // of a cloud token only
	KeyIndex          byte    // derivation key index of the issuer application data
	CryptogramVersion int     // 10, 17, 18 or 43
	AID               []byte  // application identifier, 5 to 16 bytes
	ServiceCode       string  // three digits, for track 2 equivalent data
	Discretionary     string  // digits, for track 2 equivalent data
}

// DeviceID is the name that the phone gives itself in an activation (125 set
// 01 tag 03): the start of its key's thumbprint, 48 hexadecimal characters. It
// is empty when Key is no key on P-256.
func (p Phone) DeviceID() string {
	if p.Key == nil {
		return ""
	}
	id, err := wire.DeviceID(&p.Key.PublicKey)
	if err != nil {
		return ""
	}
	return id
}

// FetchKey gets the key material of a token that was activated from this
// phone, decrypts it and compares the key with its check value. For a cloud
// token every call is lent another key.
func (p Phone) FetchKey(ctx context.Context, reference string) (Material, error) {
	if p.Key == nil {
		return Material{}, ErrKey
	}
	body, err := wire.KeyObject(&p.Key.PublicKey)
	if err != nil {
		return Material{}, err
	}
	clear, err := p.fetch(ctx, addressed(wire.TokenKeyPath, "reference", reference), body)
	if err != nil {
		return Material{}, err
	}
	return readMaterial(clear, reference)
}

// fetch calls the door and opens the answer, which is for this phone only.
func (p Phone) fetch(ctx context.Context, path string, body wire.Object) (wire.Document, error) {
	doc, err := p.door().call(ctx, http.MethodPost, path, body)
	if err != nil {
		return wire.Document{}, err
	}
	a := &answer{doc: doc}
	jwe := a.text(wire.EncryptedMaterial)
	if a.fault != nil {
		return wire.Document{}, a.fault
	}
	clear, err := wire.Open(p.Key, jwe)
	if err != nil {
		return wire.Document{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return clear, nil
}

func readMaterial(doc wire.Document, reference string) (Material, error) {
	a := &answer{doc: doc}
	m := Material{
		Reference:         a.about(reference),
		Number:            parsed(a, wire.MaterialNumber, card.ParsePAN),
		Expiry:            parsed(a, wire.MaterialExpiry, card.ParseExpiry),
		Sequence:          parsed(a, wire.MaterialSequence, card.ParseSequence),
		KeyIndex:          byte(a.number(wire.MaterialKeyIndex, 0, math.MaxUint8)),
		CryptogramVersion: a.cryptogramVersion(),
		AID:               parsed(a, wire.MaterialAID, parseAID),
		ServiceCode:       a.text(wire.MaterialServiceCode),
		Discretionary:     a.text(wire.MaterialDiscretionary),
	}
	a.readKeys(&m)
	if a.fault != nil {
		return Material{}, a.fault
	}
	return m, nil
}

func parseAID(s string) ([]byte, error) {
	aid, err := hex.DecodeString(s)
	if err == nil && (len(aid) < aidBytesMin || len(aid) > aidBytesMax) {
		err = fmt.Errorf("an application identifier has %d to %d bytes", aidBytesMin, aidBytesMax)
	}
	return aid, err
}

// Report tells the network how loading the token went: ResultSuccess or
// ResultFailure, signed with the phone's key.
func (p Phone) Report(ctx context.Context, reference, result string) error {
	body, err := p.signed(reference, wire.Text(wire.ResultWord, result))
	if err != nil {
		return err
	}
	_, err = p.door().call(ctx, http.MethodPost, addressed(wire.TokenResultPath, "reference", reference), body)
	return err
}

// signed is what the phone says about a token, with the time and more, signed
// with its key.
func (p Phone) signed(reference string, more ...wire.Pair) (wire.Object, error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	said := wire.Object{wire.Text(wire.ResultReference, reference), wire.Text(wire.ResultTime, now().UTC().Format(time.RFC3339))}
	signed, err := wire.Sign(p.Key, append(said, more...))
	if err != nil {
		return nil, err
	}
	return wire.Object{wire.Text(wire.SignedResult, signed)}, nil
}

func (p Phone) door() door { return door{baseURL: p.BaseURL, http: p.HTTP} }
