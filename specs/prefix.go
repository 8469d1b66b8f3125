package specs

import (
	"fmt"

	"github.com/moov-io/iso8583/prefix"
)

// A Prefix is the length in front of a value: one of ours behind moov's
// prefix.Prefixer. It refuses a length of zero, since an empty value cannot be
// told from an absent one, and a length above the field's before anything is
// allocated.
type Prefix struct {
	name string
	kind prefixKind
	size int  // bytes that the length takes; 0 for fixed lengths and BER
	zero byte // the character for zero, of a characterPrefix
	odd  bool // a packedPrefix whose first half byte is no digit, and zero
	hex  bool // a berPrefix in hexadecimal
	unit int  // of a prefix in hexadecimal: what is told for one that the wire counts
}

type prefixKind uint8

const (
	noPrefix        prefixKind = iota + 1 // the length is fixed
	binaryPrefix                          // big-endian
	characterPrefix                       // decimal digits, one byte each
	packedPrefix                          // decimal digits, two a byte
	hexPrefix                             // upper-case hexadecimal digits
	berPrefix                             // one byte up to 127, else 81 and one byte (X.690 8.1.3, shortest form)
)

// The prefixes of the profiles. The names are moov's but for those that begin
// with firsttap.
var (
	// Fixed is no prefix: the value has the field's length.
	Fixed = &Prefix{name: "Binary.Fixed", kind: noPrefix}
	// Length1 is one byte, 1 to 255.
	Length1 = &Prefix{name: "Binary.L", kind: binaryPrefix, size: 1}
	// Length2 is two bytes, big-endian.
	Length2 = &Prefix{name: "Binary.LL", kind: binaryPrefix, size: 2}
	// LengthBER is the shortest BER form for 1 to 255 bytes.
	LengthBER = &Prefix{name: "BerTLV", kind: berPrefix}
	// ASCIILL is two decimal digits in ASCII.
	ASCIILL = &Prefix{name: "ASCII.LL", kind: characterPrefix, size: 2, zero: '0'}
	// ASCIILLL is three decimal digits in ASCII.
	ASCIILLL = &Prefix{name: "ASCII.LLL", kind: characterPrefix, size: 3, zero: '0'}
	// LengthHex1 is two hexadecimal digits.
	LengthHex1 = &Prefix{name: "Hex.L", kind: hexPrefix, size: 2, unit: 1}
	// LengthHex2 is four hexadecimal digits that count the bytes of a set,
	// each of which is written as two digits. moov has no such length: its
	// Hex.LL would count the digits.
	LengthHex2 = &Prefix{name: "firsttap.HexBytes.LL", kind: hexPrefix, size: 4, unit: 2}
	// LengthHexBER is LengthBER in hexadecimal. moov has no such length.
	LengthHexBER = &Prefix{name: "firsttap.HexBerTLV", kind: berPrefix, hex: true, unit: 1}
	// LengthHexBERDigits is LengthHexBER for a reader that counts digits: moov
	// keeps a tag that it does not know as the bytes on the wire.
	LengthHexBERDigits = &Prefix{name: "firsttap.HexBerTLV.Digits", kind: berPrefix, hex: true, unit: 2}
)

var _ prefix.Prefixer = (*Prefix)(nil)

// Limits of BER lengths: 127 in the short form (X.690 8.1.3.4), and what one
// byte can say after 81, more than a field 55 can hold.
const (
	berShortBytesMax = 127
	berBytesMax      = 255
	berOneByteFollow = 0x81
)

// EncodeLength gives the prefix of a value of the given length.
func (p *Prefix) EncodeLength(maxLength, length int) ([]byte, error) {
	if kind := p.check(maxLength, length); kind != 0 {
		return nil, fmt.Errorf("length: %s: %d of at most %d", kind, length, maxLength)
	}
	out, ok := p.put(make([]byte, 0, 4), length)
	if !ok {
		return nil, fmt.Errorf("length: %s: %d does not fit %s", TooLong, length, p.name)
	}
	return out, nil
}

// DecodeLength reads a prefix and tells how many bytes it took. It cannot
// compare the length with what is left, because it does not know how many
// bytes a digit takes: the Encoder does, before it allocates.
func (p *Prefix) DecodeLength(maxLength int, data []byte) (length, read int, err error) {
	length, read, kind := p.get(maxLength, data)
	if kind == 0 {
		kind = p.check(maxLength, length)
	}
	if kind != 0 {
		return 0, 0, fmt.Errorf("length: %s", kind)
	}
	return length, read, nil
}

// Inspect is the name under which moov's JSON form knows the prefix.
func (p *Prefix) Inspect() string { return p.name }

// check compares a length with the field's.
func (p *Prefix) check(maxLength, length int) FaultKind {
	switch {
	case p.kind == noPrefix && length != maxLength:
		return BadLength
	case length <= 0:
		return Empty
	case length > maxLength:
		return TooLong
	}
	return 0
}

// get reads the prefix at the start of data. It may give any length: see check.
func (p *Prefix) get(fixed int, data []byte) (length, read int, kind FaultKind) {
	switch {
	case p.kind == noPrefix:
		return fixed, 0, 0
	case p.kind == berPrefix:
		return p.getBER(data)
	case len(data) < p.size:
		return 0, 0, Short
	}
	for i, b := range data[:p.size] {
		switch p.kind {
		case binaryPrefix:
			length = length<<8 | int(b)
		case characterPrefix:
			if b < p.zero || b > p.zero+9 {
				return 0, 0, BadLength
			}
			length = length*10 + int(b-p.zero)
		case packedPrefix:
			if b>>4 > 9 || b&0x0F > 9 || p.odd && i == 0 && b>>4 != 0 {
				return 0, 0, BadLength
			}
			length = length*100 + int(b>>4)*10 + int(b&0x0F)
		case hexPrefix:
			nibble := nibbleOf[b]
			if nibble == notNibble {
				return 0, 0, BadLength
			}
			length = length<<4 | int(nibble)
		}
	}
	if p.kind == hexPrefix {
		length *= p.unit
	}
	return length, p.size, 0
}

func (p *Prefix) getBER(data []byte) (length, read int, kind FaultKind) {
	if !p.hex {
		return getBER(data)
	}
	var room [2]byte
	raw, bad := unhex(room[:0], data)
	length, read, kind = getBER(raw)
	if kind == Short && bad {
		kind = BadLength
	}
	return length * p.unit, 2 * read, kind
}

func getBER(data []byte) (length, read int, kind FaultKind) {
	switch {
	case len(data) == 0:
		return 0, 0, Short
	case data[0] <= berShortBytesMax:
		return int(data[0]), 1, 0
	case data[0] != berOneByteFollow:
		return 0, 0, BadLength
	case len(data) < 2:
		return 0, 0, Short
	case data[1] <= berShortBytesMax:
		return 0, 0, BadLength
	}
	return int(data[1]), 2, 0
}

// put appends the prefix; it fails on a length that the prefix cannot say.
func (p *Prefix) put(dst []byte, length int) ([]byte, bool) {
	switch p.kind {
	case noPrefix:
		return dst, true
	case berPrefix:
		return p.putBER(dst, length)
	case hexPrefix:
		if length%p.unit != 0 {
			return dst, false
		}
		length /= p.unit
	}
	start := len(dst)
	for range p.size {
		dst = append(dst, 0)
	}
	for i := len(dst) - 1; i >= start; i-- {
		switch p.kind {
		case binaryPrefix:
			dst[i], length = byte(length), length>>8
		case characterPrefix:
			dst[i], length = p.zero+byte(length%10), length/10
		case packedPrefix:
			dst[i], length = byte(length/10%10<<4|length%10), length/100
		case hexPrefix:
			dst[i], length = hexDigits[length&0x0F], length>>4
		}
	}
	return dst, length == 0 && !(p.odd && dst[start]>>4 != 0)
}

func (p *Prefix) putBER(dst []byte, length int) ([]byte, bool) {
	if !p.hex {
		return putBER(dst, length)
	}
	var room [2]byte
	raw, ok := putBER(room[:0], length/p.unit)
	return appendHex(dst, raw), ok && length%p.unit == 0
}

func putBER(dst []byte, length int) ([]byte, bool) {
	switch {
	case length <= berShortBytesMax:
		return append(dst, byte(length)), true
	case length <= berBytesMax:
		return append(dst, berOneByteFollow, byte(length)), true
	}
	return dst, false
}
