package card

import (
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/internal/secret"
)

// Errors of ParseExpiry and ParseSequence.
var (
	ErrExpiry   = errors.New("an expiry date is four digits YYMM with a month 01 to 12")
	ErrSequence = errors.New("a card sequence number is 00 to 99")
)

// Expiry is the last month in which a card is valid (ISO 8583 field 14, YYMM).
// It prints as "****": beside a PAN it is cardholder data. The zero value is
// no expiry.
type Expiry struct {
	yymm secret.Text
}

// Months of January 2000 and December 2099, counted from the first.
const (
	monthsMin = 1
	monthsMax = 100 * 12
)

// ParseExpiry reads YYMM. Years are 2000 to 2099.
func ParseExpiry(yymm string) (Expiry, error) {
	if len(yymm) != 4 || !allDigits(yymm) {
		return Expiry{}, ErrExpiry
	}
	month := number(yymm[2:])
	if month < 1 || month > 12 {
		return Expiry{}, ErrExpiry
	}
	return expiries[number(yymm[:2])*12+month-1], nil
}

// expiries are all there are, by month: each is hidden once.
var expiries = func() (all [monthsMax]Expiry) {
	for i := range all {
		all[i] = Expiry{yymm: secret.New(fmt.Sprintf("%02d%02d", i/12, i%12+1))}
	}
	return all
}()

// MustExpiry is ParseExpiry for constants in tests and examples.
func MustExpiry(yymm string) Expiry {
	e, err := ParseExpiry(yymm)
	if err != nil {
		panic(err)
	}
	return e
}

// ExpiryAfter is the month that lies years after t, in UTC, or the first or
// last month that YYMM can say.
func ExpiryAfter(t time.Time, years int) Expiry {
	months := min(max(monthsOf(t)+years*12, monthsMin), monthsMax)
	return expiries[months-1]
}

// YYMM gives the four digits of the wire, 0000 of no expiry.
func (e Expiry) YYMM() string {
	if e.IsZero() {
		return "0000"
	}
	return e.yymm.Reveal()
}

// MMYY gives the digits as a card shows them, without the slash.
func (e Expiry) MMYY() string {
	s := e.YYMM()
	return s[2:] + s[:2]
}

// IsZero reports whether e is no expiry.
func (e Expiry) IsZero() bool { return e == Expiry{} }

// Passed reports whether the card's last month is over at t, in UTC.
func (e Expiry) Passed(t time.Time) bool {
	digits := e.YYMM()
	return monthsOf(t) > number(digits[:2])*12+number(digits[2:])
}

func monthsOf(t time.Time) int {
	t = t.UTC()
	return (t.Year()-2000)*12 + int(t.Month())
}

// Format writes four stars for every verb.
func (e Expiry) Format(f fmt.State, _ rune) { fmt.Fprint(f, "****") }

// String is four stars.
func (e Expiry) String() string { return "****" }

// MarshalText is four stars.
func (e Expiry) MarshalText() ([]byte, error) { return []byte("****"), nil }

// Sequence is the PAN sequence number (PSN, ISO 8583 field 23): it tells cards
// of one account apart. Range 0 to 99.
type Sequence uint8

// ParseSequence reads one to three digits with a value of 0 to 99.
func ParseSequence(s string) (Sequence, error) {
	if s == "" || len(s) > 3 || !allDigits(s) || number(s) > 99 {
		return 0, ErrSequence
	}
	return Sequence(number(s)), nil
}

// Digits gives the two digits that key derivation uses (EMV Book 2 A1.4): of a
// number over 99, which ParseSequence does not give, the last two.
func (s Sequence) Digits() string {
	return string([]byte{'0' + byte(s)/10%10, '0' + byte(s)%10})
}

func number(digits string) int {
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}
