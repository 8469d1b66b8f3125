package gateway_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// rawPeer writes bytes to a door.
type rawPeer struct {
	*world
	net.Conn
}

func (w *world) dialRaw(door string) rawPeer {
	w.Helper()
	c, err := net.Dial("tcp", w.doors[door])
	w.must(err)
	w.Cleanup(func() { _ = c.Close() })
	return rawPeer{w, c}
}

func (p rawPeer) send(body []byte) {
	p.Helper()
	frame, err := framing.Append(nil, specs.Header{Destination: gatewayNumber, Source: 100001}, body)
	p.must(err)
	_, err = p.Write(frame)
	p.must(err)
}

func (p rawPeer) read() *specs.Message {
	p.Helper()
	answered := make(chan *specs.Message, 1)
	go func() {
		defer close(answered)
		frame, err := framing.Read(p.Conn, nil)
		if err != nil {
			p.Errorf("reading an answer: %v", err)
			return
		}
		m, err := p.profile.Parse(frame.Body)
		if err != nil {
			p.Errorf("parsing an answer: %v", err)
		}
		answered <- m
	}()
	m := got(p, answered, "the answer")
	if m == nil {
		p.FailNow()
	}
	return m
}

func wire(t testing.TB, m messages.Message) []byte {
	t.Helper()
	body, err := codec.Append(nil, encode(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestUndecodableBodies(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	activation, tap := goodActivation(w), w.tapOf(p)
	for _, test := range []struct {
		name, door string
		request    messages.Message
		trace      messages.Trace
	}{
		{"activation", wallets, activation, activation.Trace},
		{"tap", merchants, tap, tap.Trace},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := w.dialRaw(test.door)
			p.send(append(wire(t, test.request), 0x00)) // a byte too many
			a := p.read()
			if a.MTI() != "0110" || a.Text(specs.P(39)) != "30" || a.Text(specs.P(11)) != test.trace.STAN ||
				a.Text(specs.P(37)) != test.trace.RRN {
				t.Errorf("answered with %s, 39=%s, trace %s", a.MTI(), a.Text(specs.P(39)), a.Text(specs.P(11)))
			}
			w.until("it is logged", func() bool { return len(w.log.of(test.trace.STAN)) == 1 })
			if e := w.log.of(test.trace.STAN)[0]; e.Level != "warn" || e.Response != "30" {
				t.Errorf("logged as %+v", e)
			}
			p.send(wire(t, test.request)) // the connection goes on, and the trace is free
			if a := p.read(); a.Text(specs.P(39)) != "00" {
				t.Errorf("the whole message gets %s", a.Text(specs.P(39)))
			}
		})
	}
}

func TestUnreadableBodies(t *testing.T) {
	w := newWorld(t)
	p := w.dialRaw(wallets)
	for _, body := range [][]byte{{0xFF}, {0x01, 0x00}, bytes.Repeat([]byte{0x00}, 40)} {
		p.send(body)
	}
	p.send(wire(t, w.network(messages.Echo)))
	if a := p.read(); a.MTI() != "0810" || a.Text(specs.P(39)) != "00" {
		t.Errorf("the connection goes on with %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
	}
	w.until("all are logged", func() bool {
		return len(w.log.find(func(e logEvent) bool { return e.Note == "type or trace unreadable: not answered" })) == 3
	})
}

// TestUndecodableAnswerIsNotAnswered holds that the gateway never answers an
// answer, not even one that it cannot read.
func TestUndecodableAnswerIsNotAnswered(t *testing.T) {
	w := newWorld(t)
	p := w.dialRaw(wallets)
	r := goodActivation(w)
	p.send(append(wire(t, r.Answer("", token.Outcome{Response: "00"}, nil)), 0x00))
	p.send(wire(t, w.network(messages.Echo)))
	if a := p.read(); a.MTI() != "0810" {
		t.Errorf("it was answered with a %s", a.MTI())
	}
}

func (w *world) network(code messages.NetworkCode) *messages.NetworkRequest {
	trace := w.newTrace()
	return &messages.NetworkRequest{Transmitted: trace.Transmitted, STAN: trace.STAN, Code: code}
}

func TestNetworkManagement(t *testing.T) {
	w := newWorld(t)
	for code, want := range map[messages.NetworkCode]token.Response{
		messages.SignOn: "00", messages.SignOff: "00", messages.Echo: "00", "161": "12",
	} {
		for _, s := range []*station{w.wallet, w.merchant} {
			a := as[*messages.NetworkAnswer](t, s.ask(w.network(code)))
			if a.Response != want || a.Code != code {
				t.Errorf("70=%s gets 39=%s, 70=%s", code, a.Response, a.Code)
			}
		}
	}
}

func TestMessagesThatAreNotServed(t *testing.T) {
	w := newWorld(t)
	activation := encode(t, goodActivation(w))
	with := func(change func(*specs.Message)) *specs.Message {
		m := activation.Clone()
		m.Set(specs.P(11), w.newTrace().STAN)
		change(m)
		return m
	}
	missing := func(p specs.Path) *specs.Message {
		return with(func(m *specs.Message) { m.Delete(p) })
	}
	notice := &messages.Notification{
		PAN: w.account(cardRange), Trace: w.newTrace(), TransactionID: "000000000000001", Reason: token.NoticeCreated,
		Token: messages.TokenData{
			Number: w.account(tokenRange), Requestor: "40010030273", Reference: "0", Expiry: expiry,
			Type: token.Cloud, Status: token.Active,
		},
	}
	for _, test := range []struct {
		name      string
		request   *specs.Message
		mti, want string
	}{
		{"a type of another family", with(func(m *specs.Message) { m.SetMTI("0220") }), "0230", "12"},
		{"a 0100 that is neither activation nor tap", missing(specs.P(63, 3)), "0110", "12"},
		{"a notice to the gateway", encode(t, notice), "0630", "12"},
		{"no PAN", missing(specs.P(2)), "0110", "30"},
		{"no expiry date", missing(specs.P(14)), "0110", "30"},
		{"no acquirer", missing(specs.P(32)), "0110", "30"},
		{"no token requestor", missing(specs.P(123, 1, 3)), "0110", "30"},
		{"no device", missing(specs.P(125, 1, 3)), "0110", "30"},
		{"a PAN with a wrong check digit", with(func(m *specs.Message) { m.Set(specs.P(2), "4761739000000000") }), "0110", "14"},
		{"a thirteenth month", with(func(m *specs.Message) { m.Set(specs.P(14), "3113") }), "0110", "30"},
		{"letters in 126.10", with(func(m *specs.Message) { m.Set(specs.P(126, 10), "11 1A3") }), "0110", "30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := w.wallet.askRaw(test.request)
			if a.MTI() != test.mti || a.Text(specs.P(39)) != test.want {
				t.Errorf("answered with %s, 39=%s, not %s, 39=%s", a.MTI(), a.Text(specs.P(39)), test.mti, test.want)
			}
		})
	}
	if seen := len(saw[*messages.ActivationRequest](w.issuer)); seen != 0 {
		t.Errorf("the issuer was asked %d times", seen)
	}
}

// TestIssuersOwnQuestions holds that an issuer may manage its line, and asks for
// no token there.
func TestIssuersOwnQuestions(t *testing.T) {
	host := listen(t, "127.0.0.1:0")
	w := newWorld(t, func(s *settings) { s.host = host.Addr().String() })
	c, err := host.Accept()
	w.must(err)
	defer func() { _ = c.Close() }()
	p := rawPeer{w, c}
	if m := p.read(); m.MTI() != "0800" || m.Text(specs.P(70)) != "001" {
		t.Errorf("the gateway begins with a %s, 70=%s", m.MTI(), m.Text(specs.P(70)))
	}
	p.send(wire(t, w.network(messages.Echo)))
	if a := p.read(); a.MTI() != "0810" || a.Text(specs.P(39)) != "00" {
		t.Errorf("an echo gets %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
	}
	p.send(wire(t, goodActivation(w)))
	if a := p.read(); a.MTI() != "0110" || a.Text(specs.P(39)) != "12" {
		t.Errorf("an activation gets %s, 39=%s", a.MTI(), a.Text(specs.P(39)))
	}
}
