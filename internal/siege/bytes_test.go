package siege_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/firsttap/firsttap/specs"
)

// The lengths and bytes that no peer may send: each ends its connection at once,
// with a line in the log, and nothing else.
func TestBytes(t *testing.T) {
	noise := make([]byte, 4096)
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(chance.Uint32()) | 0x10 // as a length, too much
	}
	w := newTown(t)
	for name, bad := range map[string]struct {
		bytes []byte
		line  string
	}{
		"negative length":        {[]byte{0xFF, 0xFF, 0, 0}, "bad length"},
		"huge length":            {[]byte{0x7F, 0xFF, 0, 0}, "bad length"},
		"one more than the most": {[]byte{0x08, 0x01, 0, 0}, "bad length"},
		"text":                   {[]byte("GET / HTTP/1.1\r\n\r\n"), "bad frame"},
		"noise":                  {noise, "bad frame"},
		"header in pieces":       {append([]byte{0, 30, 0, 0}, make([]byte, 30)...), "bad frame"},
		"undecodable messages":   {bytes.Repeat(undecodable(t), faultsInRow), "too many undecodable messages in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			w.log.clear()
			w.walls.under(func() {
				for _, door := range []string{wallets, merchants, cove} {
					p := w.knock(door)
					_, _ = p.Write(bad.bytes) // the gateway may close before all of it is written
					p.wantEnd()
					w.says("connection closed", door, bad.line)
				}
				_, _ = w.line.Write(bad.bytes)
				w.line.wantEnd()
				w.says("connection closed", meadow, bad.line)
				w.line = w.host.accept()
			})
		})
	}
}

// undecodable is a frame whose message is none.
func undecodable(t *testing.T) []byte {
	bytes, err := framing.Append(nil, specs.Header{Destination: gatewayNumber, Source: 100001}, []byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestKeepAlives sends lengths of 0, which are keep-alives, without an end: they
// are answered in kind.
func TestKeepAlives(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		sides := w.sides()
		for name, p := range sides {
			const n = 500
			p.throw(make([]byte, 4*n))
			answered := make([]byte, 4*n)
			if _, err := io.ReadFull(p.Conn, answered); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(answered, make([]byte, 4*n)) {
				t.Error("not answered in kind")
			}
			w.echoed(p)
			if lines := w.log.count(`"level":"debug"`, "keep-alive", name); lines != n {
				t.Errorf("%s: %d lines tell of it", name, lines)
			}
		}
		w.leave(sides)
	})
}

// TestByteByByte writes a frame in as many pieces as it has bytes: it is served.
func TestByteByByte(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		sides := w.sides()
		for _, p := range sides {
			_ = p.Conn.(*net.TCPConn).SetNoDelay(true)
			whole := w.echoes(1)
			for i := range whole {
				p.throw(whole[i : i+1])
			}
			if a := p.read(); a == nil || a.Text(specs.P(39)) != "00" {
				t.Errorf("answered with %v", a)
			}
		}
		w.leave(sides)
		if n := w.log.count(`"level":"warn"`); n > 0 {
			t.Errorf("%d lines complain of it", n)
		}
	})
}
