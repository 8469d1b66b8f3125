package load

import (
	"hash/maphash"
	"sync"
)

// recent remembers values by 64-bit marks, the latest so many. Its memory is
// bounded by that.
type recent[V any] struct {
	values map[uint64]V
	ring   []uint64
	next   int
	most   int
}

func newRecent[V any](most int) *recent[V] {
	return &recent[V]{values: make(map[uint64]V), most: most}
}

// at is the value of a mark, zero for one that is not remembered.
func (r *recent[V]) at(mark uint64) V { return r.values[mark] }

// put remembers a value. The oldest mark gives its place.
func (r *recent[V]) put(mark uint64, v V) {
	if _, known := r.values[mark]; known {
		r.values[mark] = v
		return
	}
	if len(r.ring) < r.most {
		r.ring = append(r.ring, mark)
	} else {
		delete(r.values, r.ring[r.next])
		r.ring[r.next] = mark
		r.next = (r.next + 1) % r.most
	}
	r.values[mark] = v
}

// givenMax is how many transaction ids and tokens are remembered (ours): those
// of ten seconds at the rate of a fast gateway, about 20 MB.
const givenMax = 1 << 18

// Given remembers what answers gave that no other may give: transaction ids and
// tokens, the latest givenMax. It may be used by many goroutines. Make one with
// NewGiven.
type Given struct {
	seed maphash.Seed
	mu   sync.Mutex
	seen *recent[bool]
}

// NewGiven makes one that has seen nothing.
func NewGiven() *Given {
	return &Given{seed: maphash.MakeSeed(), seen: newRecent[bool](givenMax)}
}

// Again notes an id of a sort, and reports whether it was seen before.
func (g *Given) Again(sort, id string) bool {
	mark := maphash.Comparable(g.seed, [2]string{sort, id})
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen.at(mark) {
		return true
	}
	g.seen.put(mark, true)
	return false
}
