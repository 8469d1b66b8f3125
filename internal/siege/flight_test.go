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

// rangeOf is the ranges of the issuers that the attacker plays.
var rangeOf = map[string]string{meadow: meadowRange, cove: coveRange}

// issuers are connections that these issuers are asked on.
func (w *town) issuers() map[string]*peer {
	w.Helper()
	at := w.knock(cove)
	w.until("the issuer's connection", func() bool { return w.gateway.LinesUp()[cove] })
	return map[string]*peer{meadow: w.line, cove: at}
}

// asked are connections of wallets with requests under way, those about one
// issuer on each.
func (w *town) asked(n int) map[string]*peer {
	w.Helper()
	all, requests := make(map[string]*peer), make(map[string][]messages.Message)
	for name, leading := range rangeOf {
		all[name], requests[name] = w.knock(wallets), w.activations(n, leading)
	}
	for name, p := range all {
		p.send(requests[name]...)
	}
	return all
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
			at, leading := w.issuers()[name], rangeOf[name]
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

// TestReplies has issuers answer in ways that are none, or one too many, both at
// the same time.
func TestReplies(t *testing.T) {
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
		}, `"why":"differs"`, []func(*gateway.Options){waiting(3 * hastyTimeout / 2)}},
	} {
		t.Run(why, func(t *testing.T) {
			w := newTown(t, test.how...)
			issuers := w.issuers()
			w.walls.under(func() {
				asked := w.asked(test.n)
				for _, at := range issuers {
					for _, q := range at.readAll(test.n) {
						at.throw(test.answer(q))
					}
					at.approveAll() // notices, or what undoes
				}
				want := token.IssuerUnavailable
				if test.told == "" {
					want = token.Approved
				}
				for name, p := range asked {
					for _, a := range p.readAll(test.n) {
						if r := a.Text(specs.P(39)); r != string(want) {
							t.Errorf("%s: answered with %s", name, r)
						}
					}
				}
				for name, at := range issuers {
					w.until("a line about each", func() bool { return w.log.count(test.line, name) == test.n })
					if n := w.log.count("issuer did not answer", name, test.told); test.told != "" && n != test.n {
						t.Errorf("%s: %d lines tell of the questions", name, n)
					}
					if n := w.log.count("deadline exceeded", name); (n > 0) != (test.how != nil) {
						t.Errorf("%s: %d questions were waited for in vain", name, n)
					}
					if test.told != "" { // the issuer may have granted it
						w.until("what undoes each", func() bool { return at.undone.Load() >= int64(test.n) })
					}
				}
				w.settled()
			})
		})
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
	const n = 64
	w := newTown(t, waiting(hastyTimeout))
	issuers := w.issuers()
	w.walls.under(func() {
		asks, questions := w.asked(n), make(map[string][]*specs.Message)
		for name, at := range issuers {
			questions[name] = at.readAll(n)
		}
		asked := time.Now() // or a little earlier
		for i := range n {
			timer := time.NewTimer(time.Until(asked.Add(hastyTimeout + 3*time.Duration(i-n/2-n/4)*time.Millisecond)))
			<-timer.C
			for name, at := range issuers {
				at.throw(answers(t, questions[name][i:i+1]))
			}
		}
		for name, at := range issuers {
			at.approveAll()
			w.answeredOnce(asks[name], name, n)
		}
	})
}

// answeredOnce wants each of n requests about an issuer to have one answer, and a
// line in the log where the issuer's came late.
func (w *town) answeredOnce(p *peer, issuer string, n int) {
	w.Helper()
	seen := make(map[string]int)
	responses := make(map[string]int)
	for _, a := range p.readAll(n) {
		seen[a.Text(specs.P(11))]++
		responses[a.Text(specs.P(39))]++
	}
	w.Logf("%s: answered with %v", issuer, responses)
	if len(seen) != n || responses["00"]+responses["91"] != n {
		w.Errorf("%s: %d requests were answered, with %v", issuer, len(seen), responses)
	}
	w.settled()
	w.until("a line about each late answer", func() bool {
		return w.log.count("nobody waits for this answer", issuer, `"mti":"0110"`, `"why":"late"`) == responses["91"]
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
