package link

import (
	"sync"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// answer is what became of a question: a message or the error for its asker.
type answer struct {
	message *specs.Message
	err     error
}

// pending holds the questions that wait for their answers. Each has a
// buffered channel, so that delivering never waits for the asker, and gets
// exactly one answer unless its asker removes it first.
type pending struct {
	mu     sync.Mutex
	byKey  map[string]chan answer
	hints  map[string]hint // of some of them; see note
	past   past
	closed bool
}

func (p *pending) add(key string) (chan answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, ErrClosed
	case len(p.byKey) >= pendingMax:
		return nil, ErrBusy
	}
	if _, taken := p.byKey[key]; taken {
		return nil, ErrDuplicate
	}
	if p.byKey == nil {
		p.byKey = make(map[string]chan answer)
	}
	waiting := make(chan answer, 1)
	p.byKey[key] = waiting
	return waiting, nil
}

// deliver gives a question its answer and reports whether it was waited for.
func (p *pending) deliver(key string, a answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting, ok := p.byKey[key]
	if ok {
		p.forget(key)
		p.past.add(key, true)
		waiting <- a
	}
	return ok
}

// remove takes a question back that was not sent, and reports whether it was
// still waiting. The key may name another question by now, which stays.
func (p *pending) remove(key string, waiting chan answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.removeLocked(key, waiting)
}

// giveUp is remove for a question that was sent: an answer may still come. It
// gives what came in the answer's place.
func (p *pending) giveUp(key string, waiting chan answer) (came hint, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	came = p.hints[key]
	if !p.removeLocked(key, waiting) {
		return hint{}, false
	}
	p.past.add(key, false)
	return came, true
}

func (p *pending) removeLocked(key string, waiting chan answer) bool {
	if p.byKey[key] != waiting {
		return false
	}
	p.forget(key)
	return true
}

func (p *pending) forget(key string) {
	delete(p.byKey, key)
	delete(p.hints, key)
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byKey)
}

// failAll ends every wait, and refuses further ones.
func (p *pending) failAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for key, waiting := range p.byKey {
		p.forget(key)
		waiting <- answer{err: ErrClosed}
	}
}

// past is a ring of the questions that wait no more, the latest pastMax.
type past struct {
	list []passed
	next int
}

// passed is a question that was answered, or given up.
type passed struct {
	key      string
	at       time.Time
	answered bool
}

func (r *past) add(key string, answered bool) {
	one := passed{key, time.Now(), answered}
	if len(r.list) < pastMax {
		r.list = append(r.list, one)
		return
	}
	r.list[r.next] = one
	r.next = (r.next + 1) % pastMax
}

// find gives the latest question with a key.
func (r *past) find(key string) (found passed, ok bool) {
	for _, one := range r.list {
		if one.key == key && (!ok || !one.at.Before(found.at)) {
			found, ok = one, true
		}
	}
	return found, ok
}
