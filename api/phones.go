package api

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// ProofAge is how far the time in what a phone signs may lie from now, before
// or after. Ours: phones' clocks are good to seconds.
const ProofAge = 5 * time.Minute

// What a phone needs beside its key. Ours but the application identifier,
// which is the public one for Visa credit and debit.
const (
	applicationID = "A0000000031010"
	serviceCode   = "201"           // international, chip (ISO/IEC 7813)
	discretionary = "0000000000000" // fills track 2 equivalent data to 37 digits
)

// Results of device provisioning (field 123 set 01 tag 0E).
var provisioningResults = map[string]string{wire.ResultSuccess: "00", wire.ResultFailure: "01"}

// Phones is the door of phones: the token's own channel, to be served over
// HTTPS. A phone is known by its key: whose thumbprint is not the token's
// device id gets the answer of a token that does not exist.
func (a *API) Phones() http.Handler {
	mux := newMux()
	route(mux, http.MethodPost, wire.TokenKeyPath, a.tokenKey)
	route(mux, http.MethodPost, wire.TokenReplenishPath, a.replenish)
	route(mux, http.MethodPost, wire.TokenResultPath, a.tokenResult)
	return a.door("phones", anyone, mux)
}

// tokenKey gives a token's key material, readable by its phone only.
func (a *API) tokenKey(r *http.Request, v *visit) (reply, error) {
	doc, err := readDocument(r, wire.KeyType, wire.KeyCurve, wire.KeyX, wire.KeyY)
	if err != nil {
		return reply{}, err
	}
	key, err := wire.ReadKey(doc)
	if err != nil {
		return reply{}, err
	}
	t, err := a.tokenOf(r, key, v)
	if err != nil {
		return reply{}, err
	}
	m, err := a.material(r.Context(), t)
	if err != nil {
		return reply{}, err
	}
	return sealed(key, m)
}

// sealed is an answer that only the phone that holds key can read.
func sealed(key *ecdsa.PublicKey, o wire.Object) (reply, error) {
	jwe, err := wire.Seal(key, o)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: wire.Object{wire.Text(wire.EncryptedMaterial, jwe)}}, nil
}

// material is what a token's phone needs to pay: its card key, or for a cloud
// token one limited-use key.
func (a *API) material(ctx context.Context, t token.Token) (wire.Object, error) {
	key, err := a.cardKey(t)
	if err != nil {
		return nil, err
	}
	version := versionOf(t)
	about := wire.Object{
		wire.Text(wire.MaterialReference, t.Reference),
		wire.Text(wire.MaterialNumber, t.Number.Reveal()),
		wire.Text(wire.MaterialExpiry, t.Expiry.YYMM()),
		wire.Text(wire.MaterialSequence, t.Sequence.Digits()),
		wire.Integer(wire.MaterialKeyIndex, t.KeyVersion),
		wire.Integer(wire.MaterialCryptogramVersion, version.Number()),
		wire.Text(wire.MaterialAID, applicationID),
		wire.Text(wire.MaterialServiceCode, serviceCode),
		wire.Text(wire.MaterialDiscretionary, discretionary),
	}
	if version == emv.Version43 {
		lent, err := a.lend(ctx, t, key)
		return append(about, lent...), err
	}
	return append(about,
		wire.Text(wire.MaterialCardKey, fmt.Sprintf("%X", key.Reveal())),
		wire.Text(wire.MaterialCheckValue, key.CheckValue())), nil
}

// cardKey derives the card key of a token that may have one now.
func (a *API) cardKey(t token.Token) (emv.Key, error) {
	if t.Status != token.Active {
		return emv.Key{}, notActive
	}
	master, err := a.keys.TokenMaster(t.KeyVersion)
	if err != nil {
		return emv.Key{}, outOfReach(err)
	}
	return emv.CardKey(master, t.Number, t.Sequence), nil
}

// versionOf is the version of a token's cryptograms; tokens from before there
// was a choice make version 18.
func versionOf(t token.Token) emv.Version { return cmp.Or(t.Version, emv.Version18) }

// tokenOf finds the token that the address names, if the key is its phone's.
func (a *API) tokenOf(r *http.Request, key *ecdsa.PublicKey, v *visit) (token.Token, error) {
	device, err := wire.DeviceID(key)
	if err != nil {
		return token.Token{}, err
	}
	t, err := a.tokenByReference(r, v)
	if err != nil {
		return token.Token{}, err
	}
	if subtle.ConstantTimeCompare([]byte(t.DeviceID), []byte(device)) != 1 {
		return token.Token{}, tokenNotFound
	}
	return t, nil
}

// tokenByReference finds the token that the address names.
func (a *API) tokenByReference(r *http.Request, v *visit) (token.Token, error) {
	reference, err := readReference(r, v)
	if err != nil {
		return token.Token{}, err
	}
	t, err := a.store.TokenByReference(r.Context(), reference)
	return t, storeFault(err)
}

// readReference takes the token reference from the address; only one of the
// right form gets into the log.
func readReference(r *http.Request, v *visit) (string, error) {
	reference := r.PathValue("reference")
	wrong := strings.Trim(reference, "0123456789abcdef") != ""
	if wrong || len(reference) != 2*token.ReferenceBytes {
		return "", tokenNotFound
	}
	v.reference = reference
	return reference, nil
}

// tokenResult takes a phone's word on how loading went and queues the notice
// that tells the issuer.
func (a *API) tokenResult(r *http.Request, v *visit) (reply, error) {
	key, said, err := a.readProof(r, wire.ResultWord)
	if err != nil {
		return reply{}, err
	}
	result, known := provisioningResults[said]
	if !known {
		return reply{}, wire.Fault(wire.CodeFieldValue, wire.ResultWord, "send success or failure")
	}
	t, err := a.tokenOf(r, key, v)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, a.notifyProvisioned(r.Context(), t, result)
}

// readProof reads what a phone has signed: the signature, then that it is about
// the token in the address, then its age. It gives the key that signed, whose
// it is the caller finds out, and what the phone says under word. Where word is
// "" the phone must say nothing, so that what is signed for one request is of
// no use for another.
func (a *API) readProof(r *http.Request, word string) (key *ecdsa.PublicKey, said string, err error) {
	doc, err := readDocument(r, wire.SignedResult)
	if err != nil {
		return nil, "", err
	}
	f := &fields{doc: doc}
	signed := f.text(wire.SignedResult)
	if f.fault != nil {
		return nil, "", f.fault
	}
	key, payload, err := wire.Verify(signed.Reveal())
	if err != nil {
		return nil, "", err
	}
	said, err = a.readSigned(payload, r.PathValue("reference"), word)
	return key, said, err
}

func (a *API) readSigned(payload wire.Document, reference, word string) (said string, err error) {
	members := []string{wire.ResultReference, wire.ResultTime}
	if word != "" {
		members = append(members, word)
	}
	f := &fields{doc: payload, fault: payload.Only(members...)}
	about, at := f.text(wire.ResultReference).Reveal(), f.text(wire.ResultTime).Reveal()
	if word != "" {
		said = f.text(word).Reveal()
	}
	if f.fault != nil {
		return "", f.fault
	}
	if about != reference {
		return "", wire.Fault(wire.CodeProofInvalid, wire.ResultReference, "sign the reference that stands in the address")
	}
	return said, a.checkAge(at)
}

func (a *API) checkAge(at string) error {
	signedAt, err := time.Parse(time.RFC3339, at)
	switch {
	case err != nil:
		return wire.Fault(wire.CodeFieldValue, wire.ResultTime, "send a time as RFC 3339 writes it")
	case a.now().Sub(signedAt).Abs() > ProofAge:
		return wire.Fault(wire.CodeProofExpired, wire.ResultTime, fmt.Sprintf("set the phone's clock, sign again and send within %.0f minutes", ProofAge.Minutes()))
	}
	return nil
}

// notifyProvisioned queues the notice once: the store keeps one notice of a
// reason for a token, so a report that is sent again changes nothing.
func (a *API) notifyProvisioned(ctx context.Context, t token.Token, result string) error {
	notice := token.Notice{Reason: token.NoticeProvisioned, TransactionID: t.TransactionID, Reference: t.Reference, Result: result}
	if err := a.store.Notify(ctx, notice, a.now()); err != nil {
		return storeFault(err)
	}
	a.wake()
	return nil
}
