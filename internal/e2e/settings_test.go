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
	p := places{
		wallets: free(t), merchants: free(t), api: free(t), phones: free(t), operators: free(t),
		host: free(t), site: free(t),
	}
	p.gateway = "bin/firsttap gateway --config " + h.write(t, "gateway.yaml", fmt.Sprintf(`
stations:
  - { name: wallets, role: requestor, listen: %q }
  - { name: merchants, role: merchant, listen: %q }
http: { issuers: %q, phones: %q, operators: %q }
issuers:
  - { name: harbour, address: %q, ranges: [ { range: "4761739" } ] }
`, p.wallets, p.merchants, p.api, p.phones, p.operators, p.host))
	p.issuer = "bin/firsttap issuer --config " + h.write(t, "issuer.yaml", fmt.Sprintf(`
host: %q
site: %q
api: "https://%s"
`, p.host, p.site, p.api))
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
