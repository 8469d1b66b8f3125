package stations

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/firsttap/firsttap/internal/link"
)

// Apply brings a list of stations into force. Those whose connections hang on
// what did not change keep them; those that go let what is under way end. All
// faults are given at once, and then nothing has changed.
func (t *Table) Apply(ctx context.Context, list []Settings) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	change, err := t.Prepare(list)
	if err != nil {
		return err
	}
	change.Commit()
	return nil
}

// Change is a list that can be brought into force, and holds the doors open that
// it needs. It is ended by Commit or Abort, once.
type Change struct {
	table  *Table
	list   []Settings
	opened map[string]net.Listener // new doors, by place
}

// Prepare checks a list and opens the doors that it needs and the table does not
// have. Another change waits until this one is ended.
func (t *Table) Prepare(list []Settings) (*Change, error) {
	if err := check(list); err != nil {
		return nil, err
	}
	t.changing.Lock()
	c := &Change{table: t, list: list, opened: map[string]net.Listener{}}
	var faults []error
	for _, s := range list {
		place := s.place()
		if place == "" || t.hasDoor(place) {
			continue
		}
		l, err := t.Options.Listen(s.Listen)
		if err != nil {
			faults = append(faults, fmt.Errorf("the door for %s cannot listen: %w", s.Name, err))
			continue
		}
		c.opened[place] = l
	}
	if err := errors.Join(faults...); err != nil {
		c.Abort()
		return nil, err
	}
	return c, nil
}

func (t *Table) hasDoor(place string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doors[place] != nil
}

// Abort leaves the table as it is.
func (c *Change) Abort() {
	for _, l := range c.opened {
		_ = l.Close()
	}
	c.table.changing.Unlock()
}

// Commit brings the list into force.
func (c *Change) Commit() {
	t := c.table
	defer t.changing.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		for _, l := range c.opened {
			_ = l.Close()
		}
		return
	}
	before, doors := t.byName, t.doors
	t.list, t.byName, t.doors = nil, map[string]*entry{}, map[string]*link.Server{}
	kept := make(map[*entry]bool)
	for _, s := range c.list {
		e := before[s.Name]
		if e != nil && e.settings.Load().wire() == s.wire() {
			kept[e] = true
			e.settings.Store(&s)
		} else {
			e = t.newEntry(s)
		}
		t.list, t.byName[s.Name] = append(t.list, e), e
		if place := s.place(); place != "" {
			t.doors[place] = t.doorFor(e, kept[e], doors[place], c.opened[place])
		}
		if !kept[e] {
			t.dial(e)
		}
	}
	t.retire(before, kept, doors)
}

// doorFor gives a station its door: the one it has, one that another leaves or
// that it has under other options, or a new one.
func (t *Table) doorFor(e *entry, keeps bool, old *link.Server, fresh net.Listener) *link.Server {
	if keeps {
		return e.door
	}
	options := t.linkOptions(e, *e.settings.Load())
	if old != nil {
		e.door = old
		t.drain(old.Change(options))
		return old
	}
	e.door = link.NewServer(fresh, options)
	t.open(e.door)
	return e.door
}

// retire lets the connections end of what is in force no more.
func (t *Table) retire(before map[string]*entry, kept map[*entry]bool, doors map[string]*link.Server) {
	for _, e := range before {
		if kept[e] || e.pool == nil {
			continue
		}
		t.drain(func(ctx context.Context) {
			e.pool.Drain(ctx)
			if e.stop != nil {
				e.stop()
			}
		})
	}
	for place, door := range doors {
		if t.doors[place] != door {
			t.drain(door.Drain)
		}
	}
}
