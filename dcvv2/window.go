// Package dcvv2 makes and checks dynamic CVV2 codes: three digits that are
// good for a window of whole hours and, for provisioning a token, once.
//
// It holds windows, the code profiles that compute a code, an issuer's policy
// and range registrations, Generate and Verify. It never stores a code, never
// reads a clock and never does I/O: codes are computed anew from the master
// key each time, and the time is an argument. It is Visa-style and claims no
// conformance: the byte layout of Visa's own computation is not public, ours
// is documented at each profile. Start at Generate and Verify.
package dcvv2

import (
	"fmt"
	"time"
)

// Hours of a window (developer.visa.com, dCVV2 Generate: a validity of 1 to 18
// hours, chosen per account range).
const (
	WindowHoursMin = 1
	WindowHoursMax = 18
)

const secondsPerHour = 3600

// Window is a run of Hours whole hours, numbered from 1970-01-01T00:00:00Z
// without regard to days: windows whose hours do not divide 24 move through
// the day. The zero value is no window.
type Window struct {
	Index int64
	Hours int
}

// WindowAt is the window of hours that t lies in. Times before 1970 have
// negative indexes. It is no window when hours is not 1 to 18.
func WindowAt(t time.Time, hours int) Window {
	if hours < WindowHoursMin || hours > WindowHoursMax {
		return Window{}
	}
	length := int64(hours) * secondsPerHour
	index := t.Unix() / length
	if t.Unix()%length < 0 {
		index--
	}
	return Window{Index: index, Hours: hours}
}

// Start is the window's first moment, in UTC.
func (w Window) Start() time.Time {
	return time.Unix(w.firstHour()*secondsPerHour, 0).UTC()
}

// End is the first moment after the window, in UTC: the expiry that is given
// out with a code.
func (w Window) End() time.Time { return w.Shift(1).Start() }

// Shift is the window n windows later, or earlier for a negative n.
func (w Window) Shift(n int64) Window { return Window{Index: w.Index + n, Hours: w.Hours} }

// IsZero reports whether w is no window.
func (w Window) IsZero() bool { return w == Window{} }

// String is the window as an ISO 8601 interval: "2026-11-22T12:00:00Z/PT1H".
// No window is "none".
func (w Window) String() string {
	if w.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%s/PT%dH", w.Start().Format(time.RFC3339), w.Hours)
}

// firstHour is the window's first hour since 1970.
func (w Window) firstHour() int64 { return w.Index * int64(w.Hours) }
