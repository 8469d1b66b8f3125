package link

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"

	"github.com/firsttap/firsttap/internal/stack"
	"github.com/firsttap/firsttap/specs"
)

// Conn is one connection to a peer, accepted or dialled.
type Conn struct {
	opts    Options
	socket  *timedSocket
	remote  string
	library *connection.Connection
	ctx     context.Context
	cancel  context.CancelFunc
	frames  chan *[]byte
	workers chan struct{}
	pending pending
	session Session
	done    sync.WaitGroup

	// Only the reading goroutine touches these.
	from   *bufio.Reader // the library's own is small
	begun  func()        // socket.begin
	faults int           // undecodable bodies in a row
	turn   turn
	floods bool // its station, while another is served

	draining atomic.Bool
	handling atomic.Int64  // requests taken and not answered yet
	unsent   atomic.Int64  // frames queued and not written yet
	received atomic.Uint64 // messages, of any kind
	lost     sync.Once     // to be told
}

// newConn takes over a connected socket. ping, when set, is called each time
// nothing was sent for a while.
func newConn(ctx context.Context, socket net.Conn, opts Options, ping func(*Conn)) (*Conn, error) {
	opts = opts.orDefault()
	c := &Conn{
		opts: opts, socket: &timedSocket{Conn: socket, idle: opts.IdleTimeout, times: opts.Times}, remote: socket.RemoteAddr().String(),
		frames: make(chan *[]byte, writeQueueFrames), workers: make(chan struct{}, opts.InFlight),
	}
	c.turn.began = time.Now()
	c.from, c.begun = bufio.NewReaderSize(c.socket, readBytes), c.socket.begin
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.done.Add(1) // for the library's reading goroutine; see reader
	settings := []connection.Option{
		connection.SetMessageReader(reader{c}),
		connection.WithConnectionClosedHandler(func(*connection.Connection) { c.ended() }),
		connection.IdleTime(min(idleEcho, opts.IdleTimeout/2)),
	}
	if ping != nil {
		settings = append(settings, connection.PingHandler(func(*connection.Connection) { ping(c) }))
	}
	opts.crew.join()
	opts.Pool.join(c) // before anything is read: who has signed on can be asked
	library, err := connection.NewFrom(c.socket, nil, nil, nil, settings...)
	if err != nil {
		c.done.Done()
		c.cancel()
		opts.crew.part()
		opts.Pool.leave(c)
		return nil, fmt.Errorf("starting a connection: %w", err)
	}
	c.library = library
	context.AfterFunc(c.ctx, func() { library.TriggerFailure(errClosedHere) })
	c.done.Go(c.writeFrames)
	return c, nil
}

// Ask sends a question and waits for its answer until ctx ends. Once it was sent,
// the error is an *Unanswered, ErrClosed or ErrRejected.
func (c *Conn) Ask(ctx context.Context, question *specs.Message) (*specs.Message, error) {
	answer, _, err := c.ask(ctx, question)
	return answer, err
}

// ask reports with an error whether the question may have reached the peer.
func (c *Conn) ask(ctx context.Context, question *specs.Message) (_ *specs.Message, sent bool, err error) {
	if c.opts.AnswerTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.AnswerTimeout)
		defer cancel()
	}
	key := c.opts.Key(question)
	waiting, err := c.pending.add(key)
	if err != nil {
		return nil, false, err
	}
	sending := c.sends()
	if err := c.send(ctx, c.opts.Header, question); err != nil {
		c.pending.remove(key, waiting)
		return nil, false, err
	}
	select {
	case a := <-waiting:
		return a.message, true, c.told(sending, a.err)
	case <-ctx.Done():
		if came, ok := c.pending.giveUp(key, waiting); ok {
			return nil, true, c.unanswered(sending, came, ctx.Err())
		}
		a := <-waiting // it came in the same moment
		return a.message, true, c.told(sending, a.err)
	}
}

// Close ends the connection at once.
func (c *Conn) Close() {
	c.library.TriggerFailure(errClosedHere)
	c.done.Wait()
}

var errClosedHere = errors.New("closed on this side")

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

func (c *Conn) ended() {
	c.cancel()
	c.pending.failAll()
	c.opts.crew.part()
}

// reader is called by iso8583-connection for each frame, by one goroutine and
// until it gives an error. It hands the frame on itself and gives the library
// nothing to do: no message.
type reader struct{ c *Conn }

func (r reader) ReadMessage(io.Reader) (_ *iso8583.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.c.logPanic(p, "reading a frame panicked, connection closed")
			err = errPanic
		}
		if err != nil {
			r.c.done.Done()
		}
	}()
	frame, err := r.c.readFrame()
	if err != nil {
		r.c.logEnd(err)
		return nil, err
	}
	if err := r.c.take(frame); err != nil {
		return nil, err
	}
	r.c.took()
	return nil, nil
}

var errPanic = errors.New("reading a frame panicked")

func (c *Conn) readFrame() (specs.Frame, error) {
	frame, err := c.opts.Framing.Read(c.from, c.begun)
	if c.socket.inFrame && errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w %v after its first byte", errSlowFrame, c.opts.Times.Frame)
	}
	c.socket.end()
	return frame, err
}

var errSlowFrame = errors.New("a frame was not complete")

func (c *Conn) logEnd(err error) {
	var fault *specs.FrameError
	switch {
	case errors.As(err, &fault), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errSlowFrame):
		c.opts.Log.Warn().Str("station", c.opts.Name).Str("remote", c.Remote()).Err(err).Msg("bad frame, connection closed")
		c.trouble(BadFrame)
	case c.ctx.Err() == nil && !errors.Is(err, io.EOF):
		c.sayLost(err)
	}
}

// take decides what a frame is: keep-alive, reject, answer or question.
func (c *Conn) take(frame specs.Frame) error {
	if frame.KeepAlive {
		c.opts.Log.Debug().Str("station", c.opts.Name).Str("remote", c.Remote()).Msg("keep-alive")
		alive := c.opts.Framing.AppendKeepAlive(nil)
		return c.queue(c.ctx, &alive)
	}
	c.received.Add(1)
	if c.opts.Trace != nil {
		c.opts.Trace(false, frame.Body)
	}
	if frame.Header.Reject != "" {
		c.takeReject(frame)
		return nil
	}
	m, err := c.opts.Codec.Parse(frame.Body)
	if err != nil {
		return c.takeFault(frame, err)
	}
	c.faults = 0
	if isAnswer(m.MTI()) {
		c.takeAnswer(m)
		return nil
	}
	c.work(frame.Header, c.inbound(frame, m))
	return nil
}

func (c *Conn) inbound(frame specs.Frame, m *specs.Message) Inbound {
	return Inbound{Message: m, Remote: c.Remote(), Bytes: len(frame.Body), Session: &c.session, Claimed: func() {}}
}

// takeReject ends the question that the peer rejected. Whether one waited
// stands in the log; a reject is never answered.
func (c *Conn) takeReject(frame specs.Frame) {
	matched := false
	if m, ok := c.opts.Codec.Salvage(frame.Body); ok {
		matched = c.pending.deliver(c.opts.Key(m), answer{err: ErrRejected})
	}
	c.opts.Log.Warn().Str("station", c.opts.Name).Str("reject", frame.Header.Reject).Bool("matched", matched).
		Msg("peer rejected a message of ours")
}

func (c *Conn) takeFault(frame specs.Frame, err error) error {
	c.faults++
	if c.faults >= faultsInRowMax {
		c.opts.Log.Warn().Str("station", c.opts.Name).Str("remote", c.Remote()).Int("faults", c.faults).
			Msg("too many undecodable messages in a row, connection closed")
		c.trouble(TooManyFaults)
		return errTooManyFaults
	}
	in := c.inbound(frame, nil)
	if !errors.As(err, &in.Fault) {
		in.Fault = &specs.FormatError{Detail: err.Error()}
	}
	m, ok := c.opts.Codec.Salvage(frame.Body)
	if isAnswer(m.MTI()) {
		c.takeGarbled(m, in.Fault)
		return nil
	}
	if ok {
		in.Message = m
	}
	if m.MTI() == "" { // it may be an answer
		c.pending.garbled("", c.opts.KeyFields, in.Fault)
	}
	c.work(frame.Header, in)
	return nil
}

var errTooManyFaults = errors.New(TooManyFaults)

func (c *Conn) trouble(why string) {
	if c.opts.Trouble != nil {
		c.opts.Trouble(why)
	}
}

// handle answers a question. An answer that comes after the handler's time is
// sent all the same: the peer may still wait for it.
func (c *Conn) handle(h specs.Header, in Inbound) {
	ctx := newDeadline(c.ctx, cmp.Or(c.opts.AnswerTimeout, handlerTimeout))
	defer ctx.end()
	reply := c.opts.Handle(ctx, in)
	in.Claimed() // who comes next need not wait for this peer to read
	if reply == nil {
		return
	}
	if err := c.send(c.ctx, h.Answer(), reply); err != nil {
		c.opts.Log.Warn().Str("station", c.opts.Name).Str("mti", reply.MTI()).Err(err).Msg("answer not delivered")
	}
}

func (c *Conn) recovered() {
	if p := recover(); p != nil {
		c.logPanic(p, "a handler panicked")
	}
}

// logPanic tells where a panic came from, not its value: that may quote a message.
func (c *Conn) logPanic(p any, what string) {
	c.opts.Log.Error().Str("station", c.opts.Name).Str("panic", fmt.Sprintf("%T", p)).
		Str("stack", stack.Calls()).Msg(what)
}

// Remote is the peer's address.
func (c *Conn) Remote() string { return c.remote }
