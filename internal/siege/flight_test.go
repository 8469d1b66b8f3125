package siege_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const (
	inFlight    = 256 // requests of a connection that are handled at once
	faultsInRow = 16  // undecodable messages before a connection is closed
	few         = 10  // less than that
)

func (w *town) activations(n int, leading string) []messages.Message {
	w.Helper()
	return w.requests(n, wallets, leading)
}

// of is the issuer of a range that the attacker plays: its connection, and its
// range.
func (w *town) of(issuer string) (at *peer, leading string) {
	w.Helper()
	if issuer == meadow {
		return w.line, meadowRange
	}
	at = w.knock(cove)
	w.until("the issuer's connection", func() bool { return w.gateway.LinesUp()[cove] })
	return at, coveRange
}

// answers are the consents to questions, in one piece.
func answers(t testing.TB, questions []*specs.Message) (bytes []byte) {
	for _, q := range questions {
		bytes = append(bytes, frame(t, approval(t, q))...)
	}
	return bytes
}

func TestResetsWithRequestsInFlight(t *testing.T) {
	w := newTown(t)
	for _, door := range []string{wallets, merchants} {
		t.Run(door, func(t *testing.T) {
			w.walls.under(func() {
				p := w.knock(door)
				p.send(w.requests(inFlight, door, meadowRange)...)
				questions := w.line.readAll(inFlight)
				p.reset()
				w.walls.served()
				w.line.throw(answers(t, questions))
				if door == wallets {
					for range inFlight { // notices of the tokens
						w.line.throw(answers(t, w.line.readAll(1)))
					}
				}
				w.settled()
				w.says("connection lost", door)
				w.says("answer not delivered", door)
			})
		})
	}
}

// TestIssuerResetsWithQuestionsInFlight holds that every request is answered
// when its issuer's connection breaks, and that the next connection is used.
func TestIssuerResetsWithQuestionsInFlight(t *testing.T) {
	for _, name := range []string{meadow, cove} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			at, leading := w.of(name)
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
	for _, door := range []string{wallets, merchants} {
		t.Run(door, func(t *testing.T) {
			w.walls.under(func() {
				p := w.knock(door)
				request := w.request(door, meadowRange)
				p.send(request)
				questions := w.line.readAll(1)
				p.send(request)
				w.says("repeat of a request under way", door)
				w.line.throw(answers(t, questions))
				first := p.readAll(1)[0]
				p.send(request) // over, so that its answer is given again
				if again := p.readAll(1)[0]; first.Text(specs.P(39)) != "00" || again.Text(specs.P(38)) != first.Text(specs.P(38)) || again.Text(specs.P(39)) != "00" {
					t.Errorf("answered with %s, and again with %s", first.Text(specs.P(39)), again.Text(specs.P(39)))
				}
				if door == wallets {
					w.line.throw(answers(t, w.line.readAll(1))) // a notice of the token
				}
			})
		})
	}
}

// TestReplies has issuers answer in ways that are none, or one too many.
func TestReplies(t *testing.T) {
	for _, name := range []string{meadow, cove} {
		for why, test := range map[string]struct {
			n      int
			line   string // about the reply
			answer func(*specs.Message) []byte
			told   string // about the question; "" when it was answered
			how    []func(*gateway.Options)
		}{
			"twice": {underWay, `"why":"twice"`, func(q *specs.Message) []byte {
				return answers(t, []*specs.Message{q, q})
			}, "", nil},
			"undecodable": {few, "an answer cannot be decoded", func(q *specs.Message) []byte {
				return spoilt(t, approval(t, q))
			}, `"why":"undecodable"`, nil},
			"differs": {few, `"why":"differs","differs_in":["field 41"]`, func(q *specs.Message) []byte {
				a := approval(t, q)
				a.Set(specs.P(41), "TERMID99")
				return frame(t, a)
			}, `"why":"differs"`, []func(*gateway.Options){func(o *gateway.Options) { o.IssuerTimeout = 2 * hastyTimeout }}},
		} {
			t.Run(name+", "+why, func(t *testing.T) {
				w := newTown(t, test.how...)
				at, leading := w.of(name)
				w.walls.under(func() {
					p := w.knock(wallets)
					p.send(w.activations(test.n, leading)...)
					for _, q := range at.readAll(test.n) {
						at.throw(test.answer(q))
					}
					at.approveAll() // notices, or what undoes
					want := token.IssuerUnavailable
					if test.told == "" {
						want = token.Approved
					}
					for _, a := range p.readAll(test.n) {
						if r := a.Text(specs.P(39)); r != string(want) {
							t.Errorf("answered with %s", r)
						}
					}
					w.until("a line about each", func() bool { return w.log.count(test.line, name) == test.n })
					if n := w.log.count("issuer did not answer", name, test.told); test.told != "" && n != test.n {
						t.Errorf("%d lines tell of the questions", n)
					}
					if n := w.log.count("deadline exceeded"); (n > 0) != (test.how != nil) {
						t.Errorf("%d questions were waited for in vain", n)
					}
					w.settled()
					if test.told != "" { // the issuer may have granted it
						w.until("what undoes each", func() bool { return at.undone.Load() >= int64(test.n) })
					}
				})
			})
		}
	}
}

// spoilt is an answer whose field 39 is no text, and whose key can be read.
func spoilt(t testing.TB, m *specs.Message) []byte {
	t.Helper()
	m.Set(specs.P(39), "ZZ")
	whole := frame(t, m)
	at := bytes.Index(whole, []byte{0xE9, 0xE9})
	if at < 0 || bytes.Contains(whole[at+1:], []byte{0xE9, 0xE9}) {
		t.Fatal("field 39 is not to be found")
	}
	whole[at] = 0
	return whole
}

// TestReplyAtTheTimeOut has issuers answer at the moment when the gateway gives
// up: each request gets one answer, which is the issuer's or 91, and what the
// issuer granted in vain is undone.
func TestReplyAtTheTimeOut(t *testing.T) {
	for _, name := range []string{meadow, cove} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, hasty)
			at, leading := w.of(name)
			w.walls.under(func() { w.answeredAtTheTimeOut(at, name, leading) })
		})
	}
}

func (w *town) answeredAtTheTimeOut(at *peer, name, leading string) {
	w.Helper()
	const n = 64
	p := w.knock(wallets)
	p.send(w.activations(n, leading)...)
	questions := at.readAll(n)
	asked := time.Now() // or a little earlier
	for i, q := range questions {
		timer := time.NewTimer(time.Until(asked.Add(hastyTimeout + 3*time.Duration(i-n/2-n/4)*time.Millisecond)))
		<-timer.C
		at.throw(answers(w, []*specs.Message{q}))
	}
	at.approveAll()
	seen := make(map[string]int)
	responses := make(map[string]int)
	for _, a := range p.readAll(n) {
		seen[a.Text(specs.P(11))]++
		responses[a.Text(specs.P(39))]++
	}
	w.Logf("answered with %v", responses)
	if len(seen) != n || responses["00"]+responses["91"] != n {
		w.Errorf("%d requests were answered, with %v", len(seen), responses)
	}
	w.settled()
	w.until("a line about each late answer", func() bool {
		return w.log.count("nobody waits for this answer", name, `"mti":"0110"`, `"why":"late"`) == responses["91"]
	})
	w.echoed(p)
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
		sides := w.sides()
		for name, p := range sides {
			for range 100 {
				p.throw(answers(t, []*specs.Message{question}))
			}
			w.until("a line about each answer", func() bool {
				return w.log.count("nobody waits for this answer", name, `"why":"unexpected"`) == 100
			})
			w.echoed(p)
		}
		w.leave(sides)
	})
}
