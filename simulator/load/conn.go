package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Station is one of the gateway's doors, and who calls there.
type Station struct {
	Addr     string      // host:port
	TLS      *tls.Config // nil is plain TCP
	Number   uint32      // of the caller in headers, six digits
	Codec    *specs.Codec
	Framing  specs.Framing
	Acquirer string // field 32, up to 11 digits
	Acceptor string // field 42, 15 characters
}

const (
	gatewayNumber = 400000          // the network's station number in headers (ours)
	traceNumbers  = 999_999         // there are 000001 to 999999
	dialTimeout   = 5 * time.Second // a gateway that works accepts at once
	writeTimeout  = 5 * time.Second // of one write; a gateway that does not read that long is stuck
	readBytes     = 64 << 10        // read at once: some hundred answers
	faultsMax     = 16              // answers that cannot be decoded, before the connection is given up
)

// bodyBytesGuess is room made for a message before its length is known: a tap
// has about 300.
const bodyBytesGuess = 512

// Errors of a connection.
var (
	errEnded  = errors.New("the connection ended")
	errFaulty = fmt.Errorf("%d answers could not be decoded", faultsMax)
)

// conn is a connection to a door. It finds the answers' questions by its own
// oracle. Requests of the gateway are answered, so that it stays content.
type conn struct {
	station  Station
	socket   net.Conn
	oracle   *Oracle
	tally    *Tally
	terminal string // first five characters of field 41
	stan     atomic.Uint64
	second   atomic.Pointer[second] // of the last trace

	mu      sync.Mutex // guards waiting
	waiting []byte     // frames that were not written yet
	wake    chan struct{}
	done    chan struct{} // closed when the connection has ended
	err     error         // why; readable after done
	ending  sync.Once
	running sync.WaitGroup
}

// dialTCP connects to a door.
func dialTCP(ctx context.Context, s Station) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	socket, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	if err != nil || s.TLS == nil {
		return socket, err
	}
	config := s.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(s.Addr)
	}
	secured := tls.Client(socket, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		socket.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secured, nil
}

// newConn takes a connected socket over. terminal begins every field 41.
// first is the number of its first trace.
func newConn(socket net.Conn, s Station, terminal string, first uint64, tally *Tally) *conn {
	c := &conn{
		station: s, socket: socket, oracle: NewOracle(tally), tally: tally, terminal: terminal,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.stan.Store(first % traceNumbers)
	c.running.Go(c.read)
	c.running.Go(c.write)
	return c
}

// close ends the connection and waits for its goroutines.
func (c *conn) close() {
	c.end(errEnded)
	c.running.Wait()
}

func (c *conn) end(err error) {
	c.ending.Do(func() {
		c.err = err
		c.socket.Close()
		close(c.done)
		c.oracle.Close(err)
	})
}

// trace is a fresh one: no other request of the run has it. The trace number is
// one of a million, and the end of field 41 says which million.
func (c *conn) trace(now time.Time) messages.Trace {
	n := c.stan.Add(1) - 1
	stan := decimal6(n%traceNumbers + 1)
	at := c.second.Load()
	if at == nil || at.unix != now.Unix() {
		at = &second{now.Unix(), messages.Stamp(now), messages.RRN(now, "")[:rrnTimeDigits]}
		c.second.Store(at)
	}
	return messages.Trace{
		Transmitted: at.stamp, STAN: stan, RRN: at.hour + stan,
		Acquirer: c.station.Acquirer, Terminal: c.terminal + base36(n/traceNumbers, terminalMillions), Acceptor: c.station.Acceptor,
	}
}

// second is what the traces of one second have in common.
type second struct {
	unix  int64
	stamp string // field 7
	hour  string // the beginning of field 37
}

const rrnTimeDigits = 6 // of field 37, before the trace number

// decimal6 is n in six digits.
func decimal6(n uint64) string {
	var b [6]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return string(b[:])
}

const terminalMillions = 3 // characters of field 41 that count millions of requests

// base36 is n in so many digits and capitals; what does not fit is cut.
func base36(n uint64, characters int) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, characters)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = letters[n%uint64(len(letters))]
		n /= uint64(len(letters))
	}
	return string(b)
}

// ask sends a question, and gives its answer. Without one it gives errNoAnswer,
// which the oracle has counted, errInterrupted when ctx ends first, or why the
// connection cannot be used.
func (c *conn) ask(ctx context.Context, q *Question, typed messages.Message, timer *time.Timer, timeout time.Duration) (Answer, error) {
	body := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	var err error
	if *body, err = c.encode((*body)[:0], typed); err != nil {
		return Answer{}, fmt.Errorf("writing a request: %w", err)
	}
	if !c.oracle.Sent(q) {
		return Answer{}, c.ended()
	}
	if err := c.send(specs.Header{Destination: gatewayNumber, Source: c.station.Number}, *body); err != nil {
		c.oracle.Withdrawn(q)
		return Answer{}, err
	}
	timer.Reset(timeout)
	select {
	case a := <-q.answer:
		return a, a.err
	case <-timer.C:
		if c.oracle.Expired(q) {
			return Answer{}, errNoAnswer
		}
	case <-ctx.Done():
		if c.oracle.Withdrawn(q) {
			return Answer{}, errInterrupted
		}
	}
	a := <-q.answer // it came in the same moment
	return a, a.err
}

// ended is why no question is taken.
func (c *conn) ended() error {
	select {
	case <-c.done:
		return c.err
	default:
		return errors.New("a trace number came round while its request was still under way")
	}
}

var errNoAnswer = errors.New("no answer came in time")

// bodies are rooms for messages on their way into a frame.
var bodies = sync.Pool{New: func() any {
	room := make([]byte, 0, bodyBytesGuess)
	return &room
}}

func (c *conn) encode(dst []byte, typed messages.Message) ([]byte, error) {
	m, err := messages.Encode(typed)
	if err != nil {
		return dst, err
	}
	return c.station.Codec.Append(dst, m)
}

// queueBytesMax is how much waits to be written before the connection is given
// up: all requests that may be in flight, at their longest.
const queueBytesMax = InFlightMax * specs.FrameBytesMax

var errStuck = errors.New("the gateway does not read, and makes us write")

// send queues a frame.
func (c *conn) send(h specs.Header, body []byte) error {
	return c.queue(func(b []byte) ([]byte, error) { return c.station.Framing.Append(b, h, body) })
}

func (c *conn) queue(frame func(behind []byte) ([]byte, error)) error {
	c.mu.Lock()
	stuck := len(c.waiting) > queueBytesMax
	var err error
	if !stuck {
		c.waiting, err = frame(c.waiting)
	}
	c.mu.Unlock()
	if stuck {
		c.end(errStuck)
		return errStuck
	}
	c.nudge()
	return err
}

func (c *conn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// write joins all that waits into one write.
func (c *conn) write() {
	var burst []byte
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		runtime.Gosched() // lets those who are about to ask add their requests
		c.mu.Lock()
		burst, c.waiting = c.waiting, burst[:0]
		c.mu.Unlock()
		_ = c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.socket.Write(burst); err != nil {
			c.end(fmt.Errorf("writing: %w", err))
			return
		}
	}
}

// read takes frames until the connection ends.
func (c *conn) read() {
	from := bufio.NewReaderSize(c.socket, readBytes)
	for unreadable := 0; ; {
		frame, err := c.station.Framing.Read(from, nil)
		if err != nil {
			c.end(fmt.Errorf("%w: %w", errEnded, err))
			return
		}
		if c.take(frame) {
			continue
		}
		if unreadable++; unreadable == faultsMax {
			c.end(errFaulty)
			return
		}
	}
}

// take is false for a message that cannot be decoded.
func (c *conn) take(frame specs.Frame) bool {
	at := time.Now()
	if frame.KeepAlive {
		c.keepAlive()
		return true
	}
	raw, err := c.station.Codec.Parse(frame.Body)
	switch {
	case frame.Header.Reject != "":
		c.tally.Add(Unreadable, "the gateway rejects a request as a whole, code "+strconv.Quote(frame.Header.Reject))
		return true
	case err != nil:
		c.tally.Add(Unreadable, err.Error())
		return false
	case messages.AnswerMTI(raw.MTI()) != "":
		c.serve(frame.Header, raw)
		return true
	}
	typed, err := messages.Decode(raw)
	if err != nil {
		c.tally.Add(Unreadable, err.Error())
		return false
	}
	c.oracle.Answered(Answer{Trace: messages.TraceOf(raw), Typed: typed, At: at})
	return true
}

func (c *conn) keepAlive() {
	_ = c.queue(func(b []byte) ([]byte, error) { return c.station.Framing.AppendKeepAlive(b), nil })
}

// serve answers a request of the gateway: an echo, or a notice of a token.
func (c *conn) serve(h specs.Header, raw *specs.Message) {
	answer := messages.Refusal(raw, string(token.InvalidTransaction))
	typed, err := messages.Decode(raw)
	if err == nil {
		switch r := typed.(type) {
		case *messages.NetworkRequest:
			answer, err = messages.Encode(r.Answer(token.Approved))
		case *messages.Notification:
			answer, err = messages.Encode(r.Answer(token.Approved))
		}
	}
	if err != nil {
		return
	}
	if body, err := c.station.Codec.Append(nil, answer); err == nil {
		_ = c.send(h.Answer(), body)
	}
}

// signOn signs on, and says in words why that failed.
func (c *conn) signOn(ctx context.Context, timeout time.Duration) error {
	q := &Question{Kind: Echo, answer: make(chan Answer, 1)}
	typed := c.network(q, messages.SignOn)
	timer := stoppedTimer()
	defer timer.Stop()
	a, err := c.ask(ctx, q, typed, timer, timeout)
	if err != nil {
		return fmt.Errorf("signing on at %s: %w", c.station.Addr, err)
	}
	if v := q.Check(a, NewGiven()); v.Wrong != "" || v.Response != token.Approved {
		return fmt.Errorf("the gateway at %s refused the sign-on of station %06d with response %s %s", c.station.Addr, c.station.Number, v.Response, v.Wrong)
	}
	return nil
}

// network makes a question of network management. Its answer has fields 7, 11
// and 37.
func (c *conn) network(q *Question, code messages.NetworkCode) messages.Message {
	q.Trace = c.trace(time.Now())
	q.Trace.Acquirer, q.Trace.Terminal, q.Trace.Acceptor = "", "", ""
	return &messages.NetworkRequest{Transmitted: q.Trace.Transmitted, STAN: q.Trace.STAN, RRN: q.Trace.RRN, Code: code}
}

// stoppedTimer is a timer to Reset.
func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
