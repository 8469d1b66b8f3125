package gateway_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// issuer is an issuer's host that does as its script says: by default it
// approves everything.
type issuer struct {
	t        testing.TB
	addr     string
	profile  *specs.Codec
	garbling atomic.Bool // spoils the last byte of whatever it writes

	mu     sync.Mutex
	seen   []messages.Message
	script script
	server *link.Server
	stop   func()
}

// script answers a question; nil answers nothing.
type script func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message

const authorizationID = "A12345"

func newIssuer(t testing.TB) *issuer { return newIssuerIn(t, codec) }

func newIssuerIn(t testing.TB, profile *specs.Codec) *issuer {
	i := &issuer{t: t, profile: profile, script: responding(token.Approved)}
	i.up()
	t.Cleanup(i.down)
	return i
}

// up opens the host, at its old address when it had one.
func (i *issuer) up() {
	addr := i.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l := listen(i.t, addr)
	i.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	server := link.NewServer(garblingListener{l, &i.garbling}, link.Options{
		Name: "issuer", Codec: i.profile, Framing: framing, Key: messages.Key, Handle: i.handle, Log: zerolog.Nop(),
	})
	i.mu.Lock()
	i.server = server
	i.mu.Unlock()
	go func() {
		defer close(done)
		_ = server.Run(ctx)
	}()
	i.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
}

// down closes the host and its connections.
func (i *issuer) down() { i.stop() }

func (i *issuer) follow(s script) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.script = s
}

func (i *issuer) handle(ctx context.Context, in link.Inbound) *specs.Message {
	typed, err := messages.Decode(in.Message)
	if err != nil {
		i.t.Errorf("the issuer got a %s that it cannot read: %v", in.Message.MTI(), err)
		return nil
	}
	if r, ok := typed.(*messages.NetworkRequest); ok {
		return encode(i.t, r.Answer(token.Approved))
	}
	i.mu.Lock()
	i.seen = append(i.seen, typed)
	s := i.script
	i.mu.Unlock()
	return s(ctx, typed, in.Message)
}

// saw lists the questions of a kind that the issuer got.
func saw[T messages.Message](i *issuer) []T {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []T
	for _, m := range i.seen {
		if one, ok := m.(T); ok {
			list = append(list, one)
		}
	}
	return list
}

// responding answers every question with a response and acknowledges notices.
func responding(response token.Response) script {
	return func(_ context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		o := token.Outcome{Response: response, AnsweredBy: token.ByIssuer}
		if o.Approved() {
			o.AuthorizationID = authorizationID
		}
		var answer messages.Message
		switch q := question.(type) {
		case *messages.ActivationRequest:
			answer = q.Answer(q.TransactionID, o, nil)
		case *messages.TapRequest:
			answer = q.Answer(q.TransactionID, o, noCryptogram)
		case *messages.RemoteRequest:
			answer = q.Answer(q.TransactionID, o)
		case *messages.Notification:
			answer = q.Answer(token.Approved)
		case *messages.Advice:
			answer = q.Answer(token.Approved)
		case *messages.Reversal:
			answer = q.Answer(token.Approved, q.TransactionID)
		}
		encoded, err := messages.Encode(answer)
		if err != nil {
			return messages.Refusal(raw, string(token.Malfunction))
		}
		return encoded
	}
}

// held approves once it is released, and tells when it is asked.
func held() (s script, asked <-chan struct{}, release func()) {
	arrived, released := make(chan struct{}, 1024), make(chan struct{})
	return func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		switch question.(type) {
		case *messages.Notification, *messages.Advice, *messages.Reversal:
		default:
			arrived <- struct{}{}
			select {
			case <-released:
			case <-ctx.Done():
				return nil
			}
		}
		return responding(token.Approved)(ctx, question, raw)
	}, arrived, sync.OnceFunc(func() { close(released) })
}

// silent answers nothing.
func silent(context.Context, messages.Message, *specs.Message) *specs.Message { return nil }

// garblingListener spoils what is written to its connections while on is set.
type garblingListener struct {
	net.Listener
	on *atomic.Bool
}

func (l garblingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return garblingConn{c, l.on}, err
}

type garblingConn struct {
	net.Conn
	on *atomic.Bool
}

func (c garblingConn) Write(b []byte) (int, error) {
	if c.on.Load() {
		b = append(bytes.Clone(b[:len(b)-1]), 0xFF)
	}
	return c.Conn.Write(b)
}

// station is a wallet's or merchant's connection to the gateway.
type station struct {
	*world
	conn *link.Conn
	log  *logbook
}

func (w *world) dial(door string) *station {
	w.Helper()
	return w.dialWith(door, func(context.Context, link.Inbound) *specs.Message { return nil })
}

func (w *world) dialWith(door string, handle link.Handler) *station {
	w.Helper()
	s := &station{world: w, log: new(logbook)}
	var err error
	s.conn, err = link.Dial(context.Background(), w.doors[door], nil, link.Options{
		Name: door, Codec: cmp.Or(w.profile, codec), Framing: framing, Key: messages.Key, Log: zerolog.New(s.log),
		Header: specs.Header{Destination: gatewayNumber, Source: 100001},
		Handle: handle,
	})
	w.must(err)
	w.Cleanup(s.conn.Close)
	return s
}

const gatewayNumber = 400000

// ask asks and wants an answer.
func (s *station) ask(m messages.Message) messages.Message {
	s.Helper()
	typed, err := messages.Decode(s.askRaw(encode(s, m)))
	s.must(err)
	return typed
}

func (s *station) askRaw(m *specs.Message) *specs.Message {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := s.conn.Ask(ctx, m)
	s.must(err)
	return answer
}

func (s *station) activate(r *messages.ActivationRequest) *messages.ActivationAnswer {
	s.Helper()
	return as[*messages.ActivationAnswer](s, s.ask(r))
}

func (s *station) tap(r *messages.TapRequest) *messages.TapAnswer {
	s.Helper()
	return as[*messages.TapAnswer](s, s.ask(r))
}

func as[T messages.Message](t testing.TB, m messages.Message) T {
	t.Helper()
	typed, ok := m.(T)
	if !ok {
		t.Fatalf("answered with a %T", m)
	}
	return typed
}

func encode(t testing.TB, m messages.Message) *specs.Message {
	t.Helper()
	encoded, err := messages.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// stans gives every request of all tests its own trace number.
var stans atomic.Uint32

func (w *world) newTrace() messages.Trace {
	stan := fmt.Sprintf("%06d", stans.Add(1)%1_000_000)
	return messages.Trace{
		Transmitted: messages.Stamp(w.clock.Now()), STAN: stan, RRN: messages.RRN(w.clock.Now(), stan),
		Acquirer: "400552", Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
	}
}

// later is a trace as its repeat has it: stamped anew.
func later(t messages.Trace) messages.Trace {
	t.Transmitted = "1122235959"
	return t
}

// logbook keeps log events.
type logbook struct {
	mu     sync.Mutex
	lines  []string
	events []logEvent
}

type logEvent struct {
	Level    string `json:"level"`
	Message  string `json:"message"`
	MTI      string `json:"mti"`
	STAN     string `json:"stan"`
	Response string `json:"response"`
	Reason   string `json:"reason"`
	Note     string `json:"note"`
	Answered bool   `json:"answered"`
	PAN      string `json:"pan"`
	Why      string `json:"why"`
	Error    string `json:"error"`
}

func (b *logbook) Write(line []byte) (int, error) {
	var event logEvent
	if err := json.Unmarshal(line, &event); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines, b.events = append(b.lines, string(line)), append(b.events, event)
	return len(line), nil
}

// find lists the events that fit.
func (b *logbook) find(fits func(logEvent) bool) []logEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []logEvent
	for _, e := range b.events {
		if fits(e) {
			list = append(list, e)
		}
	}
	return list
}

// of lists the events about messages with a trace number.
func (b *logbook) of(stan string) []logEvent {
	return b.find(func(e logEvent) bool { return e.Message == "message" && e.STAN == stan })
}

func (b *logbook) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "")
}

// chance is randomness from one seed for many readers.
type chance struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func newChance(seed byte) *chance { return &chance{source: rand.NewChaCha8([32]byte{seed})} }

func (c *chance) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source.Read(b)
}
