package api

import (
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/dcvv2"
)

// How long and how many request ids are remembered. Ours.
const (
	RepeatAge           = 24 * time.Hour // the same id is a repeat within it
	RepeatsPerClientMax = 20000          // then the oldest is forgotten: about 3 MB per client
)

// answered is what a repeat is answered from. It holds no code: codes are
// computed again for the time of the first request.
type answered struct {
	at        time.Time
	enrolment dcvv2.Enrolment
}

// repeats remembers requests by client and id, in memory only.
type repeats struct {
	hashKey [sha256.Size]byte
	mu      sync.Mutex
	clients map[string]*remembered
}

type remembered struct {
	byID  map[string]*list.Element
	order *list.List // of *attempt, oldest first
}

type attempt struct {
	id       string
	digest   [sha256.Size]byte
	begun    time.Time
	done     chan struct{} // closed when answered or failed
	answered answered
	ok       bool
}

func newRepeats(random io.Reader) (*repeats, error) {
	r := &repeats{clients: map[string]*remembered{}}
	if _, err := io.ReadFull(random, r.hashKey[:]); err != nil {
		return nil, fmt.Errorf("drawing the key that hashes requests: %w", err)
	}
	return r, nil
}

// digest is a keyed hash of a request: who could read it out of memory could
// not try PANs against it.
func (r *repeats) digest(path string, doc wire.Document) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, r.hashKey[:])
	fmt.Fprintf(mac, "%d:%s", len(path), path)
	doc.Hash(mac)
	mac.Sum(sum[:0])
	return sum
}

// once does a request unless the same client sent the same id before: then it
// gives what was answered, waiting for a first request that is still under
// way. An id with another digest is refused. A request that failed is
// forgotten, so that it can be tried again under its id.
func (r *repeats) once(ctx context.Context, client, id string, digest [sha256.Size]byte, at time.Time, do func() (answered, error)) (answered, error) {
	for {
		mine, first := r.begin(client, id, digest, at)
		if first {
			return r.run(client, mine, do)
		}
		if mine.digest != digest {
			return answered{}, idReused
		}
		select {
		case <-mine.done:
		case <-ctx.Done():
			return answered{}, ctx.Err()
		}
		if mine.ok {
			return mine.answered, nil
		}
	}
}

// begin finds the attempt under an id or makes it.
func (r *repeats) begin(client, id string, digest [sha256.Size]byte, at time.Time) (a *attempt, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.clients[client]
	if known == nil {
		known = &remembered{byID: map[string]*list.Element{}, order: list.New()}
		r.clients[client] = known
	}
	known.forget(at)
	if e, ok := known.byID[id]; ok {
		return e.Value.(*attempt), false
	}
	if known.order.Len() >= RepeatsPerClientMax {
		known.remove(known.order.Front().Value.(*attempt))
	}
	a = &attempt{id: id, digest: digest, begun: at, done: make(chan struct{})}
	known.byID[id] = known.order.PushBack(a)
	return a, true
}

func (r *repeats) run(client string, a *attempt, do func() (answered, error)) (result answered, err error) {
	defer func() { // also when do panics
		r.mu.Lock()
		defer r.mu.Unlock()
		if !a.ok {
			r.clients[client].remove(a)
		}
		close(a.done)
	}()
	result, err = do()
	a.answered, a.ok = result, err == nil
	return result, err
}

// forget removes what is older than RepeatAge.
func (k *remembered) forget(at time.Time) {
	for e := k.order.Front(); e != nil; e = k.order.Front() {
		a := e.Value.(*attempt)
		if at.Sub(a.begun) < RepeatAge {
			return
		}
		k.remove(a)
	}
}

func (k *remembered) remove(a *attempt) {
	if e, ok := k.byID[a.id]; ok && e.Value == a {
		k.order.Remove(e)
		delete(k.byID, a.id)
	}
}
