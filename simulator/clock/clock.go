// Package clock is the time of a simulated world: it runs like the real one,
// can be moved forward, and can be seen wrongly by one party.
//
// It never goes back. Start at New.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock is one world's time. Its methods may be called by many goroutines.
type Clock struct {
	start time.Time // in the world
	began time.Time // outside it, with a monotonic reading
	moved atomic.Int64
}

// New is a clock that shows start now.
func New(start time.Time) *Clock { return &Clock{start: start, began: time.Now()} }

// Now is the world's time, UTC.
func (c *Clock) Now() time.Time {
	return c.start.Add(time.Since(c.began) + time.Duration(c.moved.Load())).UTC()
}

// Advance moves the world's time forward by d; a negative d does nothing.
func (c *Clock) Advance(d time.Duration) {
	if d > 0 {
		c.moved.Add(int64(d))
	}
}

// View is how one party sees a clock. The zero Skew is right.
type View struct {
	clock *Clock
	skew  atomic.Int64
}

// View gives a party its own view.
func (c *Clock) View() *View { return &View{clock: c} }

// Now is the time as the party sees it.
func (v *View) Now() time.Time { return v.clock.Now().Add(time.Duration(v.skew.Load())) }

// Skew makes the party see a time that is ahead of the world's by d, or behind
// it when d is negative.
func (v *View) Skew(d time.Duration) { v.skew.Store(int64(d)) }
