package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"

	connection "github.com/moov-io/iso8583-connection"

	"github.com/firsttap/firsttap/specs"
)

func (c *Conn) send(ctx context.Context, h specs.Header, m *specs.Message) error {
	body, frame := getRoom(), getRoom()
	defer putRoom(body)
	var err error
	if *body, err = c.opts.Codec.Append(*body, m); err != nil {
		return fmt.Errorf("encoding a %s: %w", m.MTI(), err)
	}
	if *frame, err = c.opts.Framing.Append(*frame, h, *body); err != nil {
		return fmt.Errorf("framing a %s: %w", m.MTI(), err)
	}
	if c.opts.Trace != nil {
		c.opts.Trace(true, *body)
	}
	return c.queue(ctx, frame)
}

// rooms are rooms for frames, and for messages on their way into one.
var rooms = sync.Pool{New: func() any {
	room := make([]byte, 0, frameBytesGuess)
	return &room
}}

func getRoom() *[]byte {
	room := rooms.Get().(*[]byte)
	*room = (*room)[:0]
	return room
}

func putRoom(room *[]byte) { rooms.Put(room) }

// queue takes a frame in a room that is the writer's from now on.
func (c *Conn) queue(ctx context.Context, frame *[]byte) error {
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	c.unsent.Add(1)
	select {
	case c.frames <- frame: // there is room, nearly always: no need to look at what else ends the wait
		return nil
	default:
	}
	select {
	case c.frames <- frame:
		return nil
	case <-c.ctx.Done():
		c.unsent.Add(-1)
		return ErrClosed
	case <-ctx.Done():
		c.unsent.Add(-1)
		return fmt.Errorf("the peer does not read: %w", ctx.Err())
	}
}

// writeFrames joins the frames that wait into one write, so that a burst of
// answers costs one system call.
func (c *Conn) writeFrames() {
	for {
		select {
		case frame := <-c.frames:
			if err := c.writeBurst(frame); err != nil {
				c.sayUnwritten(err)
				c.library.TriggerFailure(fmt.Errorf("writing: %w", err))
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// bursts are rooms for bursts: a connection has one only while it writes.
var bursts = sync.Pool{New: func() any {
	room := make([]byte, 0, writeBurstBytes)
	return &room
}}

// writeBurst writes a frame and those that wait behind it.
func (c *Conn) writeBurst(frame *[]byte) error {
	runtime.Gosched() // lets those who have an answer ready add it
	room := bursts.Get().(*[]byte)
	defer bursts.Put(room)
	burst, frames := c.joinWaiting(appendFrame((*room)[:0], frame))
	*room = burst
	if _, err := c.library.Write(burst); err != nil {
		return err
	}
	c.unsent.Add(-frames)
	return nil
}

// sayUnwritten tells of a peer that did not take what was written in time, or is
// gone: the reader may be at work, and not have seen it.
func (c *Conn) sayUnwritten(err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.opts.Log.Warn().Str("station", c.opts.Name).Str("remote", c.Remote()).Err(err).Msg(NotReading + ", connection closed")
		c.abandon()
		c.trouble(NotReading)
	case !errors.Is(err, connection.ErrConnectionClosed):
		c.sayLost(err)
	}
}

// sayLost tells once that a connection has ended, unless on this side.
func (c *Conn) sayLost(err error) {
	if errors.Is(err, net.ErrClosed) {
		return
	}
	c.lost.Do(func() {
		c.opts.Log.Info().Str("station", c.opts.Name).Str("remote", c.Remote()).Err(err).Msg("connection lost")
	})
}

func (c *Conn) joinWaiting(burst []byte) (_ []byte, frames int64) {
	frames = 1
	for len(burst) < writeBurstBytes {
		select {
		case frame := <-c.frames:
			burst = appendFrame(burst, frame)
			frames++
		default:
			return burst, frames
		}
	}
	return burst, frames
}

func appendFrame(burst []byte, frame *[]byte) []byte {
	defer putRoom(frame)
	return append(burst, *frame...)
}
