package specs

import "github.com/moov-io/iso8583"

// VisaStyle describes the profile visa-style, built afresh from the tables
// visaFields, tokenSets, deviceSets and chipTags, so that a caller may change
// his copy:
//
//   - message type and numbers packed BCD, an odd count with a zero nibble on the left;
//   - bitmaps binary, eight bytes each;
//   - text in EBCDIC code page 037, the 95 printable ASCII characters only;
//   - fields of variable length behind one byte that counts digits of BCD
//     values and bytes of others;
//   - 62, 63 and 126 behind that byte a bitmap of their own, then subfields;
//   - 55, 123 and 125 behind that byte sets: id (1 byte), length (2 bytes,
//     big-endian), then tags, lengths and values.
func VisaStyle() *iso8583.MessageSpec { return visaWriting.describe(NameVisaStyle) }

// Lengths that ISO 8583:1987 fixes.
const (
	MTIDigits   = 4 // digits of a message type
	bitmapBytes = 8 // bytes of one bitmap, 64 fields
)

// Limits that the one-byte length of the profile sets, in bytes.
const (
	// FieldBytesMax is the most that one byte can count.
	FieldBytesMax = 255
	// setHeadBytes are a set's id and length.
	setHeadBytes = 3
	// setBytesMax is the longest single set that a field can hold.
	setBytesMax = FieldBytesMax - setHeadBytes
)

// visaWriting is how visa-style writes the tables.
var visaWriting = writing{
	leaves: map[shape]leafForm{
		digits: {BCD, Fixed}, digitsFilled: {BCD, Fixed}, digitsUpTo: {BCD, Length1}, digitsUpToLong: {BCD, Length1},
		track2UpTo: {Track2, Length1},
		text:       {EBCDIC037, Fixed}, textUpTo: {EBCDIC037, Length1}, textUpToLong: {EBCDIC037, Length1},
		raw:     {Binary, Fixed},
		tagText: {EBCDIC037, Length1}, rawBER: {Binary, LengthBER},
	},
	bitmap: Binary,
	field:  Length1, fieldMax: FieldBytesMax, setsMax: FieldBytesMax,
	set: Length2, setMax: setBytesMax, tag: Tag1, tagBER: TagBER, unknown: LengthBER,
}

// ASCII87 describes the profile ascii87: the fields of VisaStyle as ISO
// 8583:1987 in ASCII, every byte of it printable, so that tools for that
// standard find every field. Where they disagree with each other the choice is
// what jPOS's ISO87APackager, Wireshark's dissector (digits as ASCII, binary
// data as hexadecimal) and moov's Spec87ASCII all read:
//
//   - message type and numbers in digits, text in printable ASCII;
//   - bitmaps 16 upper-case hexadecimal digits each, binary values two a byte;
//   - fields of variable length behind two decimal digits (2, 32, 35, 44, 101)
//     or three (all others), which count characters;
//   - 22 three digits: the fourth of VisaStyle is always a zero, is not
//     written, and comes back when read;
//   - 62, 63 and 126 behind their length a bitmap of their own, then subfields;
//   - 55, 123 and 125 the sets of VisaStyle, byte for byte, in hexadecimal:
//     lengths inside count the bytes, not the digits, and text is ASCII.
func ASCII87() *iso8583.MessageSpec { return asciiWriting.describe(NameASCII87) }

// asciiWriting is how ascii87 writes the tables.
var asciiWriting = writing{
	leaves: map[shape]leafForm{
		digits: {ASCIIDigits, Fixed}, digitsFilled: {ASCIIFilled, Fixed},
		digitsUpTo: {ASCIIDigits, ASCIILL}, digitsUpToLong: {ASCIIDigits, ASCIILLL},
		track2UpTo: {ASCIITrack2, ASCIILL},
		text:       {ASCII, Fixed}, textUpTo: {ASCII, ASCIILL}, textUpToLong: {ASCII, ASCIILLL},
		raw:     {Hex, Fixed},
		tagText: {HexText, LengthHex1}, rawBER: {Hex, LengthHexBER},
	},
	bitmap: Hex,
	field:  ASCIILLL, fieldMax: FieldBytesMax, setsMax: 2 * FieldBytesMax,
	set: LengthHex2, setMax: 2 * setBytesMax, tag: Tag1Hex, tagBER: TagBERHex, unknown: LengthHexBERDigits,
}
