package siege_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// bufferBytes is what a socket of the town holds of answers that nobody reads:
// less than those for requests, which are as the system makes them.
const bufferBytes = 16 << 10

// poor is a listener that gives EMFILE for a while, and connections with small
// buffers for what they write.
type poor struct {
	net.Listener
	fails *atomic.Int64
}

func (l poor) Accept() (net.Conn, error) {
	if l.fails.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(bufferBytes)
	}
	return c, err
}

// host is the attacker in an issuer's place: connections of the gateway come to
// it, and it does with them what it likes.
type host struct {
	net.Listener
	t     testing.TB
	conns chan net.Conn
}

func newHost(t testing.TB) *host {
	t.Helper()
	l, err := (&net.ListenConfig{Control: small}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Listener: l, t: t, conns: make(chan net.Conn, 64)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			select {
			case h.conns <- c:
			default:
				_ = c.Close()
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return h
}

// accept gives the next connection of the gateway.
func (h *host) accept() *peer {
	h.t.Helper()
	return newPeer(h.t, got(h.t, h.conns, "the gateway's connection"))
}

// peer is one connection of the attacker.
type peer struct {
	testing.TB
	net.Conn
	undone *atomic.Int64 // reversals that approveAll was told
}

func newPeer(t testing.TB, c net.Conn) *peer {
	t.Cleanup(func() { _ = c.Close() })
	return &peer{t, c, new(atomic.Int64)}
}

func (w *town) knock(door string) *peer {
	w.Helper()
	c, err := (&net.Dialer{Control: small}).Dial("tcp", w.gateway.Address(door))
	w.must(err)
	return newPeer(w, c)
}

// sides are a connection from every side: of a wallet, of a merchant, of an
// issuer that dials in and of one that is dialled.
func (w *town) sides() map[string]*peer {
	w.Helper()
	return map[string]*peer{wallets: w.knock(wallets), merchants: w.knock(merchants), cove: w.knock(cove), meadow: w.line}
}

// leave closes connections that w.sides gave, but for the one that the gateway
// dialled.
func (w *town) leave(sides map[string]*peer) {
	for name, p := range sides {
		if name != meadow {
			_ = p.Close()
		}
	}
}

// frame is a message as it goes over the wire.
func frame(t testing.TB, m *specs.Message) []byte {
	body, err := codec.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := framing.Append(nil, specs.Header{Destination: gatewayNumber, Source: 100001}, body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// send writes messages at once.
func (p *peer) send(list ...messages.Message) {
	p.Helper()
	var bytes []byte
	for _, m := range list {
		bytes = append(bytes, frame(p, encode(p, m))...)
	}
	p.throw(bytes)
}

// throw writes bytes.
func (p *peer) throw(bytes []byte) {
	p.Helper()
	if _, err := p.Write(bytes); err != nil {
		p.Errorf("writing: %v", err)
	}
}

// read reads a message; nil is the end.
func (p *peer) read() *specs.Message {
	_ = p.SetReadDeadline(time.Now().Add(patience))
	f, err := framing.Read(p.Conn, nil)
	if err != nil {
		return nil
	}
	m, err := codec.Parse(f.Body)
	if err != nil {
		p.Errorf("the gateway sent what cannot be read: %v", err)
		return nil
	}
	return m
}

// approveAll answers all questions in the background, as an honest issuer does.
func (p *peer) approveAll() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			question := p.read()
			if question == nil {
				return
			}
			if question.MTI() == "0420" {
				p.undone.Add(1)
			}
			if _, err := p.Write(frame(p, approval(p, question))); err != nil {
				return
			}
		}
	}()
	p.Cleanup(func() {
		_ = p.Conn.Close()
		<-ended
	})
}

// readAll reads as many messages.
func (p *peer) readAll(n int) []*specs.Message {
	p.Helper()
	list := make([]*specs.Message, 0, n)
	for range n {
		m := p.read()
		if m == nil {
			p.Fatalf("the connection ended after %d of %d messages", len(list), n)
		}
		list = append(list, m)
	}
	return list
}

// wantNothing wants nothing to have come.
func (p *peer) wantNothing() {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := p.Conn.Read(make([]byte, 1)); n > 0 || !os.IsTimeout(err) {
		p.Errorf("read %d bytes, and %v", n, err)
	}
}

// wantEnd wants the gateway to close the connection.
func (p *peer) wantEnd() {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	for room := make([]byte, 1024); ; {
		if _, err := p.Conn.Read(room); err != nil {
			if os.IsTimeout(err) {
				p.Error("the gateway does not close the connection")
			}
			return
		}
	}
}

// reset closes a connection as a crash does.
func (p *peer) reset() {
	p.Helper()
	if err := p.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		p.Error(err)
	}
	_ = p.Conn.Close()
}

// certificate is one that nobody has signed.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
