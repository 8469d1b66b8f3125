package profile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

var needs = []profile.Need{
	{Path: specs.P(2), Message: "0100 activation", Mandatory: true},
	{Path: specs.P(11), Message: "0100 activation", Mandatory: true},
	{Path: specs.P(11), Message: "0800 echo", Mandatory: true},
	{Path: specs.P(43), Message: "0100 tap"},
	{Path: specs.P(44), Message: "0110 tap answer"},
	{Path: specs.P(63, 3), Message: "0100 activation", Mandatory: true},
	{Path: specs.P(123, 1, 3), Message: "0100 activation", Mandatory: true},
	{Path: specs.P(55, 1, 0x9F26), Message: "0100 tap", Mandatory: true},
}

// A faultTest changes one thing in the export of visa-style: what stands at a
// path becomes value, or goes when value is "".
type faultTest struct {
	path, value string
	want        string // the only fault; "" where there must be none
}

var faultTests = []faultTest{
	{"name", `"mine"`, ""},
	{"name", `1`, "name: must be text"},
	{"other", `1`, "other: there is no such key; known are name, fields"},
	{"fields", `{}`, "fields: it must be an object with a field for each number"},
	{"fields", `[]`, "fields: it must be an object with a field for each number"},
	{"fields.0", "", "fields.0: the message type is missing"},
	{"fields.1", "", "fields.1: the bitmap is missing"},
	{"fields.1.type", `"Binary"`, "fields.1.type: must be Bitmap"},
	{"fields.1.enc", `"ASCII"`, "fields.1.enc: a bitmap is Binary or HexToASCII"},
	{"fields.1.length", `16`, "fields.1: a message's bitmap has 8 bytes"},
	{"fields.0.length", `5`, "fields.0: the message type has 4 digits"},
	{"fields.65", `{}`, "fields.65: a field is 0 to 128, and not 65"},
	{"fields.129", `{}`, "fields.129: a field is 0 to 128"},
	{"fields.02", `{}`, "fields.02: a field is 0 to 128"},
	{"fields.pan", `{}`, "fields.pan: a field is 0 to 128"},
	{"fields.11", `7`, "fields.11: must be an object"},
	{"fields.11.type", `"Nummeric"`, `fields.11.type: "Nummeric" is not one of String, Binary, Bitmap, Composite`},
	{"fields.11.type", `"Numeric"`, "fields.11.type: Numeric drops leading zeros, trace 000123 would become 123"},
	{"fields.35.type", `"Track2"`, "fields.35.type: moov takes a track apart"},
	{"fields.11.enc", `"UTF8"`, `fields.11.enc: "UTF8" is not one of ASCII, BCD, Binary`},
	{"fields.11.enc", `"LBCD"`, `fields.11.enc: "LBCD" is not one of`},
	{"fields.11.enc", "", `fields.11.enc: "" is not one of`},
	{"fields.11.prefix", `"Binary.LLLLL"`, `fields.11.prefix: "Binary.LLLLL" is not one of`},
	{"fields.11.prefix", `"None.Fixed"`, `fields.11.prefix: "None.Fixed" is not one of`},
	{"fields.11.padding", `{"type":"Left","pad":"0"}`, "fields.11.padding: padding with 0 strips zeros that belong to the value, trace 000123 would become 123: leave it out"},
	{"fields.41.padding", `{"type":"Right","pad":" "}`, "fields.41.padding: padding strips characters that belong to the value: leave it out"},
	{"fields.11.padding", `{"type":"None","pad":""}`, ""},
	{"fields.11.lenght", `6`, "fields.11.lenght: there is no such key"},
	{"fields.11.length", `5`, "fields.11.length: 5 is too short: firsttap sends up to 6"},
	{"fields.11.length", `7`, "fields.11.length: 7 is fixed: firsttap sends 6"},
	{"fields.11.length", `0`, "fields.11.length: must be a whole number from 1"},
	{"fields.11.length", `-6`, "fields.11.length: must be a whole number from 1"},
	{"fields.11.length", `6.5`, "fields.11.length: must be a whole number from 1"},
	{"fields.11.length", `"6"`, "fields.11.length: must be a whole number from 1"},
	{"fields.11.length", `99999999999999999999`, "fields.11.length: must be a whole number from 1"},
	{"fields.54.length", `2049`, "fields.54.length: 2049 is more than a frame has"},
	{"fields.54.prefix", `"ASCII.LL"`, "fields.54.prefix: ASCII.LL counts to 99, the length is 120"},
	{"fields.2.prefix", `"BCD.L"`, "fields.2.prefix: BCD.L counts to 9, the length is 19"},
	{"fields.2.length", `18`, "fields.2.length: 18 is too short: firsttap sends up to 19"},
	{"fields.2.prefix", `"Binary.Fixed"`, "fields.2.prefix: the length is fixed: firsttap sends 1 to 19"},
	{"fields.44.enc", `"BCD"`, "fields.44.enc: BCD holds digits: firsttap sends text"},
	{"fields.2.enc", `"firsttap.Track2"`, "fields.2.enc: firsttap.Track2 holds track 2: firsttap sends digits"},
	{"fields.2", "", "fields.2: it is missing: 2, Primary account number, is needed by 0100 activation"},
	{"fields.11", "", "fields.11: it is missing: 11, System trace audit number, is needed by 0100 activation, 0800 echo"},
	{"fields.43", "", ""}, // a note
	{"fields.63.subfields.3", "", "fields.63.subfields.3: it is missing: 63.3, Message reason, is needed by 0100 activation"},
	{"fields.63.subfields.25", `{"type":"String","length":4,"enc":"BCD","prefix":"Binary.Fixed"}`, `fields.63: subfield "25" is no bit of its bitmap`},
	{"fields.63.subfields.x", `{}`, "fields.63.subfields.x: a subfield behind a bitmap is the number of its bit"},
	{"fields.63.bitmap", "", `fields.63: a Composite has either "tag" or "bitmap"`},
	{"fields.63.bitmap.disableAutoExpand", "", "fields.63.bitmap.disableAutoExpand: must be true"},
	{"fields.63.bitmap.type", `"Binary"`, "fields.63.bitmap.type: must be Bitmap"},
	{"fields.63.enc", `"BCD"`, "fields.63.enc: a Composite has none"},
	{"fields.63.subfields", `{}`, "fields.63.subfields: a Composite must have some"},
	{"fields.62.subfields.2.length", `[1]`, "fields.62.subfields.2.length: must be a whole number"},
	{"fields.123.tag", "", `fields.123: a Composite has either "tag" or "bitmap"`},
	{"fields.123.tag.sort", "", `fields.123.tag.sort: "" is not one of StringsByHex, StringsByInt`},
	{"fields.123.tag.enc", `"BCD"`, "fields.123.tag.enc: tags are ASCIIToHex of length 1"},
	{"fields.123.tag.length", `2`, "fields.123.tag.enc: tags are ASCIIToHex of length 1"},
	{"fields.123.tag", `7`, "fields.123.tag: must be an object"},
	{"fields.123.subfields.01.subfields.03", "", "fields.123.subfields.01.subfields.03: it is missing: 123.01.03, Token requestor id, is needed by 0100 activation"},
	{"fields.123.subfields.01.subfields.0a", `{}`, "fields.123.subfields.01.subfields.0a: a tag is one or two bytes in upper-case hexadecimal"},
	{"fields.123.subfields.01.subfields.03.enc", `"ROT13"`, `fields.123.subfields.01.subfields.03.enc: "ROT13" is not one of`},
	{"fields.123", `{"type":"String","length":255,"enc":"ASCII","prefix":"Binary.L"}`, "fields.123.subfields.01.subfields.03: it is missing"},
	{"fields.55.subfields.01.subfields.9F26", "", ""}, // tags without a name are kept
	{"fields.55.subfields.01.tag.storeUnknownTLVTags", "", "fields.55.subfields.01.tag: unknown tags would be lost"},
	{"fields.11.disableAutoExpand", `"yes"`, "fields.11.disableAutoExpand: must be true or false"},
	{"fields.55.subfields.01.tag.padding", `{"type":"Left","pad":"0"}`, "fields.55.subfields.01.tag.padding: padding with 0"},
	{"fields.11.tag", `{}`, "fields.11.tag: only a Composite has it"},
	{
		"fields.55.subfields.01.subfields.9F26", `{"type":"String","length":8,"enc":"ASCII","prefix":"BerTLV"}`,
		"fields.55.subfields.01.subfields.9F26.enc: ASCII holds text: firsttap sends bytes",
	},
	{"fields.126.subfields.9.enc", `"EBCDIC"`, "fields.126.subfields.9.enc: a Binary is Binary or HexToASCII"},
}

func TestEachFaultIsToldWithItsPath(t *testing.T) {
	for _, test := range faultTests {
		t.Run(test.path+" "+test.value, func(t *testing.T) {
			_, err := profile.Import(strings.NewReader(changed(t, test)), needs)
			var faults profile.Faults
			errors.As(err, &faults)
			switch {
			case test.want == "" && err == nil:
			case test.want == "" || len(faults) == 0 || !strings.HasPrefix(faults[0].String(), test.want):
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			case len(faults) > 2 || len(faults) == 2 && !strings.HasSuffix(test.path, ".length"):
				t.Errorf("more than one fault:\n%v", err)
			}
		})
	}
}

// changed is the export of visa-style with one change.
func changed(t testing.TB, test faultTest) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(exported(t, specs.NameVisaStyle), &doc); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(test.path, ".")
	at := doc
	for _, key := range keys[:len(keys)-1] {
		at = at[key].(map[string]any)
	}
	last := keys[len(keys)-1]
	delete(at, last)
	if test.value != "" {
		at[last] = json.RawMessage(test.value)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	text := `{"name": "bad", "fields": {
		"0": {"type": "String", "length": 4, "enc": "BCD", "prefix": "BCD.Fixed"},
		"1": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Hex.Fixed"},
		"11": {"type": "Numeric", "length": 6, "enc": "BCDIC", "prefix": "None", "padding": {"type": "Left", "pad": "0"}},
		"2": {"type": "String", "length": 12, "enc": "BCD", "prefix": "BCD.LL"},
		"2": {"type": "String", "length": 19, "enc": "BCD", "prefix": "BCD.LL"}
	}}`
	_, err := profile.Import(strings.NewReader(text), needs)
	want := []string{
		"fields.2: it is there twice", `fields.11.prefix: "None"`, "fields.11.padding: ", "fields.11.type: Numeric",
		"fields.55.subfields.01.subfields.9F26: it is missing", "fields.63.subfields.3: it is missing", "fields.123.subfields.01.subfields.03: it is missing",
	}
	for _, line := range want {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q is not told:\n%v", line, err)
		}
	}
}

func TestNoDescriptions(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "it is no JSON: byte 0: it ends too early",
		"{":                               "it ends too early",
		`{"name": "x"`:                    "it ends too early",
		`[]`:                              `it must be an object with "name" and "fields"`,
		`{} {}`:                           "something follows the document",
		`nonsense`:                        "it is no JSON",
		strings.Repeat(`{"a":`, 30):       "more than 24 levels",
		strings.Repeat(`[`, 30):           "more than 24 levels",
		strings.Repeat(" ", 1<<20) + "{}": "the description has more than 1048576 bytes",
	} {
		_, err := profile.Import(strings.NewReader(text), nil)
		var faults profile.Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
	padded := append(bytes.Repeat([]byte(" "), 1<<20-len(exported(t, specs.NameVisaStyle))), exported(t, specs.NameVisaStyle)...)
	if _, err := profile.Import(bytes.NewReader(padded), nil); err != nil {
		t.Errorf("as long as it may be: %v", err)
	}
}

func TestWhatMayBeLeftOutIsNoted(t *testing.T) {
	p, err := profile.Import(strings.NewReader(changed(t, faultTest{path: "fields.43"})), needs)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Notes) != 1 || !strings.HasPrefix(p.Notes[0], "43 is left out: 0100 tap cannot be sent or read with Card acceptor name") {
		t.Errorf("notes %q", p.Notes)
	}
}
