package specs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/specs"
)

// testdata/messages.txt holds whole messages: "= name", "path value" lines and
// the bytes in hexadecimal. The first is the check value that jPOS and moov
// agree on.

type vector struct {
	name    string
	message *specs.Message
	body    []byte
}

func TestMessages(t *testing.T) {
	codec, ms := specs.VisaStyleCodec(), specs.VisaStyle()
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			packed, err := codec.Append(nil, v.message)
			if err != nil || !bytes.Equal(packed, v.body) {
				t.Errorf("codec packs %X, want %X, %v", packed, v.body, err)
			}
			packed, err = moovPack(ms, v.message)
			if err != nil || !bytes.Equal(packed, v.body) {
				t.Errorf("moov packs %X, want %X, %v", packed, v.body, err)
			}
			m, err := codec.Parse(v.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(codecValues(v.message), codecValues(m)); diff != "" {
				t.Errorf("codec (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(codecValues(v.message), moovUnpack(t, ms, v.body)); diff != "" {
				t.Errorf("moov (-want +got):\n%s", diff)
			}
		})
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, block := range strings.Split(string(text), "\n= ")[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		v := vector{name: lines[0], message: specs.NewMessage("")}
		for _, line := range lines[1:] {
			path, value, _ := strings.Cut(line, " ")
			switch path {
			case "#":
			case "0":
				v.message.SetMTI(value)
			case "bytes":
				v.body = unhex(t, value)
			default:
				setLine(t, v.message, path, value)
			}
		}
		all = append(all, v)
	}
	return all
}

// setLine sets a value; hexadecimal ones start with 0x.
func setLine(t testing.TB, m *specs.Message, path, value string) {
	t.Helper()
	p, err := specs.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	if binary, ok := strings.CutPrefix(value, "0x"); ok {
		m.SetBytes(p, unhex(t, binary))
		return
	}
	m.Set(p, value)
}

// The same values in ascii87, written out by hand from ISO 8583:1987.
func TestASCIIMessages(t *testing.T) {
	codec, ms := codecByName(t, specs.NameASCII87), specs.ASCII87()
	want := map[string]string{
		"echo": "0800" + "8220000000000000" + "0400000000000000" + "1122121700" + "000001" + "301",
		"check value, agreed by jPOS and moov": "0100" + "F224448108C08000" + "0000000000000004" +
			"16" + "4895370012003478" + "000000" + "000000000000" + "1122121700" + "000123" + "2912" + "5999" + "010" + "51" +
			"06" + "400552" + "532612000123" + "TERMID01" + "TOKENREQUESTOR1" + "840" +
			"022" + "0040000000000000" + "11 123",
	}
	for _, v := range vectors(t) {
		packed, err := codec.Append(nil, v.message)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if text, ok := want[v.name]; ok && string(packed) != text {
			t.Errorf("%s: packs\n%s, want\n%s", v.name, packed, text)
		}
		delete(want, v.name)
		m, err := codec.Parse(packed)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if diff := cmp.Diff(codecValues(v.message), codecValues(m)); diff != "" {
			t.Errorf("%s: codec (-want +got):\n%s", v.name, diff)
		}
		if diff := cmp.Diff(codecValues(v.message), moovUnpack(t, ms, packed)); diff != "" {
			t.Errorf("%s: moov (-want +got):\n%s", v.name, diff)
		}
		if printable := strings.Trim(string(packed), printableASCII); printable != "" {
			t.Errorf("%s: %q is not printable", v.name, printable)
		}
	}
	if len(want) > 0 {
		t.Errorf("not among the vectors: %v", want)
	}
}

const printableASCII = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// The sets of ascii87 are those of visa-style in hexadecimal, but for the code
// page of text.
func TestASCIISetsAreTheSameBytes(t *testing.T) {
	m := specs.NewMessage("0100")
	m.SetBytes(specs.P(55, 1, 0x9F26), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	m.SetBytes(specs.P(55, 1, 0x5A), []byte{0x47, 0x61})
	m.SetBytes(specs.P(55, 1, 0x72), bytes.Repeat([]byte{0xAB}, 127))
	m.SetBytes(specs.P(55, 1, 0xDF01), []byte{0xFF})
	visa, err := specs.VisaStyleCodec().Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	ascii, err := codecByName(t, specs.NameASCII87).Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	const visaHead, asciiHead = 2 + 8 + 1, 4 + 16 + 3 // type, bitmap, length
	if got, want := string(ascii[asciiHead:]), strings.ToUpper(hex.EncodeToString(visa[visaHead:])); got != want {
		t.Errorf("field 55 is %s, want %s", got, want)
	}
}

func TestTheFillOfTheEntryModeMustBeZero(t *testing.T) {
	m := specs.NewMessage("0100")
	m.Set(specs.P(22), "0712")
	_, err := codecByName(t, specs.NameASCII87).Append(nil, m)
	f := (*specs.FormatError)(nil)
	if !errors.As(err, &f) || f.Kind != specs.BadPad || f.Path != "22" {
		t.Errorf("got %v", err)
	}
}

func TestTagOrderDoesNotMatter(t *testing.T) {
	codec := specs.VisaStyleCodec()
	sorted := unhex(t, "0100 0000000000000200 0A 01 0007 9C0100 9F270180")
	mixed := unhex(t, "0100 0000000000000200 0A 01 0007 9F270180 9C0100")
	m, err := codec.Parse(mixed)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := codec.Append(nil, m)
	if err != nil || !bytes.Equal(packed, sorted) {
		t.Errorf("packs %X, want %X, %v", packed, sorted, err)
	}
}

func TestLongestSetsFitTheirField(t *testing.T) {
	codec, ms := specs.VisaStyleCodec(), specs.VisaStyle()
	for _, number := range []int{123, 125} {
		m := specs.NewMessage("0100")
		for set, sub := range ms.Fields[number].Spec().Subfields {
			for tag, leaf := range sub.Spec().Subfields {
				p, err := specs.ParsePath(specs.P(number).String() + "." + set + "." + tag)
				if err != nil {
					t.Fatal(err)
				}
				m.Set(p, strings.Repeat("7", leaf.Spec().Length))
			}
		}
		if _, err := codec.Append(nil, m); err != nil {
			t.Errorf("field %d with every tag at its longest: %v", number, err)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		path string
		most int
		kind specs.FaultKind // of one more
	}{
		{"2", 19, specs.TooLong},
		{"11", 6, specs.BadLength},
		{"32", 11, specs.TooLong},
		{"35", 37, specs.TooLong},
		{"39", 2, specs.BadLength},
		{"44", 25, specs.TooLong},
		{"54", 120, specs.TooLong},
		{"55.01.9F10", 32, specs.TooLong},
		{"55.01.DF01", specs.FieldBytesMax - 3 - 4, specs.TooLong}, // set head, tag and two length bytes
		{"62.2", 15, specs.BadLength},
		{"90", 42, specs.BadLength},
		{"101", 17, specs.TooLong},
		{"123.01.04", 32, specs.TooLong},
		{"125.01.03", 48, specs.TooLong},
		{"126.9", 20, specs.BadLength},
		{"126.10", 6, specs.BadLength},
	}
	codec := specs.VisaStyleCodec()
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			value := strings.Repeat("1", test.most)
			if test.path == "35" {
				value = "=" + value[1:]
			}
			p, err := specs.ParsePath(test.path)
			if err != nil {
				t.Fatal(err)
			}
			m := specs.NewMessage("0100")
			m.Set(p, value)
			packed, err := codec.Append(nil, m)
			if err != nil {
				t.Fatalf("%d: %v", test.most, err)
			}
			if back, err := codec.Parse(packed); err != nil || back.Text(p) != value {
				t.Errorf("%d: does not come back: %v", test.most, err)
			}
			m.Set(p, value+"1")
			_, err = codec.Append(nil, m)
			f := (*specs.FormatError)(nil)
			if !errors.As(err, &f) || f.Kind != test.kind {
				t.Errorf("%d: got %v, want %v", test.most+1, err, test.kind)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	tests := []struct {
		name  string
		mti   string
		path  specs.Path
		value string
		kind  specs.FaultKind
		named string
	}{
		{"no type", "", specs.P(11), "000123", specs.BadLength, "0"},
		{"type of letters", "01OO", specs.P(11), "000123", specs.BadDigit, "0"},
		{"field unknown", "0100", specs.P(5), "1", specs.Unknown, "5"},
		{"field 1", "0100", specs.P(1), "1", specs.Unknown, "1"},
		{"field 65", "0100", specs.P(65), "1", specs.Unknown, "65"},
		{"field above all", "0100", specs.Path(200 << 24), "1", specs.Unknown, "200"},
		{"field zero", "0100", specs.Path(0), "0100", specs.Unknown, "0"},
		{"part of a plain field", "0100", specs.P(2, 1), "1", specs.Unknown, "2.1"},
		{"whole of a field with subfields", "0100", specs.P(62), "1", specs.Unknown, "62"},
		{"whole of a field with sets", "0100", specs.P(123), "1", specs.Unknown, "123"},
		{"whole of a set", "0100", specs.P(123, 1), "1", specs.Unknown, "123.1"},
		{"subfield unknown", "0100", specs.P(62, 3), "1", specs.Unknown, "62.3"},
		{"subfield beyond the bitmap", "0100", specs.P(63, 200), "1", specs.Unknown, "63.200"},
		{"tag in a subfield", "0100", specs.P(62, 2, 1), "1", specs.Unknown, "62.02.01"},
		{"set unknown", "0100", specs.P(123, 3, 1), "1", specs.Unknown, "123.03.01"},
		{"tag unknown", "0100", specs.P(123, 1, 0x7F), "1", specs.Unknown, "123.01.7F"},
		{"tag of two bytes", "0100", specs.P(123, 1, 0x107), "1", specs.Unknown, "123.01.0107"},
		{"BER tag that is none", "0100", specs.P(55, 1, 0x1F), "1", specs.BadTag, "55.01.1F"},
		{"BER tag of three bytes", "0100", specs.P(55, 1, 0x9F81), "1", specs.BadTag, "55.01.9F81"},
		{"two-byte tag that has one", "0100", specs.P(55, 1, 0x8201), "1", specs.BadTag, "55.01.8201"},
		{"sign", "0100", specs.P(4), "-00000000001", specs.BadDigit, "4"},
		{"control character", "0100", specs.P(39), "0\n", specs.BadText, "39"},
		{"letter beyond ASCII", "0100", specs.P(44), "Zo\u00eb", specs.BadText, "44"},
		{"track 2 without separator", "0100", specs.P(35), "1234", specs.BadDigit, "35"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := specs.NewMessage(test.mti)
			m.Set(test.path, test.value)
			out, err := specs.VisaStyleCodec().Append([]byte("before"), m)
			f := (*specs.FormatError)(nil)
			if !errors.As(err, &f) || f.Kind != test.kind || f.Path != test.named {
				t.Errorf("got %v, want field %s: %s", err, test.named, test.kind)
			}
			if string(out) != "before" {
				t.Errorf("gives %X, want what was there before", out)
			}
		})
	}
}
