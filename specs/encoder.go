package specs

import (
	"bytes"
	"fmt"

	"github.com/moov-io/iso8583/encoding"
)

// An Encoder turns values into bytes and back, strictly: what it does not
// understand it refuses. It is one of ours behind moov's encoding.Encoder, so
// that moov messages and the Codec share one implementation; it is fast
// because it looks everything up in tables that are built once.
type Encoder struct {
	name    string
	kind    encodingKind
	letters *alphabet  // of a character encoding, or of text in hexadecimal
	nibbles *nibbleSet // of a packed encoding
	track2  bool       // exactly one separator must be there
	fault   FaultKind  // of a character that cannot be
}

type encodingKind uint8

const (
	asBytes      encodingKind = iota + 1 // the value as it is
	asCharacters                         // one byte a character
	asNibbles                            // two characters a byte, odd counts padded left with zero
	asHex                                // two upper-case hexadecimal digits a byte
	asFilled                             // one byte a character but for the last, a zero that is not written
)

// The encoders of the profiles.
var (
	// Binary copies bytes.
	Binary = &Encoder{name: "binary", kind: asBytes}
	// BCD packs two decimal digits a byte. Odd counts get a zero nibble on the
	// left, which must be zero when read.
	BCD = &Encoder{name: "BCD", kind: asNibbles, nibbles: decimalNibbles, fault: BadDigit}
	// Track2 is BCD with exactly one separator "=", nibble 1101.
	Track2 = &Encoder{name: "track 2", kind: asNibbles, nibbles: track2Nibbles, track2: true, fault: BadDigit}
	// EBCDIC037 is printable ASCII in EBCDIC code page 037.
	EBCDIC037 = &Encoder{name: "EBCDIC 037", kind: asCharacters, letters: ebcdic037, fault: BadText}
	// ASCII is printable ASCII.
	ASCII = &Encoder{name: "ASCII", kind: asCharacters, letters: ascii, fault: BadText}
	// ASCIIDigits are decimal digits in ASCII.
	ASCIIDigits = &Encoder{name: "ASCII digits", kind: asCharacters, letters: asciiDigits, fault: BadDigit}
	// ASCIIFilled is ASCIIDigits whose last digit is a zero that is not
	// written: field 22 has three digits in ISO 8583:1987 and a fill behind
	// them Visa-style.
	ASCIIFilled = &Encoder{name: "ASCII digits before a zero", kind: asFilled, letters: asciiDigits, fault: BadDigit}
	// ASCIITrack2 is decimal digits and exactly one separator "=" in ASCII.
	ASCIITrack2 = &Encoder{name: "ASCII track 2", kind: asCharacters, letters: asciiTrack2, track2: true, fault: BadDigit}
	// HexText is printable ASCII, each character as two upper-case hexadecimal
	// digits.
	HexText = &Encoder{name: "hexadecimal text", kind: asHex, letters: ascii, fault: BadDigit}
	// Hex writes bytes as upper-case hexadecimal digits in ASCII.
	Hex = &Encoder{name: "hexadecimal", kind: asHex, fault: BadDigit}
)

var _ encoding.Encoder = (*Encoder)(nil)

// Encode gives the bytes of a value.
func (e *Encoder) Encode(value []byte) ([]byte, error) {
	out, kind := encode(e, make([]byte, 0, e.size(len(value))), value)
	if kind != 0 {
		return nil, fmt.Errorf("%s: %s", e.name, kind)
	}
	return out, nil
}

// Decode reads a value of the given length (digits, characters or bytes) and
// tells how many bytes it took.
func (e *Encoder) Decode(data []byte, length int) ([]byte, int, error) {
	// Compared before e.size, which could overflow on a huge length.
	if length < 0 || length/2 > len(data) || e.size(length) > len(data) {
		return nil, 0, fmt.Errorf("%s: %s: %d where %d bytes are left", e.name, Overrun, length, len(data))
	}
	size := e.size(length)
	value, kind, at := e.read(make([]byte, 0, length), data[:size], length)
	if kind != 0 {
		return nil, 0, fmt.Errorf("%s: %s at byte %d", e.name, kind, at)
	}
	return value, size, nil
}

// size is the number of bytes that a value of the given length takes.
func (e *Encoder) size(length int) int {
	switch e.kind {
	case asNibbles:
		return (length + 1) / 2
	case asHex:
		return 2 * length
	case asFilled:
		return max(length-1, 0)
	}
	return length
}

// read appends the value of the given length that fills src, or tells the
// fault and the index of its byte.
func (e *Encoder) read(dst, src []byte, length int) ([]byte, FaultKind, int) {
	if kind, at := e.check(src, length); kind != 0 {
		return dst, kind, at
	}
	return e.decode(dst, src, length), 0, 0
}

// fill is the digit that asFilled does not write.
const fill = '0'

// check tells the first fault of the value of the given length that fills src,
// and the index of its byte.
func (e *Encoder) check(src []byte, length int) (FaultKind, int) {
	switch e.kind {
	case asCharacters, asFilled:
		return e.checkCharacters(src)
	case asNibbles:
		return e.checkNibbles(src, length)
	case asHex:
		return e.checkHex(src)
	}
	return 0, 0
}

func (e *Encoder) checkCharacters(src []byte) (FaultKind, int) {
	characters := &e.letters.character
	for i, b := range src {
		if characters[b] == 0 {
			return e.fault, i
		}
	}
	if e.track2 && bytes.Count(src, []byte{e.letters.wire[separator]}) != 1 {
		return e.fault, 0
	}
	return 0, 0
}

func (e *Encoder) checkNibbles(src []byte, length int) (FaultKind, int) {
	if length%2 == 1 && src[0]>>4 != 0 {
		return BadPad, 0
	}
	pairs, separators := &e.nibbles.pair, 0
	for i, b := range src {
		pair := pairs[b]
		if pair[0] == 0 {
			return e.fault, i
		}
		if e.track2 {
			separators += count(pair[:])
		}
	}
	if e.track2 && separators != 1 {
		return e.fault, 0
	}
	return 0, 0
}

func (e *Encoder) checkHex(src []byte) (FaultKind, int) {
	for i := 0; i+1 < len(src); i += 2 {
		high, low := nibbleOf[src[i]], nibbleOf[src[i+1]]
		switch {
		case high == notNibble:
			return e.fault, i
		case low == notNibble:
			return e.fault, i + 1
		case e.letters != nil && e.letters.character[high<<4|low] == 0:
			return BadText, i
		}
	}
	return 0, 0
}

// decode appends a value that check has found good.
func (e *Encoder) decode(dst, src []byte, length int) []byte {
	switch e.kind {
	case asCharacters:
		return e.decodeCharacters(dst, src)
	case asFilled:
		return append(e.decodeCharacters(dst, src), fill)
	case asNibbles:
		return e.decodeNibbles(dst, src, length)
	case asHex:
		for i := 0; i+1 < len(src); i += 2 {
			dst = append(dst, nibbleOf[src[i]]<<4|nibbleOf[src[i+1]])
		}
		return dst
	}
	return append(dst, src...)
}

func (e *Encoder) decodeCharacters(dst, src []byte) []byte {
	characters := &e.letters.character
	for _, b := range src {
		dst = append(dst, characters[b])
	}
	return dst
}

func (e *Encoder) decodeNibbles(dst, src []byte, length int) []byte {
	pairs := &e.nibbles.pair
	if length%2 == 1 {
		dst = append(dst, pairs[src[0]][1])
		src = src[1:]
	}
	for _, b := range src {
		pair := pairs[b]
		dst = append(dst, pair[0], pair[1])
	}
	return dst
}

// encode appends the bytes of a value, or tells the fault.
func encode[text string | []byte](e *Encoder, dst []byte, value text) ([]byte, FaultKind) {
	if e.track2 && count(value) != 1 {
		return dst, e.fault
	}
	switch e.kind {
	case asCharacters:
		return encodeCharacters(e, dst, value)
	case asNibbles:
		return encodeNibbles(e, dst, value)
	case asHex:
		if e.letters != nil && !writes(e.letters, value) {
			return dst, BadText
		}
		return appendHex(dst, value), 0
	case asFilled:
		if len(value) == 0 || value[len(value)-1] != fill {
			return dst, BadPad
		}
		return encodeCharacters(e, dst, value[:len(value)-1])
	}
	return append(dst, value...), 0
}

func encodeCharacters[text string | []byte](e *Encoder, dst []byte, value text) ([]byte, FaultKind) {
	for i := range len(value) {
		b := e.letters.wire[value[i]]
		if b == 0 {
			return dst, e.fault
		}
		dst = append(dst, b)
	}
	return dst, 0
}

func encodeNibbles[text string | []byte](e *Encoder, dst []byte, value text) ([]byte, FaultKind) {
	i := len(value) % 2
	if i == 1 {
		low := e.nibbles.nibble[value[0]]
		if low == notNibble {
			return dst, e.fault
		}
		dst = append(dst, low)
	}
	for ; i < len(value); i += 2 {
		high, low := e.nibbles.nibble[value[i]], e.nibbles.nibble[value[i+1]]
		if high == notNibble || low == notNibble {
			return dst, e.fault
		}
		dst = append(dst, high<<4|low)
	}
	return dst, 0
}

const hexDigits = "0123456789ABCDEF"

func appendHex[text string | []byte](dst []byte, value text) []byte {
	for i := range len(value) {
		dst = append(dst, hexDigits[value[i]>>4], hexDigits[value[i]&0x0F])
	}
	return dst
}

// separator stands between number and expiry on track 2, and must be there once.
const separator = '='

// count is how many separators a value has.
func count[text string | []byte](value text) int {
	seen := 0
	for i := range len(value) {
		if value[i] == separator {
			seen++
		}
	}
	return seen
}

// isBinary reports whether values are bytes and no text.
func (e *Encoder) isBinary() bool { return e.kind == asBytes || e.kind == asHex && e.letters == nil }

// appendBytes is encode for a bitmap, which is binary or hexadecimal.
func (e *Encoder) appendBytes(dst, value []byte) []byte {
	if e.kind == asHex {
		return appendHex(dst, value)
	}
	return append(dst, value...)
}
