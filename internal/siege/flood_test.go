package siege_test

import (
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

// TestWhatIsCutOff has, at the same time, 2,000 wallets that each stop within a
// frame, and strangers who begin TLS handshakes and do not end them. All lose
// their connections after their time.
func TestWhatIsCutOff(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		strangers, halves := w.strangers(200), w.halves(2000)
		w.says("too many handshakes at once", secured)
		w.says("door is full", wallets)
		w.walls.served()
		for _, p := range append(strangers, halves...) {
			p.wantEnd()
			_ = p.Close()
		}
		w.says("connection refused", secured, "deadline exceeded")
		w.says("bad frame, connection closed", wallets, "a frame was not complete")
		w.dialled(wallets, (*station).activated)
	})
}

// strangers begin handshakes, or say nothing at all.
func (w *town) strangers(n int) (list []*peer) {
	for i := range n {
		p := w.knock(secured)
		if i%2 == 0 {
			p.throw([]byte{22, 3, 1, 2, 0, 1}) // the head of a ClientHello
		}
		list = append(list, p)
	}
	return list
}

// halves stop within a frame, each at another byte.
func (w *town) halves(n int) (list []*peer) {
	whole := w.echoes(1)
	for i := range n {
		p := w.knock(wallets)
		_, _ = p.Write(whole[:1+i%(len(whole)-1)]) // the door may be full, and closed it
		list = append(list, p)
	}
	return list
}

// TestSlowReader reads nothing for a while, and then goes on: no answer is lost.
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
		case <-wrote: // the system's buffers have taken all; what the gateway itself takes is link's tests to bound
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
	w := newTown(t, hasty)
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
	const n = 30
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
