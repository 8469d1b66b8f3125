package gateway_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// rawOf packs a message in the world's profile and spoils it: the byte too many
// makes a body that cannot be decoded and tells its type and trace all the same.
func (w *world) rawOf(m messages.Message) []byte {
	w.Helper()
	body, err := w.profile.Append(nil, encode(w, m))
	w.must(err)
	return append(body, 0x00)
}

// TestUndecodableBodiesOfEveryType holds that each is answered with 30, with
// the type of its own answer, and costs nothing: the whole message is served.
func TestUndecodableBodiesOfEveryType(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		p := w.activated()
		activation, tap := goodActivation(w), w.tapOf(p)
		for _, test := range []struct {
			name, door string
			request    messages.Message
			mti        string
		}{
			{"activation", wallets, activation, "0110"},
			{"tap", merchants, tap, "0110"},
			{"account verification", merchants, w.remoteBy(messages.AccountVerification, 0, w.account(cardRange), given(w.anyCode())), "0110"},
			{"e-commerce", merchants, w.remoteByToken(w.onFile()), "0110"},
			{"reversal", merchants, w.reversalOf(tap), "0410"},
			{"reversal advice", merchants, advice(w.reversalOf(tap)), "0430"},
			{"file update", operators, w.wish(p.Reference, token.NoticeSuspended), "0312"},
			{"inquiry", wallets, w.inquiry(p.Reference), "0312"},
			{"echo", providers, w.network(messages.Echo), "0810"},
		} {
			t.Run(test.name, func(t *testing.T) {
				stan := encode(t, test.request).Text(specs.P(11))
				peer := w.dialRaw(test.door)
				peer.send(w.rawOf(test.request))
				a := peer.read()
				if a.MTI() != test.mti || a.Text(specs.P(39)) != "30" || a.Text(specs.P(11)) != stan {
					t.Errorf("answered with %s, 39=%s, trace %s", a.MTI(), a.Text(specs.P(39)), a.Text(specs.P(11)))
				}
				w.until("it is logged", func() bool { return len(w.log.of(stan)) == 1 })
				if e := w.log.of(stan)[0]; e.Level != "warn" || e.Response != "30" || e.Error == "" {
					t.Errorf("logged as %+v", e)
				}
				peer.send(w.rawOf(test.request)[:len(w.rawOf(test.request))-1])
				if a := peer.read(); a.MTI() != test.mti || a.Text(specs.P(39)) != "00" {
					t.Errorf("the whole message gets %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
				}
			})
		}
	})
}

func advice(r *messages.Reversal) *messages.Reversal {
	r.Advice = true
	return r
}

// TestEveryRoleSendsItsOwnKinds holds that a kind of message is served from who
// may send it, and refused with 12 from all others.
func TestEveryRoleSendsItsOwnKinds(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		p := w.activated()
		roles := map[string]interface {
			askRaw(m *specs.Message) *specs.Message
		}{"wallet": w.wallet, "provider": w.provider, "merchant": w.merchant, "issuer": w.issuer, "operator": w.operator}
		everybody := []string{"wallet", "provider", "merchant", "issuer", "operator"}
		for _, test := range []struct {
			name string
			make func() messages.Message
			may  []string
		}{
			{"activation", func() messages.Message { return goodActivation(w) }, []string{"wallet", "provider"}},
			{"tap", func() messages.Message { return w.tapOf(p) }, []string{"merchant"}},
			{"account verification", func() messages.Message {
				return w.remoteBy(messages.AccountVerification, 0, w.account(cardRange), dcvv2.Presented{})
			}, []string{"merchant"}},
			{"reversal", func() messages.Message { return w.reversalOf(w.tapOf(p)) }, []string{"wallet", "provider", "merchant"}},
			{"reversal advice", func() messages.Message { return advice(w.reversalOf(w.tapOf(p))) }, []string{"wallet", "provider", "merchant"}},
			{"file update", func() messages.Message { return w.inquiry(p.Reference) }, []string{"wallet", "provider", "issuer", "operator"}},
			{"echo", func() messages.Message { return w.network(messages.Echo) }, everybody},
			{"advice", func() messages.Message { return w.anAdvice() }, nil},
			{"notification", func() messages.Message { return w.aNotification(p) }, nil},
		} {
			for _, role := range everybody {
				t.Run(test.name+" by "+role, func(t *testing.T) {
					a := roles[role].askRaw(encode(t, test.make()))
					if refused := a.Text(specs.P(39)) == "12"; refused == slices.Contains(test.may, role) {
						t.Errorf("answered with %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
					}
				})
			}
		}
		if made := len(saw[*messages.ActivationRequest](w.issuer)); made != 2 {
			t.Errorf("the issuer was asked for %d tokens", made)
		}
	})
}

func (w *world) anAdvice() *messages.Advice {
	return &messages.Advice{
		Trace: w.newTrace(), Setting: messages.Setting{Currency: "840"}, PAN: w.account(cardRange), Expiry: expiry,
		Outcome: messages.Outcome{Response: token.Approved}, TransactionID: "000000000000001", StandIn: token.StandInDown,
	}
}

func (w *world) aNotification(p *phone) *messages.Notification {
	return &messages.Notification{
		PAN: p.pan, Trace: w.newTrace(), TransactionID: "000000000000001", Reason: token.NoticeSuspended, Token: p.TokenData,
	}
}

// TestFieldsThatDoNotFit lists messages that can be decoded and do not hold what
// their kind needs: 30, or 14 for a slip in a card number, and nothing is done.
func TestFieldsThatDoNotFit(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		p := w.activated()
		tap := w.tapOf(p)
		w.merchant.tap(tap)
		set := func(path specs.Path, text string) func(*specs.Message) {
			return func(m *specs.Message) { m.Set(path, text) }
		}
		without := func(path specs.Path) func(*specs.Message) { return func(m *specs.Message) { m.Delete(path) } }
		change := w.wish(p.Reference, token.NoticeSuspended)
		replace := w.full(p, token.NoticeReplaced)
		reversal, remote := w.reversalOf(tap), w.signedRemote(p, 9)
		for _, test := range []struct {
			name    string
			by      *station
			message messages.Message
			spoil   func(*specs.Message)
			want    string
		}{
			{"no action", w.wallet, change, without(specs.P(91)), "30"},
			{"an action that is none", w.wallet, change, set(specs.P(91), "3"), "30"},
			{"no file", w.wallet, change, without(specs.P(101)), "30"},
			{"another file", w.wallet, change, set(specs.P(101), "PANS"), "30"},
			{"no reason", w.wallet, change, without(specs.P(63, 3)), "30"},
			{"a reason for no change", w.wallet, change, set(specs.P(63, 3), "3711"), "30"},
			{"an inquiry with a reason", w.wallet, change, set(specs.P(91), "5"), "30"},
			{"no name of a token", w.wallet, change, without(specs.P(123, 1, 4)), "30"},
			{"a passcode that is none", w.wallet, w.full(p, token.NoticeTried), without(specs.P(123, 1, 0x0B)), "30"},
			{"no new expiry date", w.wallet, w.full(p, token.NoticeExpiry), without(specs.P(14)), "30"},
			{"no new PAN", w.wallet, replace, without(specs.P(2)), "30"},
			{"a new PAN with a slip", w.wallet, replace, set(specs.P(2), "4761739000000000"), "14"},
			{"a reversal of nothing", w.merchant, reversal, without(specs.P(90)), "30"},
			{"a reversal of a reversal", w.merchant, reversal, set(specs.P(90), "0400"+strings.Repeat("0", 38)), "30"},
			{"a reversal for another reason", w.merchant, reversal, set(specs.P(63, 3), "3701"), "30"},
			{"a reversal without an amount", w.merchant, reversal, without(specs.P(4)), "30"},
			{"a tap without its cryptogram", w.merchant, w.tapOf(p), without(specs.P(55, 1, 0x9F26)), "30"},
			{"a tap without an amount", w.merchant, w.tapOf(p), without(specs.P(4)), "30"},
			{"a verification with an amount", w.merchant, remote, set(specs.P(25), messages.AccountVerification), "30"},
			{"a payment without an expiry date", w.merchant, remote, without(specs.P(14)), "30"},
		} {
			t.Run(test.name, func(t *testing.T) {
				m := encode(t, test.message)
				m.Set(specs.P(11), w.newTrace().STAN)
				test.spoil(m)
				a := test.by.askRaw(m)
				if a.MTI() != messages.AnswerMTI(m.MTI()) || a.Text(specs.P(39)) != test.want {
					t.Errorf("answered with %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
				}
				w.until("it is logged", func() bool { return len(w.log.of(m.Text(specs.P(11)))) == 1 })
				if e := w.log.of(m.Text(specs.P(11)))[0]; !strings.Contains(e.Error, "field ") {
					t.Errorf("the log names no field: %+v", e)
				}
			})
		}
		if is := w.tokenOf(p.Reference); is.Status != token.Active || is.PAN != p.pan {
			t.Errorf("the token is %+v", is)
		}
		if asked := len(saw[*messages.TapRequest](w.issuer)) + len(saw[*messages.RemoteRequest](w.issuer)); asked != 1 {
			t.Errorf("the issuer was asked %d times", asked)
		}
	})
}

// TestUnknownIssuers are 15, whoever asks.
func TestUnknownIssuers(t *testing.T) {
	w := newWorld(t, whole)
	pan := w.account("48953770")
	if a := w.wallet.activate(w.activation(pan, w.anyCode())); a.Outcome.Response != token.UnknownIssuer || a.Outcome.Additional.CVV2 != dcvv2.NotParticipating {
		t.Errorf("an activation: %+v", a.Outcome)
	}
	for _, presented := range []dcvv2.Presented{{}, given(w.anyCode())} {
		a := as[*messages.RemoteAnswer](t, w.merchant.ask(w.remoteBy(messages.ECommercePayment, amount, pan, presented)))
		if a.Outcome.Response != token.UnknownIssuer || a.Outcome.Additional.AnsweredBy != token.ByNetwork {
			t.Errorf("e-commerce: %+v", a.Outcome)
		}
	}
}

// TestUnknownTypes are 12 with the type of their answer; what is an answer
// itself is not answered.
func TestUnknownTypes(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		for mti, want := range map[string]string{"0200": "0210", "0220": "0230", "0500": "0510", "0600": "0610"} {
			m := encode(t, goodActivation(w))
			m.SetMTI(mti)
			if a := w.wallet.askRaw(m); a.MTI() != want || a.Text(specs.P(39)) != "12" {
				t.Errorf("a %s gets %s, 39=%s", mti, a.MTI(), a.Text(specs.P(39)))
			}
		}
		m := encode(t, w.remoteBy(messages.ECommercePayment, amount, w.account(cardRange), dcvv2.Presented{}))
		m.Set(specs.P(25), "00")
		if a := w.merchant.askRaw(m); a.MTI() != "0110" || a.Text(specs.P(39)) != "12" {
			t.Errorf("a 0100 that is neither activation, tap nor remote gets 39=%s", a.Text(specs.P(39)))
		}
	})
}

// TestSignOnDemanded holds that nothing but network management is served on a
// connection that has not signed on, and that each signs on for itself.
func TestSignOnDemanded(t *testing.T) {
	w := newWorld(t, func(s *settings) { s.signOn = true })
	other := w.dial(wallets)
	r := goodActivation(w)
	manage := func(s *station, code messages.NetworkCode) {
		if a := as[*messages.NetworkAnswer](t, s.ask(w.network(code))); a.Response != token.Approved {
			t.Errorf("70=%s gets 39=%s", code, a.Response)
		}
	}
	wantRefused := func(s *station, m messages.Message, mti string) {
		t.Helper()
		if a := s.askRaw(encode(t, m)); a.MTI() != mti || a.Text(specs.P(39)) != "91" {
			t.Errorf("a %s gets %s, 39=%s", m.MTI(), a.MTI(), a.Text(specs.P(39)))
		}
	}
	manage(w.wallet, messages.Echo)
	wantRefused(w.wallet, r, "0110")
	wantRefused(w.wallet, w.reversalOf(r), "0410")
	wantRefused(w.wallet, w.inquiry(broughtReference), "0312")
	manage(w.wallet, messages.SignOn)
	wantRefused(other, r, "0110")
	if a := w.wallet.activate(r); a.Outcome.Response != token.Approved {
		t.Errorf("signed on: 39=%s", a.Outcome.Response)
	}
	manage(w.wallet, messages.SignOff)
	wantRefused(w.wallet, goodActivation(w), "0110")
	w.wantTokens(1)
}

// troubles counts what Options.Trouble hears.
type troubles struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *troubles) note(station, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = make(map[string]int)
	}
	c.seen[station+": "+what]++
}

func (c *troubles) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[what]
}

// TestBadFramesAreCounted holds it of a station that dials in; what a bad frame
// is, package link tests.
func TestBadFramesAreCounted(t *testing.T) {
	w := newWorld(t)
	raw, err := net.Dial("tcp", w.doors[wallets])
	w.must(err)
	defer raw.Close()
	_, err = raw.Write([]byte{0xFF, 0xFF, 0x00, 0x00})
	w.must(err)
	w.until("the frame is counted", func() bool { return w.troubles.of(wallets+": "+link.BadFrame) == 1 })
}

// TestUnmatchedReplies are told of with their reason, and change nothing.
func TestUnmatchedReplies(t *testing.T) {
	for name, test := range map[string]struct {
		why    string
		change func(*specs.Message)
		twice  bool
	}{
		"another trace number": {"differs", func(m *specs.Message) { m.Set(specs.P(11), "999999") }, false},
		"another terminal":     {"differs", func(m *specs.Message) { m.Set(specs.P(41), "TERMID99") }, false},
		"nothing like it": {"unexpected", func(m *specs.Message) {
			m.Set(specs.P(11), "999999")
			m.Set(specs.P(7), "0101000000")
			m.Set(specs.P(37), "999999999999")
			m.Set(specs.P(41), "TERMID99")
		}, false},
		"twice": {"twice", func(*specs.Message) {}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, impatient)
			var said sync.WaitGroup
			w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
				answer := responding(token.Approved)(ctx, question, raw)
				if _, ok := question.(*messages.ActivationRequest); !ok {
					return answer
				}
				if test.twice {
					said.Go(func() { w.issuer.say(answer) })
					return responding(token.Approved)(ctx, question, raw)
				}
				test.change(answer)
				return answer
			})
			a := w.wallet.activate(goodActivation(w))
			said.Wait()
			if (a.Outcome.Response == token.Approved) != test.twice || (a.Token != nil) != test.twice {
				t.Errorf("39=%s, token %v", a.Outcome.Response, a.Token)
			}
			w.until("it is logged", func() bool {
				return len(w.log.find(func(e logEvent) bool { return e.Why == test.why && e.MTI == "0110" })) == 1
			})
			w.until("it is counted", func() bool { return w.troubles.of(issuerName+": answer "+test.why) == 1 })
			w.wantAllSent()
			w.wantTokens(map[bool]int{true: 1}[test.twice])
			if undone := len(saw[*messages.Reversal](w.issuer)); (undone == 1) == test.twice {
				t.Errorf("the issuer was told to undo %d", undone)
			}
		})
	}
}
