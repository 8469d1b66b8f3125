package screening

import (
	"io"
	"strconv"
	"sync"

	"github.com/firsttap/firsttap/token"
)

// TransactionIDs gives transaction identifiers (field 62.2, 15 digits). The first
// is drawn and each other follows the one before it: none comes twice in a run, a
// run meets another no sooner than drawn ones would, and a store that keeps things
// by identifier has the newest beside each other. It may be used by many
// goroutines.
type TransactionIDs struct {
	random io.Reader
	mu     sync.Mutex
	last   string // "" before the first
}

// transactionIDs is how many there are: behind the last comes 0.
const transactionIDs = 1_000_000_000_000_000

// NewTransactionIDs gives identifiers that begin where random says.
func NewTransactionIDs(random io.Reader) *TransactionIDs {
	return &TransactionIDs{random: random}
}

// Next gives an identifier. The first fails when random does.
func (t *TransactionIDs) Next() (next string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == "" {
		next, err = token.DrawTransactionID(t.random)
	} else {
		next, err = following(t.last)
	}
	if err == nil {
		t.last = next
	}
	return next, err
}

func following(id string) (string, error) {
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(transactionIDs+(number+1)%transactionIDs, 10)[1:], nil
}
