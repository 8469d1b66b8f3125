package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Role is what a client may do.
type Role string

// Roles. Ours.
const (
	Issuer   Role = "issuer"   // codes and enrolment of its own account ranges
	Enquirer Role = "enquirer" // an issuer's program that may only ask about accounts
	Operator Role = "operator" // everything at the operators' door
	Auditor  Role = "auditor"  // looks at the operators' door and changes nothing

	// Stations of these roles, and of Issuer and Operator, at a TCP door with the
	// same name.
	Requestor Role = "requestor"
	Provider  Role = "provider"
	Merchant  Role = "merchant"

	Network Role = "network" // the gateway itself, where it dials issuers
)

// Roles are all roles, those of the issuers' door first.
func Roles() []Role {
	return []Role{Issuer, Enquirer, Operator, Auditor, Requestor, Provider, Merchant, Network}
}

// Identity is who a client is: two words that may be logged.
type Identity struct {
	Role Role   // one of Roles
	Name string // 1 to NameCharactersMax of NameAlphabet; an issuer's or enquirer's is its clientId at the API
}

// Limits of names: those of a clientId at the issuers' API. Ours.
const (
	NameAlphabet      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	NameCharactersMax = 64
)

// ours is how the URIs begin that name identities. A scheme and a namespace
// have no upper and lower case (RFC 8141), but we write and take one form only.
const ours = "urn:firsttap:"

// Errors of identities.
var (
	ErrIdentity   = errors.New("this names no client: it must be " + ours + "ROLE:NAME with a role of issuer, enquirer, operator, auditor, requestor, provider, merchant or network, and a name of A-Z a-z 0-9 . _ - with at most 64 characters")
	ErrNoIdentity = errors.New("the certificate names no client: it needs one URI " + ours + "ROLE:NAME among its subject alternative names")
	ErrAmbiguous  = errors.New("the certificate names more than one client: it must have one " + ours + "ROLE:NAME only")
	ErrAuthority  = errors.New("the certificate is an authority's own: a client needs one that the authority signed")
)

// ParseIdentity reads urn:firsttap:ROLE:NAME. The error wraps ErrIdentity.
func ParseIdentity(uri string) (Identity, error) {
	rest, ok := strings.CutPrefix(uri, ours)
	role, name, colon := strings.Cut(rest, ":")
	i := Identity{Role: Role(role), Name: name}
	if !ok || !colon || i.check() != nil {
		return Identity{}, ErrIdentity
	}
	return i, nil
}

func (i Identity) check() error {
	if !slices.Contains(Roles(), i.Role) || i.Name == "" || len(i.Name) > NameCharactersMax || strings.Trim(i.Name, NameAlphabet) != "" {
		return ErrIdentity
	}
	return nil
}

// String is the identity as a URI.
func (i Identity) String() string { return ours + string(i.Role) + ":" + i.Name }

func (i Identity) uri() *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(i.String(), "urn:")}
}

// IdentityOf says whom a client's certificate names. It does not say whether
// the certificate is to be trusted: the handshake does. The error wraps
// ErrNoIdentity, ErrAmbiguous, ErrIdentity or ErrAuthority.
func IdentityOf(c *x509.Certificate) (Identity, error) {
	if c.IsCA {
		return Identity{}, ErrAuthority
	}
	var named []string
	for _, u := range c.URIs {
		if text := u.String(); strings.HasPrefix(strings.ToLower(text), ours) {
			named = append(named, text)
		}
	}
	switch len(named) {
	case 0:
		return Identity{}, ErrNoIdentity
	case 1:
		return ParseIdentity(named[0])
	default:
		return Identity{}, ErrAmbiguous
	}
}

// Fingerprint is the SHA-256 of a certificate's DER.
type Fingerprint [sha256.Size]byte

// FingerprintOf computes a certificate's fingerprint.
func FingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

// ParseFingerprint reads 64 hexadecimal digits, which may stand in pairs with
// colons between them, as openssl prints them.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != len(f) || strings.Contains(s, ":") && len(s) != 3*len(f)-1 {
		return Fingerprint{}, fmt.Errorf("a fingerprint is the SHA-256 of a certificate: %d hexadecimal digits", 2*len(f))
	}
	copy(f[:], b)
	return f, nil
}

// String is the fingerprint in lower-case hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Known names clients whose certificates come from an authority that writes no
// URI of ours into them.
type Known map[Fingerprint]Identity

// Identify is IdentityOf, and for a certificate without a URI of ours the
// identity that stands under its fingerprint.
func (k Known) Identify(c *x509.Certificate) (Identity, error) {
	who, err := IdentityOf(c)
	if errors.Is(err, ErrNoIdentity) {
		if known, ok := k[FingerprintOf(c)]; ok {
			return known, known.check()
		}
	}
	return who, err
}
