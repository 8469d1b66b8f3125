package load

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// changed is what a gateway does to a typed answer.
func changed(change func(messages.Message)) func(*fake, int, messages.Message, *specs.Message) {
	return everyFifth(func(f *fake, answer *specs.Message) {
		typed, err := messages.Decode(answer)
		if err != nil {
			f.t.Error(err)
			return
		}
		change(typed)
		f.send(f.encode(typed))
	})
}

// everyFifth misbehaves at every fifth question, and answers all others rightly.
func everyFifth(do func(f *fake, answer *specs.Message)) func(*fake, int, messages.Message, *specs.Message) {
	return func(f *fake, n int, _ messages.Message, answer *specs.Message) {
		if n%5 == 4 {
			do(f, answer)
			return
		}
		f.send(answer)
	}
}

// asTap answers a verification as if it were a tap.
func asTap(f *fake, answer *specs.Message) {
	typed, err := messages.Decode(answer)
	if err != nil {
		f.t.Error(err)
		return
	}
	a := typed.(*messages.RemoteAnswer)
	f.send(f.encode(&messages.TapAnswer{Number: a.Number, Trace: a.Trace, Currency: a.Currency, Outcome: a.Outcome, TransactionID: a.TransactionID}))
}

// swapped exchanges what pairs of answers say, but not their traces.
func swapped(take func(from, to *messages.TapAnswer)) func(*fake, int, messages.Message, *specs.Message) {
	var held *messages.TapAnswer
	return func(f *fake, n int, _ messages.Message, answer *specs.Message) {
		typed, err := messages.Decode(answer)
		if err != nil {
			f.t.Error(err)
			return
		}
		a := typed.(*messages.TapAnswer)
		if held == nil {
			held = a
			return
		}
		first, second := *held, *a
		take(a, &first)
		take(held, &second)
		held = nil
		f.send(f.encode(&first))
		f.send(f.encode(&second))
	}
}

// misbehaviours are what gateways do, and what the oracle must count for it.
var misbehaviours = []struct {
	name   string
	kind   Kind
	script func(*fake, int, messages.Message, *specs.Message)
	want   Oracled
	says   string
}{
	{"honest", Tap, nil, Oracled{}, ""},
	{"honest, other kinds", Activation, nil, Oracled{}, ""},
	{"drops", Echo, everyFifth(func(*fake, *specs.Message) {}), Oracled{Lost: 10}, "lost: echo"},
	{"answers twice", Echo, everyFifth(func(f *fake, a *specs.Message) { f.send(a); f.send(a) }), Oracled{Doubled: 10}, "doubled: 37 = "},
	{"answers late", Verify, everyFifth(func(f *fake, a *specs.Message) {
		time.AfterFunc(1100*time.Millisecond, func() { f.send(a) })
	}), Oracled{Late: 10}, "late: 37 = "},
	{"answers late, twice", Verify, everyFifth(func(f *fake, a *specs.Message) {
		time.AfterFunc(1100*time.Millisecond, func() { f.send(a); f.send(a) })
	}), Oracled{Late: 10, Doubled: 10}, ""},
	{"answers in the last moment", Verify, everyFifth(func(f *fake, a *specs.Message) {
		time.AfterFunc(999*time.Millisecond, func() { f.send(a) })
	}), Oracled{}, ""},
	{"swaps amounts", Tap, swapped(func(from, to *messages.TapAnswer) { to.Amount = from.Amount }), Oracled{MixedUp: 50}, "field 4 differs, tap"},
	{"swaps transaction ids", Tap, swapped(func(from, to *messages.TapAnswer) { to.TransactionID = from.TransactionID }), Oracled{MixedUp: 50}, "field 38, which hangs on 62.2,"},
	{"swaps reference numbers", Tap, swapped(func(from, to *messages.TapAnswer) { to.RRN = from.RRN }), Oracled{MixedUp: 50}, "field 37 differs"},
	{"swaps whole traces", Tap, swapped(func(from, to *messages.TapAnswer) { to.Trace = from.Trace }), Oracled{MixedUp: 50}, "field 4 differs"},
	{"swaps cryptograms", Tap, swapped(func(from, to *messages.TapAnswer) { to.ARPC = from.ARPC }), Oracled{MixedUp: 50}, "field 55, which the phone refuses,"},
	{"gives no cryptogram", Tap, changed(func(m messages.Message) {
		a := m.(*messages.TapAnswer)
		a.ARPC, a.CSU = emv.Cryptogram{}, [4]byte{}
	}), Oracled{}, ""},
	{"changes amounts", Tap, changed(func(m messages.Message) { m.(*messages.TapAnswer).Amount++ }), Oracled{MixedUp: 10}, "field 4"},
	{"changes terminals", Tap, changed(func(m messages.Message) { m.(*messages.TapAnswer).Terminal = "TERMID01" }), Oracled{MixedUp: 10}, "field 41"},
	{"changes times", Echo, changed(func(m messages.Message) { m.(*messages.NetworkAnswer).Transmitted = "0704000000" }), Oracled{MixedUp: 10}, "field 7"},
	{"changes currencies", Verify, changed(func(m messages.Message) { m.(*messages.RemoteAnswer).Currency = "978" }), Oracled{MixedUp: 10}, "field 49"},
	{"changes numbers", Tap, changed(func(m messages.Message) { m.(*messages.TapAnswer).Number = panOfAnother }), Oracled{MixedUp: 10}, "field 2"},
	{"changes numbers of declines", Tap, changed(func(m messages.Message) {
		a := m.(*messages.TapAnswer)
		a.Outcome.Response, a.Number = token.DoNotHonour, panOfAnother
	}), Oracled{MixedUp: 10}, "field 2"},
	{"answers another kind", Verify, everyFifth(asTap), Oracled{MixedUp: 10}, "the message type"},
	{"declines without a token", Activation, changed(func(m messages.Message) {
		a := m.(*messages.ActivationAnswer)
		a.Outcome.Response, a.Token = token.DoNotHonour, nil
	}), Oracled{}, ""},
	{"takes a trace for another's", Echo, changed(func(m messages.Message) {
		m.(*messages.NetworkAnswer).Response = token.DuplicateTrace
	}), Oracled{Collisions: 10}, "39 = 94"},
	{"gives transaction ids again", Verify, changed(func(m messages.Message) {
		a := m.(*messages.RemoteAnswer)
		a.TransactionID = base10(3)
		a.Outcome.AuthorizationID = Authorization(a.TransactionID)
	}), Oracled{Collisions: 10}, "62.2 was given before"},
	{"gives tokens again", Activation, changed(func(m messages.Message) {
		m.(*messages.ActivationAnswer).Token.Reference = strings.Repeat("0", 31) + "3"
	}), Oracled{Collisions: 10}, "the token was given before"},
	{"answers what was not asked", Echo, changed(func(m messages.Message) { m.(*messages.NetworkAnswer).STAN = "999999" }), Oracled{Unasked: 10, Lost: 10}, "unasked: 37 = "},
	{"sends bytes that are no message", Echo, everyFifth(func(f *fake, _ *specs.Message) { f.sendBody([]byte{0x08, 0x10, 0}) }), Oracled{Unreadable: 10, Lost: 10}, "unreadable: "},
}

// Fifty requests meet a gateway that misbehaves in one way, and the oracle
// counts that way, as often as it was, and no other.
func TestTheOracleFindsEachFault(t *testing.T) {
	for _, c := range misbehaviours {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{t: t, script: c.script}
				got := f.play(t, Plan{Mix: Mix{{c.kind, 1}}, Rate: 100, Duration: 500 * time.Millisecond, InFlight: 50, Connections: 1})
				if got.Oracle != c.want {
					t.Errorf("the oracle counted %+v, not %+v:\n%s", got.Oracle, c.want, strings.Join(got.Examples, "\n"))
				}
				if got.Sent != 50 {
					t.Errorf("%d requests were sent, not 50", got.Sent)
				}
				if said := strings.Join(got.Examples, "\n"); !strings.Contains(said, c.says) {
					t.Errorf("it says %q, without %q", said, c.says)
				}
				if bad := c.want != (Oracled{}); bad && got.OK {
					t.Error("the report says that all is well")
				}
			})
		})
	}
}

// A connection that ends takes what waits with it, and ends the load.
func TestALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: func(f *fake, n int, _ messages.Message, answer *specs.Message) {
			if n == 29 {
				f.socket.Close()
			}
			if n < 20 {
				f.send(answer)
			}
		}}
		got := f.play(t, Plan{Mix: Mix{{Echo, 1}}, Rate: 100, Duration: time.Second, InFlight: 50, Connections: 1})
		if got.Oracle.Lost != 10 || got.Oracle.Sum() != 10 || !strings.Contains(got.Ended, "the connection ended") || got.OK {
			t.Errorf("%+v, ended %q", got.Oracle, got.Ended)
		}
	})
}

// Declines are no faults, but a load of declines measures nothing.
func TestDeclines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: changed(func(m messages.Message) { m.(*messages.TapAnswer).Outcome.Response = token.InsufficientFunds })}
		p := Plan{Mix: Mix{{Tap, 1}}, Rate: 100, Duration: 500 * time.Millisecond, InFlight: 5, Connections: 1}
		got := f.play(t, p)
		if got.OK || got.Oracle.Sum() != 0 || got.Approved != 40 || got.Kinds[0].Responses[token.InsufficientFunds] != 10 {
			t.Errorf("%+v", got)
		}
		f.n = 0
		if got = f.play(t, p, func(r *run) { r.DeclinesOK = true }); !got.OK {
			t.Errorf("with declines allowed: %v", got.Troubles(true))
		}
	})
}
