package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// LookEvery is how often a door looks at its files at most, when a caller
// comes (ours): a renewed certificate is in use a second later.
const LookEvery = time.Second

// ErrMinimum is given for another version of TLS than 1.2 and 1.3.
var ErrMinimum = errors.New("the minimum version of TLS must be 1.2 or 1.3")

// ErrNotServer is given for a certificate that is of no use to a door.
var ErrNotServer = errors.New("is no server's certificate: its extended key usage must have serverAuth")

// Files are where one side of TLS keeps what it needs, as PEM.
type Files struct {
	AuthorityFile   string // who signs the other side's certificates; may hold several
	CertificateFile string // of this side, with the chain behind it if there is one
	PrivateKeyFile  string // of this side, mode 0600
}

// GatewayFiles are the files of the gateway's doors in a folder that Make
// filled.
func GatewayFiles(dir string) Files { return in(dir, GatewayFile) }

// ClientFiles are a client's files in a folder that Make filled.
func ClientFiles(dir string, who Identity) Files { return in(dir, clientLeaf(who).file) }

// LineFiles are the gateway's files as one that dials issuers: in a folder that
// Make filled for GatewayClient, its certificate; else those of its doors, f.
func LineFiles(dir string, f Files) Files {
	own := ClientFiles(dir, GatewayClient)
	if _, err := os.Stat(own.CertificateFile); err != nil {
		return f
	}
	own.AuthorityFile = f.AuthorityFile
	return own
}

func in(dir, file string) Files {
	m := maker{dir: dir}
	return Files{m.path(AuthorityFile), m.path(file), m.path(keyFileOf(file))}
}

// Terms are what a door asks of its callers.
type Terms struct {
	Minimum  uint16 // tls.VersionTLS13, also for 0, or tls.VersionTLS12
	TwoWay   bool   // callers must have a client certificate of the authority
	Complain func(error)
}

// Server gives a door's settings. The files are looked at again when callers
// come, and used once they have changed and are good; what is wrong with them
// then goes to Complain, and the door goes on with those it had.
//
// A two-way door gives no session tickets: every connection proves anew who it
// is, so that what a new authority does not cover ends with its connection.
// TLS 1.2 has AEAD suites with ephemeral keys only. HTTP is 1.1.
func Server(f Files, t Terms) (*tls.Config, error) {
	if t.Minimum == 0 {
		t.Minimum = tls.VersionTLS13
	}
	if t.Minimum != tls.VersionTLS13 && t.Minimum != tls.VersionTLS12 {
		return nil, ErrMinimum
	}
	if t.Complain == nil {
		t.Complain = func(error) {}
	}
	d := &door{files: f, terms: t}
	current, err := watch(f, d.load, t.Complain)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: t.Minimum,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return current(), nil
		},
	}, nil
}

type door struct {
	files Files
	terms Terms
}

// suites of TLS 1.2: those of RFC 9325, section 4.2, and ChaCha20. TLS 1.3 has
// no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

func (d *door) load() (*tls.Config, error) {
	own, err := readBoth(d.files.CertificateFile, d.files.PrivateKeyFile)
	if err != nil {
		return nil, err
	}
	if !serves(own.Leaf) {
		return nil, fmt.Errorf("%s %w", d.files.CertificateFile, ErrNotServer)
	}
	c := &tls.Config{
		MinVersion: d.terms.Minimum, CipherSuites: suites, Certificates: []tls.Certificate{own},
		NextProtos: []string{"http/1.1"},
	}
	if !d.terms.TwoWay {
		return c, nil
	}
	c.ClientAuth, c.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, true
	c.VerifyConnection = noAuthority
	c.ClientCAs, err = pool(d.files.AuthorityFile)
	return c, err
}

// noAuthority refuses a caller that shows an authority's own certificate: it is
// there to sign, and the chain of one that is trusted ends with itself.
func noAuthority(s tls.ConnectionState) error {
	if s.PeerCertificates[0].IsCA {
		return ErrAuthority
	}
	return nil
}

func serves(c *x509.Certificate) bool {
	for _, use := range c.ExtKeyUsage {
		if use == x509.ExtKeyUsageServerAuth || use == x509.ExtKeyUsageAny {
			return true
		}
	}
	return len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 // RFC 5280, 4.2.1.12: then it is for all
}

func pool(path string) (*x509.CertPool, error) {
	all, err := Read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	p := x509.NewCertPool()
	for _, c := range all {
		p.AddCert(c)
	}
	return p, nil
}

// Client gives a caller's settings: TLS 1.3, with servers of the authority only.
// Without a CertificateFile the caller shows none. A certificate that was renewed is used from the next
// connection on; a new authority needs a new Client.
func Client(f Files) (*tls.Config, error) {
	roots, err := pool(f.AuthorityFile)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if f.CertificateFile == "" {
		return c, nil
	}
	current, err := watch(f, func() (*tls.Certificate, error) {
		own, err := readBoth(f.CertificateFile, f.PrivateKeyFile)
		return &own, err
	}, func(error) {})
	if err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return current(), nil }
	return c, nil
}

// Peer gives the settings of a caller who knows the other side by its identity
// and not by its host's name: is is shown its certificate once the chain to the
// authority is verified, and an error ends the handshake.
func Peer(f Files, is func(*x509.Certificate) error) (*tls.Config, error) {
	c, err := Client(f)
	if err != nil {
		return nil, err
	}
	roots := c.RootCAs
	c.InsecureSkipVerify = true // in the place of the host's name: VerifyConnection, which runs all the same
	c.VerifyConnection = func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		for _, between := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(between)
		}
		if _, err := s.PeerCertificates[0].Verify(o); err != nil {
			return err
		}
		return is(s.PeerCertificates[0])
	}
	return c, nil
}

// Transport is the standard library's HTTP transport with Client's settings.
func Transport(f Files) (*http.Transport, error) {
	settings, err := Client(f)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = settings
	return t, nil
}

// watch loads a value from files, and gives what holds it: asked again, it
// looks at the files no more than once in LookEvery, and loads the value anew
// when one of them has changed. A value that cannot be loaded is complained of
// once, tried again, and the one before stays.
func watch[V any](f Files, load func() (V, error), complain func(error)) (current func() V, err error) {
	seen, looked := stamp(f), time.Now()
	value, err := load()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	failed := ""
	return func() V {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(looked) < LookEvery {
			return value
		}
		looked = time.Now()
		now := stamp(f)
		if now == seen {
			return value
		}
		fresh, err := load()
		if err != nil {
			if failed != err.Error() {
				failed = err.Error()
				complain(fmt.Errorf("the changed certificates are not used: %w", err))
			}
			return value
		}
		value, seen, failed = fresh, now, ""
		return value
	}, nil
}

// state is when a file was changed, in nanoseconds since 1970, and how many
// bytes it has.
type state struct{ changed, bytes int64 }

// stamp tells files apart from what they were.
func stamp(f Files) (s [3]state) {
	for i, path := range []string{f.AuthorityFile, f.CertificateFile, f.PrivateKeyFile} {
		if info, err := os.Stat(path); err == nil {
			s[i] = state{info.ModTime().UnixNano(), info.Size()}
		}
	}
	return s
}
