package certs_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/certs"
)

func TestIdentitiesAreReadToTheLetter(t *testing.T) {
	for _, role := range certs.Roles() {
		for _, name := range []string{"a", "Harbour-2.old_books", strings.Repeat("z", certs.NameCharactersMax)} {
			want := certs.Identity{Role: role, Name: name}
			if got, err := certs.ParseIdentity(want.String()); err != nil || got != want {
				t.Errorf("%s: got %v, %v", want, got, err)
			}
		}
	}
	for _, uri := range []string{
		"", "urn:firsttap:", "urn:firsttap:issuer", "urn:firsttap:issuer:", "urn:firsttap::harbour", "urn:firsttap:issuer:har bour",
		"urn:firsttap:issuer:harbour:", "urn:firsttap:issuer:harbour:x", "urn:firsttap:issuer:har%20bour", "urn:firsttap:issuer:härbour",
		"urn:firsttap:Issuer:harbour", "urn:firsttap:bank:harbour", "URN:firsttap:issuer:harbour", "urn:FirstTap:issuer:harbour",
		" urn:firsttap:issuer:harbour", "urn:firsttap:issuer:harbour\n", "urn:firsttap:issuer:harbour\x00", "urn:firsttap:issuer:a/b",
		"https://firsttap/issuer/harbour", "urn:firsttap:issuer:" + strings.Repeat("z", certs.NameCharactersMax+1),
	} {
		if got, err := certs.ParseIdentity(uri); !errors.Is(err, certs.ErrIdentity) {
			t.Errorf("%q is taken for %v, %v", uri, got, err)
		}
	}
}

func TestWhomACertificateNames(t *testing.T) {
	harbour := certs.Identity{Role: certs.Issuer, Name: "harbour"}
	for _, c := range []struct {
		name string
		uris []string
		ca   bool
		err  error
	}{
		{"one of ours", []string{"urn:firsttap:issuer:harbour"}, false, nil},
		{"one of ours among others", []string{"https://harbour.example/", "urn:firsttap:issuer:harbour", "spiffe://x/y"}, false, nil},
		{"none", nil, false, certs.ErrNoIdentity},
		{"others only", []string{"spiffe://x/y", "urn:firsttaps:issuer:harbour"}, false, certs.ErrNoIdentity},
		{"two of ours", []string{"urn:firsttap:issuer:harbour", "urn:firsttap:issuer:other"}, false, certs.ErrAmbiguous},
		{"the same twice", []string{"urn:firsttap:issuer:harbour", "urn:firsttap:issuer:harbour"}, false, certs.ErrAmbiguous},
		{"two, one in other letters", []string{"urn:firsttap:issuer:harbour", "URN:FIRSTTAP:operator:ops"}, false, certs.ErrAmbiguous},
		{"an unknown role", []string{"urn:firsttap:root:harbour"}, false, certs.ErrIdentity},
		{"an authority's own", []string{"urn:firsttap:issuer:harbour"}, true, certs.ErrAuthority},
	} {
		t.Run(c.name, func(t *testing.T) {
			certificate := &x509.Certificate{IsCA: c.ca}
			for _, text := range c.uris {
				u, err := url.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				certificate.URIs = append(certificate.URIs, u)
			}
			got, err := certs.IdentityOf(certificate)
			if !errors.Is(err, c.err) || c.err == nil && got != harbour || c.err != nil && got != (certs.Identity{}) {
				t.Errorf("got %v, %v, want %v", got, err, c.err)
			}
		})
	}
}

func TestKnownNamesForeignCertificatesOnly(t *testing.T) {
	foreign := &x509.Certificate{Raw: []byte("foreign")}
	ours := &x509.Certificate{Raw: []byte("ours"), URIs: []*url.URL{{Scheme: "urn", Opaque: "firsttap:issuer:harbour"}}}
	bad := &x509.Certificate{Raw: []byte("bad"), URIs: []*url.URL{{Scheme: "urn", Opaque: "firsttap:root:harbour"}}}
	operator := certs.Identity{Role: certs.Operator, Name: "ops"}
	known := certs.Known{}
	for _, c := range []*x509.Certificate{foreign, ours, bad} {
		known[certs.FingerprintOf(c)] = operator
	}
	if got, err := known.Identify(foreign); err != nil || got != operator {
		t.Errorf("foreign: %v, %v", got, err)
	}
	if got, err := known.Identify(ours); err != nil || got.Name != "harbour" {
		t.Errorf("a fingerprint raises nobody above what the certificate says: %v, %v", got, err)
	}
	if got, err := known.Identify(bad); !errors.Is(err, certs.ErrIdentity) {
		t.Errorf("a bad URI is not mended by a fingerprint: %v, %v", got, err)
	}
	if got, err := known.Identify(&x509.Certificate{Raw: []byte("unknown")}); !errors.Is(err, certs.ErrNoIdentity) {
		t.Errorf("unknown: %v, %v", got, err)
	}
}

func TestFingerprints(t *testing.T) {
	digits := strings.Repeat("0aF9", 16)
	pairs := strings.TrimSuffix(strings.Repeat("0a:F9:", 16), ":")
	for _, s := range []string{digits, pairs, strings.ToUpper(digits)} {
		if f, err := certs.ParseFingerprint(s); err != nil || f.String() != strings.ToLower(digits) {
			t.Errorf("%s: %v, %v", s, f, err)
		}
	}
	for _, s := range []string{"", digits[1:], digits + "0", strings.Replace(digits, "0", "g", 1), ":" + digits, pairs[:len(pairs)-2]} {
		if f, err := certs.ParseFingerprint(s); err == nil {
			t.Errorf("%q is taken for %s", s, f)
		}
	}
}

// Whatever a URI says, what is taken is exactly what would be written.
func FuzzParseIdentity(f *testing.F) {
	for _, seed := range []string{"", "urn:firsttap:issuer:harbour", "urn:firsttap:auditor:a:b", "urn:firsttap:issuer:%61", "URN:firsttap:issuer:a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		who, err := certs.ParseIdentity(uri)
		if err == nil && who.String() != uri {
			t.Errorf("%q is taken for %q", uri, who)
		}
		if u, bad := url.Parse(uri); bad == nil && err == nil {
			if again, err := certs.IdentityOf(&x509.Certificate{URIs: []*url.URL{u}}); err != nil || again != who {
				t.Errorf("in a certificate %q names %v, %v", uri, again, err)
			}
		}
	})
}

// Whatever a certificate holds, it names one good client or nobody.
func FuzzCertificate(f *testing.F) {
	dir := f.TempDir()
	if _, err := certs.Make(dir, certs.Order{Clients: []certs.Identity{{Role: certs.Issuer, Name: "harbour"}}}); err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{certs.AuthorityFile, certs.GatewayFile, "issuer-harbour.pem"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(text)
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		who, err := certs.IdentityOf(c)
		if again, bad := certs.ParseIdentity(who.String()); err == nil && (bad != nil || again != who || c.IsCA) {
			t.Errorf("%v: %v", who, bad)
		}
		certs.IsTest(c)
	})
}
