package siege_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const inFlight = 256 // requests of a connection that are handled at once

func (w *town) activations(n int, leading string) []messages.Message {
	list := make([]messages.Message, n)
	for i := range list {
		list[i] = w.activation(leading)
	}
	return list
}

// answers are the consents to questions, in one piece.
func answers(t testing.TB, questions []*specs.Message) (bytes []byte) {
	for _, q := range questions {
		bytes = append(bytes, frame(t, approval(t, q))...)
	}
	return bytes
}

func TestWalletResetsWithRequestsInFlight(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		p := w.knock(wallets)
		p.send(w.activations(inFlight, meadowRange)...)
		questions := w.line.readAll(inFlight)
		p.reset()
		w.walls.served()
		w.line.throw(answers(t, questions))
		w.line.approveAll() // notices of the tokens
		w.settled()
		w.says("connection lost", wallets)
		w.says("answer not delivered", wallets)
	})
}

// TestIssuerResetsWithQuestionsInFlight holds that every request is answered
// when its issuer's connection breaks, and that the next connection is used.
func TestIssuerResetsWithQuestionsInFlight(t *testing.T) {
	for _, name := range []string{meadow, cove} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			at, leading := w.line, meadowRange
			if name == cove {
				at, leading = w.knock(cove), coveRange
				w.until("the issuer's connection", func() bool { return w.gateway.LinesUp()[cove] })
			}
			w.walls.under(func() {
				p := w.knock(wallets)
				p.send(w.activations(inFlight, leading)...)
				at.readAll(inFlight)
				at.reset()
				for _, a := range p.readAll(inFlight) {
					if r := a.Text(specs.P(39)); r != string(token.IssuerUnavailable) {
						t.Errorf("answered with %s", r)
					}
				}
				w.settled()
				w.says("connection lost", name)
				if name == cove {
					at = w.knock(cove)
				} else {
					w.says("line is down", name)
					at = w.host.accept()
				}
				at.approveAll() // advices that undo what was asked
				w.until("the issuer again", func() bool { return w.gateway.LinesUp()[name] })
				_ = p.Close()
				w.dialled(wallets, func(s *station) { s.wantResponse(w.activation(leading), token.Approved) })
			})
		})
	}
}

// dialled lends a connection.
func (w *town) dialled(door string, use func(*station)) {
	s := w.dial(door)
	defer s.conn.Close()
	use(s)
}

func TestSameTraceTwiceInFlight(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		p := w.knock(wallets)
		request := w.activation(meadowRange)
		p.send(request)
		questions := w.line.readAll(1)
		p.send(request)
		w.says("repeat of a request under way", wallets)
		w.line.throw(answers(t, questions))
		w.line.approveAll()
		first := p.readAll(1)[0]
		p.send(request) // over, so that its answer is given again
		if again := p.readAll(1)[0]; first.Text(specs.P(39)) != "00" || again.Text(specs.P(38)) != first.Text(specs.P(38)) || again.Text(specs.P(39)) != "00" {
			t.Errorf("answered with %s, and again with %s", first.Text(specs.P(39)), again.Text(specs.P(39)))
		}
	})
}

// TestReplyAtTheTimeOut has the issuer answer at the moment when the gateway
// gives up: each request gets one answer, which is the issuer's or 91, and what
// the issuer granted in vain is undone.
func TestReplyAtTheTimeOut(t *testing.T) {
	w := newTown(t, hasty)
	const n = 64
	w.walls.under(func() {
		p := w.knock(wallets)
		p.send(w.activations(n, meadowRange)...)
		questions := w.line.readAll(n)
		asked := time.Now() // or a little earlier
		for i, q := range questions {
			timer := time.NewTimer(time.Until(asked.Add(hastyTimeout + 3*time.Duration(i-n/2-n/4)*time.Millisecond)))
			<-timer.C
			w.line.throw(answers(t, []*specs.Message{q}))
		}
		w.line.approveAll()
		seen := make(map[string]int)
		responses := make(map[string]int)
		for _, a := range p.readAll(n) {
			seen[a.Text(specs.P(11))]++
			responses[a.Text(specs.P(39))]++
		}
		t.Logf("answered with %v", responses)
		if len(seen) != n || responses["00"]+responses["91"] != n {
			t.Errorf("%d requests were answered, with %v", len(seen), responses)
		}
		w.settled()
		w.until("a line about each late answer", func() bool {
			return w.log.count("nobody waits for this answer", meadow, `"why":"late"`) == responses["91"]
		})
		w.echoed(p)
	})
}

// echoed wants a connection to be alive.
func (w *town) echoed(p *peer) {
	w.Helper()
	p.send(w.echo())
	if a := p.read(); a == nil || a.Text(specs.P(39)) != "00" {
		w.Errorf("an echo is answered with %v", a)
	}
}

func TestReplyNobodyAskedFor(t *testing.T) {
	w := newTown(t)
	w.walls.under(func() {
		question := encode(t, w.activation(meadowRange))
		for name, p := range map[string]*peer{wallets: w.knock(wallets), merchants: w.knock(merchants), cove: w.knock(cove), meadow: w.line} {
			for range 100 {
				p.throw(answers(t, []*specs.Message{question}))
			}
			w.until("a line about each answer", func() bool {
				return w.log.count("nobody waits for this answer", name, `"why":"unexpected"`) == 100
			})
			w.echoed(p)
			if p != w.line {
				_ = p.Close()
			}
		}
	})
}
