package api_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/wire"
)

// A server cuts who sends headers without end.
func TestServerLimits(t *testing.T) {
	h := newHouse(t, ring{})
	s := api.NewHTTPServer(h.api.Issuers())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout <= api.RequestTimeout || s.IdleTimeout == 0 {
		t.Errorf("every timeout is set, and an answer has time to leave: %+v", s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	const start, end = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: ", "\r\n\r\n"
	for _, c := range []struct{ bytes, status int }{{api.HeaderBytesMax, 404}, {api.HeaderBytesMax + 1, 431}} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, start+strings.Repeat("a", c.bytes-len(start)-len(end))+end)
		if err != nil {
			t.Fatal(err)
		}
		w, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Body.Close()
		if w.StatusCode != c.status {
			t.Errorf("%d bytes of headers: got %d, want %d", c.bytes, w.StatusCode, c.status)
		}
	}
}

// quick serves a door with timeouts that a test can wait for.
func quick(t *testing.T) net.Conn {
	t.Helper()
	s := api.NewHTTPServer(enrolled(t, ring{}).api.Issuers())
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(narrow{l})
	t.Cleanup(func() { s.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// narrow keeps few bytes of an answer in the system, so that a reader who does
// not read is felt soon.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4096)
	}
	return c, err
}

const slowHead = "POST " + wire.GeneratePath + " HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n"

// One byte now and then, without end: in the headers, or in the body.
func TestSlowSendersAreCut(t *testing.T) {
	for name, front := range map[string]string{
		"headers": slowHead + "X-Slow: ",
		"body":    slowHead + "Content-Length: 10000\r\n\r\n{",
	} {
		c := quick(t)
		if _, err := io.WriteString(c, front); err != nil {
			t.Fatal(err)
		}
		cut := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, c)
			cut <- err
		}()
		for done := false; !done; {
			select {
			case err := <-cut:
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: the door keeps on reading", name)
				}
				done = true
			default:
				_, _ = io.WriteString(c, "a")
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
}

// A client that asks again and again and never reads an answer.
func TestSlowReadersAreCut(t *testing.T) {
	c := quick(t)
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	requests := []byte(strings.Repeat(slowHead+"Content-Length: 2\r\n\r\n{}", 100))
	for {
		if _, err := c.Write(requests); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the door waits for ever for its answers to be read")
			}
			return
		}
	}
}
