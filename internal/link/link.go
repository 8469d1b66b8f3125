// Package link moves ISO 8583 messages over TCP: doors that accept
// connections, lines that dial and keep one, and the matching of answers to
// questions on either.
//
// It knows framing, the codec and the message class (question or answer), and
// never what a message means. The connection's life (idle ping, closing
// handlers) is iso8583-connection's; sending, receiving and matching are
// arranged so that no peer can stop or bloat the program: every wait has a
// deadline, every queue a bound, every handler a recover. Who floods is held back
// while a neighbour is served (Neighbours). What comes in one read
// is handled by goroutines that are kept (crew), and answered in one write.
//
// Start at Serve for the accepting side, at Line for the dialling side, and at
// Pool for a peer with several connections.
package link

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/specs"
)

// Limits of one connection and of one door. All are ours. A station that uses
// up all of them has 832 goroutines: 4 of each connection, 2 of each handshake,
// 1 of each request. That leaves some for the rest of a gateway below 1,000.
const (
	writeQueueFrames = 1024             // answers waiting for a slow reader
	writeBurstBytes  = 64 << 10         // frames joined into one write
	readBytes        = 16 << 10         // read at once
	workersPerConn   = 256              // requests handled at once; further ones wait in the socket
	handshakesMax    = 32               // TLS handshakes of a door at once
	pendingMax       = 4096             // questions waiting for an answer
	faultsInRowMax   = 16               // undecodable bodies before the connection is closed
	workersPerDoor   = 256              // requests of all connections of a door or pool handled at once
	connectionsMax   = 128              // of one door
	frameTimeout     = 5 * time.Second  // from a frame's first byte to its last
	writeTimeout     = 5 * time.Second  // of one write
	idleTimeout      = 10 * time.Minute // without a byte from the peer
	handshakeTimeout = 5 * time.Second  // of TLS, before a connection takes a place
	idleEcho         = 30 * time.Second // without a message to the peer, before a ping
	handlerTimeout   = 30 * time.Second // of one request
	restTime         = 2 * time.Second  // that a goroutine waits for another request
	acceptBackOffMin = 5 * time.Millisecond
	acceptBackOffMax = time.Second
	dialTimeout      = 3 * time.Second
	redialBackOffMin = 100 * time.Millisecond
	redialBackOffMax = 2 * time.Second
	frameBytesGuess  = 512 // room made for a message before its length is known
)

// Errors of Ask. A caller that gets one knows that no answer will come.
var (
	ErrDown      = errors.New("the peer is not connected")
	ErrClosed    = errors.New("the connection ended before the answer came")
	ErrDuplicate = errors.New("a question with the same key is already waiting")
	ErrBusy      = errors.New("too many questions are waiting for an answer")
	ErrRejected  = errors.New("the peer rejected the question as a whole")
)

// Inbound is a message that a peer sent on its own account.
type Inbound struct {
	Message *specs.Message     // nil when nothing of it could be read
	Fault   *specs.FormatError // set when the body could not be decoded; Message then holds what could
	Remote  string             // the peer's address
	Bytes   int

	// Throttled is a request beyond Options.RequestsPerSecond, or, where the
	// connection is asked on too, beyond Options.InFlight. Its handler refuses
	// it at once and waits for nothing.
	Throttled bool
	// Draining is a request on a connection that is about to be closed: to be
	// refused likewise.
	Draining bool
	Session  *Session // of the connection

	// Claimed lets the next request of the same Options.Subject begin, and
	// another of a station that is held back; see Neighbours. Its handler calls
	// it when nothing that comes later can overtake this one any more; where it
	// does not, they begin when the handler has ended.
	Claimed func()
}

// Handler answers an inbound message; nil answers nothing.
type Handler func(ctx context.Context, in Inbound) *specs.Message

// Options say how a peer's bytes are read and who handles its messages. Codec,
// Framing, Handle and Key are required.
type Options struct {
	Name    string // of the station, for the log
	Codec   *specs.Codec
	Framing specs.Framing
	Header  specs.Header // of questions; answers swap the peer's own
	Handle  Handler
	// Key names a message so that a question and its answer have the same
	// key; see messages.Key.
	Key func(*specs.Message) string
	// KeyFields names the parts of a Key, which has "/" between them, so that
	// an answer that fits no question can be explained. Optional.
	KeyFields []string
	// Subject names what a request is about, such as a token, by a hash; 0 for
	// nothing. Requests of one subject at a door or pool begin in the order in
	// which they came, see Inbound.Claimed. Optional.
	Subject func(*specs.Message) uint64
	Log     zerolog.Logger
	// Unmatched, when set, hears of every answer that nobody waits for.
	Unmatched func(Unmatched)
	// Trouble, when set, hears why a connection is closed that the peer could
	// not hold: BadFrame, TooManyFaults or NotReading.
	Trouble func(why string)
	// Trace, when set, sees the body of every frame: after it was read, and
	// before it is written. It must not keep the body.
	Trace func(sent bool, body []byte)

	// TLS of a door; nil is plain TCP. Lines and Dial have a setting of their
	// own.
	TLS *tls.Config
	// Admit, when set, is shown what the handshake of a door has verified; an
	// error refuses the connection.
	Admit func(tls.ConnectionState) error
	// Neighbours, when set, are the stations that are not to suffer from each
	// other; Name is this one's among them.
	Neighbours *Neighbours
	// NeverHeldBack lets this one flood. It is still one of those that are not to
	// suffer from others.
	NeverHeldBack bool
	// Pool, when set, gets the connections of a door to ask on.
	Pool *Pool

	ConnectionsMax    int           // of a door; 0 is 128
	InFlight          int           // requests of a connection handled at once; 0 is 256; of a door or pool 256, or this
	RequestsPerSecond int           // of a door or line, all connections together; 0 is without end
	IdleTimeout       time.Duration // without a byte from the peer; 0 is 10 minutes
	AnswerTimeout     time.Duration // that a handler has, and that Ask waits; 0 is 30 s, and no bound of Ask's own
	Times             Times

	rate      *rate         // shared by all connections of a door or pool
	places    chan struct{} // likewise; nil is without end
	crew      *crew         // likewise
	order     *order        // likewise
	neighbour *neighbour    // likewise; nil is without others
	sheds     bool          // refuse what is beyond InFlight, never stop reading
}

// Times are waits that no setting changes. They are options for tests over
// sockets that wait for their end.
type Times struct {
	Frame     time.Duration // from a frame's first byte to its last; 0 is 5 s
	Write     time.Duration // of one write; 0 is 5 s
	Handshake time.Duration // of TLS at a door; 0 is 5 s
	Dial      time.Duration // of connecting, with its TLS; 0 is 3 s
	Rest      time.Duration // that a goroutine waits for another request; 0 is 2 s
}

func (t Times) orDefault() Times {
	return Times{
		Frame: cmp.Or(t.Frame, frameTimeout), Write: cmp.Or(t.Write, writeTimeout), Handshake: cmp.Or(t.Handshake, handshakeTimeout),
		Dial: cmp.Or(t.Dial, dialTimeout), Rest: cmp.Or(t.Rest, restTime),
	}
}

// orDefault fills in the limits that are left out.
func (o Options) orDefault() Options {
	o.ConnectionsMax = cmp.Or(o.ConnectionsMax, connectionsMax)
	o.InFlight = cmp.Or(o.InFlight, workersPerConn)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, idleTimeout)
	o.neighbour = o.Neighbours.named(o.Name)
	o.Times = o.Times.orDefault()
	if o.rate == nil {
		o.rate = newRate(o.RequestsPerSecond)
	}
	if o.crew == nil {
		o.crew, o.order = newCrew(o.Times), new(order)
	}
	return o
}

// Why a connection is closed: see Options.Trouble.
const (
	BadFrame      = "bad frame" // a length that cannot be, half a frame past its time
	TooManyFaults = "too many undecodable messages in a row"
	NotReading    = "the peer does not read" // a write past its time
)

// shared makes what all connections of a door or pool share.
func (o Options) shared() Options {
	o.rate = newRate(o.RequestsPerSecond)
	o.places = make(chan struct{}, max(workersPerDoor, o.InFlight))
	o.crew, o.order = newCrew(o.Times), new(order)
	return o
}

// isAnswer reports whether a message type's third digit says answer (ISO
// 8583:1987: 1 response, 3 advice response, 5 notification acknowledgement).
func isAnswer(mti string) bool {
	return len(mti) == 4 && (mti[2]-'0')%2 == 1
}
