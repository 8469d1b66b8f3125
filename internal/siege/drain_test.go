package siege_test

import (
	"context"
	"net"
	"testing"

	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const underWay = 50

// drain begins an orderly end and gives what tells of its own.
func (w *town) drain() <-chan struct{} {
	w.Helper()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		w.gateway.Drain(context.Background())
	}()
	w.says("draining")
	return drained
}

// TestDrain ends a gateway with requests under way at a slow issuer: they are
// answered, and nothing else is.
func TestDrain(t *testing.T) {
	w := newTown(t)
	p, late := w.knock(wallets), w.activation(meadowRange)
	idle, dialsIn := w.knock(merchants), w.knock(cove)
	w.echoed(idle)
	w.echoed(dialsIn)
	p.send(w.activations(underWay, meadowRange)...)
	questions := w.line.readAll(underWay)
	drained := w.drain()
	idle.wantEnd() // so that all doors are shut
	for _, door := range []string{wallets, merchants, secured, cove} {
		w.until("a shut door", func() bool {
			c, err := net.Dial("tcp", w.gateway.Address(door))
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
	}
	p.send(late)
	dialsIn.send(w.echo())
	w.line.send(w.echo())
	for _, one := range []*peer{p, dialsIn, w.line} {
		if r := one.readAll(1)[0].Text(specs.P(39)); r != string(token.IssuerUnavailable) {
			t.Errorf("a request that comes meanwhile is answered with %s", r)
		}
	}
	w.says(`"note":"the gateway is about to end"`, wallets)
	select {
	case <-drained:
		t.Error("drained with requests under way")
	default:
	}
	w.line.throw(answers(t, questions))
	w.line.approveAll()
	for _, a := range p.readAll(underWay) {
		if r := a.Text(specs.P(39)); r != "00" {
			t.Errorf("a request under way is answered with %s", r)
		}
	}
	p.wantEnd()
	got(t, drained, "the drain's end")
	w.says(`"level":"info"`, `"message":"drained"`)
	w.stop()
	w.settled()
}

// TestDrainHasAnEnd drains beside an issuer that says nothing.
func TestDrainHasAnEnd(t *testing.T) {
	w := newTown(t, waiting(hastyTimeout))
	p := w.knock(wallets)
	p.send(w.activations(underWay, meadowRange)...)
	w.line.readAll(underWay)
	drained := w.drain()
	for _, a := range p.readAll(underWay) {
		if r := a.Text(specs.P(39)); r != string(token.IssuerUnavailable) {
			t.Errorf("answered with %s", r)
		}
	}
	w.line.approveAll() // advices that are being sent
	got(t, drained, "the drain's end")
	w.stop()
	w.settled()
}

// TestDrainOfWhatHasEnded waits for nothing.
func TestDrainOfWhatHasEnded(t *testing.T) {
	w := newTown(t)
	w.stop()
	w.gateway.Drain(context.Background())
	w.gateway.Drain(context.Background())
}
