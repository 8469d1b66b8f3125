package link

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// authority signs for one test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Unix(0, 0), time.Unix(1<<33, 0)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed, key
}

func (a *authority) pair(name string) tls.Certificate {
	a.t.Helper()
	c, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"gateway.example"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

var errOther = errors.New("it is another station's certificate")

func admitWallets(s tls.ConnectionState) error {
	if s.VerifiedChains[0][0].Subject.CommonName != "wallets" {
		return errOther
	}
	return nil
}

func TestTLSDoor(t *testing.T) {
	a, foreign := newAuthority(t), newAuthority(t)
	oneWay := &tls.Config{Certificates: []tls.Certificate{a.pair("gateway")}}
	twoWay := oneWay.Clone()
	twoWay.ClientAuth, twoWay.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
	showing := func(pairs ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: a.pool(), ServerName: "gateway.example", Certificates: pairs}
	}
	for _, test := range []struct {
		name   string
		door   *tls.Config
		client *tls.Config
		good   bool
	}{
		{"one way", oneWay, showing(), true},
		{"one way, plain caller", oneWay, nil, false},
		{"two ways, its certificate", twoWay, showing(a.pair("wallets")), true},
		{"two ways, none", twoWay, showing(), false},
		{"two ways, another authority's", twoWay, showing(foreign.pair("wallets")), false},
		{"two ways, another station's", twoWay, showing(a.pair("merchants")), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			noLeaks(t)
			o := options(t.Output(), answering)
			o.TLS = test.door
			if test.door == twoWay {
				o.Admit = admitWallets
			}
			l := listen(t)
			serving(t, l, o)
			c, err := Dial(t.Context(), l.Addr().String(), test.client, options(t.Output(), silent))
			if err == nil {
				defer c.Close()
				_, err = c.Ask(t.Context(), echo(1))
			}
			if (err == nil) != test.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A handshake that never ends takes no place, and its own time only.
func TestHandshakeThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		a := newAuthority(t)
		o := options(&log, answering)
		o.ConnectionsMax, o.TLS = 1, &tls.Config{Certificates: []tls.Certificate{a.pair("gateway")}}
		g := newGate()
		serving(t, g, o)
		began := time.Now()
		silent := g.arrive(t)
		synctest.Wait()
		good := g.arriveSecured(t, &tls.Config{RootCAs: a.pool(), ServerName: "gateway.example"})
		good.send(echo(1))
		good.wantResponse(1, "00")
		silent.wantEnd()
		if took := time.Since(began); took != handshakeTimeout {
			t.Errorf("it ended after %v", took)
		}
		synctest.Wait()
		log.wantWarnings(t, "connection refused")
		g.arrive(t).wantEnd() // the one place is taken
	})
}

func (g *gate) arriveSecured(t testing.TB, config *tls.Config) peer {
	t.Helper()
	near, far := net.Pipe()
	g.arrivals <- arrival{conn: near}
	secured := tls.Client(far, config)
	if err := secured.Handshake(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return peer{t, secured}
}

// A handshake that began under options that are no more gives no connection.
func TestChangeDuringAHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		o := options(io.Discard, answering)
		o.TLS = &tls.Config{Certificates: []tls.Certificate{a.pair("gateway")}}
		g := newGate()
		s := NewServer(g, o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		near, far := net.Pipe()
		g.arrivals <- arrival{conn: near}
		synctest.Wait()
		s.Change(o)(t.Context())
		secured := tls.Client(far, &tls.Config{RootCAs: a.pool(), ServerName: "gateway.example"})
		_ = secured.Handshake()
		peer{t, secured}.wantEnd()
		if n := len(s.Connections()); n > 0 {
			t.Errorf("%d connections", n)
		}
		cancel()
		<-ended
	})
}

func TestHandshakesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(io.Discard, answering)
		o.TLS = &tls.Config{Certificates: []tls.Certificate{newAuthority(t).pair("gateway")}}
		g := newGate()
		serving(t, g, o)
		var waiting []peer
		for range handshakesMax {
			waiting = append(waiting, g.arrive(t))
		}
		began := time.Now()
		g.arrive(t).wantEnd()
		if took := time.Since(began); took != 0 {
			t.Errorf("the one past the limit ended after %v", took)
		}
		for _, p := range waiting {
			p.wantEnd()
		}
		if took := time.Since(began); took != handshakeTimeout {
			t.Errorf("those at the limit ended after %v", took)
		}
	})
}
