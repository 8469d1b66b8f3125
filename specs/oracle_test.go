package specs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"
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

// agree gives the packed message, nil when it is too long for both.
func agree(t rapid.TB, ms *iso8583.MessageSpec, codec *specs.Codec, m *specs.Message) []byte {
	t.Helper()
	packed, err := codec.Append(nil, m)
	if f := (*specs.FormatError)(nil); errors.As(err, &f) && (f.Kind == specs.TooLong || f.Kind == specs.BadLength) {
		if _, err := moovPack(ms, m); err == nil {
			t.Fatalf("moov packs a length that the codec refuses: %v", f)
		}
		return nil
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
	return packed
}

// FuzzParse: nothing panics; what the codec accepts, moov reads the same and
// packs the same; what it accepts with sorted tags, it packs as it came.
func FuzzParse(f *testing.F) { fuzzParse(f, specs.NameVisaStyle) }

func FuzzParseASCII87(f *testing.F) { fuzzParse(f, specs.NameASCII87) }

func fuzzParse(f *testing.F, name string) {
	codec, ms := codecByName(f, name), descriptions[name]()
	seedBodies(f, codec, func(body []byte) { f.Add(body) })
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

// seedBodies gives good messages and broken ones.
func seedBodies(f *testing.F, codec *specs.Codec, add func(body []byte)) {
	f.Helper()
	for _, v := range vectors(f) {
		packed, err := codec.Append(nil, v.message)
		if err != nil {
			f.Fatal(err)
		}
		add(packed)
	}
	for _, row := range append(faultRows(f), asciiFaultRows(f)...) {
		add(row.body)
	}
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
		if err != nil || p&0xFFFFFF == 0 {
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
		f, known := described(ms, p)
		var value any = m.Text(p)
		if _, binary := f.(*field.Binary); binary {
			value = m.Bytes(p)
		}
		if !known { // a BER tag that the description does not name
			unknown := field.NewBinary(unknownTag(f.Spec().Tag))
			unknown.SetValue(m.Bytes(p))
			value = unknown
		}
		path := strings.Join(append([]string{strconv.Itoa(p.Field())}, pathKeys(p)...), ".")
		if err := message.MarshalPath(path, value); err != nil {
			return nil, err
		}
	}
	return message.Pack()
}

// unknownTag is how the description's wire has a BER tag without a name.
func unknownTag(tag *field.TagSpec) *field.Spec {
	switch {
	case inHex(tag):
		return &field.Spec{Length: 255, Enc: specs.Hex, Pref: specs.LengthHexBER}
	case tag.PrefUnknownTLV == nil:
		return &field.Spec{Length: 255, Enc: specs.Binary, Pref: prefix.BerTLV}
	}
	return &field.Spec{Length: 255, Enc: specs.Binary, Pref: tag.PrefUnknownTLV}
}

// inHex reports whether moov keeps unknown tags as the digits on the wire.
func inHex(tag *field.TagSpec) bool {
	return tag != nil && tag.PrefUnknownTLV == prefix.Prefixer(specs.LengthHexBERDigits)
}

// described finds the field of a path, or the last one on the way to it.
func described(ms *iso8583.MessageSpec, p specs.Path) (field.Field, bool) {
	f := ms.Fields[p.Field()]
	for _, key := range pathKeys(p) {
		part := f.Spec().Subfields[key]
		if part == nil {
			return f, false
		}
		f = part
	}
	return f, true
}

func pathKeys(p specs.Path) (keys []string) {
	switch {
	case p.Tag() == 0 && p.Sub() > 0:
		return []string{strconv.Itoa(p.Sub())}
	case p.Sub() > 0:
		keys = append(keys, hexKey(p.Sub(), 1))
	}
	if p.Tag() > 0xFF {
		return append(keys, hexKey(p.Tag(), 2))
	}
	if p.Tag() > 0 {
		keys = append(keys, hexKey(p.Tag(), 1))
	}
	return keys
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
	return readByMoov(message)
}

func readByMoov(message *iso8583.Message) map[string]string {
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
	if !strings.Contains(path, ".") && composite.Spec().Bitmap == nil && !hasSets(composite.Spec()) {
		path += ".00"
	}
	for key, sub := range composite.GetSubfields() {
		moovValues(values, path+"."+key, sub)
		if composite.Spec().Subfields[key] == nil && inHex(composite.Spec().Tag) {
			raw, _ := hex.DecodeString(values[path+"."+key])
			values[path+"."+key] = string(raw)
		}
	}
}

func hasSets(spec *field.Spec) bool {
	for _, f := range spec.Subfields {
		if _, ok := f.(*field.Composite); ok {
			return true
		}
	}
	return false
}

// leafPaths adds the paths of all values that a field may have.
func leafPaths(paths []specs.Path, p specs.Path, f field.Field) []specs.Path {
	composite, ok := f.(*field.Composite)
	if !ok {
		return append(paths, p)
	}
	for key, part := range composite.Spec().Subfields {
		paths = leafPaths(paths, partPath(p, composite, key), part)
	}
	return paths
}
