package card_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
)

func TestParseExpiry(t *testing.T) {
	for _, yymm := range []string{"0001", "2612", "3112", "9912", "2601"} {
		e, err := card.ParseExpiry(yymm)
		if err != nil || e.YYMM() != yymm || e.MMYY() != yymm[2:]+yymm[:2] || e.IsZero() {
			t.Errorf("%s came back as %s, %s, %v", yymm, e.YYMM(), e.MMYY(), err)
		}
	}
	for _, bad := range []string{"", "311", "31120", "3100", "3113", "31/2", "-112", "311２", "１２"} {
		if e, err := card.ParseExpiry(bad); !errors.Is(err, card.ErrExpiry) || !e.IsZero() {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if none := (card.Expiry{}); none.YYMM() != "0000" || none.MMYY() != "0000" {
		t.Errorf("no expiry is written %s and %s", none.YYMM(), none.MMYY())
	}
}

func TestExpiryPassesAtTheEndOfItsMonth(t *testing.T) {
	e := card.MustExpiry("2802")
	last := time.Date(2028, 2, 29, 23, 59, 59, 999999999, time.UTC)
	if e.Passed(last) || !e.Passed(last.Add(1)) {
		t.Error("a card is good through the last moment of its month, in UTC")
	}
	// Where it is March already, UTC still counts.
	if east := time.FixedZone("", 14*3600); e.Passed(last.In(east)) {
		t.Error("the time zone of the argument makes a difference")
	}
	if !(card.Expiry{}).Passed(last) {
		t.Error("no expiry has passed")
	}
}

func TestExpiryAfter(t *testing.T) {
	for _, c := range []struct {
		from  time.Time
		years int
		want  string
	}{
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 3, "2911"},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 0, "2611"},
		{time.Date(2026, 12, 31, 23, 30, 0, 0, time.FixedZone("", -3600)), 3, "3001"},
		{time.Date(2096, 12, 1, 0, 0, 0, 0, time.UTC), 3, "9912"},
		{time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC), 3, "9912"},
		{time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC), 0, "0001"},
		{time.Date(1960, 6, 1, 0, 0, 0, 0, time.UTC), 3, "0001"},
	} {
		got := card.ExpiryAfter(c.from, c.years)
		if got != card.MustExpiry(c.want) {
			t.Errorf("%d years after %v: %s, want %s", c.years, c.from, got.YYMM(), c.want)
		}
	}
}

func TestParseSequence(t *testing.T) {
	for s, want := range map[string]string{"0": "00", "00": "00", "000": "00", "1": "01", "001": "01", "42": "42", "099": "99"} {
		if got, err := card.ParseSequence(s); err != nil || got.Digits() != want {
			t.Errorf("%q: %s, %v, want %s", s, got.Digits(), err, want)
		}
	}
	for _, bad := range []string{"", "100", "0001", "1 ", "-1", "x"} {
		if _, err := card.ParseSequence(bad); !errors.Is(err, card.ErrSequence) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := card.Sequence(255).Digits(); got != "55" {
		t.Errorf("a number over 99 has digits %s", got)
	}
}

func FuzzParseExpiry(f *testing.F) {
	for _, seed := range []string{"3112", "0001", "9912", "", "3100", "3113", "é1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := card.ParseExpiry(s); err == nil && e.YYMM() != s {
			t.Errorf("%q came back as %q", s, e.YYMM())
		}
	})
}

func FuzzParseSequence(f *testing.F) {
	for _, seed := range []string{"0", "01", "099", "100", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := card.ParseSequence(s)
		if again, _ := card.ParseSequence(n.Digits()); err == nil && (n > 99 || again != n) {
			t.Errorf("%q is %d, and %d again", s, n, again)
		}
	})
}

// fmt follows one pointer where a verb does not fit, past every method.
func TestExpiryIsHiddenBehindAPointer(t *testing.T) {
	e := card.MustExpiry("3112")
	holder := struct{ e *card.Expiry }{&e}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		for _, shown := range []string{fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder)} {
			for _, clear := range []string{"3112", "384", "180"} {
				if strings.Contains(pointers.ReplaceAllString(shown, ""), clear) {
					t.Errorf("%s shows %s", verb, shown)
				}
			}
		}
	}
}

var pointers = regexp.MustCompile(`0xc[0-9a-f]+|c[0-9a-f]{9,}|[0-9]{10,}`)
