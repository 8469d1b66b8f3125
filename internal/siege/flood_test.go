package siege_test

import (
	"crypto/tls"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// floodBytesMax is how much a flood writes: much more than sockets hold.
const floodBytesMax = 64 << 20

// flood writes frames until the connection breaks, but not for ever.
func (p *peer) flood(frames []byte) {
	_ = p.SetWriteDeadline(time.Now().Add(patience))
	for n := 0; n < floodBytesMax; n += len(frames) {
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
// frame, some merchants and issuers too, and strangers who begin TLS handshakes
// at doors of every role, and do not end them. All lose their connections after
// their time.
func TestWhatIsCutOff(t *testing.T) {
	w := newTown(t, securedTwice, cutting)
	w.walls.under(func() {
		var all []*peer
		all = append(all, w.strangers(200, secured)...)
		all = append(all, w.strangers(5, securedWallets)...)
		all = append(all, w.strangers(5, securedIssuers)...)
		all = append(all, w.halves(2000, wallets)...)
		all = append(all, w.halves(2*fewConnections, merchants)...)
		all = append(all, w.halves(2*fewConnections, cove)...)
		w.line.throw(w.echoes(1)[:7])
		all = append(all, w.line)
		w.says("too many handshakes at once", secured)
		for _, door := range []string{wallets, merchants, cove} {
			w.says("door is full", door)
		}
		w.walls.served()
		for _, p := range all {
			p.wantEnd()
			_ = p.Close()
		}
		for _, door := range []string{secured, securedWallets, securedIssuers} {
			w.says("connection refused", `"station":"`+door+`"`, "deadline exceeded")
		}
		for _, name := range []string{wallets, merchants, cove, meadow} {
			w.says("bad frame, connection closed", name, "a frame was not complete")
		}
		w.line = w.host.accept()
		w.dialled(wallets, (*station).activated)
	})
}

// Doors with TLS of a wallet and an issuer, beside a merchant's, for newTown.
const securedWallets, securedIssuers = "secured wallets", "secured issuers"

func securedTwice(o *gateway.Options) {
	for name, role := range map[string]stations.Role{securedWallets: stations.Requestor, securedIssuers: stations.Issuer} {
		s := o.Stations[2]
		s.Name, s.Role, s.Number = name, role, 300000+uint32(len(o.Stations))
		o.Stations = append(o.Stations, s)
	}
}

// strangers begin handshakes, or say nothing at all.
func (w *town) strangers(n int, door string) (list []*peer) {
	for i := range n {
		p := w.knock(door)
		if i%2 == 0 {
			p.throw([]byte{22, 3, 1, 2, 0, 1}) // the head of a ClientHello
		}
		list = append(list, p)
	}
	return list
}

// halves stop within a frame, each at another byte.
func (w *town) halves(n int, door string) (list []*peer) {
	whole := w.echoes(1)
	for i := range n {
		p := w.knock(door)
		_, _ = p.Write(whole[:1+i%(len(whole)-1)]) // the door may be full, and closed it
		list = append(list, p)
	}
	return list
}

// TestIssuerWithoutAHandshake has the gateway dial a host with TLS that says
// nothing: the issuer is down, and is dialled again and again.
func TestIssuerWithoutAHandshake(t *testing.T) {
	w := newTown(t, func(o *gateway.Options) {
		s := &o.Stations[6]
		s.Security, s.TLS, o.Times.Dial = stations.OneWay, &tls.Config{InsecureSkipVerify: true}, dialTime
	})
	w.walls.under(func() {
		p := w.knock(wallets)
		p.send(w.activations(underWay, meadowRange)...)
		for _, a := range p.readAll(underWay) {
			if r := a.Text(specs.P(39)); r != string(token.IssuerUnavailable) {
				t.Errorf("answered with %s", r)
			}
		}
		w.says("issuer cannot be asked", meadow)
		w.line.wantEnd()
		w.says("cannot connect, trying again", meadow, "deadline exceeded")
		w.line = w.host.accept()
	})
}

// TestNobodyReads has all sides ask and ask, and read no answer: they are cut off.
func TestNobodyReads(t *testing.T) {
	w := newTown(t, cutting)
	w.walls.under(func() {
		sides := w.sides()
		var floods sync.WaitGroup
		for _, p := range sides {
			floods.Go(func() { p.flood(w.echoes(64)) })
		}
		w.walls.served()
		for name, p := range sides {
			w.says("the peer does not read, connection closed", name)
			_ = p.Close() // whether it has heard of the end is up to TCP
		}
		floods.Wait()
		w.line = w.host.accept()
	})
}

// TestSlowReaders stop reading for a while, with answers on their way: none is
// lost, and nobody complains.
func TestSlowReaders(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		sides := w.sides()
		for name, p := range sides {
			const n = 3000
			var writing sync.WaitGroup
			writing.Go(func() { p.throw(w.echoes(n)) })
			time.Sleep(100 * time.Millisecond) // a slow peer is slow for a while
			seen := make(map[string]bool)
			for _, a := range p.readAll(n) {
				seen[a.Text(specs.P(11))] = true
			}
			if len(seen) != n {
				t.Errorf("%s: %d of %d were answered", name, len(seen), n)
			}
			writing.Wait()
		}
		w.leave(sides)
		if lines := w.log.count("connection closed"); lines > 0 {
			t.Errorf("%d lines say that a connection was closed", lines)
		}
	})
}

// TestIssuerThatNeverAnswers has the gateway ask hosts that take each question
// and say nothing, both at the same time.
func TestIssuerThatNeverAnswers(t *testing.T) {
	w := newTown(t, waiting(hastyTimeout))
	issuers := w.issuers()
	w.walls.under(func() {
		asks := map[string]*peer{meadow: w.knock(wallets), cove: w.knock(merchants)}
		asks[meadow].send(w.requests(inFlight, wallets, meadowRange)...)
		asks[cove].send(w.requests(inFlight, merchants, coveRange)...)
		w.walls.served()
		for name, p := range asks {
			for _, a := range p.readAll(inFlight) {
				if r := a.Text(specs.P(39)); r != string(token.IssuerUnavailable) {
					t.Errorf("%s: answered with %s", name, r)
				}
			}
		}
		w.settled()
		for name, at := range issuers {
			w.until("a line about each question", func() bool {
				return w.log.count("issuer did not answer", name, `"why":"nothing received"`) == inFlight
			})
			at.approveAll() // the advices that undo
		}
	})
}

// TestBounds has one station use all that it may have: its connections, each
// with requests that wait for a slow issuer, and its handshakes. What is beyond
// waits, and everything is answered.
func TestBounds(t *testing.T) {
	const connections, each = 128, 4
	w := newTown(t)
	w.walls.under(func() {
		strangers := w.strangers(128, secured) // of another door, which has no connections: as if they were the same's
		var all []*peer
		for range connections {
			p := w.knock(wallets)
			p.send(w.activations(each, meadowRange)...)
			all = append(all, p)
		}
		w.walls.served()
		questions := w.line.readAll(inFlight)
		w.line.wantNothing()
		w.line.throw(answers(t, questions))
		w.line.approveAll()
		for _, p := range all {
			for _, a := range p.readAll(each) {
				if r := a.Text(specs.P(39)); r != "00" {
					t.Errorf("answered with %s", r)
				}
			}
		}
		w.says("too many handshakes at once", secured)
		for _, p := range append(all, strangers...) {
			_ = p.Close()
		}
		w.settled()
	})
}

// TestFairness has a station write more than may be under way: it waits, and
// another station is served in full. How long that took is told, not judged.
func TestFairness(t *testing.T) {
	w := newTown(t)
	alone, more := w.measured(), w.activations(2*inFlight, meadowRange)
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
		w.line.throw(answers(t, questions))
		w.line.approveAll()
		for _, a := range p.readAll(2 * inFlight) {
			if r := a.Text(specs.P(39)); r != "00" {
				t.Errorf("a request that waited is answered with %s", r)
			}
		}
		<-wrote
	})
}

// TestFloods has all sides ask and ask, and read their answers: they are held back.
func TestFloods(t *testing.T) {
	w := newTown(t)
	alone := w.measured()
	w.walls.under(func() {
		var flooding sync.WaitGroup
		sides := w.sides()
		for _, p := range sides {
			flooding.Go(func() { p.flood(w.echoes(64)) })
			flooding.Go(p.wantEnd)
		}
		t.Logf("alone %v; beside four floods of echoes %v", alone, w.measured())
		for name, p := range sides {
			w.says("floods while others are served, held back", name)
			_ = p.Close()
		}
		flooding.Wait()
		w.line = w.host.accept()
	})
}

// measured is the median and the longest of activations one at a time.
func (w *town) measured() [2]time.Duration {
	w.Helper()
	const n = 10
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
