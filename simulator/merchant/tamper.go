package merchant

import (
	"sync"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// Predicted is the number of a terminal with Options.Predictable. A cryptogram
// that was made for it before can be played to such a terminal.
var Predicted = [4]byte{0x00, 0x00, 0x00, 0x01}

// AlterAmount is a Tamper that raises the amount after the phone has signed
// it, everywhere it stands.
func AlterAmount(by uint64) func(*messages.TapRequest) {
	return func(r *messages.TapRequest) {
		r.Tap.Amount += by
		r.Tap.Chip.AmountAuthorised += by
	}
}

// ReplayFirst is a Tamper of a crooked acquirer: the first request passes, and
// every later one carries the first one's card data and cryptogram in a message
// of its own, whatever card was read.
func ReplayFirst() func(*messages.TapRequest) {
	var mu sync.Mutex
	var first *token.Tap
	return func(r *messages.TapRequest) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			kept := r.Tap
			first = &kept
			return
		}
		r.Tap = *first
	}
}
