package emv

// appendBCD packs decimal digits two to a byte, with a zero in front of an odd
// number of them.
func appendBCD(dst []byte, digits string) []byte {
	if len(digits)%2 != 0 {
		dst, digits = append(dst, digits[0]-'0'), digits[1:]
	}
	for i := 0; i < len(digits); i += 2 {
		dst = append(dst, (digits[i]-'0')<<4|(digits[i+1]-'0'))
	}
	return dst
}

// appendBCDNumber packs the last 2·size decimal digits of n.
func appendBCDNumber(dst []byte, n uint64, size int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = byte(n/10%10)<<4 | byte(n%10)
		n /= 100
	}
	return dst
}

// parseBCD reads packed decimal digits; ok is false when a nibble is a letter.
func parseBCD(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		high, low := c>>4, c&0x0F
		if high > 9 || low > 9 {
			return 0, false
		}
		n = n*100 + uint64(high)*10 + uint64(low)
	}
	return n, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
