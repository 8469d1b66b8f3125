package api

import (
	"crypto/ecdsa"
	"fmt"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
)

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
