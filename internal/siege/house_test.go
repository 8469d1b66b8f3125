package siege_test

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// TestOutOfFileDescriptors has accepts fail for a while at every door.
func TestOutOfFileDescriptors(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		w.openFails.Store(4)
		for _, door := range []string{wallets, merchants, secured, cove} {
			_ = w.knock(door).Close() // its accept is under way already, and does not fail
			if door != secured {
				p := w.knock(door)
				w.echoed(p)
				_ = p.Close()
			}
		}
		w.says("cannot accept", "too many open files", "wait_ms")
		w.until("the failures", func() bool { return w.openFails.Load() < 0 })
	})
}

// TestPanicInAHandler holds that a panic ends one request, which is answered.
func TestPanicInAHandler(t *testing.T) {
	broken := new(store)
	w := newTown(t, func(o *gateway.Options) { broken.Store, o.Store = o.Store, broken })
	w.keys.panics.Store(true)
	broken.panics.Store(true)
	w.walls.under(func() {
		sides := w.sides()
		for name, p := range sides {
			for range 10 {
				var r messages.Message
				if name == wallets || name == merchants {
					r = w.request(name, coveRange)
				} else {
					r = &messages.FileUpdate{Trace: w.trace(), Action: messages.FileInquiry, Reference: missing}
				}
				p.send(r)
				if a := p.read(); a == nil || a.Text(specs.P(39)) != string(token.Malfunction) {
					t.Fatalf("%s is answered with %v", name, a)
				}
			}
			w.echoed(p)
			w.says(`"message":"message"`, name, "the gateway panicked")
		}
		w.leave(sides)
		w.says(`"message":"panicked"`, "CodeMaster")
		w.says(`"message":"panicked"`, "TokenByReference")
		if w.log.count("a secret that must") > 0 {
			t.Error("the log quotes the panic")
		}
		w.settled()
	})
}

// missing is the reference of no token.
const missing = "0123456789abcdef0123456789abcdef"

// store panics at that reference.
type store struct {
	vault.Store
	panics atomic.Bool
}

func (s *store) TokenByReference(ctx context.Context, reference string) (token.Token, error) {
	if s.panics.Load() && reference == missing {
		panic("a secret that must not be logged")
	}
	return s.Store.TokenByReference(ctx, reference)
}

// chance panics while it is armed.
type chance struct{ armed atomic.Bool }

func (c *chance) Read(b []byte) (int, error) {
	if c.armed.Load() {
		panic("a secret that must not be logged")
	}
	return rand.Read(b)
}

// TestPanicAfterTheClaim panics where a token is made, once its issuer has
// granted it: the request is answered and concluded, the issuer is told that it
// is undone, and the card may be tried again.
func TestPanicAfterTheClaim(t *testing.T) {
	c := new(chance)
	w := newTown(t, func(o *gateway.Options) { o.Random = c })
	w.walls.under(func() {
		p, r := w.knock(wallets), w.activation(meadowRange)
		p.send(r)
		questions := w.line.readAll(1)
		c.armed.Store(true)
		w.line.throw(answers(t, questions))
		if r := p.readAll(1)[0].Text(specs.P(39)); r != string(token.Malfunction) {
			t.Errorf("answered with %s", r)
		}
		c.armed.Store(false)
		w.settled()
		if undo := w.line.readAll(1)[0]; undo.MTI() != "0420" {
			t.Errorf("the issuer is told by a %s", undo.MTI())
		}
		w.line.approveAll()
		r.Trace = w.trace()
		p.send(r)
		if r := p.readAll(1)[0].Text(specs.P(39)); r != "00" {
			t.Errorf("the second try is answered with %s", r)
		}
	})
}

// TestClockJumps sets the gateway's clock back and ahead while requests of
// wallets and merchants are under way at an issuer.
func TestClockJumps(t *testing.T) {
	for by, said := range map[time.Duration]string{-24 * time.Hour: `"by":"-2`, 400 * 24 * time.Hour: `"by":"9`} {
		t.Run(by.String(), func(t *testing.T) {
			w := newTown(t)
			w.walls.under(func() {
				var asked []*peer
				for _, door := range []string{wallets, merchants} {
					p := w.knock(door)
					p.send(w.requests(underWay, door, meadowRange)...)
					asked = append(asked, p)
				}
				questions := w.line.readAll(2 * underWay)
				w.clock.jump(by)
				w.line.throw(answers(t, questions))
				w.line.approveAll()
				for _, p := range asked {
					for _, a := range p.readAll(underWay) {
						if r := a.Text(specs.P(39)); r != "00" {
							t.Errorf("answered with %s", r)
						}
					}
				}
				w.settled()
				w.walls.served()
				w.says("the clock was set", said)
				w.clock.jump(-by)
				w.walls.served()
			})
		})
	}
}

// TestCloseUnderInput cuts the gateway off while all sides write.
func TestCloseUnderInput(t *testing.T) {
	w := newTown(t)
	var floods sync.WaitGroup
	flood := w.echoes(64)
	for _, p := range []*peer{w.knock(wallets), w.knock(merchants), w.knock(cove), w.knock(wallets), w.line} {
		floods.Go(func() { p.flood(flood) })
		floods.Go(p.wantEnd)
	}
	w.walls.served()
	w.stop()
	w.says("all connections are closed")
	_ = w.host.Close()
	floods.Wait()
	w.settled()
}
