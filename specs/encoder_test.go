package specs_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/prefix"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/specs"
)

// testdata/ebcdic037.txt is IBM's code page 037, printable characters only.
func TestEBCDIC037(t *testing.T) {
	known := 0
	for _, row := range tableRows(t, "testdata/ebcdic037.txt", 2) {
		character, wire := unhex(t, row[0]), unhex(t, row[1])
		known++
		got, err := specs.EBCDIC037.Encode(character)
		if err != nil || !bytes.Equal(got, wire) {
			t.Errorf("%q is %X, want %X, %v", character, got, wire, err)
		}
		got, read, err := specs.EBCDIC037.Decode(wire, 1)
		if err != nil || read != 1 || !bytes.Equal(got, character) {
			t.Errorf("%X is %q, want %q, %v", wire, got, character, err)
		}
	}
	if known != 95 {
		t.Errorf("the table has %d characters, want 95", known)
	}
	accepted := 0
	for b := range 256 {
		if _, _, err := specs.EBCDIC037.Decode([]byte{byte(b)}, 1); err == nil {
			accepted++
		}
	}
	if accepted != known {
		t.Errorf("%d bytes are read as text, want %d", accepted, known)
	}
}

func TestBCDAgreesWithMoov(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := []byte(rapid.StringMatching(`[0-9]{0,42}`).Draw(t, "digits"))
		ours, err := specs.BCD.Encode(digits)
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err := encoding.BCD.Encode(digits); err != nil || !bytes.Equal(ours, theirs) {
			t.Fatalf("%X, moov %X, %v", ours, theirs, err)
		}
		back, read, err := specs.BCD.Decode(append(ours, 0xFF), len(digits))
		if err != nil || read != len(ours) || !bytes.Equal(back, digits) {
			t.Fatalf("%q comes back as %q, %d of %d bytes, %v", digits, back, read, len(ours), err)
		}
	})
}

func TestEncodersRefuse(t *testing.T) {
	tests := []struct {
		name    string
		encoder *specs.Encoder
		raw     string // hexadecimal
		length  int
	}{
		{"digits: pad nibble", specs.BCD, "1123", 3},
		{"digits: letter", specs.BCD, "012A", 4},
		{"digits: letter beside the pad", specs.BCD, "0A23", 3},
		{"digits: too few bytes", specs.BCD, "0123", 5},
		{"digits: below zero", specs.BCD, "0123", -1},
		{"digits: as many as there are numbers", specs.BCD, "0123", math.MaxInt},
		{"track 2: no separator", specs.Track2, "1234", 4},
		{"track 2: two separators", specs.Track2, "1DD4", 4},
		{"track 2: pad nibble", specs.Track2, "112D4567", 7},
		{"EBCDIC: control", specs.EBCDIC037, "00", 1},
		{"EBCDIC: too few bytes", specs.EBCDIC037, "F0", 2},
		{"EBCDIC: below zero", specs.EBCDIC037, "F0", -1},
		{"ASCII: control", specs.ASCII, "0A", 1},
		{"ASCII: above 7E", specs.ASCII, "E9", 1},
		{"ASCII digits: letter", specs.ASCIIDigits, "41", 1},
		{"binary: too few bytes", specs.Binary, "00", 2},
		{"binary: below zero", specs.Binary, "00", -1},
		{"hexadecimal: lower case", specs.Hex, "6161", 1},
		{"hexadecimal: letter", specs.Hex, "4147", 1},
		{"hexadecimal text: control", specs.HexText, "3041", 1},
		{"hexadecimal text: lower case", specs.HexText, "3561", 1},
		{"digits before a zero: too few bytes", specs.ASCIIFilled, "3037", 4},
		{"digits before a zero: letter", specs.ASCIIFilled, "303741", 4},
		{"ASCII track 2: no separator", specs.ASCIITrack2, "3132", 2},
		{"ASCII track 2: two separators", specs.ASCIITrack2, "313D3D", 3},
		{"hexadecimal: too few bytes", specs.Hex, "41", 1},
		{"hexadecimal: as many as there are numbers", specs.Hex, "4141", math.MaxInt},
	}
	for _, test := range tests {
		if got, _, err := test.encoder.Decode(unhex(t, test.raw), test.length); err == nil {
			t.Errorf("%s: reads %q", test.name, got)
		}
	}
	for encoder, value := range map[*specs.Encoder]string{
		specs.BCD: "12-4", specs.Track2: "1234", specs.EBCDIC037: "a\x00", specs.ASCII: "\x7F", specs.ASCIIDigits: "1a",
		specs.ASCIITrack2: "12", specs.ASCIIFilled: "0711", specs.HexText: "a\n",
	} {
		if got, err := encoder.Encode([]byte(value)); err == nil {
			t.Errorf("%q is written as %X", value, got)
		}
	}
}

func TestPrefixesAgreeWithMoov(t *testing.T) {
	for ours, theirs := range map[*specs.Prefix]prefix.Prefixer{
		specs.Length1: prefix.Binary.L, specs.Length2: prefix.Binary.LL, specs.LengthBER: prefix.BerTLV,
		specs.ASCIILL: prefix.ASCII.LL, specs.ASCIILLL: prefix.ASCII.LLL,
		specs.LengthHex1: prefix.Hex.L,
	} {
		if ours.Inspect() != theirs.Inspect() {
			t.Errorf("%s, moov %s", ours.Inspect(), theirs.Inspect())
		}
		for length := range 300 {
			a, errA := ours.EncodeLength(255, length)
			b, errB := theirs.EncodeLength(255, length)
			if length == 0 {
				errB = errA // moov writes an empty value, and a wrong one with BER
			}
			if (errA == nil) != (errB == nil) || errA == nil && !bytes.Equal(a, b) {
				t.Errorf("%s of %d: %X, moov %X, %v, %v", ours.Inspect(), length, a, b, errA, errB)
			}
			if errA != nil {
				continue
			}
			got, read, err := ours.DecodeLength(255, append(a, 0x55))
			if err != nil || got != length || read != len(a) {
				t.Errorf("%s of %d comes back as %d, %d bytes, %v", ours.Inspect(), length, got, read, err)
			}
		}
	}
}

func TestPrefixesRefuse(t *testing.T) {
	tests := []struct {
		name   string
		prefix *specs.Prefix
		most   int
		raw    string
	}{
		{"nothing", specs.Length1, 10, ""},
		{"zero", specs.Length1, 10, "00"},
		{"one above the most", specs.Length1, 10, "0B"},
		{"half a length", specs.Length2, 10, "00"},
		{"BER: nothing", specs.LengthBER, 255, ""},
		{"BER: zero", specs.LengthBER, 255, "00"},
		{"BER: indefinite", specs.LengthBER, 255, "80"},
		{"BER: not the shortest form", specs.LengthBER, 255, "817F"},
		{"BER: cut", specs.LengthBER, 255, "81"},
		{"BER: eight bytes", specs.LengthBER, 255, "88FFFFFFFFFFFFFFFF"},
		{"ASCII: sign", specs.ASCIILL, 99, "2D31"},
		{"ASCII: blank", specs.ASCIILL, 99, "2031"},
	}
	for _, test := range tests {
		if length, _, err := test.prefix.DecodeLength(test.most, unhex(t, test.raw)); err == nil {
			t.Errorf("%s: reads %d", test.name, length)
		}
	}
	if _, err := specs.Fixed.EncodeLength(4, 5); err == nil {
		t.Error("5 where 4 are fixed")
	}
	if _, err := specs.Length1.EncodeLength(1000, 256); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("256 in one byte: %v", err)
	}
}

func TestTags(t *testing.T) {
	for text, encoder := range map[string]*specs.TagEncoder{
		"01": specs.Tag1, "FF": specs.Tag1, "82": specs.TagBER, "9F26": specs.TagBER, "5F2A": specs.TagBER, "DF01": specs.TagBER,
	} {
		raw, err := encoder.Encode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		back, read, err := encoder.Decode(append(raw, 0x01), 0)
		if err != nil || read != len(raw) || string(back) != text {
			t.Errorf("%s comes back as %s, %d bytes, %v", text, back, read, err)
		}
	}
	for text, encoder := range map[string]*specs.TagEncoder{
		"": specs.Tag1, "0": specs.Tag1, "0102": specs.Tag1, "XX": specs.Tag1,
		"00": specs.TagBER, "9F": specs.TagBER, "9F81": specs.TagBER, "9F00": specs.TagBER, "8201": specs.TagBER, "9F8101": specs.TagBER,
	} {
		if raw, err := encoder.Encode([]byte(text)); err == nil {
			t.Errorf("%q is written as %X", text, raw)
		}
	}
}
