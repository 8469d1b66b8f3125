package card

import (
	"fmt"
	"io"
)

// DrawPAN draws a PAN of a range: its low digits, digits of chance, and the
// Luhn check digit. digits is the whole length, 13 to 19; random supplies the
// chance.
func DrawPAN(random io.Reader, r Range, digits int) (PAN, error) {
	free, err := DrawDigits(random, max(0, digits-1-len(r.low)))
	if err != nil {
		return PAN{}, fmt.Errorf("drawing a number of range %s: %w", r, err)
	}
	return CompletePAN(r.low + free)
}

// DrawDigits draws n unbiased decimal digits: bytes over 249 are thrown away.
func DrawDigits(random io.Reader, n int) (string, error) {
	digits := make([]byte, 0, n)
	var buf [1]byte
	for len(digits) < n {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", err
		}
		if buf[0] < 250 {
			digits = append(digits, '0'+buf[0]%10)
		}
	}
	return string(digits), nil
}
