package e2e_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/firsttap/firsttap/internal/seed"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// underWay is how many requests are at the issuer when the gateway is stopped.
const underWay = 50

// TestStopLosesNothing stops a gateway with SIGTERM while requests wait for a
// slow issuer: all are answered, one that comes meanwhile is refused, it ends
// with 0, and the next start finds nothing half done.
func TestStopLosesNothing(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	slow := h.slow(t, at)
	gateway := h.start(t, at.gateway)
	gateway.awaits(t, said["gateway"])
	h.start(t, at.issuer).awaits(t, said["issuer"])
	w, answered := h.asking(t, at, underWay)
	late, _ := applied(t, "http://"+at.site)
	slow.awaits(t, underWay)
	signal(t, gateway, syscall.SIGTERM)
	gateway.awaits(t, "draining")
	if a, err := w.Request(t.Context(), late); err != nil || a.Outcome.Response != token.IssuerUnavailable {
		t.Errorf("meanwhile: 39=%s, %v", a.Outcome.Response, err)
	}
	slow.release()
	for range underWay {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	if code := gateway.ends(t); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	next := h.start(t, at.gateway)
	next.awaits(t, said["gateway"])
	next.awaits(t, lineUp)
	_, answered = h.asking(t, at, 1) // which the gateway serves after what it found
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if strings.Contains(next.output(), resolved) {
		t.Error("something was half done")
	}
	if n := slow.undone.Load(); n > 0 {
		t.Errorf("the issuer was told that %d are undone", n)
	}
}

// What a gateway says when an issuer can be asked, and of each request that the
// last run left half done.
const (
	lineUp   = "line is up"
	resolved = "resolved after a restart"
)

// TestSecondSignalEndsAtOnce does not wait for the issuer, and leaves its request
// to the next start.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	slow := h.slow(t, at)
	gateway := h.start(t, at.gateway)
	gateway.awaits(t, said["gateway"])
	h.start(t, at.issuer).awaits(t, said["issuer"])
	_, answered := h.asking(t, at, 1)
	slow.awaits(t, 1)
	signal(t, gateway, syscall.SIGTERM)
	gateway.awaits(t, "draining")
	signal(t, gateway, syscall.SIGTERM)
	if code := gateway.ends(t); code != 1 {
		t.Errorf("it ends with %d", code)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
	h.start(t, at.gateway).awaits(t, resolved)
}

func signal(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// asking asks for tokens, of as many cards at once by one wallet, and gives what
// becomes of each request.
func (h house) asking(t *testing.T, at places, n int) (*wallet.Wallet, <-chan error) {
	t.Helper()
	held, err := phone.New(seed.Stream(1, "phone"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w := h.wallet(ctx, t, at, held)
	answered := make(chan error, n)
	var asking sync.WaitGroup
	for range n {
		card, _ := applied(t, "http://"+at.site)
		asking.Go(func() {
			answer, err := w.Request(ctx, card)
			if err == nil && answer.Outcome.Response != token.Approved {
				err = errors.New("answered with " + string(answer.Outcome.Response))
			}
			answered <- err
		})
	}
	t.Cleanup(func() {
		cancel()
		asking.Wait()
		w.Close()
	})
	return w, answered
}

// slow stands between a gateway and its issuer and holds activations back.
type slow struct {
	net.Listener
	behind   string // the issuer's host
	asked    chan struct{}
	released chan struct{}
	release  func()
	undone   atomic.Int64 // reversals of what was asked
}

// slow puts itself into the settings of the gateway, in its issuer's place.
func (h house) slow(t *testing.T, at places) *slow {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile(filepath.Join(h.dir, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "gateway.yaml", strings.Replace(string(settings), at.host, l.Addr().String(), 1))
	s := &slow{Listener: l, behind: at.host, asked: make(chan struct{}, 1024), released: make(chan struct{})}
	s.release = sync.OnceFunc(func() { close(s.released) })
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(&serving) })
	t.Cleanup(func() {
		_ = l.Close()
		s.release()
		serving.Wait()
	})
	return s
}

func (s *slow) serve(serving *sync.WaitGroup) {
	for {
		gateway, err := s.Accept()
		if err != nil {
			return
		}
		issuer, err := net.Dial("tcp", s.behind)
		if err != nil {
			_ = gateway.Close() // it dials again
			continue
		}
		serving.Go(func() {
			defer gateway.Close()
			_, _ = io.Copy(gateway, issuer)
		})
		serving.Go(func() {
			defer issuer.Close()
			s.forward(issuer, gateway)
		})
	}
}

// forward brings the gateway's frames to the issuer, activations when they are
// released.
func (s *slow) forward(issuer io.Writer, gateway io.Reader) {
	framing, _ := specs.FramingByName(specs.FramingVAP)
	for {
		frame, err := framing.Read(gateway, nil)
		if err != nil {
			return
		}
		m, err := specs.VisaStyleCodec().Parse(frame.Body)
		if err == nil && m.MTI() == "0420" {
			s.undone.Add(1)
		}
		if err == nil && m.MTI() == "0100" {
			s.asked <- struct{}{}
			go s.later(issuer, framing, frame)
			continue
		}
		s.send(issuer, framing, frame)
	}
}

func (s *slow) later(issuer io.Writer, framing specs.Framing, frame specs.Frame) {
	<-s.released
	s.send(issuer, framing, frame)
}

func (s *slow) send(issuer io.Writer, framing specs.Framing, frame specs.Frame) {
	if whole, err := framing.Append(nil, frame.Header, frame.Body); err == nil {
		_, _ = issuer.Write(whole)
	}
}

// awaits waits until as many activations are held back.
func (s *slow) awaits(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-s.asked:
		case <-time.After(patience):
			t.Fatal("the issuer is not asked")
		}
	}
}
