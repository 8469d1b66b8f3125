package link

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// turnFrames is how many frames of a connection are taken before others have
// their turn: some tenths of a millisecond of work (ours).
const turnFrames = 16

// turn is what a connection has taken since others had theirs.
type turn struct {
	began    time.Time
	frames   int
	requests int // of them
}

// took counts a frame, and ends the connection's turn with the last.
func (c *Conn) took() {
	if c.turn.frames++; c.turn.frames == turnFrames {
		c.endTurn()
	}
}

// endTurn gives way to others, or rests where this station floods.
func (c *Conn) endTurn() {
	now := time.Now()
	waited := c.socket.waited
	worked := now.Sub(c.turn.began) - waited
	c.floods = !c.opts.NeverHeldBack && c.opts.neighbour.floods(now)
	if c.floods && worked >= waited && c.opts.neighbour.tells(now) { // who is waited for does not notice
		c.opts.Log.Info().Str("station", c.opts.Name).Str("remote", c.Remote()).Msg("floods while others are served, held back")
	}
	if c.floods && c.turn.requests == turnFrames { // an answer among them has others wait for it
		c.rest(min(restTimes*worked, restMax))
	} else {
		giveWay()
	}
	c.turn, c.socket.waited = turn{began: time.Now()}, 0
}

// rest pauses. Connections of a station do that one after the other.
func (c *Conn) rest(pause time.Duration) {
	select {
	case c.opts.neighbour.resting <- struct{}{}:
		sleep(c.ctx, pause)
		<-c.opts.neighbour.resting
	case <-c.ctx.Done():
	}
}

// slot takes a place among the requests at work, where this station floods and
// may be kept waiting; else it gives nil.
func (c *Conn) slot() chan struct{} {
	if !c.floods || c.opts.sheds || !c.sit(c.opts.neighbour.slots, false) {
		return nil
	}
	return c.opts.neighbour.slots
}

// Neighbours are the stations of one program, so that none suffers from another's
// flood. A station floods while another is served that asks an eighth as much, or
// less. Then 8 of its requests may be at work, which they are until they are
// claimed, and it rests four times as long as it works. The zero value is ready.
type Neighbours struct {
	mu     sync.Mutex
	byName map[string]*neighbour
	looked time.Time
	count  int // of looks, modulo looksKept
}

// The numbers are ours; what came of them stands in docs/stations.md.
const (
	lookEvery = 20 * time.Millisecond
	looksKept = 25 // half a second
	floodMin  = 8  // times what another asks
	slotsMax  = 8
	restTimes = 4
	restMax   = 20 * time.Millisecond // at once
	tellEvery = 10 * time.Second
)

// neighbour is a station; nil is one without others.
type neighbour struct {
	all     *Neighbours
	asked   atomic.Int64 // requests, ever
	flood   atomic.Bool
	slots   chan struct{}
	resting chan struct{} // has room for one connection

	// These are under the lock of all.
	seen   int64            // of asked
	looks  [looksKept]int64 // requests between looks
	recent int64            // sum of looks
	told   time.Time
}

func (n *Neighbours) named(name string) *neighbour {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	one := n.byName[name]
	if one == nil {
		if n.byName == nil {
			n.byName = make(map[string]*neighbour)
		}
		one = &neighbour{all: n, slots: make(chan struct{}, slotsMax), resting: make(chan struct{}, 1)}
		n.byName[name] = one
	}
	return one
}

func (n *neighbour) asks() {
	if n != nil {
		n.asked.Add(1)
	}
}

// floods reports whether a station is to be held back.
func (n *neighbour) floods(now time.Time) bool {
	if n == nil {
		return false
	}
	n.all.look(now)
	return n.flood.Load()
}

// tells reports, now and then, that the log is to tell of it.
func (n *neighbour) tells(now time.Time) bool {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	if now.Sub(n.told) < tellEvery {
		return false
	}
	n.told = now
	return true
}

// look counts what all have asked, if that is due.
func (n *Neighbours) look(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.looked) < lookEvery {
		return
	}
	n.looked = now
	n.count = (n.count + 1) % looksKept
	quietest := int64(math.MaxInt64 / floodMin)
	for _, one := range n.byName {
		asked := one.asked.Load()
		one.recent += asked - one.seen - one.looks[n.count]
		one.looks[n.count], one.seen = asked-one.seen, asked
		if one.recent > 0 {
			quietest = min(quietest, one.recent)
		}
	}
	for _, one := range n.byName {
		one.flood.Store(one.recent >= floodMin*quietest)
	}
}

// beat is a pipe that is read and written by those who give way.
type beat struct{ from, to *os.File }

var theBeat = sync.OnceValue(func() *beat {
	from, to, err := os.Pipe()
	if err != nil {
		return nil // out of file descriptors: nobody gives way
	}
	return &beat{from, to}
})

// giveWay lets all goroutines run whose sockets have something to be read. The
// runtime looks at sockets when nothing else can run, and else a hundred times a
// second: a flood, which always can, would keep a quiet peer waiting. Whoever
// waits for a pipe is woken by the same look as all others are.
func giveWay() {
	b := theBeat()
	if b == nil {
		return
	}
	go func() { _, _ = b.to.Write([]byte{0}) }() // not before the pipe is waited for
	_, _ = b.from.Read(make([]byte, 1))
}
