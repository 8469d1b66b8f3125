package specs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/specs"
)

// moov is the oracle: it packs and unpacks every message with the description
// that the codec was compiled from, and must give the same bytes and values.

func TestCodecAgreesWithMoov(t *testing.T) {
	for _, name := range specs.SpecNames() {
		t.Run(name, func(t *testing.T) {
			ms, codec := descriptions[name](), codecByName(t, name)
			rapid.Check(t, func(t *rapid.T) { agree(t, ms, codec, drawMessage(t, ms)) })
		})
	}
}

var descriptions = map[string]func() *iso8583.MessageSpec{
	specs.NameVisaStyle: specs.VisaStyle, specs.NameASCII87: specs.ASCII87,
}

func codecByName(t testing.TB, name string) *specs.Codec {
	t.Helper()
	codec, err := specs.SpecByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func agree(t rapid.TB, ms *iso8583.MessageSpec, codec *specs.Codec, m *specs.Message) {
	t.Helper()
	packed, err := codec.Append(nil, m)
	if tooBig := (*specs.FormatError)(nil); errors.As(err, &tooBig) && tooBig.Kind == specs.TooLong {
		if _, err := moovPack(ms, m); err == nil {
			t.Fatalf("moov packs what the codec finds too long: %v", tooBig)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	byMoov, err := moovPack(ms, m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packed, byMoov) {
		t.Fatalf("codec %X\nmoov  %X", packed, byMoov)
	}
	parsed, err := codec.Parse(packed)
	if err != nil {
		t.Fatal(err)
	}
	want := codecValues(m)
	if diff := cmp.Diff(want, codecValues(parsed)); diff != "" {
		t.Fatalf("codec loses values (-packed +parsed):\n%s", diff)
	}
	if diff := cmp.Diff(want, moovUnpack(t, ms, packed)); diff != "" {
		t.Fatalf("moov reads other values (-codec +moov):\n%s", diff)
	}
}

// FuzzParse: nothing panics; what the codec accepts, moov reads the same and
// packs the same; what it accepts with sorted tags, it packs as it came.
func FuzzParse(f *testing.F) { fuzzParse(f, specs.NameVisaStyle) }

func FuzzParseASCII87(f *testing.F) { fuzzParse(f, specs.NameASCII87) }

func fuzzParse(f *testing.F, name string) {
	codec, ms := codecByName(f, name), descriptions[name]()
	for _, v := range vectors(f) {
		packed, err := codec.Append(nil, v.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	for _, row := range append(faultRows(f), asciiFaultRows(f)...) {
		f.Add(row.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		codec.Inspect(body)
		salvaged, ok := codec.Salvage(body)
		m, err := codec.Parse(body)
		if err != nil {
			checkFault(t, err, body)
			return
		}
		if ok != m.Has(specs.P(11)) || !cmp.Equal(codecValues(m), codecValues(salvaged)) {
			t.Fatal("Salvage must give all of a good message")
		}
		packed, err := codec.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(codecValues(m), moovUnpack(t, ms, body)); diff != "" {
			t.Fatalf("moov reads other values (-codec +moov):\n%s", diff)
		}
		byMoov, err := moovPack(ms, m)
		if err != nil || !bytes.Equal(packed, byMoov) {
			t.Fatalf("codec %X\nmoov  %X %v", packed, byMoov, err)
		}
		if !bytes.Equal(sortedBytes(packed), sortedBytes(body)) {
			t.Fatalf("came    %X\nrepacks %X", body, packed)
		}
		if inOrder(codec, body) && !bytes.Equal(packed, body) {
			t.Fatalf("came    %X\nrepacks %X", body, packed)
		}
	})
}

func checkFault(t *testing.T, err error, body []byte) {
	t.Helper()
	f := (*specs.FormatError)(nil)
	if !errors.As(err, &f) {
		t.Fatalf("%T is no *FormatError", err)
	}
	if f.Offset < 0 || f.Offset > len(body) || f.Path == "" || f.Detail == "" {
		t.Fatalf("%+v of %d bytes", f, len(body))
	}
}

func sortedBytes(b []byte) []byte { return slices.Sorted(slices.Values(b)) }

// inOrder reports whether sets and tags come in the order of their numbers.
func inOrder(codec *specs.Codec, body []byte) bool {
	last := specs.Path(0)
	for _, e := range codec.Inspect(body).Elements {
		p, err := specs.ParsePath(e.Path)
		if err != nil || p == 1<<24 || p.Sub() == 0 {
			continue
		}
		if p < last {
			return false
		}
		last = p
	}
	return true
}

func codecValues(m *specs.Message) map[string]string {
	values := map[string]string{"0": m.MTI()}
	for _, p := range m.Paths() {
		values[p.String()] = m.Text(p)
	}
	return values
}

func moovPack(ms *iso8583.MessageSpec, m *specs.Message) ([]byte, error) {
	message := iso8583.NewMessage(ms)
	message.MTI(m.MTI())
	for _, p := range m.Paths() {
		err := message.MarshalPath(p.String(), m.Text(p))
		if isBinary(ms, p) {
			err = message.MarshalPath(p.String(), m.Bytes(p))
		}
		if err != nil { // a BER tag that the description does not name
			unknown := field.NewBinary(unknownTag(ms, p))
			unknown.SetValue(m.Bytes(p))
			err = message.MarshalPath(p.String(), unknown)
		}
		if err != nil {
			return nil, err
		}
	}
	return message.Pack()
}

// unknownTag is how the description's wire has a BER tag without a name.
func unknownTag(ms *iso8583.MessageSpec, p specs.Path) *field.Spec {
	if inHex(ms.Fields[p.Field()].Spec().Subfields[hexKey(p.Sub(), 1)]) {
		return &field.Spec{Length: 255, Enc: specs.Hex, Pref: specs.LengthHexBER}
	}
	return &field.Spec{Length: 255, Enc: specs.Binary, Pref: specs.LengthBER}
}

func inHex(f field.Field) bool {
	return f.Spec().Tag != nil && f.Spec().Tag.Enc == encoding.Encoder(specs.TagBERHex)
}

func isBinary(ms *iso8583.MessageSpec, p specs.Path) bool {
	f := ms.Fields[p.Field()]
	for _, key := range pathKeys(p) {
		f = f.Spec().Subfields[key]
		if f == nil {
			return false
		}
	}
	_, binary := f.(*field.Binary)
	return binary
}

func pathKeys(p specs.Path) []string {
	switch {
	case p.Tag() > 0xFF:
		return []string{hexKey(p.Sub(), 1), hexKey(p.Tag(), 2)}
	case p.Tag() > 0:
		return []string{hexKey(p.Sub(), 1), hexKey(p.Tag(), 1)}
	case p.Sub() > 0:
		return []string{strconv.Itoa(p.Sub())}
	}
	return nil
}

func hexKey(n, size int) string {
	b := []byte{byte(n >> 8), byte(n)}
	return string(bytes.ToUpper(hex.AppendEncode(nil, b[2-size:])))
}

func moovUnpack(t rapid.TB, ms *iso8583.MessageSpec, body []byte) map[string]string {
	t.Helper()
	message := iso8583.NewMessage(ms)
	if err := message.Unpack(body); err != nil {
		t.Fatalf("moov refuses what the codec accepts: %v", err)
	}
	values := map[string]string{}
	for number, f := range message.GetFields() {
		if number != 1 {
			moovValues(values, strconv.Itoa(number), f)
		}
	}
	return values
}

func moovValues(values map[string]string, path string, f field.Field) {
	composite, ok := f.(*field.Composite)
	if !ok {
		b, _ := f.Bytes()
		values[path] = string(b)
		return
	}
	for key, sub := range composite.GetSubfields() {
		moovValues(values, path+"."+key, sub)
		if composite.Spec().Subfields[key] == nil && inHex(composite) { // moov keeps it as it is on the wire
			raw, _ := hex.DecodeString(values[path+"."+key])
			values[path+"."+key] = string(raw)
		}
	}
}

// drawMessage makes any message that the description allows.
func drawMessage(t *rapid.T, ms *iso8583.MessageSpec) *specs.Message {
	m := specs.NewMessage(rapid.StringMatching(`[0-9]{4}`).Draw(t, "type"))
	for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
		if number < 2 || !rapid.Bool().Draw(t, "has") {
			continue
		}
		drawField(t, m, specs.P(number), ms.Fields[number])
	}
	return m
}

func drawField(t *rapid.T, m *specs.Message, p specs.Path, f field.Field) {
	composite, ok := f.(*field.Composite)
	if !ok {
		m.Set(p, drawValue(t, f.Spec()))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(composite.Spec().Subfields)) {
		if rapid.Bool().Draw(t, "has part") {
			drawField(t, m, partPath(p, composite, key), composite.Spec().Subfields[key])
		}
	}
	if tag := composite.Spec().Tag; tag != nil && tag.SkipUnknownTLVTags && rapid.Bool().Draw(t, "has other") {
		unknown := rapid.SampledFrom([]int{0x42, 0xC1, 0x9F1B, 0x9F7C, 0xDF01}).Draw(t, "tag")
		m.Set(p|specs.Path(unknown), string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "other")))
	}
}

func partPath(p specs.Path, composite *field.Composite, key string) specs.Path {
	base, shift := 16, uint(0)
	if composite.Spec().Bitmap != nil {
		base, shift = 10, 16
	} else if p.Sub() == 0 {
		shift = 16
	}
	n, _ := strconv.ParseUint(key, base, 16)
	return p | specs.Path(n)<<shift
}

// drawValue makes a value for a leaf: as long as it must be, or up to it.
func drawValue(t *rapid.T, spec *field.Spec) string {
	least := spec.Length
	if spec.Pref != specs.Fixed {
		least = 1
	}
	length := rapid.IntRange(least, spec.Length).Draw(t, "length")
	of := func(characters string) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte(characters)), length, length).Draw(t, "value"))
	}
	switch spec.Enc {
	case specs.BCD, specs.ASCIIDigits:
		return of("0123456789")
	case specs.ASCIIFilled:
		return of("0123456789")[:length-1] + "0"
	case specs.Track2, specs.ASCIITrack2:
		digits := []byte(of("0123456789"))
		digits[rapid.IntRange(0, length-1).Draw(t, "separator")] = '='
		return string(digits)
	case specs.Binary, specs.Hex:
		return string(rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "bytes"))
	}
	return of(" 0A9Zaz!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
}
