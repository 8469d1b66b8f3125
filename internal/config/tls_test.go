package config

import (
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/internal/certs"
)

var (
	goodLoopback = []string{"127.0.0.1:0", "127.9.9.9:80", "[::1]:65535", "localhost:8583"}
	elsewhere    = []string{":8581", "0.0.0.0:8581", "[::]:8581", "192.0.2.1:8581", "gateway.example:8581", "localhost.example:8581"}
)

// A door that believes everyone must be reached from this machine only.
func TestADoorWithoutTLSIsOnLoopback(t *testing.T) {
	with := func(protection string) func() Gateway {
		return func() Gateway {
			g := DefaultGateway()
			g.TLS.Issuers, g.TLS.Operators = protection, protection
			return g
		}
	}
	issuers, operators := func(g *Gateway, v string) { g.HTTP.Issuers = v }, func(g *Gateway, v string) { g.HTTP.Operators = v }
	faults := func(g *Gateway) Faults { return faultsOf(g) }
	limit[Gateway]{"http.issuers", issuers, goodLoopback, elsewhere}.check(t, with(Off), faults)
	limit[Gateway]{"http.operators", operators, goodLoopback, elsewhere}.check(t, with(Off), faults)
	limit[Gateway]{"http.issuers", issuers, append(elsewhere, goodLoopback...), nil}.check(t, with(TwoWay), faults)
	limit[Gateway]{"http.operators", operators, append(elsewhere, goodLoopback...), nil}.check(t, with(TwoWay), faults)
}

func TestClientsByFingerprint(t *testing.T) {
	good := Client{SHA256: strings.Repeat("0A", 32), Role: "issuer", Name: "harbour"}
	fresh := func() Gateway {
		g := DefaultGateway()
		g.TLS.Clients = []Client{good}
		return g
	}
	first := func(g *Gateway) *Client { return &g.TLS.Clients[0] }
	for _, l := range []limit[Gateway]{
		{"tls.clients[0].sha256", func(g *Gateway, v string) { first(g).SHA256 = v }, []string{strings.TrimSuffix(strings.Repeat("0a:", 32), ":")}, []string{"", strings.Repeat("0a", 31), strings.Repeat("0a", 33), strings.Repeat("0g", 32)}},
		{"tls.clients[0].role", func(g *Gateway, v string) { first(g).Role = v }, []string{"issuer", "enquirer", "operator", "auditor"}, []string{"", "Issuer", "root"}},
		{"tls.clients[0].name", func(g *Gateway, v string) { first(g).Name = v }, goodName, badName},
		{"tls.clients[1].sha256", func(g *Gateway, v string) { g.TLS.Clients = append(g.TLS.Clients, Client{v, "auditor", "eyes"}) }, []string{strings.Repeat("0b", 32)}, []string{strings.Repeat("0a", 32)}},
	} {
		l.check(t, fresh, func(g *Gateway) Faults { return faultsOf(g) })
	}
	g := fresh()
	given, err := certs.ParseFingerprint(good.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(certs.Known{given: {Role: certs.Issuer, Name: "harbour"}}, g.TLS.Known()); diff != "" {
		t.Error(diff)
	}
}

func TestWhereCertificatesAre(t *testing.T) {
	at := filepath.Join("data", "certs")
	files := func(dir string) certs.Files {
		return certs.Files{
			AuthorityFile: filepath.Join(dir, "authority.pem"), CertificateFile: filepath.Join(dir, "gateway.pem"),
			PrivateKeyFile: filepath.Join(dir, "gateway-key.pem"),
		}
	}
	named := files(at)
	named.PrivateKeyFile = "k.pem"
	for _, c := range []struct {
		tls   TLS
		want  certs.Files
		named bool
	}{
		{TLS{}, files(at), false},
		{TLS{Folder: "other"}, files("other"), false},
		{TLS{PrivateKeyFile: "k.pem"}, named, true},
	} {
		if diff := cmp.Diff(c.want, c.tls.Files("data")); diff != "" || c.tls.NamesFiles() != c.named {
			t.Errorf("%+v: named %v\n%s", c.tls, c.tls.NamesFiles(), diff)
		}
	}
	for minimum, want := range map[string]uint16{MinimumTLS13: tls.VersionTLS13, MinimumTLS12: tls.VersionTLS12} {
		if got := (TLS{Minimum: minimum}).MinimumVersion(); got != want {
			t.Errorf("%s is %x", minimum, got)
		}
	}
}
