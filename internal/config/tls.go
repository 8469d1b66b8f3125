package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/internal/certs"
)

// Modes of a gateway.
const (
	ModeTest       = "test"       // what is missing is made: keys, certificates
	ModeProduction = "production" // nothing is made, and what is for tests is refused
)

// Values of the settings under tls.
const (
	TwoWay       = "two-way" // TLS, and callers are known by their certificates
	Off          = "off"     // plain HTTP, on loopback only
	MinimumTLS13 = "1.3"
	MinimumTLS12 = "1.2"
)

// CertificatesFolder is where certificates are in a gateway's data folder.
const CertificatesFolder = "certs"

// TLS is how the HTTP doors are protected. The phones' door has one-way TLS
// always.
type TLS struct {
	Folder          string   `yaml:"folder"`      // of certificates; "" is certs in the data folder
	AuthorityFile   string   `yaml:"authority"`   // who signs clients; "" is authority.pem in the folder
	CertificateFile string   `yaml:"certificate"` // of the gateway; "" is gateway.pem in the folder
	PrivateKeyFile  string   `yaml:"key"`         // of the gateway; "" is gateway-key.pem in the folder
	Minimum         string   `yaml:"minimum"`     // version of TLS
	Issuers         string   `yaml:"issuers"`
	Operators       string   `yaml:"operators"`
	Clients         []Client `yaml:"clients,omitempty"` // whose certificates do not say urn:firsttap:ROLE:NAME
}

// Client is a client that is known by its certificate's fingerprint.
type Client struct {
	SHA256 string `yaml:"sha256"` // 64 hexadecimal digits, colons allowed
	Role   string `yaml:"role"`
	Name   string `yaml:"name"`
}

func defaultTLS() TLS { return TLS{Minimum: MinimumTLS13, Issuers: TwoWay, Operators: Off} }

// Dir is the folder of certificates of a gateway with this data folder.
func (t TLS) Dir(data string) string {
	if t.Folder != "" {
		return t.Folder
	}
	return filepath.Join(data, CertificatesFolder)
}

// Files are the gateway's files, given its data folder.
func (t TLS) Files(data string) certs.Files {
	files := certs.GatewayFiles(t.Dir(data))
	for file, named := range map[*string]string{
		&files.AuthorityFile: t.AuthorityFile, &files.CertificateFile: t.CertificateFile, &files.PrivateKeyFile: t.PrivateKeyFile,
	} {
		if named != "" {
			*file = named
		}
	}
	return files
}

// NamesFiles reports whether a file is named apart from the folder: then
// someone else sees to the certificates.
func (t TLS) NamesFiles() bool { return t.AuthorityFile+t.CertificateFile+t.PrivateKeyFile != "" }

// MinimumVersion is the minimum as crypto/tls numbers it; check has made sure
// of it.
func (t TLS) MinimumVersion() uint16 {
	if t.Minimum == MinimumTLS12 {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

// Known are the clients known by fingerprint; check has made sure of them.
func (t TLS) Known() certs.Known {
	known := certs.Known{}
	for _, c := range t.Clients {
		seen, _ := certs.ParseFingerprint(c.SHA256)
		known[seen] = certs.Identity{Role: certs.Role(c.Role), Name: c.Name}
	}
	return known
}

func (g *Gateway) checkTLS(f *Faults) {
	if g.Mode != ModeTest && g.Mode != ModeProduction {
		f.add("mode", "must be %s or %s", ModeTest, ModeProduction)
	}
	if g.TLS.Minimum != MinimumTLS13 && g.TLS.Minimum != MinimumTLS12 {
		f.add("tls.minimum", "must be %q or %q", MinimumTLS13, MinimumTLS12)
	}
	checkProtection(f, "issuers", g.TLS.Issuers, g.HTTP.Issuers)
	checkProtection(f, "operators", g.TLS.Operators, g.HTTP.Operators)
	seen := make(map[certs.Fingerprint]bool)
	for i, c := range g.TLS.Clients {
		c.checkAt(f, fmt.Sprintf("tls.clients[%d]", i), seen)
	}
}

// checkProtection lets no door without TLS be reached from elsewhere.
func checkProtection(f *Faults, door, protection, address string) {
	switch host, _, ok := split(address); {
	case protection != TwoWay && protection != Off:
		f.add("tls."+door, "must be %s or %s", TwoWay, Off)
	case protection == Off && ok && !isLoopback(host):
		f.add("http."+door, "must be on loopback, such as 127.0.0.1:8581, because tls.%s is %s: anyone who reaches it is believed; or make that %s", door, Off, TwoWay)
	}
}

// OnLoopback reports whether an address to listen at is reached from its own
// machine only.
func OnLoopback(address string) bool {
	host, _, ok := split(address)
	return ok && isLoopback(host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Client) checkAt(f *Faults, path string, seen map[certs.Fingerprint]bool) {
	given, err := certs.ParseFingerprint(c.SHA256)
	switch {
	case err != nil:
		f.add(path+".sha256", "%v", err)
	case seen[given]:
		f.add(path+".sha256", "is the fingerprint of another client")
	}
	seen[given] = true
	if !slices.Contains(certs.Roles(), certs.Role(c.Role)) {
		f.add(path+".role", "must be one of %s", roleNames())
	}
	checkIssuerName(f, path+".name", c.Name)
}

func roleNames() string {
	var names []string
	for _, role := range certs.Roles() {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}
