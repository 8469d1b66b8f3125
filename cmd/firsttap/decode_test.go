package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/specs"
)

const (
	echoHex = "0800 8220000000000000 0400000000000000 1122121700 000001 0301"
	tapHex  = "0100E024000000000200000000000000002010400000000000000200000000012329121D01001A9F10" +
		"0706011203A000009F2608F8BF255996A9B0029F36020007150100120110F4F8F9F5F3F7F0F0F1F2F3F4F5F6F7F1"
)

func TestReadHex(t *testing.T) {
	tests := []struct {
		name, stdin string
		args        []string
		want        string // hexadecimal, or the beginning of the error
	}{
		{"one argument", "", []string{"0800FF"}, "0800ff"},
		{"several arguments", "", []string{"08", "00 F", "f"}, "0800ff"},
		{"a dash is standard input", "08\n00\t\r\n ff", []string{"-"}, "0800ff"},
		{"arguments go before standard input", "ff", []string{"00"}, "00"},
		{"nothing", " \n", nil, "no message"},
		{"an empty argument", "ff", []string{""}, "no message"},
		{"odd", "080", nil, "an odd number"},
		{"a letter", "08 0g", nil, `byte 1 is not hexadecimal: it has the character 'g'`},
		{"a dash among others", "", []string{"-", "00"}, `byte 0 is not hexadecimal: it has the character '-'`},
		{"as much as there may be", strings.Repeat(" ", decodeCharactersMax-2) + "ff", nil, "ff"},
		{"one character more", strings.Repeat(" ", decodeCharactersMax-1) + "ff", nil, "more than 32768 characters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, err := readHex(strings.NewReader(test.stdin), test.args)
			if err == nil {
				if got := hex.EncodeToString(raw); got != test.want {
					t.Errorf("read %s, want %s", got, test.want)
				}
				return
			}
			var wrongUse usageError
			if !errors.As(err, &wrongUse) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestReadHexFromABrokenInput(t *testing.T) {
	_, err := readHex(failing{}, nil)
	var wrongUse usageError
	if err == nil || errors.As(err, &wrongUse) || !strings.Contains(err.Error(), "standard input") {
		t.Errorf("the error is %v", err)
	}
}

// Whatever is typed, it is read as encoding/hex would or refused in words that
// say what to do.
func FuzzReadHex(f *testing.F) {
	for _, seed := range []string{"", echoHex, "0", "0x08", "08\n00", "٠٨", "zz", "-", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readHex(strings.NewReader(text), nil)
		want, badHex := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		switch {
		case err == nil && (badHex != nil || !bytes.Equal(got, want)):
			t.Errorf("%q is read as % X", text, got)
		case err != nil && err.Error() == "":
			t.Error("an error without words")
		case err != nil && badHex == nil && len(want) > 0 && len(text) <= decodeCharactersMax:
			t.Errorf("%q is refused: %v", text, err)
		}
	})
}

func framing(t testing.TB, name string) specs.Framing {
	t.Helper()
	f, err := specs.FramingByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLayCountsFromTheFirstByte(t *testing.T) {
	body, err := readHex(nil, []string{echoHex})
	if err != nil {
		t.Fatal(err)
	}
	bare := lay(specs.VisaStyleCodec(), framing(t, specs.FramingNone), body, false)
	for name, start := range map[string]int{specs.FramingVAP: 26, specs.FramingBinary2: 2, specs.FramingASCII4: 4} {
		frame, err := framing(t, name).Append(nil, specs.Header{Destination: 400000, Source: 100001}, body)
		if err != nil {
			t.Fatal(err)
		}
		framed := lay(specs.VisaStyleCodec(), framing(t, name), frame, false)
		if !framed.OK || len(framed.Elements) != len(bare.Elements) {
			t.Fatalf("%s: %+v", name, framed)
		}
		for i, e := range framed.Elements {
			if e.Offset != bare.Elements[i].Offset+start || e.Value != bare.Elements[i].Value {
				t.Errorf("%s: element %+v, want it %d behind %+v", name, e, start, bare.Elements[i])
			}
		}
	}
}

// Cut anywhere, a message is broken and says so, and shows no card data.
func TestEveryCutOfATapIsBroken(t *testing.T) {
	body, err := hex.DecodeString(tapHex)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(body); n++ {
		d := lay(specs.VisaStyleCodec(), framing(t, specs.FramingNone), body[:n], false)
		if d.OK || d.Fault == nil || d.Fault.Offset > n || d.Fault.Detail == "" || d.Fault.Path == "" {
			t.Errorf("cut to %d bytes: %+v", n, d.Fault)
		}
		wantNoSecrets(t, d)
	}
}

func wantNoSecrets(t *testing.T, d decoded) {
	t.Helper()
	asJSON, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"4000000000000002", "4895370012345671", "F8BF255996A9B002"} {
		if strings.Contains(d.table(), secret) || strings.Contains(string(asJSON), secret) {
			t.Errorf("%s is shown in:\n%s", secret, d.table())
		}
	}
}

// Any bytes in any framing: no panic, every element and fault inside what was
// given, and always something said.
func FuzzLay(f *testing.F) {
	for _, seed := range []string{"", "00000000", "0000", "30303030", strings.ReplaceAll(echoHex, " ", ""), tapHex} {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		for i := range specs.FramingNames() {
			f.Add(raw, byte(i), i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, which byte, unsafe bool) {
		names := specs.FramingNames()
		d := lay(specs.VisaStyleCodec(), framing(t, names[int(which)%len(names)]), raw, unsafe)
		if d.OK != (d.Fault == nil) {
			t.Errorf("ok is %v with the fault %v", d.OK, d.Fault)
		}
		for _, e := range d.Elements {
			if e.Offset < 0 || e.Length < 0 || e.Offset+e.Length > len(raw) {
				t.Errorf("element %s at %d+%d of %d bytes", e.Path, e.Offset, e.Length, len(raw))
			}
		}
		if d.Fault != nil && (d.Fault.Offset < 0 || d.Fault.Offset > len(raw)) {
			t.Errorf("a fault at %d of %d bytes", d.Fault.Offset, len(raw))
		}
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
		if d.table() == "" {
			t.Error("nothing is said")
		}
	})
}
