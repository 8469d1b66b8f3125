package stations

import (
	"context"
	"sync"
)

// DrainDoors is the first half of an orderly end: nobody dials in any more, the
// list stays as it is, and what is under way at the doors of those who ask ends
// until ctx does. Issuers can be asked meanwhile, and after it.
func (t *Table) DrainDoors(ctx context.Context) {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	var draining sync.WaitGroup
	for _, e := range t.entries() {
		switch {
		case e.door == nil:
		case e.pool != nil:
			e.door.Shut()
		default:
			draining.Go(func() { e.door.Drain(ctx) })
		}
	}
	draining.Wait()
	wait(ctx, &t.retired)
}

// DrainIssuers is the second half: issuers are asked no more, and what is under
// way with them ends until ctx does.
func (t *Table) DrainIssuers(ctx context.Context) {
	var draining sync.WaitGroup
	for _, e := range t.entries() {
		if e.pool == nil {
			continue
		}
		draining.Go(func() {
			e.pool.Drain(ctx)
			if e.door != nil {
				e.door.Drain(ctx)
			}
		})
	}
	draining.Wait()
}

// wait waits for a group, but not longer than ctx.
func wait(ctx context.Context, group *sync.WaitGroup) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		group.Wait()
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}
