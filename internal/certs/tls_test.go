package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/internal/certs"
)

// met is what a server saw of a handshake.
type met struct {
	state tls.ConnectionState
	err   error
}

// meet lets a client meet a server over TCP and gives what both saw.
func meet(t *testing.T, server, client *tls.Config) (met, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return meetOver(t, near, far, server, client)
}

// meetOver is meet over any connection. In TLS 1.3 a client hears of its
// refusal after its own handshake, so it reads a byte.
func meetOver(t *testing.T, near, far net.Conn, server, client *tls.Config) (met, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	defer near.Close()
	seen := make(chan met, 1)
	go func() {
		defer far.Close()
		conn := tls.Server(far, server)
		err := conn.HandshakeContext(ctx)
		if err == nil {
			_, err = conn.Write([]byte("."))
		}
		seen <- met{conn.ConnectionState(), err}
	}()
	conn := tls.Client(near, client)
	err := conn.HandshakeContext(ctx)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	near.Close()
	return <-seen, err
}

func serving(t *testing.T, dir string, terms certs.Terms) *tls.Config {
	t.Helper()
	c, err := certs.Server(certs.GatewayFiles(dir), terms)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func calling(t *testing.T, f certs.Files) *tls.Config {
	t.Helper()
	c, err := certs.Client(f)
	if err != nil {
		t.Fatal(err)
	}
	c.ServerName = "localhost"
	return c
}

func TestWhoGetsThroughATwoWayDoor(t *testing.T) {
	dir, foreign, old := t.TempDir(), t.TempDir(), t.TempDir()
	filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}})
	filled(t, foreign, certs.Order{Clients: []certs.Identity{harbour}})
	filled(t, old, certs.Order{Clients: []certs.Identity{harbour}, Now: time.Now().AddDate(-certs.LeafYears, 0, -1)})
	own := certs.ClientFiles(dir, harbour)
	trusting := func(f certs.Files) certs.Files { f.AuthorityFile = own.AuthorityFile; return f }
	for _, c := range []struct {
		name  string
		dir   string
		files certs.Files
		terms certs.Terms
		good  bool
	}{
		{"its client", dir, own, certs.Terms{TwoWay: true}, true},
		{"its client, 1.2 allowed", dir, own, certs.Terms{TwoWay: true, Minimum: tls.VersionTLS12}, true},
		{"no certificate", dir, certs.Files{AuthorityFile: own.AuthorityFile}, certs.Terms{TwoWay: true}, false},
		{"another authority's", dir, trusting(certs.ClientFiles(foreign, harbour)), certs.Terms{TwoWay: true}, false},
		{"a server's", dir, certs.GatewayFiles(dir), certs.Terms{TwoWay: true}, false},
		{"the authority's own", dir, certs.Files{
			AuthorityFile: own.AuthorityFile, CertificateFile: own.AuthorityFile, PrivateKeyFile: filepath.Join(dir, certs.AuthorityKeyFile),
		}, certs.Terms{TwoWay: true}, false},
		{"an expired one", old, certs.ClientFiles(old, harbour), certs.Terms{TwoWay: true}, false},
		{"a server of another authority", foreign, own, certs.Terms{}, false},
		{"no certificate, one way", dir, certs.Files{AuthorityFile: own.AuthorityFile}, certs.Terms{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := calling(t, c.files)
			if c.dir == old {
				client.InsecureSkipVerify = true // the server's has ended too
			}
			seen, err := meet(t, serving(t, c.dir, c.terms), client)
			if (seen.err == nil) != c.good || (err == nil) != c.good {
				t.Errorf("server: %v; client: %v", seen.err, err)
			}
			if c.good && (seen.state.Version != tls.VersionTLS13 || c.terms.TwoWay != (len(seen.state.PeerCertificates) > 0)) {
				t.Errorf("got %+v", seen.state)
			}
		})
	}
}

func TestVersionsAndSuites(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}})
	for _, c := range []struct {
		name             string
		minimum, version uint16
		suite            uint16
		good             bool
	}{
		{"1.2 where 1.3 is the minimum", 0, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false},
		{"1.2 where it is allowed", tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
		{"1.2 with ChaCha20", tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true},
		{"1.2 with CBC", tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
		{"1.1", tls.VersionTLS12, tls.VersionTLS11, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := calling(t, certs.ClientFiles(dir, harbour))
			client.MinVersion, client.MaxVersion, client.CipherSuites = c.version, c.version, []uint16{c.suite}
			client.Renegotiation = tls.RenegotiateFreelyAsClient
			seen, err := meet(t, serving(t, dir, certs.Terms{Minimum: c.minimum, TwoWay: true}), client)
			if (seen.err == nil) != c.good || (err == nil) != c.good {
				t.Errorf("server: %v; client: %v", seen.err, err)
			}
			if c.good && seen.state.CipherSuite != c.suite {
				t.Errorf("got suite %x", seen.state.CipherSuite)
			}
		})
	}
	for _, bad := range []uint16{tls.VersionTLS11, tls.VersionTLS13 + 1} {
		if _, err := certs.Server(certs.GatewayFiles(dir), certs.Terms{Minimum: bad}); !errors.Is(err, certs.ErrMinimum) {
			t.Errorf("minimum %x: %v", bad, err)
		}
	}
}

// A client that keeps sessions is still asked each time who it is.
func TestEveryConnectionProvesWhoItIs(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := serving(t, dir, certs.Terms{Minimum: tls.VersionTLS12, TwoWay: true})
		client := calling(t, certs.ClientFiles(dir, harbour))
		client.MinVersion, client.MaxVersion, client.ClientSessionCache = version, version, tls.NewLRUClientSessionCache(8)
		for range 3 {
			seen, err := meet(t, server, client)
			if err != nil || seen.err != nil {
				t.Fatal(err, seen.err)
			}
			who, err := certs.IdentityOf(seen.state.PeerCertificates[0])
			if err != nil || who != harbour || seen.state.DidResume {
				t.Errorf("%x: %v, %v, resumed %v", version, who, err, seen.state.DidResume)
			}
		}
	}
}

func TestChangedFilesAreUsedWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, later := t.TempDir(), t.TempDir()
		filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}})
		filled(t, later, certs.Order{Hosts: []string{"later.example"}, Clients: []certs.Identity{other}})
		var complaints []error
		server := serving(t, dir, certs.Terms{TwoWay: true, Complain: func(err error) { complaints = append(complaints, err) }})
		before, after := calling(t, certs.ClientFiles(dir, harbour)), calling(t, certs.ClientFiles(later, other))
		gets := func(client *tls.Config, want bool) {
			t.Helper()
			near, far := net.Pipe()
			if seen, err := meetOver(t, near, far, server, client); (seen.err == nil) != want || (err == nil) != want {
				t.Fatalf("want %v, got %v, %v", want, seen.err, err)
			}
		}
		gets(before, true)
		gets(after, false)

		// Half of a change is none, and is complained of once.
		copied(t, later, dir, certs.GatewayKeyFile)
		for range 3 {
			time.Sleep(certs.LookEvery)
			gets(before, true)
		}
		if len(complaints) != 1 || !errors.Is(complaints[0], certs.ErrPair) {
			t.Errorf("complaints: %v", complaints)
		}
		copied(t, later, dir, certs.GatewayFile)
		copied(t, later, dir, certs.AuthorityFile)
		time.Sleep(certs.LookEvery)
		gets(before, false)
		gets(after, true)
		if len(complaints) != 1 {
			t.Errorf("complaints: %v", complaints)
		}
	})
}

func TestAClientShowsItsRenewedCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}})
		server, client := serving(t, dir, certs.Terms{TwoWay: true}), calling(t, certs.ClientFiles(dir, harbour))
		if err := os.Remove(filepath.Join(dir, "issuer-harbour-key.pem")); err != nil {
			t.Fatal(err)
		}
		renewed := filled(t, dir, certs.Order{})[2]
		time.Sleep(certs.LookEvery)
		near, far := net.Pipe()
		seen, err := meetOver(t, near, far, server, client)
		if err != nil || certs.FingerprintOf(seen.state.PeerCertificates[0]) != renewed.Print {
			t.Errorf("%v: it shows the old certificate", err)
		}
	})
}

func copied(t *testing.T, from, to, file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, file), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreOfNoUse(t *testing.T) {
	dir := t.TempDir()
	merchant := certs.Identity{Role: certs.Merchant, Name: "merchants"}
	filled(t, dir, certs.Order{Clients: []certs.Identity{merchant}})
	if _, err := certs.Server(certs.ClientFiles(dir, merchant), certs.Terms{}); !errors.Is(err, certs.ErrNotServer) {
		t.Errorf("a client's certificate at a door: %v", err)
	}
	key := filepath.Join(dir, certs.GatewayKeyFile)
	if err := os.Chmod(key, 0o604); err != nil {
		t.Fatal(err)
	}
	_, err := certs.Server(certs.GatewayFiles(dir), certs.Terms{})
	if !errors.Is(err, certs.ErrPermissions) || !strings.Contains(err.Error(), "0604") {
		t.Errorf("a key that others may read: %v", err)
	}
	full := []byte(strings.Repeat("x", 1<<20+1))
	if err := os.WriteFile(filepath.Join(dir, certs.AuthorityFile), full, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.Client(certs.Files{AuthorityFile: filepath.Join(dir, certs.AuthorityFile)}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a file past its limit: %v", err)
	}
}

// A caller that looks for an identity takes the server that has it, whatever its
// host is called, and no other of the same authority.
func TestAPeerIsKnownByItsIdentity(t *testing.T) {
	dir, foreign := t.TempDir(), t.TempDir()
	merchant := certs.Identity{Role: certs.Merchant, Name: "merchants"}
	filled(t, dir, certs.Order{Clients: []certs.Identity{harbour, merchant, certs.GatewayClient}})
	filled(t, foreign, certs.Order{Clients: []certs.Identity{harbour}})
	errStranger := errors.New("a stranger")
	isHarbour := func(c *x509.Certificate) error {
		if who, err := certs.IdentityOf(c); err != nil || who != harbour {
			return errStranger
		}
		return nil
	}
	line := certs.LineFiles(dir, certs.GatewayFiles(dir))
	for _, c := range []struct {
		name   string
		server certs.Files
		good   bool
	}{
		{"itself", certs.ClientFiles(dir, harbour), true},
		{"the gateway's own", certs.GatewayFiles(dir), false},
		{"its name by another authority", certs.ClientFiles(foreign, harbour), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			trusting := c.server
			trusting.AuthorityFile = line.AuthorityFile
			server, err := certs.Server(trusting, certs.Terms{TwoWay: true})
			if err != nil {
				t.Fatal(err)
			}
			client, err := certs.Peer(line, isHarbour)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := meet(t, server, client)
			if (err == nil) != c.good {
				t.Errorf("server: %v; client: %v", seen.err, err)
			}
			if c.good {
				if who, err := certs.IdentityOf(seen.state.VerifiedChains[0][0]); err != nil || who != certs.GatewayClient {
					t.Errorf("the caller is %v, %v", who, err)
				}
			}
		})
	}
	if _, err := certs.Server(certs.ClientFiles(dir, merchant), certs.Terms{}); !errors.Is(err, certs.ErrNotServer) {
		t.Errorf("a merchant serves: %v", err)
	}
}

func TestWhoTheGatewayIsWhereItDials(t *testing.T) {
	without, with := t.TempDir(), t.TempDir()
	filled(t, without, certs.Order{})
	filled(t, with, certs.Order{Clients: []certs.Identity{certs.GatewayClient}})
	if got := certs.LineFiles(without, certs.GatewayFiles(without)); got != certs.GatewayFiles(without) {
		t.Errorf("without a certificate of its own: %+v", got)
	}
	if got := certs.LineFiles(with, certs.GatewayFiles(with)); got != certs.ClientFiles(with, certs.GatewayClient) {
		t.Errorf("with one: %+v", got)
	}
}
