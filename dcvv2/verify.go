package dcvv2

import (
	"crypto/subtle"
	"time"
)

// Verdict is what Verify finds of a code. The zero value is Wrong, so that no
// finding is ever a match by mistake.
type Verdict int

// Verdicts.
const (
	Wrong    Verdict = iota // the code of no window near by
	Matched                 // good now
	TooEarly                // the code of a window to come
	Expired                 // the code of a window that is over
)

// String is the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Matched:
		return "matched"
	case TooEarly:
		return "too early"
	case Expired:
		return "expired"
	default:
		return "wrong"
	}
}

// Finding is a verdict and the window whose code it is; no window when Wrong.
type Finding struct {
	Verdict Verdict
	Window  Window
}

// Verify checks a code at a time. It accepts the code of the window of at and,
// while at is inside the grace period, of the window before; never of a later
// one. On a miss it looks at the windows that one request could have been
// given codes for, to tell a code that is too early or expired from a wrong
// one: that is for the audit trail, and by chance says so of about one wrong
// code in twenty. Comparisons take constant time and the search never stops at
// a hit, so the kinds of miss take equally long.
func Verify(p Policy, k MasterKey, a Account, c Code, at time.Time) (Finding, error) {
	if err := p.Validate(); err != nil {
		return Finding{}, err
	}
	code, err := codesOf(p, k, a)
	if err != nil {
		return Finding{}, err
	}
	now := WindowAt(at, p.WindowHours)
	if _, err := code(now); err != nil {
		return Finding{}, err
	}
	if found := among(code, c, accepted(p, now, at)); !found.Window.IsZero() {
		return found, nil
	}
	return among(code, c, neighbours(now)), nil
}

// accepted lists the findings that let a code pass. The last match counts, so
// the current window, whose code stays good for longest, comes last.
func accepted(p Policy, now Window, at time.Time) []Finding {
	current := Finding{Matched, now}
	if at.Sub(now.Start()) < p.Grace {
		return []Finding{{Matched, now.Shift(-1)}, current}
	}
	return []Finding{current}
}

// neighbours lists the findings that explain a miss, from the farthest window
// to the nearest, of two at one distance the past one last: being late is
// likelier than being early.
func neighbours(now Window) []Finding {
	list := make([]Finding, 0, 2*CodesMax)
	for n := int64(CodesMax); n > 0; n-- {
		if n < CodesMax {
			list = append(list, Finding{TooEarly, now.Shift(n)})
		}
		list = append(list, Finding{Expired, now.Shift(-n)})
	}
	return list
}

// among gives the last finding whose window has code c, or none. A window that
// the profile cannot express has no code.
func among(code codes, c Code, list []Finding) Finding {
	hit := -1
	for i, f := range list {
		candidate, err := code(f.Window)
		if err != nil {
			continue
		}
		hit = subtle.ConstantTimeSelect(same(candidate, c), i, hit)
	}
	if hit < 0 {
		return Finding{}
	}
	return list[hit]
}
