package dcvv2

import (
	"errors"
	"fmt"
	"time"
)

// Errors of Generate.
var (
	ErrCount        = errors.New("the number of codes is out of range")
	ErrMinRemaining = errors.New("the time that must remain is out of range")
)

// Issued is a code with the slot it is due in; Slot.End is the expiry that goes
// with it.
type Issued struct {
	Code Code
	Slot
}

// Generate computes the codes of count slots in a row, beginning with the slot
// of at, or with the next one when less than minRemaining of it is left. count
// is 1 to the CodesMax of the policy in force (ErrCount), minRemaining 0 to a
// whole window (ErrMinRemaining). Two of the codes may be equal by chance; they
// stay so.
func Generate(s Schedule, keys Masters, a Account, at time.Time, count int, minRemaining time.Duration) ([]Issued, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	slot := s.SlotAt(at)
	if count < 1 || count > slot.Policy.CodesMax {
		return nil, fmt.Errorf("%w: ask for 1 to %d, not %d", ErrCount, slot.Policy.CodesMax, count)
	}
	whole := time.Duration(slot.Policy.WindowHours) * time.Hour
	if minRemaining < 0 || minRemaining > whole {
		return nil, fmt.Errorf("%w: ask for 0s to %v, not %v", ErrMinRemaining, whole, minRemaining)
	}
	if slot.End.Sub(at) < minRemaining {
		slot = s.after(slot)
	}
	var slots [CodesMax]Slot
	for i := range count {
		slots[i] = slot
		slot = s.after(slot)
	}
	var ds [CodesMax]digits
	code := coder{masters: keys, account: a}
	if err := code.all(ds[:count], slots[:count]); err != nil {
		return nil, err
	}
	issued := make([]Issued, count)
	for i := range issued {
		issued[i] = Issued{Code: ds[i].code(), Slot: slots[i]}
	}
	return issued, nil
}
