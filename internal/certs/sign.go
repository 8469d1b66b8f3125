package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"slices"
	"time"
)

// TestUnit is the organizational unit in the subject of every authority that
// Make made, and so in the issuer of all it signed.
const TestUnit = "firsttap test authority"

// IsTest reports whether a certificate is a test authority's own or was signed
// by one.
func IsTest(c *x509.Certificate) bool {
	return slices.Contains(c.Subject.OrganizationalUnit, TestUnit) || slices.Contains(c.Issuer.OrganizationalUnit, TestUnit)
}

// serialBits is the length of a serial number: RFC 5280 allows 20 bytes, and
// the CA/Browser Forum wants 64 bits of chance.
const serialBits = 127

// pair is a certificate with its private key.
type pair struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(now time.Time) (pair, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "firsttap", OrganizationalUnit: []string{TestUnit}},
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(AuthorityYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:     true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	return issue(template, pair{template, key}, key)
}

// sign makes a leaf with a key of its own. It ends with its authority at the
// latest.
func (by pair) sign(l leaf, now time.Time) (pair, error) {
	template := &x509.Certificate{
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(LeafYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if by.certificate.NotAfter.Before(template.NotAfter) {
		template.NotAfter = by.certificate.NotAfter
	}
	if l.who == (Identity{}) {
		template.Subject.CommonName = "firsttap gateway"
		template.ExtKeyUsage = l.uses()
		for _, host := range l.hosts {
			if ip := net.ParseIP(host); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, host)
			}
		}
	} else {
		template.Subject.CommonName = l.who.Name
		template.ExtKeyUsage = l.uses()
		template.URIs = []*url.URL{l.who.uri()}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	return issue(template, by, key)
}

// uses are what a certificate is for. An issuer's host is dialled, and may dial
// itself: its certificate names no host, so that it serves only callers who look
// for its identity, as Peer does.
func (l leaf) uses() []x509.ExtKeyUsage {
	switch l.who.Role {
	case "":
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case Issuer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

func issue(template *x509.Certificate, by pair, key *ecdsa.PrivateKey) (pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return pair{}, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key.Public(), by.key)
	if err != nil {
		return pair{}, fmt.Errorf("signing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return pair{certificate, key}, err
}

// hostsOf are the names and addresses of a server's certificate.
func hostsOf(c *x509.Certificate) []string {
	hosts := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return hosts
}

// union is a with what is only in b behind it; addresses count as one however
// they are written.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, host := range b {
		if ip := net.ParseIP(host); ip != nil {
			host = ip.String()
		}
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}
