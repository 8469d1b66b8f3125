package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// known keeps what counts for labels that were seen before, so that the path of
// a message neither allocates nor hashes texts again. Labels are few: what is
// added is added to a copy.
type known[Labels comparable, C any] struct {
	find func(Labels) C // gives the same for the same labels

	mu   sync.Mutex // of who adds
	seen atomic.Pointer[map[Labels]C]
}

func knowing[Labels comparable, C any](find func(Labels) C) *known[Labels, C] {
	k := &known[Labels, C]{find: find}
	k.seen.Store(&map[Labels]C{})
	return k
}

func (k *known[Labels, C]) of(l Labels) C {
	if c, ok := (*k.seen.Load())[l]; ok {
		return c
	}
	return k.add(l)
}

func (k *known[Labels, C]) add(l Labels) C {
	k.mu.Lock()
	defer k.mu.Unlock()
	more := maps.Clone(*k.seen.Load())
	c := k.find(l)
	more[l] = c
	k.seen.Store(&more)
	return c
}
