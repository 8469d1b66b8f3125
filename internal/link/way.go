package link

import (
	"os"
	"sync"
)

// turnFrames is how many frames of a connection are taken before others have
// their turn: some tenths of a millisecond of work (ours).
const turnFrames = 16

// took counts a frame, and ends the connection's turn with the last.
func (c *Conn) took() {
	if c.turn++; c.turn == turnFrames {
		c.turn = 0
		giveWay()
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
