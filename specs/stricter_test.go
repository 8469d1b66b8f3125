package specs_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/specs"
)

// Where the codec is stricter than moov as it comes: every row of
// testdata/stricter.txt is bytes that moov reads, or cannot survive, and the
// codec refuses. docs/codec.md shows them: `go test ./specs -update` writes it.

// descriptions that the rows are about, with moov's own encoders.
func laxDescriptions() map[string]*iso8583.MessageSpec {
	ascii := func(length int, pref prefix.Prefixer) *field.Spec {
		return &field.Spec{Length: length, Enc: encoding.ASCII, Pref: pref}
	}
	ebcdicTags := taggedField(field.Spec{
		Length: 99, Pref: prefix.EBCDIC.LLL, Subfields: map[string]field.Field{"01": field.NewString(ascii(9, prefix.Binary.L))},
	}, field.TagSpec{Length: 1, Enc: encoding.ASCIIHexToBytes})
	keeping := taggedField(field.Spec{Length: 99, Pref: prefix.Binary.L}, field.TagSpec{
		Length: 1, Enc: encoding.ASCIIHexToBytes, SkipUnknownTLVTags: true, StoreUnknownTLVTags: true, PrefUnknownTLV: prefix.Binary.L,
	})
	other := &iso8583.MessageSpec{Fields: map[int]field.Field{
		0: field.NewString(ascii(4, prefix.ASCII.Fixed)),
		1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.BytesToASCIIHex, Pref: prefix.Hex.Fixed}),
		2: field.NewString(ascii(19, prefix.ASCII.LL)),
		3: field.NewString(ascii(3, prefix.ASCII.Fixed)),
		4: field.NewBinary(&field.Spec{Length: 2, Enc: encoding.BytesToASCIIHex, Pref: prefix.ASCII.Fixed}),
		5: field.NewString(ascii(19, prefix.Hex.L)),
		6: field.NewString(ascii(9, prefix.BCD.L)),
		7: field.NewString(ascii(9, prefix.EBCDIC.LL)),
		8: ebcdicTags,
		9: field.NewBinary(&field.Spec{Length: 300, Enc: encoding.Binary, Pref: prefix.BerTLV}), 10: keeping,
	}}
	return map[string]*iso8583.MessageSpec{"visa-style": stock(specs.VisaStyle()), "other": other}
}

type laxRow struct {
	name, description, moov string
	kind, path              string
	offset                  int
	body                    []byte
}

func laxRows(t testing.TB) []laxRow {
	t.Helper()
	var rows []laxRow
	for _, c := range tableRows(t, "testdata/stricter.txt", 7) {
		offset, err := strconv.Atoi(c[4])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, laxRow{name: c[0], description: c[1], moov: c[2], kind: c[3], offset: offset, path: c[5], body: laxBody(t, c[6])})
	}
	return rows
}

// laxBody reads hexadecimal, with characters between quotes.
func laxBody(t testing.TB, text string) []byte {
	t.Helper()
	var body []byte
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			body = append(body, part...)
			continue
		}
		body = append(body, unhex(t, part)...)
	}
	return body
}

func TestStricterThanMoov(t *testing.T) {
	all := laxDescriptions()
	codecs := map[string]*specs.Codec{}
	for name, ms := range all {
		codec, err := specs.Compile(name, ms)
		if err != nil {
			t.Fatal(err)
		}
		codecs[name] = codec
	}
	for _, row := range laxRows(t) {
		_, err := codecs[row.description].Parse(row.body)
		f := (*specs.FormatError)(nil)
		if !errors.As(err, &f) || f.Kind.String() != row.kind || f.Offset != row.offset || f.Path != row.path {
			t.Errorf("%s: the codec gives %v, want field %s at byte %d: %s", row.name, err, row.path, row.offset, row.kind)
		}
		if got := whatMoovDoes(all[row.description], row.body); got != row.moov {
			t.Errorf("%s: moov gives %s, want %s", row.name, got, row.moov)
		}
	}
}

const moovRefuses = "refuses it"

// whatMoovDoes with a message: reads values, refuses it, or panics.
func whatMoovDoes(ms *iso8583.MessageSpec, body []byte) (what string) {
	defer func() {
		if recover() != nil {
			what = "panics"
		}
	}()
	message := iso8583.NewMessage(ms)
	if err := message.Unpack(body); err != nil {
		return moovRefuses
	}
	var values []string
	read := readByMoov(message)
	for _, path := range slices.Sorted(maps.Keys(read)) {
		if path != "0" {
			values = append(values, path+" = "+strconv.QuoteToASCII(read[path]))
		}
	}
	if len(values) == 0 {
		return "reads no field"
	}
	return "reads " + strings.Join(values, ", ")
}

// What moov packs and the codec does not: nobody could read it as it was meant.
func TestPacksLessThanMoov(t *testing.T) {
	ms := laxDescriptions()
	for _, test := range []struct {
		description, path, value string
		kind                     specs.FaultKind
	}{
		{"other", "9", strings.Repeat("x", 256), specs.TooLong}, // behind 82 01 00
		{"other", "3", "1\t2", specs.BadText},
		{"visa-style", "39", "0\x00", specs.BadText},
	} {
		codec, err := specs.Compile(test.description, ms[test.description])
		if err != nil {
			t.Fatal(err)
		}
		m := specs.NewMessage("0100")
		setLine(t, m, test.path, test.value)
		if _, err := moovPack(ms[test.description], m); err != nil {
			t.Errorf("%s: moov refuses it too: %v", test.path, err)
		}
		f := (*specs.FormatError)(nil)
		if _, err := codec.Append(nil, m); !errors.As(err, &f) || f.Kind != test.kind {
			t.Errorf("%s: got %v, want %s", test.path, err, test.kind)
		}
	}
}

func TestTheCodecsDocumentIsAsTheCode(t *testing.T) {
	var b strings.Builder
	b.WriteString(codecDocument)
	for _, row := range laxRows(t) {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s, %s at byte %d |\n", row.name, laxText(row.body), row.moov, row.kind, row.path, row.offset)
	}
	golden.CheckText(t, "../docs/codec.md", b.String())
}

// laxText shows a message: characters where all are printable.
func laxText(body []byte) string {
	if strings.Trim(string(body), printableASCII) == "" {
		return `"` + string(body) + `"`
	}
	return strings.ToUpper(hex.EncodeToString(body))
}

const codecDocument = `# The codec
For whoever brings a description of his own, or asks why a message is refused that another program
reads. The tables are written by ` + "`go test ./specs -update`" + ` from rows that a test plays
against moov-io/iso8583.

A profile is a moov ` + "`MessageSpec`" + `. ` + "`specs.Compile`" + ` turns it into tables, and one walker goes over a
message by them, checks every byte and notes where what stands. What is made of that differs:

| call | gives | allocates |
|---|---|---|
| ` + "`Codec.Parse`" + ` | a ` + "`Message`" + `: all values by path | 3 times |
| ` + "`Codec.Scan`" + ` into a ` + "`View`" + ` | the message where it lies: a value is decoded when it is asked for | never, once the view has room for it |
| ` + "`Codec.Inspect`" + ` | every element with offset, length, name and masked value, up to the first fault | yes |
| ` + "`Codec.Salvage`" + ` | what can be read of a broken message | 3 times |

All but Salvage accept and refuse the same messages, with the same fault. A ` + "`View`" + ` is for who passes messages on:

` + "```go" + `
var v specs.View // keep it, and the buffers, for the next message
if err := codec.Scan(&v, body); err != nil {
	return err // a *specs.FormatError: kind, offset and path
}
number = v.AppendValue(number[:0], specs.P(2))
err := errors.Join(v.SetMTI("0110"), v.Set(specs.P(39), "00"))
if err == nil {
	out, err = v.Append(out[:0])
}
` + "```" + `

` + "`Set`" + ` refuses what the profile cannot write, with the fault that packing would give. ` + "`Append`" + ` copies what
was not changed byte for byte and makes bitmaps and lengths right. The bytes are those of
` + "`Codec.Append`" + ` for the same values, with one exception: sets and tags may come in any order, and a field
of which nothing was changed keeps the order that it came in. Of which anything was changed, it is
written in the order of its sets' and tags' numbers. ` + "`firsttap decode --set PATH=VALUE --hex`" + ` does this to
a message that is typed.

## What it costs
An activation request of 361 bytes in visa-style is turned into its answer: read trace, amount, PAN,
expiry and code, change type, 7, 11 and 39, pack. Two cores that were busy with other things, so that
the ratios say more than the times; ` + "`go test -run - -bench Turn ./specs`" + ` measures all three in one run.

| | time | allocations |
|---|---|---|
| moov as it comes, with structs | 221 to 276 µs | 931 |
| ` + "`Parse`" + ` and ` + "`Append`" + ` | 4.1 to 5.1 µs | 4 |
| ` + "`View`" + ` | 1.1 to 1.3 µs | 0 |

That a view does not allocate, and how often Parse may, are tests; times are not.

## The same as moov
For every message that the codec accepts, moov reads the same values, and both pack the same bytes.
Tests draw messages of both profiles, and descriptions of any encoders, lengths, bitmaps, sets and tags
that Compile knows (` + "`TestAnyDescriptionAgreesWithMoov`" + `); fuzzing does so with any bytes. Where moov
cannot read what it has written, Compile refuses the description: a leaf with ` + "`prefix.Hex.Fixed`" + `, numbers
and padding that lose zeros, tracks that are taken apart, unknown tags that are dropped.

When packing, the codec refuses three things more than moov does: text with a character that is not
printable, an empty value, which moov writes without its BER length, and more than 255 bytes behind a BER
length.

## Stricter than moov
moov as it comes, with its own encoders, reads all of these. The first rows are visa-style, the last, as
characters, small fields of other kinds (` + "`specs/stricter_test.go`" + `). When a test draws bytes that moov
reads and the codec does not, the fault must be of a kind that stands here.

| bytes with | message | moov | codec: fault, field, place |
|---|---|---|---|
`
