package specs

// An alphabet maps characters to bytes one to one. Zero means no mapping,
// which is why the two tables cannot hold the NUL character.
type alphabet struct {
	character [256]byte // of a byte on the wire
	wire      [256]byte // of a character
}

// Printable ASCII, the 95 characters that text may have.
const (
	printableFirst = ' '
	printableLast  = '~'
)

// ebcdic037Bytes are the bytes of the characters from blank to tilde in EBCDIC
// code page 037 (IBM CPGID 00037), sixteen a line.
const ebcdic037Bytes = "" +
	"\x40\x5A\x7F\x7B\x5B\x6C\x50\x7D\x4D\x5D\x5C\x4E\x6B\x60\x4B\x61" +
	"\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\x7A\x5E\x4C\x7E\x6E\x6F" +
	"\x7C\xC1\xC2\xC3\xC4\xC5\xC6\xC7\xC8\xC9\xD1\xD2\xD3\xD4\xD5\xD6" +
	"\xD7\xD8\xD9\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xBA\xE0\xBB\xB0\x6D" +
	"\x79\x81\x82\x83\x84\x85\x86\x87\x88\x89\x91\x92\x93\x94\x95\x96" +
	"\x97\x98\x99\xA2\xA3\xA4\xA5\xA6\xA7\xA8\xA9\xC0\x4F\xD0\xA1"

var (
	ebcdic037 = newAlphabet(printableFirst, ebcdic037Bytes)
	ascii     = newAlphabet(printableFirst, printable())
	// asciiDigits are the decimal digits alone.
	asciiDigits = newAlphabet('0', "0123456789")
	// asciiTrack2 are the decimal digits and the separator of track 2.
	asciiTrack2 = withCharacter(*asciiDigits, separator)
)

// newAlphabet maps the characters from first on to the bytes given.
func newAlphabet(first byte, wire string) *alphabet {
	a := new(alphabet)
	for i := range len(wire) {
		c := first + byte(i)
		a.wire[c], a.character[wire[i]] = wire[i], c
	}
	return a
}

// withCharacter adds a character that stands for itself.
func withCharacter(a alphabet, c byte) *alphabet {
	a.wire[c], a.character[c] = c, c
	return &a
}

// writes reports whether every character has a byte.
func writes[text string | []byte](a *alphabet, value text) bool {
	for i := range len(value) {
		if a.wire[value[i]] == 0 {
			return false
		}
	}
	return true
}

func printable() string {
	all := make([]byte, 0, printableLast-printableFirst+1)
	for c := byte(printableFirst); c <= printableLast; c++ {
		all = append(all, c)
	}
	return string(all)
}

// A nibbleSet maps characters to half bytes, two to a byte.
type nibbleSet struct {
	pair   [256][2]byte // the two characters of a byte; zero where there are none
	nibble [256]byte    // of a character; notNibble where there is none
}

const notNibble = 0xFF

var (
	decimalNibbles = newNibbleSet("0123456789")
	// track2Nibbles have the field separator of track 2, written "=" in text
	// and 1101 in a nibble (ISO/IEC 7813; jPOS packs it so).
	track2Nibbles = newNibbleSet("0123456789\x00\x00\x00" + string(separator))
)

// newNibbleSet maps nibble i to characters[i], NUL to nothing.
func newNibbleSet(characters string) *nibbleSet {
	s := new(nibbleSet)
	for i := range s.nibble {
		s.nibble[i] = notNibble
	}
	for high := range len(characters) {
		if characters[high] == 0 {
			continue
		}
		s.nibble[characters[high]] = byte(high)
		for low := range len(characters) {
			if characters[low] != 0 {
				s.pair[high<<4|low] = [2]byte{characters[high], characters[low]}
			}
		}
	}
	return s
}

// nibbleOf is the value of an upper-case hexadecimal digit; notNibble of
// anything else.
var nibbleOf = newNibbleSet(hexDigits).nibble
