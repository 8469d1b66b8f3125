package siege_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// issuer is an honest issuer's host: it approves everything.
type issuer struct{ addr string }

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = link.Serve(ctx, l, link.Options{
			Name: harbour, Codec: codec, Framing: framing, Key: messages.Key, Log: zerolog.Nop(),
			Handle: func(_ context.Context, in link.Inbound) *specs.Message { return approval(t, in.Message) },
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return &issuer{addr: l.Addr().String()}
}

// approval is an issuer's consent to a question.
func approval(t testing.TB, question *specs.Message) *specs.Message {
	typed, err := messages.Decode(question)
	if err != nil {
		t.Errorf("an issuer got what it cannot read: %v", err)
		return nil
	}
	o := token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, AuthorizationID: "A12345"}
	var answer messages.Message
	switch q := typed.(type) {
	case *messages.ActivationRequest:
		answer = q.Answer(q.TransactionID, o, nil)
	case *messages.RemoteRequest:
		answer = q.Answer(q.TransactionID, o)
	case *messages.Notification:
		answer = q.Answer(token.Approved)
	case *messages.Advice:
		answer = q.Answer(token.Approved)
	case *messages.Reversal:
		answer = q.Answer(token.Approved, q.TransactionID)
	case *messages.NetworkRequest:
		answer = q.Answer(token.Approved)
	default:
		t.Errorf("an issuer got a %T", typed)
		return nil
	}
	return encode(t, answer)
}

// station is an honest wallet's connection.
type station struct {
	*town
	conn *link.Conn
}

func (w *town) dial(door string) *station {
	w.Helper()
	conn, err := link.Dial(context.Background(), w.gateway.Address(door), nil, link.Options{
		Name: door, Codec: codec, Framing: framing, Key: messages.Key, Log: zerolog.Nop(),
		Header: specs.Header{Destination: gatewayNumber, Source: 100001},
		Handle: func(context.Context, link.Inbound) *specs.Message { return nil },
	})
	w.must(err)
	w.Cleanup(conn.Close)
	return &station{town: w, conn: conn}
}

func (s *station) ask(m messages.Message) (*specs.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.conn.Ask(ctx, encode(s, m))
}

// activated gets a token of the honest issuer.
func (s *station) activated() {
	s.Helper()
	s.wantResponse(s.activation(harbourRange), token.Approved)
}

func (s *station) wantResponse(m messages.Message, want token.Response) {
	s.Helper()
	answer, err := s.ask(m)
	if err != nil {
		s.Errorf("no answer: %v", err)
		return
	}
	if r := answer.Text(specs.P(39)); r != string(want) {
		s.Errorf("answered with %s, want %s", r, want)
	}
}

// activation is a request for a token of a fresh account, with its code.
func (w *town) activation(leading string) *messages.ActivationRequest {
	w.Helper()
	pan, code := w.coded(leading)
	return &messages.ActivationRequest{
		Trace: w.trace(), Local: messages.LocalAt(w.clock.Now()),
		Place: messages.Place{Category: "6012", Country: "840", EntryMode: "0100", Condition: "51", Currency: "840"},
		Activation: token.Activation{
			PAN: pan, Expiry: expiry, CVV2: code,
			Requestor: "40010030273", Type: token.SecureElement,
			Device: token.Device{Type: "01", ID: fmt.Sprintf("%048x", 7)}, Wallet: token.Wallet{Recommendation: "0", DeviceScore: "5"},
		},
	}
}

// verification is a merchant's question about a fresh account, with its code.
func (w *town) verification(leading string) *messages.RemoteRequest {
	w.Helper()
	pan, code := w.coded(leading)
	return &messages.RemoteRequest{
		Trace: w.trace(), Local: messages.LocalAt(w.clock.Now()),
		Place:  messages.Place{Category: "5999", Country: "840", EntryMode: "0100", Condition: messages.AccountVerification, Currency: "840"},
		Number: pan, Expiry: expiry, CVV2: code,
	}
}

// request is one that needs its issuer, of the kind that is sent at a door.
func (w *town) request(door, leading string) messages.Message {
	w.Helper()
	if door == merchants {
		return w.verification(leading)
	}
	return w.activation(leading)
}

func (w *town) requests(n int, door, leading string) []messages.Message {
	w.Helper()
	list := make([]messages.Message, n)
	for i := range list {
		list[i] = w.request(door, leading)
	}
	return list
}

// coded is a fresh account with its code.
func (w *town) coded(leading string) (card.PAN, dcvv2.Presented) {
	w.Helper()
	pan, err := card.CompletePAN(fmt.Sprintf("%s%0*d", leading, 15-len(leading), w.accounts.Add(1)))
	w.must(err)
	profile, err := dcvv2.ProfileByName(policy.Profile)
	w.must(err)
	code, err := dcvv2.CodeOf(profile, w.keys.code, dcvv2.Account{PAN: pan, Expiry: expiry}, dcvv2.WindowAt(w.clock.Now(), policy.WindowHours))
	w.must(err)
	return pan, dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code}
}

func (w *town) trace() messages.Trace {
	stan := fmt.Sprintf("%06d", w.stans.Add(1)%1_000_000)
	return messages.Trace{
		Transmitted: messages.Stamp(w.clock.Now()), STAN: stan, RRN: messages.RRN(w.clock.Now(), stan),
		Acquirer: "400552", Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
	}
}

func (w *town) echo() messages.Message {
	t := w.trace()
	return &messages.NetworkRequest{Transmitted: t.Transmitted, STAN: t.STAN, Code: messages.Echo}
}

func encode(t testing.TB, m messages.Message) *specs.Message {
	encoded, err := messages.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// settled wants no request to be left half done.
func (w *town) settled() {
	w.Helper()
	w.until("every claim has its conclusion", func() bool {
		list, err := w.store.Unfinished(context.Background())
		w.must(err)
		return len(list) == 0
	})
}
