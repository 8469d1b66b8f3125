package guess

import (
	"math"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// codeCount is how many codes there are: those of three digits.
const codeCount = 1000

// Chance is that of distinct guesses on one account to hit at least one of
// live codes: 1-(1-distinct/1000)^live. The codes are independent, so two of
// them may be equal, and then count as one; the formula holds for that.
func Chance(distinct, live int) float64 {
	return 1 - math.Pow(1-float64(min(distinct, codeCount))/codeCount, float64(live))
}

// ChanceOfMany is that of one guess on each of many accounts to hit at least
// once, where each has live codes: 1-(1-p)^accounts with p of one guess.
func ChanceOfMany(accounts, live int) float64 {
	return 1 - math.Pow(1-Chance(1, live), float64(accounts))
}

// MedianAccounts is how many accounts it takes, one guess on each, until a hit
// is as likely as not: 693 with one live code, 347 with two.
func MedianAccounts(live int) int {
	return int(math.Ceil(math.Log(0.5) / math.Log(1-Chance(1, live))))
}

// Expectation is what theory says of an attack.
type Expectation struct {
	First float64 // chance of a hit within Kind.First
	All   float64 // chance of a hit in the whole attack
	// FirstGuesses and Guesses are how many are checked when none hits, within
	// Kind.First and in the whole attack.
	FirstGuesses int
	Guesses      int
}

// Expect works out an attack from the limits alone. It shares nothing with the
// gateway and the store but the policy's numbers and where windows begin.
func (s Setup) Expect(k Kind) Expectation {
	bursts := s.timetable(k)
	var first []burst
	for _, b := range bursts {
		if b.at.Before(bursts[0].at.Add(k.First())) {
			first = append(first, b)
		}
	}
	return Expectation{
		First: s.chance(k, first), FirstGuesses: checked(first, time.Time{}),
		All: s.chance(k, bursts), Guesses: checked(bursts, time.Time{}),
	}
}

// burst is guesses that are checked at one moment.
type burst struct {
	at      time.Time
	guesses int
}

// checked counts the guesses after a time.
func checked(bursts []burst, after time.Time) (n int) {
	for _, b := range bursts {
		if b.at.After(after) {
			n += b.guesses
		}
	}
	return n
}

// chance is that of any hit. On one account each window has a code of its own,
// and all guesses that were made while it was accepted are distinct; so the
// chance to miss is the product of (1-guesses/1000) over the windows.
func (s Setup) chance(k Kind, bursts []burst) float64 {
	if k.wide() {
		miss := 1.0
		for _, b := range bursts {
			miss *= 1 - ChanceOfMany(b.guesses, s.liveAt(b.at))
		}
		return 1 - miss
	}
	against := make(map[dcvv2.Window]int)
	for _, b := range bursts {
		window := dcvv2.WindowAt(b.at, s.Policy.WindowHours)
		for n := range s.liveAt(b.at) {
			against[window.Shift(int64(-n))] += b.guesses
		}
	}
	miss := 1.0
	for _, guesses := range against {
		miss *= 1 - Chance(guesses, 1)
	}
	return 1 - miss
}

// liveAt is how many codes are accepted at a time: inside the grace that of
// the window before as well.
func (s Setup) liveAt(t time.Time) int {
	if t.Sub(dcvv2.WindowAt(t, s.Policy.WindowHours).Start()) < s.Policy.Grace {
		return 2
	}
	return 1
}

// next is the first time at or after t at which Live codes are accepted.
func (s Setup) next(t time.Time) time.Time {
	window := dcvv2.WindowAt(t, s.Policy.WindowHours)
	switch {
	case s.liveAt(t) == s.Live:
		return t
	case s.Live == 1:
		return window.Start().Add(s.Policy.Grace)
	default:
		return window.End()
	}
}

// timetable says when how many guesses are checked if none hits. The attacker
// guesses as soon and as fast as the limits let it.
func (s Setup) timetable(k Kind) []burst {
	var bursts []burst
	at := s.next(begin)
	for at.Before(s.end()) {
		n, wait := s.allowed(k, bursts, at)
		if n > 0 {
			bursts = append(bursts, burst{at, n})
		}
		if wait == 0 || k == Parallel {
			break
		}
		at = s.next(at.Add(wait))
	}
	return bursts
}

// allowed is how many guesses are checked at a time, and how long the limit
// that ends them lasts: 0 when the attack is over.
func (s Setup) allowed(k Kind, before []burst, at time.Time) (n int, wait time.Duration) {
	all := checked(before, time.Time{})
	left := s.guesses(k) - all
	n = left
	if most, limited := s.hourly(k); limited {
		if n = min(n, most-checked(before, at.Add(-vault.ScopeFailuresFor))); n < left {
			wait = vault.ScopeFailuresFor
		}
	}
	if k.wide() {
		return n, wait
	}
	if day := s.Policy.FailuresPerDayMax - checked(before, at.Add(-vault.FailuresFor)); day <= n {
		n, wait = day, vault.FailuresFor
	}
	if row := s.Policy.FailuresInRowMax - all; row <= n {
		n, wait = row, 0
	}
	if n == left {
		wait = 0
	}
	return n, wait
}

// hourly is how many failures an hour the requestors and the range allow
// together.
func (s Setup) hourly(k Kind) (most int, limited bool) {
	requestors := s.RequestorFailuresPerHourMax
	if k == Spread {
		requestors *= s.Requestors
	}
	ofRange := s.Policy.RangeFailuresPerHourMax
	switch {
	case requestors == 0:
		return ofRange, ofRange > 0
	case ofRange == 0:
		return requestors, true
	default:
		return min(requestors, ofRange), true
	}
}
