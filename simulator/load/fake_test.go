package load

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// requestor and cardKey are those of the tests' tokens.
const requestor = "40010030273"

var vap = func() specs.Framing {
	f, err := specs.FramingByName(specs.FramingVAP)
	if err != nil {
		panic(err)
	}
	return f
}()

var cardKey = func() emv.Key {
	key, err := emv.ParseKey("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		panic(err)
	}
	return key
}()

// fake is a gateway on a pipe. It answers everything rightly, but hands each
// answer to a script before it sends it.
type fake struct {
	t       *testing.T
	script  func(f *fake, n int, question messages.Message, answer *specs.Message)
	arrived func(n int)

	mu     sync.Mutex
	socket net.Conn
	n      int // of questions but the sign-on
	ids    uint64
}

// dial is Options.Dial.
func (f *fake) dial(context.Context, Station) (net.Conn, error) {
	near, far := net.Pipe()
	go f.serve(far)
	return near, nil
}

func (f *fake) serve(socket net.Conn) {
	f.mu.Lock()
	f.socket = socket
	f.mu.Unlock()
	for {
		frame, err := vap.Read(socket, nil)
		if err != nil {
			socket.Close()
			return
		}
		raw, err := specs.VisaStyleCodec().Parse(frame.Body)
		if err != nil {
			f.t.Errorf("the gateway got what cannot be decoded: %v", err)
			return
		}
		typed, err := messages.Decode(raw)
		if err != nil {
			f.t.Errorf("the gateway got what is not of the family: %v", err)
			return
		}
		f.take(typed)
	}
}

func (f *fake) take(typed messages.Message) {
	answer := f.encode(f.right(typed))
	if r, ok := typed.(*messages.NetworkRequest); ok && r.Code == messages.SignOn {
		f.send(answer)
		return
	}
	f.mu.Lock()
	n := f.n
	f.n++
	f.mu.Unlock()
	if f.arrived != nil {
		f.arrived(n)
	}
	if f.script == nil {
		f.send(answer)
		return
	}
	f.script(f, n, typed, answer)
}

// right is the right answer.
func (f *fake) right(typed messages.Message) messages.Message {
	f.mu.Lock()
	f.ids++
	id := base10(f.ids)
	f.mu.Unlock()
	switch r := typed.(type) {
	case *messages.NetworkRequest:
		return r.Answer(token.Approved)
	case *messages.ActivationRequest:
		return r.Answer(id, approval(id), &token.Token{
			Number: mustComplete("489537001000000"), Requestor: requestor, Reference: "00000000000000000" + id,
			Expiry: card.MustExpiry("2912"), Type: token.SecureElement, Status: token.Active,
		})
	case *messages.TapRequest:
		o := approval(id)
		o.CSU = [4]byte{0, 0x80, 0, 0}
		return r.Answer(id, o, emv.ARPC2(emv.SessionKey(cardKey, r.Tap.Chip.ATC), r.Tap.Cryptogram, o.CSU))
	case *messages.RemoteRequest:
		return r.Answer(id, approval(id))
	}
	f.t.Errorf("the gateway was asked a %T", typed)
	return nil
}

// base10 is n in fifteen digits, as 62.2 has.
func base10(n uint64) string {
	b := bytes.Repeat([]byte("0"), 15)
	for i := len(b) - 1; n > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return string(b)
}

func (f *fake) encode(typed messages.Message) *specs.Message {
	m, err := messages.Encode(typed)
	if err != nil {
		f.t.Errorf("the script's answer does not fit: %v", err)
	}
	return m
}

func (f *fake) send(m *specs.Message) {
	body, err := specs.VisaStyleCodec().Append(nil, m)
	if err != nil {
		f.t.Errorf("the script's answer cannot be written: %v", err)
		return
	}
	f.sendBody(body)
}

func (f *fake) sendBody(body []byte) {
	frame, err := vap.Append(nil, specs.Header{Destination: 100001, Source: gatewayNumber}, body)
	if err != nil {
		f.t.Errorf("the script's answer has no frame: %v", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = f.socket.Write(frame) // the load may be over
}

// options are those of a load on f.
func (f *fake) options(t *testing.T, p Plan) Options {
	t.Helper()
	station := Station{
		Addr: "pipe", Number: 100001, Codec: specs.VisaStyleCodec(), Framing: vap,
		Acquirer: "400552", Acceptor: "TOKENREQUESTOR1",
	}
	if p.Timeout == 0 {
		p.Timeout = time.Second
	}
	if p.Steps == 0 {
		p.Steps = 1
	}
	return Options{
		Plan: p, Wallet: station, Merchant: station, Dial: f.dial, OwnIssuer: true, Random: chance(),
		Supply: Supply{Accounts: 1, Range: card.MustRange("4761739"), Requestor: requestor, ReuseCodes: true},
	}
}

func chance() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// play puts a load on f without preparing it by the HTTP doors: with one
// account, and phones of the test.
func (f *fake) play(t *testing.T, p Plan, change ...func(*run)) Report {
	t.Helper()
	r := newRun(f.options(t, p))
	defer r.close()
	if err := r.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, err := dcvv2.ParseCode("123")
	if err != nil {
		t.Fatal(err)
	}
	r.traffic = traffic{requestor: requestor, reuse: true, authorization: Authorization, payers: make(chan *payer, p.InFlight)}
	r.traffic.accounts = []account{{pan: mustComplete("476173900101011"), expiry: card.MustExpiry("2912"), codes: []client.Code{{Code: code}}}}
	r.traffic.left.Store(int64(p.InFlight))
	for range p.InFlight {
		r.traffic.payers <- loaded(t)
	}
	for _, c := range change {
		c(r)
	}
	return r.report(r.load(t.Context()))
}

// loaded is a phone with a token, which a terminal has read.
func loaded(t testing.TB) *payer {
	t.Helper()
	held, err := phone.New(chance())
	if err != nil {
		t.Fatal(err)
	}
	err = held.Load(phone.Material{
		Number: mustComplete("489537001000000"), Expiry: card.MustExpiry("2912"), CardKey: cardKey,
		Reference: "0123456789abcdef0123456789abcdef", Requestor: requestor,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPayer(t.Context(), held.Card(), cardKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var panOfAnother = mustComplete("400000000000000")

func mustComplete(digits string) card.PAN {
	pan, err := card.CompletePAN(digits)
	if err != nil {
		panic(err)
	}
	return pan
}
