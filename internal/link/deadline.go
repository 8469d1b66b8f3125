package link

import (
	"context"
	"sync"
	"time"
)

// deadline is a context with a deadline that makes its timer when it is first
// asked for more than that. Most requests end without having looked.
type deadline struct {
	parent context.Context
	at     time.Time

	once   sync.Once
	made   context.Context
	cancel context.CancelFunc
}

func newDeadline(parent context.Context, wait time.Duration) *deadline {
	return &deadline{parent: parent, at: time.Now().Add(wait)}
}

func (d *deadline) context() context.Context {
	d.once.Do(func() { d.made, d.cancel = context.WithDeadline(d.parent, d.at) })
	return d.made
}

// end cancels it, also for who asks from now on.
func (d *deadline) end() {
	d.once.Do(func() { d.made, d.cancel = ended, func() {} })
	d.cancel()
}

var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }
func (d *deadline) Done() <-chan struct{}       { return d.context().Done() }
func (d *deadline) Err() error                  { return d.context().Err() }
func (d *deadline) Value(key any) any           { return d.context().Value(key) }
