// Package station is a simulated actor's place on the wire: a connection to
// the gateway that is signed on and asks typed questions.
//
// It knows nothing of what is asked; wallet and merchant do. Start at Dial.
package station

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// AnswerTimeout is how long a station waits for an answer: longer than the
// gateway waits for an issuer (ours).
const AnswerTimeout = 20 * time.Second

// Options say where the gateway is and how to speak to it.
type Options struct {
	Name    string      // of the station, for logs
	Addr    string      // host:port of the gateway's door
	TLS     *tls.Config // nil is plain TCP
	Number  uint32      // the station in headers, six digits
	Codec   *specs.Codec
	Framing specs.Framing
	// Acquirer, Terminal and Acceptor stand in every trace: fields 32, 41, 42.
	Acquirer, Terminal, Acceptor string
	Now                          func() time.Time
	Random                       io.Reader // draws where trace numbers begin
	Log                          zerolog.Logger
	Trace                        func(sent bool, body []byte) // optional
}

// Station is a signed-on connection.
type Station struct {
	options Options
	conn    *link.Conn
	stan    atomic.Uint32
}

// traceNumbers is how many there are: 000001 to 999999.
const traceNumbers = 999_999

// gatewayNumber is the network's station number in headers (ours).
const gatewayNumber = 400000

// Dial connects and signs on.
func Dial(ctx context.Context, o Options) (*Station, error) {
	conn, err := link.Dial(ctx, o.Addr, o.TLS, link.Options{
		Name: o.Name, Codec: o.Codec, Framing: o.Framing, Log: o.Log, Trace: o.Trace,
		Key: messages.Key, KeyFields: messages.KeyFields(),
		Header: specs.Header{Destination: gatewayNumber, Source: o.Number},
		Handle: func(context.Context, link.Inbound) *specs.Message { return nil },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot reach the gateway at %s: is `firsttap gateway` running? %w", o.Addr, err)
	}
	s := &Station{options: o, conn: conn}
	if err := s.begin(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the connection.
func (s *Station) Close() { s.conn.Close() }

// Ask sends a question and gives its typed answer. Without one, the error says
// what came in its place; see link.Unanswered.
func (s *Station) Ask(ctx context.Context, question messages.Message) (messages.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	raw, err := messages.Encode(question)
	if err != nil {
		return nil, err
	}
	answer, err := s.conn.Ask(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("asking the gateway: %w", err)
	}
	typed, err := messages.Decode(answer)
	if err != nil {
		told := strings.Join(messages.Summary(s.options.Codec, answer), " ")
		return nil, fmt.Errorf("the gateway's %s (%s) cannot be read: %w", answer.MTI(), told, err)
	}
	return typed, nil
}

// NextTrace is a fresh trace for a request at this station.
func (s *Station) NextTrace() messages.Trace {
	now := s.options.Now()
	stan := fmt.Sprintf("%06d", s.stan.Add(1)%traceNumbers+1)
	return messages.Trace{
		Transmitted: messages.Stamp(now), STAN: stan, RRN: messages.RRN(now, stan),
		Acquirer: s.options.Acquirer, Terminal: s.options.Terminal, Acceptor: s.options.Acceptor,
	}
}

// begin signs on, with a first trace number that another run has hardly used:
// the same number in the same hour would be taken for a repeat.
func (s *Station) begin(ctx context.Context) error {
	var first [4]byte
	if _, err := io.ReadFull(s.options.Random, first[:]); err != nil {
		return fmt.Errorf("drawing the first trace number: %w", err)
	}
	s.stan.Store(binary.BigEndian.Uint32(first[:]) % traceNumbers)
	return s.Manage(ctx, messages.SignOn)
}

// Manage signs on or off, or asks whether the gateway is there. A connection
// begins signed on.
func (s *Station) Manage(ctx context.Context, code messages.NetworkCode) error {
	t := s.NextTrace()
	typed, err := s.Ask(ctx, &messages.NetworkRequest{Transmitted: t.Transmitted, STAN: t.STAN, Code: code})
	if err != nil {
		return err
	}
	answer, ok := typed.(*messages.NetworkAnswer)
	switch {
	case !ok:
		return fmt.Errorf("the gateway answered the %s of %s with a %s", code.Word(), s.options.Name, typed.MTI())
	case answer.Response != token.Approved:
		return fmt.Errorf("the gateway refused the %s of %s with response %s: is %06d the station of this door in its settings?",
			code.Word(), s.options.Name, answer.Response, s.options.Number)
	}
	return nil
}
