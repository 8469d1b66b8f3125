package dcvv2_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/dcvv2"
)

// TestWindowsTileTime: every moment lies in exactly one window, and windows
// meet without gap, before 1970 as well.
func TestWindowsTileTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-4_000_000_000, 4_000_000_000).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond"))
		hours := rapid.IntRange(dcvv2.WindowHoursMin, dcvv2.WindowHoursMax).Draw(t, "hours")
		w := dcvv2.WindowAt(at, hours)
		if at.Before(w.Start()) || !at.Before(w.End()) {
			t.Fatalf("%v is not in %v", at, w)
		}
		if w.End().Sub(w.Start()) != time.Duration(hours)*time.Hour {
			t.Fatalf("%v lasts %v", w, w.End().Sub(w.Start()))
		}
		if dcvv2.WindowAt(w.Start(), hours) != w || dcvv2.WindowAt(w.End(), hours) != w.Shift(1) || dcvv2.WindowAt(w.Start().Add(-1), hours) != w.Shift(-1) {
			t.Fatalf("%v does not meet its neighbours", w)
		}
	})
}

func TestWindowAtIsInUTC(t *testing.T) {
	at := moment(t, "2026-11-22T12:34:56Z")
	w := dcvv2.WindowAt(at.In(time.FixedZone("", 5*3600+1800)), 1)
	if w != dcvv2.WindowAt(at, 1) || w.End().Location() != time.UTC || w.Start().Location() != time.UTC {
		t.Errorf("the time zone of the argument makes a difference: %v", w)
	}
}

func TestWindowOfNoHours(t *testing.T) {
	at := moment(t, "2026-11-22T12:34:56Z")
	for hours, good := range map[int]bool{math.MinInt: false, -1: false, 0: false, 1: true, 18: true, 19: false, math.MaxInt: false} {
		if got := !dcvv2.WindowAt(at, hours).IsZero(); got != good {
			t.Errorf("a window of %d hours: %v", hours, got)
		}
	}
}

func TestWindowString(t *testing.T) {
	for w, want := range map[dcvv2.Window]string{
		{Index: 498708, Hours: 1}: "2026-11-22T12:00:00Z/PT1H",
		{Index: -1, Hours: 13}:    "1969-12-31T11:00:00Z/PT13H",
		{}:                        "none",
	} {
		if w.String() != want {
			t.Errorf("%s, want %s", w, want)
		}
	}
}
