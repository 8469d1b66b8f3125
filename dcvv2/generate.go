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

// Issued is a code with the window it is good for; Window.End is the expiry
// that goes with it.
type Issued struct {
	Code   Code
	Window Window
}

// Generate computes the codes of count windows in a row, beginning with the
// window of at, or with the next one when less than minRemaining of it is
// left. count is 1 to p.CodesMax (ErrCount), minRemaining 0 to a whole window
// (ErrMinRemaining). Two of the codes may be equal by chance; they stay so.
func Generate(p Policy, k MasterKey, a Account, at time.Time, count int, minRemaining time.Duration) ([]Issued, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if count < 1 || count > p.CodesMax {
		return nil, fmt.Errorf("%w: ask for 1 to %d, not %d", ErrCount, p.CodesMax, count)
	}
	whole := time.Duration(p.WindowHours) * time.Hour
	if minRemaining < 0 || minRemaining > whole {
		return nil, fmt.Errorf("%w: ask for 0s to %v, not %v", ErrMinRemaining, whole, minRemaining)
	}
	code, err := codesOf(p, k, a)
	if err != nil {
		return nil, err
	}
	first := WindowAt(at, p.WindowHours)
	if first.End().Sub(at) < minRemaining {
		first = first.Shift(1)
	}
	return inARow(code, first, count)
}

func inARow(code codes, first Window, count int) ([]Issued, error) {
	issued := make([]Issued, count)
	for i := range issued {
		w := first.Shift(int64(i))
		c, err := code(w)
		if err != nil {
			return nil, err
		}
		issued[i] = Issued{Code: c, Window: w}
	}
	return issued, nil
}
