package token

import (
	"time"

	"github.com/firsttap/firsttap/emv"
)

// Limits of limited-use keys, which a phone without a secure element is lent
// (both are ours).
const (
	LentUsesMax = 5              // cryptograms of one key
	LentKeyFor  = 24 * time.Hour // from the beginning of its hour; one exactly this old is expired
)

// yearsOfDigit is how many years one digit can tell apart.
const yearsOfDigit = 10

// LentHour is the hour that the index YHHHHCC of a limited-use key names: the
// last one with this number up to an hour after at. It reports false for what
// is no index.
func LentHour(index string, at time.Time) (time.Time, bool) {
	if len(index) != emv.IndexDigits {
		return time.Time{}, false
	}
	n := 0
	for _, c := range []byte(index) {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		n = n*10 + int(c-'0')
	}
	digit, hour := n/1_000_000, n/100%10_000
	at = at.UTC()
	year := at.Year() - at.Year()%yearsOfDigit + digit
	if hour == 0 {
		return time.Time{}, false
	}
	begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour-1) * time.Hour)
	if begin.After(at.Add(time.Hour)) {
		begin = time.Date(year-yearsOfDigit, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour-1) * time.Hour)
	}
	return begin, true
}

// LentKeyExpired reports whether a key of this index is good no more at at.
func LentKeyExpired(index string, at time.Time) bool {
	begin, ok := LentHour(index, at)
	return !ok || !at.Before(begin.Add(LentKeyFor))
}
