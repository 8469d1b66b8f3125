package token_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

func TestLentKeys(t *testing.T) {
	for _, lent := range []time.Time{
		time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC),
		time.Date(2029, 12, 31, 23, 59, 59, 0, time.UTC), // a day later the digit is 0
		time.Date(2028, 12, 31, 23, 0, 0, 0, time.UTC),   // hour 8784 of a leap year
		time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		index, begin := emv.LimitedUseIndexAt(lent, 3), lent.Truncate(time.Hour)
		for _, test := range []struct {
			after   time.Duration
			expired bool
		}{{0, false}, {token.LentKeyFor - time.Nanosecond, false}, {token.LentKeyFor, true}, {365 * 24 * time.Hour, true}} {
			if got, ok := token.LentHour(index, begin.Add(test.after)); !ok || !got.Equal(begin) {
				t.Errorf("%s is of %v, %v after it", index, got, test.after)
			}
			if got := token.LentKeyExpired(index, begin.Add(test.after)); got != test.expired {
				t.Errorf("%s is expired %v after its hour: %t", index, test.after, got)
			}
		}
	}
	for _, index := range []string{"", "632813", "63281300", "632813x", "6000001"} {
		if _, ok := token.LentHour(index, now); ok || !token.LentKeyExpired(index, now) {
			t.Errorf("%q is an index", index)
		}
	}
}
