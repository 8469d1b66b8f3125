package e2e_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// places are where the parts of one test listen, apart from all others.
type places struct {
	wallets, merchants, api, phones, operators, host, site string
	gateway, issuer                                        string // command lines
}

// elsewhere writes settings for a gateway and an issuer on free ports.
func (h house) elsewhere(t *testing.T) places {
	t.Helper()
	return h.elsewhereIn(t, "visa-style", "green")
}

// elsewhereIn does, of stations that speak a profile and an issuer that decides
// on activations in a way of its settings.
func (h house) elsewhereIn(t *testing.T, profile, decides string) places {
	t.Helper()
	p := places{
		wallets: free(t), merchants: free(t), api: free(t), phones: free(t), operators: free(t),
		host: free(t), site: free(t),
	}
	p.gateway = "bin/firsttap gateway --config " + h.write(t, "gateway.yaml", fmt.Sprintf(`
stations:
  - { name: wallets, role: requestor, listen: %q, spec: %s }
  - { name: merchants, role: merchant, listen: %q, spec: %s }
http: { issuers: %q, phones: %q, operators: %q }
issuers:
  - { name: harbour, address: %q, spec: %s, ranges: [ { range: "4761739" } ] }
`, p.wallets, profile, p.merchants, profile, p.api, p.phones, p.operators, p.host, profile))
	p.issuer = "bin/firsttap issuer --config " + h.write(t, "issuer.yaml", fmt.Sprintf(`
host: %q
site: %q
api: "https://%s"
spec: %s
decides: %s
`, p.host, p.site, p.api, profile, decides))
	return p
}

func (h house) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
