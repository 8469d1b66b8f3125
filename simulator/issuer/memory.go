package issuer

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// RememberedMax is how many transactions, notices and advices each the host
// knows again. The oldest are forgotten first; a network that repeats does so
// within days (ours).
const RememberedMax = 100_000

// memory is a map that forgets what came first. Its user holds a lock.
type memory[K comparable, V any] struct {
	values  map[K]*V
	inOrder []K
}

// at gives what is remembered under k, from now on if it was nothing.
func (m *memory[K, V]) at(k K) *V {
	if v, ok := m.values[k]; ok {
		return v
	}
	if m.values == nil {
		m.values = make(map[K]*V)
	}
	if len(m.inOrder) >= RememberedMax {
		delete(m.values, m.inOrder[0])
		m.inOrder = m.inOrder[1:]
	}
	v := new(V)
	m.values[k] = v
	m.inOrder = append(m.inOrder, k)
	return v
}

// transactionKey names a request of the network's: an activation, or one about
// money, each with its 62.2.
type transactionKey struct {
	activation bool
	id         string
}

// transaction is what became of a request. The zero value is one that has not
// come yet.
type transaction struct {
	counted bool // as a reversal, see Host.Reversals
	decided bool
	outcome token.Outcome
	pan     card.PAN
	amount  uint64 // minor units; 0 of an activation
	taken   uint64 // off the account, and not given back
	undone  bool   // by a reversal, which may come first

	device token.Device // of an activation
}

// once decides about a request, or gives what was decided when it came first.
// One that was undone before it came is declined, and one that has the 62.2 of
// another is refused. Without a 62.2 each request is the first.
func (h *Host) once(key transactionKey, pan card.PAN, amount uint64, decide func(t *transaction) token.Outcome) token.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := new(transaction)
	if key.id != "" {
		t = h.transactions.at(key)
	}
	switch {
	case t.decided && (t.pan != pan || t.amount != amount):
		return h.signed(token.Outcome{Response: token.DuplicateTrace})
	case t.decided:
		return t.outcome
	}
	t.decided, t.pan, t.amount = true, pan, amount
	if t.undone {
		t.outcome = h.signed(token.Outcome{Response: token.DoNotHonour})
		return t.outcome
	}
	t.outcome = h.signed(decide(t))
	return t.outcome
}
