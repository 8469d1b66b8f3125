package siege_test

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// flood writes frames until the connection breaks.
func (p *peer) flood(frames []byte) {
	for {
		if _, err := p.Write(frames); err != nil {
			return
		}
	}
}

// echoes are frames of echo requests.
func (w *town) echoes(n int) (bytes []byte) {
	for range n {
		bytes = append(bytes, frame(w, encode(w, w.echo()))...)
	}
	return bytes
}

// TestFloodWithoutReading has a merchant ask and ask and read no answer, and
// strangers begin TLS handshakes that they do not end: all are cut off after
// their time.
func TestFloodWithoutReading(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		var flooding sync.WaitGroup
		p := w.knock(merchants)
		flooding.Go(func() { p.flood(w.echoes(64)) })
		var strangers []*peer
		for n := range 200 {
			s := w.knock(secured)
			if n%2 == 0 {
				s.throw([]byte{22, 3, 1, 2, 0, 1}) // the head of a ClientHello
			}
			strangers = append(strangers, s)
		}
		w.says("too many handshakes at once", secured)
		w.walls.served()
		for _, s := range strangers {
			s.wantEnd()
		}
		flooding.Wait()
		w.says("the peer does not read, connection closed", merchants)
		w.says("connection refused", secured, "deadline exceeded")
	})
}

// TestHalfFrames has 2,000 connections that each stop within a frame.
func TestHalfFrames(t *testing.T) {
	w := newTown(t)
	whole := w.echoes(1)
	w.walls.under(func() {
		var list []net.Conn
		for n := range 2000 {
			c, err := net.Dial("tcp", w.doors[wallets])
			w.must(err)
			_, _ = c.Write(whole[:1+n%(len(whole)-1)])
			list = append(list, c)
		}
		w.says("door is full", wallets)
		w.walls.served()
		for _, c := range list {
			newPeer(t, c).wantEnd()
			_ = c.Close()
		}
		w.says("bad frame, connection closed", wallets, "a frame was not complete")
		w.dialled(wallets, func(s *station) { s.activated() })
	})
}

// TestSlowReader stops reading until the gateway cannot write, and then goes on:
// no answer is lost.
func TestSlowReader(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		p := w.knock(wallets)
		const n = 12000
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			p.throw(w.echoes(n))
		}()
		select {
		case <-wrote:
			t.Error("the gateway reads on though nobody reads its answers")
		case <-time.After(100 * time.Millisecond): // a slow peer is slow for a while
		}
		seen := make(map[string]bool)
		for _, a := range p.readAll(n) {
			seen[a.Text(specs.P(11))] = true
		}
		if len(seen) != n {
			t.Errorf("%d of %d were answered", len(seen), n)
		}
		<-wrote
	})
}

// TestIssuerThatNeverReads has the gateway write to a host that is deaf.
func TestIssuerThatNeverReads(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		p := w.knock(wallets)
		p.send(w.activations(inFlight, meadowRange)...)
		w.walls.served()
		for _, a := range p.readAll(inFlight) {
			if r := a.Text(specs.P(39)); r != string(token.IssuerUnavailable) {
				t.Errorf("answered with %s", r)
			}
		}
		w.settled()
		w.says("issuer did not answer", meadow)
		w.line.approveAll() // the advices that undo
	})
}

// TestFairness has a station write more than may be under way: it waits, and
// another station is served in full. How long that took is told, not judged.
func TestFairness(t *testing.T) {
	w := newTown(t)
	alone, more := w.measured(), w.activations(3*inFlight, meadowRange)
	w.walls.under(func() {
		p := w.knock(wallets)
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			p.send(more...)
		}()
		questions := w.line.readAll(inFlight)
		t.Logf("alone %v; beside a station whose issuer is slow %v", alone, w.measured())
		w.line.wantNothing()
		for range 2 {
			w.line.throw(answers(t, questions))
			questions = w.line.readAll(inFlight)
		}
		w.line.throw(answers(t, questions))
		w.line.approveAll()
		for _, a := range p.readAll(3 * inFlight) {
			if r := a.Text(specs.P(39)); r != "00" {
				t.Errorf("a request that waited is answered with %s", r)
			}
		}
		<-wrote

		p = w.knock(merchants)
		var flooding sync.WaitGroup
		flooding.Go(func() { p.flood(w.echoes(64)) })
		flooding.Go(p.wantEnd) // reads its answers
		t.Logf("beside a flood of echoes %v", w.measured())
		_ = p.Close()
		flooding.Wait()
	})
}

// measured is the median and the longest of activations one at a time.
func (w *town) measured() [2]time.Duration {
	w.Helper()
	const n = 50
	var took []time.Duration
	for range n {
		r := w.activation(harbourRange)
		began := time.Now()
		w.witness.wantResponse(r, token.Approved)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return [2]time.Duration{took[n/2], took[n-1]}
}
