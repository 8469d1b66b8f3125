package specs

import (
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
	out, kind := e.append(make([]byte, 0, e.size(len(value))), string(value))
	if kind != 0 {
		return nil, fmt.Errorf("%s: %s", e.name, kind)
	}
	return out, nil
}

// Decode reads a value of the given length (digits, characters or bytes) and
// tells how many bytes it took.
func (e *Encoder) Decode(data []byte, length int) ([]byte, int, error) {
	// Compared before e.size, which could overflow on a huge length.
	if length < 0 || length > 2*len(data) || e.size(length) > len(data) {
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
	switch e.kind {
	case asCharacters:
		return e.readCharacters(dst, src)
	case asNibbles:
		return e.readNibbles(dst, src, length)
	case asHex:
		return e.readHex(dst, src)
	case asFilled:
		dst, kind, at := e.readCharacters(dst, src)
		return append(dst, fill), kind, at
	}
	return append(dst, src...), 0, 0
}

// fill is the digit that asFilled does not write.
const fill = '0'

func (e *Encoder) readCharacters(dst, src []byte) ([]byte, FaultKind, int) {
	start := len(dst)
	for i, b := range src {
		c := e.letters.character[b]
		if c == 0 {
			return dst, e.fault, i
		}
		dst = append(dst, c)
	}
	if e.track2 && !oneSeparator(dst[start:]) {
		return dst, e.fault, 0
	}
	return dst, 0, 0
}

func (e *Encoder) readNibbles(dst, src []byte, length int) ([]byte, FaultKind, int) {
	start := len(dst)
	for i, b := range src {
		pair := &e.nibbles.pair[b]
		if i == 0 && length%2 == 1 {
			if b>>4 != 0 {
				return dst, BadPad, 0
			}
			if pair[0] == 0 {
				return dst, e.fault, 0
			}
			dst = append(dst, pair[1])
			continue
		}
		if pair[0] == 0 {
			return dst, e.fault, i
		}
		dst = append(dst, pair[0], pair[1])
	}
	if e.track2 && !oneSeparator(dst[start:]) {
		return dst, e.fault, 0
	}
	return dst, 0, 0
}

func (e *Encoder) readHex(dst, src []byte) ([]byte, FaultKind, int) {
	for i := 0; i+1 < len(src); i += 2 {
		high, low := hexNibble(src[i]), hexNibble(src[i+1])
		if high == notNibble {
			return dst, e.fault, i
		}
		if low == notNibble {
			return dst, e.fault, i + 1
		}
		value := high<<4 | low
		if e.letters != nil && e.letters.character[value] == 0 {
			return dst, BadText, i
		}
		dst = append(dst, value)
	}
	return dst, 0, 0
}

// append appends the bytes of a value, or tells the fault.
func (e *Encoder) append(dst []byte, value string) ([]byte, FaultKind) {
	switch e.kind {
	case asCharacters:
		return e.appendCharacters(dst, value)
	case asNibbles:
		return e.appendNibbles(dst, value)
	case asHex:
		if e.letters != nil && !e.letters.writes(value) {
			return dst, BadText
		}
		return appendHex(dst, value), 0
	case asFilled:
		if value == "" || value[len(value)-1] != fill {
			return dst, BadPad
		}
		return e.appendCharacters(dst, value[:len(value)-1])
	}
	return append(dst, value...), 0
}

func (e *Encoder) appendCharacters(dst []byte, value string) ([]byte, FaultKind) {
	if e.track2 && !oneSeparator(value) {
		return dst, e.fault
	}
	for i := range len(value) {
		b := e.letters.wire[value[i]]
		if b == 0 {
			return dst, e.fault
		}
		dst = append(dst, b)
	}
	return dst, 0
}

func (e *Encoder) appendNibbles(dst []byte, value string) ([]byte, FaultKind) {
	if e.track2 && !oneSeparator(value) {
		return dst, e.fault
	}
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

func hexNibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return notNibble
}

func oneSeparator[text string | []byte](value text) bool {
	seen := 0
	for i := range len(value) {
		if value[i] == '=' {
			seen++
		}
	}
	return seen == 1
}

// isBinary reports whether values are bytes and no text.
func (e *Encoder) isBinary() bool { return e.kind == asBytes || e.kind == asHex && e.letters == nil }

// appendBytes is append for a bitmap, which is binary or hexadecimal.
func (e *Encoder) appendBytes(dst, value []byte) []byte {
	if e.kind == asHex {
		return appendHex(dst, value)
	}
	return append(dst, value...)
}
