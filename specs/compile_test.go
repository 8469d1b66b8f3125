package specs_test

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
	"github.com/moov-io/iso8583/sort"

	"github.com/firsttap/firsttap/specs"
)

// stock rebuilds a description with moov's own encoders, prefixes and sort, as
// it comes out of moov's JSON form.
func stock(ms *iso8583.MessageSpec) *iso8583.MessageSpec {
	out := &iso8583.MessageSpec{Name: ms.Name, Fields: map[int]field.Field{}}
	for number, f := range ms.Fields {
		out.Fields[number] = stockField(f)
	}
	return out
}

func stockField(f field.Field) field.Field {
	spec := *f.Spec()
	spec.Enc, spec.Pref = stockEncoders[spec.Enc], stockPrefixes[spec.Pref]
	if spec.Bitmap != nil {
		spec.Bitmap = stockField(spec.Bitmap).(*field.Bitmap)
	}
	if spec.Tag != nil {
		tag := *spec.Tag
		tag.Sort, tag.Enc = sort.StringsByHex, encoding.Encoder(encoding.ASCIIHexToBytes)
		if spec.Tag.Enc == encoding.Encoder(specs.TagBER) {
			tag.Enc, tag.PrefUnknownTLV = encoding.BerTLVTag, prefix.BerTLV
		}
		spec.Tag = &tag
	}
	parts := map[string]field.Field{}
	for key, part := range spec.Subfields {
		parts[key] = stockField(part)
	}
	spec.Subfields = parts
	out := field.NewInstanceOf(f)
	out.SetSpec(&spec)
	return out
}

var stockEncoders = map[encoding.Encoder]encoding.Encoder{
	specs.BCD: encoding.BCD, specs.EBCDIC037: encoding.EBCDIC1047, specs.Binary: encoding.Binary,
	specs.Track2: encoding.Binary, // moov has none; not used with this description
}

var stockPrefixes = map[prefix.Prefixer]prefix.Prefixer{
	specs.Fixed: prefix.Binary.Fixed, specs.Length1: prefix.Binary.L, specs.Length2: prefix.Binary.LL,
	specs.LengthBER: prefix.BerTLV,
}

func TestStockDescriptionsCompile(t *testing.T) {
	codec, err := specs.Compile("stock", stock(specs.VisaStyle()))
	if err != nil {
		t.Fatal(err)
	}
	// Letters, digits and blanks are the same in code pages 037 and 1047.
	for _, v := range vectors(t) {
		if v.message.Has(specs.P(35)) {
			continue
		}
		packed, err := codec.Append(nil, v.message)
		if err != nil || !bytes.Equal(packed, v.body) {
			t.Errorf("%s: packs %X, want %X, %v", v.name, packed, v.body, err)
		}
	}
	if codec.Name() != "stock" {
		t.Errorf("is named %q", codec.Name())
	}
}

func TestOtherFormsCompile(t *testing.T) {
	ms := specs.VisaStyle()
	ms.Fields[1] = field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.BytesToASCIIHex, Pref: prefix.Hex.Fixed})
	for number, form := range map[int]struct {
		enc  encoding.Encoder
		pref prefix.Prefixer
	}{
		2: {encoding.ASCII, prefix.ASCII.LL}, 32: {encoding.EBCDIC, prefix.EBCDIC.LLL},
		44: {encoding.EBCDIC1047, prefix.BCD.LL}, 54: {encoding.ASCII, prefix.BCD.LLL},
		60: {specs.Hex, prefix.ASCII.LL},
	} {
		ms.Fields[number] = field.NewString(&field.Spec{Length: 30, Enc: form.enc, Pref: form.pref})
	}
	ms.Fields[55] = field.NewComposite(&field.Spec{ // tags without sets
		Length: 255, Pref: specs.Length1,
		Tag:       &field.TagSpec{Enc: encoding.BerTLVTag, Sort: sort.StringsByHex, SkipUnknownTLVTags: true, StoreUnknownTLVTags: true},
		Subfields: map[string]field.Field{"9F26": field.NewBinary(&field.Spec{Length: 8, Enc: encoding.Binary, Pref: prefix.BerTLV})},
	})
	codec, err := specs.Compile("other", ms)
	if err != nil {
		t.Fatal(err)
	}
	m := specs.NewMessage("0100")
	for path, value := range map[string]string{
		"2": "4895370012003478", "32": "400552", "44": "5 M", "54": "one", "60": "\x01\xAB",
		"55.00.82": "\x20\x00", "55.00.9F26": "12345678", "126.10": "11 123",
	} {
		setLine(t, m, path, value)
	}
	packed, err := codec.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.Parse(packed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := codec.Append(nil, back)
	if err != nil || !bytes.Equal(packed, again) || back.String() != m.String() {
		t.Errorf("%v comes back as %v, %v", m, back, err)
	}
	if got := string(packed[2:34]); got != "C0000001001006100000000000000004" {
		t.Errorf("the bitmaps are %q, want them in hexadecimal", got)
	}
	message := iso8583.NewMessage(ms)
	if err := message.Unpack(packed); err != nil {
		t.Errorf("moov: %v", err)
	}
}

type badField struct {
	name   string
	number int
	field  field.Field
}

func TestCompileRefuses(t *testing.T) {
	for _, test := range slices.Concat(badFields(), badSubfields(), badTags()) {
		t.Run(test.name, func(t *testing.T) {
			ms := specs.VisaStyle()
			ms.Fields[test.number] = test.field
			_, err := specs.Compile("bad", ms)
			if !errors.Is(err, specs.ErrSpec) || !strings.Contains(err.Error(), "field "+strconv.Itoa(test.number)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func badFields() []badField {
	return []badField{
		{"field 129", 129, plainField()},
		{"field 65", 65, plainField()},
		{"field below zero", -1, plainField()},
		{"type of five digits", 0, leafField(func(s *field.Spec) { s.Length = 5 })},
		{"type behind a length", 0, leafField(func(s *field.Spec) { s.Length, s.Pref = 4, specs.Length1 })},
		{"bitmap of 16 bytes", 1, field.NewBitmap(&field.Spec{Length: 16, Enc: specs.Binary, Pref: specs.Fixed})},
		{"bitmap that does not expand", 1, field.NewBitmap(&field.Spec{Length: 8, Enc: specs.Binary, Pref: specs.Fixed, DisableAutoExpand: true})},
		{"bitmap in BCD", 1, field.NewBitmap(&field.Spec{Length: 8, Enc: specs.BCD, Pref: specs.Fixed})},
		{"bitmap without encoding", 1, field.NewBitmap(&field.Spec{Length: 8, Pref: specs.Fixed})},
		{"bitmap behind a length", 1, field.NewBitmap(&field.Spec{Length: 8, Enc: specs.Binary, Pref: prefix.ASCII.L})},
		{"bitmap to the end", 1, field.NewBitmap(&field.Spec{Length: 8, Enc: specs.Binary, Pref: prefix.None.Fixed})},
		{"bitmap without prefix", 1, field.NewBitmap(&field.Spec{Length: 8, Enc: specs.Binary})},
		{"no description", 11, field.NewString(nil)},
		{"padding", 11, leafField(func(s *field.Spec) { s.Pad = padding.Left('0') })},
		{"no length", 11, leafField(func(s *field.Spec) { s.Length = 0 })},
		{"no prefix", 11, leafField(func(s *field.Spec) { s.Pref = nil })},
		{"prefix that takes all", 11, leafField(func(s *field.Spec) { s.Pref = prefix.None.Fixed })},
		{"no encoding", 11, leafField(func(s *field.Spec) { s.Enc = nil })},
		{"encoding not known", 11, leafField(func(s *field.Spec) { s.Enc = encoding.LBCD })},
		{"fill and nothing else", 11, leafField(func(s *field.Spec) { s.Length, s.Enc = 1, specs.ASCIIFilled })},
		{"length that moov reads otherwise than it writes", 11, leafField(func(s *field.Spec) { s.Pref = prefix.Hex.Fixed })},
		{"packer", 11, leafField(func(s *field.Spec) { s.Packer = field.Track2Packer{} })},
		{"number that loses zeros", 11, field.NewNumeric(&field.Spec{Length: 6, Enc: specs.BCD, Pref: specs.Fixed})},
		{"track that is taken apart", 35, field.NewTrack2(&field.Spec{Length: 37, Enc: specs.Track2, Pref: specs.Length1})},
	}
}

func badSubfields() []badField {
	return []badField{
		{"subfield that is no bit", 62, bitmapField(eightBytes, map[string]field.Field{"65": plainField()})},
		{"subfield too deep", 62, bitmapField(eightBytes, map[string]field.Field{"2": setField(onePart())})},
		{"subfield bad", 62, bitmapField(eightBytes, map[string]field.Field{"2": field.NewNumeric(&field.Spec{Length: 6, Enc: specs.BCD, Pref: specs.Fixed})})},
		{"subfield bitmap of 33 bytes", 62, bitmapField(field.Spec{Length: 33, Enc: specs.Binary, Pref: specs.Fixed}, onePart())},
		{"subfield bitmap in text", 62, bitmapField(field.Spec{Length: 8, Enc: specs.ASCII, Pref: specs.Fixed}, onePart())},
	}
}

func badTags() []badField {
	return []badField{
		{"positions", 43, taggedField(field.Spec{Subfields: onePart()}, field.TagSpec{})},
		{"tags that pad", 123, taggedField(field.Spec{Subfields: onePart()}, field.TagSpec{Length: 1, Enc: specs.Tag1, Pad: padding.Left('0')})},
		{"tags in text", 123, taggedField(field.Spec{Subfields: onePart()}, field.TagSpec{Length: 3, Enc: encoding.ASCII})},
		{"tags that are skipped", 123, taggedField(field.Spec{Subfields: onePart()}, field.TagSpec{Length: 1, Enc: specs.Tag1, SkipUnknownTLVTags: true})},
		{"tags unknown of any length", 55, taggedField(field.Spec{Subfields: map[string]field.Field{"9F26": plainField()}}, field.TagSpec{Enc: specs.TagBER, SkipUnknownTLVTags: true, StoreUnknownTLVTags: true, PrefUnknownTLV: specs.Fixed})},
		{"tags unknown of no known length", 55, taggedField(field.Spec{Subfields: map[string]field.Field{"9F26": plainField()}}, field.TagSpec{Enc: specs.TagBER, SkipUnknownTLVTags: true, StoreUnknownTLVTags: true, PrefUnknownTLV: prefix.None.Fixed})},
		{"tags out of order", 123, taggedField(field.Spec{Subfields: map[string]field.Field{"01": plainField(), "02": plainField()}}, field.TagSpec{Length: 1, Enc: specs.Tag1, Sort: func(x []string) { x[0], x[1] = "02", "01" }})},
		{"tag zero", 123, setField(map[string]field.Field{"00": plainField()})},
		{"tag in lower case", 123, setField(map[string]field.Field{"0a": plainField()})},
		{"tag of two bytes", 123, setField(map[string]field.Field{"0102": plainField()})},
		{"tag that is no BER", 55, taggedField(field.Spec{Subfields: map[string]field.Field{"1F": plainField()}}, field.TagSpec{Enc: specs.TagBER})},
		{"tag bad", 123, setField(map[string]field.Field{"01": field.NewNumeric(&field.Spec{Length: 6, Enc: specs.BCD, Pref: specs.Fixed})})},
		{"tag among sets", 123, setField(map[string]field.Field{"01": setField(onePart()), "02": plainField()})},
		{"set in a set", 123, setField(map[string]field.Field{"01": setField(map[string]field.Field{"01": setField(onePart())})})},
		{"bitmap in a set", 123, setField(map[string]field.Field{"01": bitmapField(eightBytes, onePart())})},
		{"set bad", 123, setField(map[string]field.Field{"01": setField(map[string]field.Field{"01": leafField(func(s *field.Spec) { s.Enc = nil })})})},
		{"composite behind a BER length", 123, taggedField(field.Spec{Length: 255, Pref: specs.LengthBER, Subfields: onePart()}, field.TagSpec{Length: 1, Enc: specs.Tag1})},
	}
}

// plainField is a field that compiles anywhere but as the message type.
func plainField() field.Field {
	return field.NewString(&field.Spec{Length: 6, Enc: specs.EBCDIC037, Pref: specs.Length1})
}

// leafField is six digits but for the change.
func leafField(change func(*field.Spec)) field.Field {
	spec := &field.Spec{Length: 6, Description: "x", Enc: specs.BCD, Pref: specs.Fixed}
	change(spec)
	return field.NewString(spec)
}

func onePart() map[string]field.Field { return map[string]field.Field{"01": plainField()} }

func taggedField(spec field.Spec, tag field.TagSpec) field.Field {
	spec.Tag = &tag
	if spec.Pref == nil {
		spec.Length, spec.Pref = 255, specs.Length1
	}
	if tag.Sort == nil {
		tag.Sort = sort.StringsByHex
	}
	return field.NewComposite(&spec)
}

func setField(parts map[string]field.Field) field.Field {
	return taggedField(field.Spec{Subfields: parts}, field.TagSpec{Length: 1, Enc: specs.Tag1})
}

var eightBytes = field.Spec{Length: 8, Enc: specs.Binary, Pref: specs.Fixed}

func bitmapField(bitmap field.Spec, parts map[string]field.Field) field.Field {
	bitmap.DisableAutoExpand = true
	return field.NewComposite(&field.Spec{Length: 255, Pref: specs.Length1, Bitmap: field.NewBitmap(&bitmap), Subfields: parts})
}

// moov skips unknown tags only behind BER tags of its own or with a prefix for
// them, and so must the codec.
func TestUnknownTagsAreKeptWhereMoovKeepsThem(t *testing.T) {
	body := unhex(t, "0100 4000000000000000 03 42 01 07")
	for name, test := range map[string]struct {
		enc  encoding.Encoder
		pref prefix.Prefixer
		kept bool
	}{
		"moov's BER tags": {encoding.BerTLVTag, nil, true},
		"our BER tags":    {specs.TagBER, nil, false},
		"with a prefix":   {specs.TagBER, specs.LengthBER, true},
	} {
		ms := specs.VisaStyle()
		ms.Fields[2] = taggedField(field.Spec{Length: 99, Pref: prefix.Binary.L},
			field.TagSpec{Enc: test.enc, PrefUnknownTLV: test.pref, SkipUnknownTLVTags: true, StoreUnknownTLVTags: true})
		codec, err := specs.Compile(name, ms)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = codec.Parse(body); (err == nil) != test.kept {
			t.Errorf("%s: %v", name, err)
		}
		if err = iso8583.NewMessage(ms).Unpack(body); (err == nil) != test.kept {
			t.Errorf("%s: moov: %v", name, err)
		}
	}
}

func TestCompileRefusesNoDescription(t *testing.T) {
	if _, err := specs.Compile("bad", nil); !errors.Is(err, specs.ErrSpec) {
		t.Errorf("got %v", err)
	}
	if _, err := specs.Compile("bad", &iso8583.MessageSpec{}); !errors.Is(err, specs.ErrSpec) {
		t.Errorf("got %v", err)
	}
}

func TestSpecByNameListsTheKnown(t *testing.T) {
	_, err := specs.SpecByName("iso20022")
	if err == nil || !strings.Contains(err.Error(), specs.NameVisaStyle) {
		t.Errorf("got %v", err)
	}
	codec := codecByName(t, specs.NameVisaStyle)
	if codec != specs.VisaStyleCodec() || codec.Name() != specs.NameVisaStyle {
		t.Error("a profile must be compiled once")
	}
}
