package messages

import (
	"slices"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// TokenData is what messages tell of a token (123 set 01). Its numbers of tags
// are ours.
type TokenData struct {
	Number    card.PAN     // tag 01
	Requestor string       // tag 03, token requestor id, 11 digits
	Reference string       // tag 04, 32 hexadecimal characters
	Expiry    card.Expiry  // tag 05
	Type      token.Type   // tag 06
	Status    token.Status // tag 07
}

// TokenDataOf is what messages tell of a token.
func TokenDataOf(t token.Token) TokenData {
	return TokenData{
		Number: t.Number, Requestor: t.Requestor, Reference: t.Reference,
		Expiry: t.Expiry, Type: t.Type, Status: t.Status,
	}
}

// bindNumbered binds what names a token: 123 set 01.
func bindNumbered(b *binding, t *TokenData, need presence) {
	b.pan(fieldTokenNumber, &t.Number, need)
	b.text(fieldTokenRequestor, &t.Requestor, need)
	b.text(fieldTokenReference, &t.Reference, need)
	b.expiry(fieldTokenExpiry, &t.Expiry, need)
	named(b, fieldTokenType, &t.Type, need)
	named(b, fieldTokenStatus, &t.Status, need)
}

// hasToken reports whether a message has a token, or any part of one.
func (b *binding) hasToken(t *TokenData) bool {
	if b.decoding {
		return slices.ContainsFunc(tokenFields, b.message.Has)
	}
	return t != nil
}

// bindToken binds a token that may be absent as a whole, never in part.
func bindToken(b *binding, t **TokenData) {
	if b.notes != nil {
		b.notes.together(func() { bindNumbered(b, &TokenData{}, mandatory) })
		return
	}
	if !b.hasToken(*t) {
		return
	}
	if b.decoding {
		*t = &TokenData{}
	}
	bindNumbered(b, *t, mandatory)
}

// bindTokenOf is bindToken for an answer that must have one when it approves.
func bindTokenOf(b *binding, t **TokenData, need presence) {
	switch {
	case need == mandatory && b.notes != nil:
		bindNumbered(b, &TokenData{}, mandatory)
	case need == mandatory && b.err == nil && !b.hasToken(*t):
		b.absent(fieldTokenNumber, mandatory)
	default:
		bindToken(b, t)
	}
}

// bindRequestor binds 123.01.03 where it comes alone, from a merchant, or as
// part of a token, on the way to the issuer.
func bindRequestor(b *binding, alone *string, t **TokenData) {
	if b.notes != nil {
		bindToken(b, t)
		return
	}
	part := *t != nil
	if b.decoding {
		part = slices.ContainsFunc(tokenFields, func(p specs.Path) bool { return p != fieldTokenRequestor && b.message.Has(p) })
	}
	if !part {
		b.text(fieldTokenRequestor, alone, optional)
		return
	}
	b.check(fieldTokenRequestor, *alone == "", "is the token's where there is a token")
	bindToken(b, t)
}

// MintedToken is the token that a provider which mints brings with an
// activation. Its requestor and type are those of the activation.
type MintedToken struct {
	Number    card.PAN    // 123.01.01
	Reference string      // 123.01.04, 32 hexadecimal characters
	Expiry    card.Expiry // 123.01.05
}

var mintedFields = []specs.Path{fieldTokenNumber, fieldTokenReference, fieldTokenExpiry}

// bindMinted binds a minted token, all of it or none.
func bindMinted(b *binding, t **MintedToken) {
	if b.notes != nil {
		b.notes.together(func() { new(MintedToken).bind(b) })
		return
	}
	if b.decoding && slices.ContainsFunc(mintedFields, b.message.Has) {
		*t = &MintedToken{}
	}
	if *t != nil {
		(*t).bind(b)
	}
}

func (t *MintedToken) bind(b *binding) {
	b.pan(fieldTokenNumber, &t.Number, mandatory)
	b.text(fieldTokenReference, &t.Reference, mandatory)
	b.expiry(fieldTokenExpiry, &t.Expiry, mandatory)
}
