package card_test

import (
	"bytes"
	"testing"

	"github.com/firsttap/firsttap/card"
)

// Bytes over 249 would favour the digits 0 to 5: they are thrown away.
func TestDrawDigitsIsUnbiased(t *testing.T) {
	got, err := card.DrawDigits(bytes.NewReader([]byte{255, 7, 250, 19, 249, 0}), 4)
	if err != nil || got != "7990" {
		t.Errorf("got %q, %v, want 7990", got, err)
	}
	if _, err := card.DrawDigits(bytes.NewReader([]byte{1, 2, 255}), 3); err == nil {
		t.Error("an exhausted source must be an error")
	}
}

func TestDrawPAN(t *testing.T) {
	for digits := card.PANDigitsMin; digits <= card.PANDigitsMax; digits++ {
		r := card.MustRange("4761739")
		p, err := card.DrawPAN(bytes.NewReader(make([]byte, 32)), r, digits)
		if err != nil || len(p.Reveal()) != digits || !r.Contains(p) {
			t.Errorf("%d digits: %v, %v", digits, p, err)
		}
	}
	for _, digits := range []int{card.PANDigitsMin - 1, card.PANDigitsMax + 1, 0} {
		if _, err := card.DrawPAN(bytes.NewReader(make([]byte, 32)), card.MustRange("4761739"), digits); err == nil {
			t.Errorf("%d digits must be refused", digits)
		}
	}
}
