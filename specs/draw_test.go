package specs_test

import (
	"maps"
	"slices"
	"strconv"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"
	"github.com/moov-io/iso8583/sort"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/specs"
)

// Descriptions that Compile knows, and messages that they allow, both drawn.

// Encoders by the values that they take.
var (
	digitEncoders = []encoding.Encoder{specs.BCD, specs.ASCIIDigits, encoding.BCD}
	textEncoders  = []encoding.Encoder{
		specs.EBCDIC037, specs.ASCII, specs.HexText, encoding.ASCII, encoding.EBCDIC, encoding.EBCDIC1047,
	}
	byteEncoders   = []encoding.Encoder{specs.Binary, specs.Hex, encoding.Binary, encoding.BytesToASCIIHex}
	track2Encoders = []encoding.Encoder{specs.Track2, specs.ASCIITrack2}
	leafEncoders   = slices.Concat(digitEncoders, textEncoders, byteEncoders, track2Encoders, []encoding.Encoder{specs.ASCIIFilled})
)

var (
	fixedPrefixes     = []prefix.Prefixer{specs.Fixed, prefix.Binary.Fixed, prefix.ASCII.Fixed, prefix.EBCDIC.Fixed, prefix.BCD.Fixed}
	berPrefixes       = []prefix.Prefixer{specs.LengthBER, specs.LengthHexBER, prefix.BerTLV}
	compositePrefixes = countingPrefixes()
)

func countingPrefixes() []prefix.Prefixer {
	all := []prefix.Prefixer{specs.Length1, specs.Length2, specs.ASCIILL, specs.ASCIILLL, specs.LengthHex1}
	for _, family := range []prefix.Prefixers{prefix.Binary, prefix.ASCII, prefix.EBCDIC, prefix.BCD, prefix.Hex} {
		all = append(all, family.L, family.LL, family.LLL, family.LLLL)
	}
	return all
}

const (
	drawnFieldsMax = 12  // of a description
	drawnPartsMax  = 5   // of a field
	drawnLengthMax = 300 // of a value: past what one byte counts
)

// drawSpec makes a description with some fields of any kind.
func drawSpec(t *rapid.T) *iso8583.MessageSpec {
	bitmap := &field.Spec{Length: 8, Enc: drawOne(t, "bitmap", byteEncoders), Pref: prefix.Hex.Fixed}
	ms := &iso8583.MessageSpec{Fields: map[int]field.Field{
		0: field.NewString(&field.Spec{Length: 4, Enc: drawOne(t, "type", slices.Concat(digitEncoders, textEncoders)), Pref: specs.Fixed}),
		1: field.NewBitmap(bitmap),
	}}
	numbers := rapid.IntRange(2, specs.FieldMax).Filter(func(n int) bool { return n != 65 })
	for _, number := range rapid.SliceOfNDistinct(numbers, 1, drawnFieldsMax, rapid.ID).Draw(t, "fields") {
		ms.Fields[number] = drawDescribed(t)
	}
	return ms
}

func drawOne[T any](t *rapid.T, label string, of []T) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(t, label)]
}

func drawDescribed(t *rapid.T) field.Field {
	switch rapid.IntRange(0, 5).Draw(t, "form") {
	case 0:
		return drawBitmapped(t)
	case 1:
		return drawTagged(t, drawLeaf)
	case 2:
		tags := func(t *rapid.T) field.Field { return drawTagged(t, drawLeaf) }
		return drawTagged(t, tags)
	}
	return drawLeaf(t)
}

func drawLeaf(t *rapid.T) field.Field {
	spec := &field.Spec{Length: rapid.IntRange(1, drawnLengthMax).Draw(t, "most"), Enc: drawOne(t, "encoder", leafEncoders)}
	spec.Pref = drawOne(t, "prefix", slices.Concat(fixedPrefixes, berPrefixes, compositePrefixes))
	if slices.Contains(berPrefixes, spec.Pref) {
		spec.Length = min(spec.Length, 255) // what the codec's BER lengths can say, see TestStricterThanMoov
	}
	if rapid.Bool().Draw(t, "short") {
		spec.Length = min(spec.Length, 9)
	}
	if spec.Enc == encoding.Encoder(specs.ASCIIFilled) {
		spec.Length++ // the fill alone has no bytes
	}
	if rapid.Bool().Draw(t, "binary") {
		return field.NewBinary(spec)
	}
	return field.NewString(spec)
}

// drawHolder is what elements with parts have in common.
func drawHolder(t *rapid.T) *field.Spec {
	return &field.Spec{
		Length: rapid.IntRange(20, 999).Draw(t, "most"), Subfields: map[string]field.Field{},
		Pref: drawOne(t, "length", append([]prefix.Prefixer{specs.LengthHex2}, compositePrefixes...)),
	}
}

func drawBitmapped(t *rapid.T) field.Field {
	spec, size := drawHolder(t), rapid.IntRange(1, 32).Draw(t, "bitmap bytes")
	spec.Bitmap = field.NewBitmap(&field.Spec{
		Length: size, Enc: drawOne(t, "bitmap", byteEncoders), Pref: drawOne(t, "bitmap prefix", fixedPrefixes), DisableAutoExpand: true,
	})
	bits := rapid.IntRange(1, min(8*size, 255))
	for _, bit := range rapid.SliceOfNDistinct(bits, 1, drawnPartsMax, rapid.ID).Draw(t, "subfields") {
		spec.Subfields[strconv.Itoa(bit)] = drawLeaf(t)
	}
	return field.NewComposite(spec)
}

// Ways to write tags, and tags that all of their kind can write.
var (
	shortTags = []string{"01", "02", "0A", "1F", "5A", "82", "FF"}
	berTags   = []string{"01", "0A", "5A", "82", "9F26", "5F2A", "DF01", "9F7F"}
	tagForms  = []struct {
		spec field.TagSpec
		keys []string
	}{
		{field.TagSpec{Length: 1, Enc: specs.Tag1}, shortTags},
		{field.TagSpec{Length: 1, Enc: specs.Tag1Hex}, shortTags},
		{field.TagSpec{Length: 1, Enc: encoding.ASCIIHexToBytes}, shortTags},
		{field.TagSpec{Length: 2, Enc: encoding.ASCII}, shortTags},
		{field.TagSpec{Enc: specs.TagBER}, berTags},
		{field.TagSpec{Enc: specs.TagBERHex}, berTags},
		{field.TagSpec{Enc: encoding.BerTLVTag}, berTags},
	}
	unknownPrefixes = []prefix.Prefixer{nil, prefix.BerTLV, specs.LengthBER, specs.Length1, prefix.ASCII.LL}
)

func drawTagged(t *rapid.T, part func(*rapid.T) field.Field) field.Field {
	spec, form := drawHolder(t), drawOne(t, "tags", tagForms)
	tag, keys := form.spec, form.keys
	tag.Sort = sort.StringsByHex
	spec.Tag = &tag
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, drawnPartsMax, rapid.ID).Draw(t, "parts") {
		if len(key) == 2 || !hasSets(spec) {
			spec.Subfields[key] = part(t)
		}
	}
	if hasSets(spec) {
		maps.DeleteFunc(spec.Subfields, func(key string, _ field.Field) bool { return len(key) > 2 })
	} else if rapid.Bool().Draw(t, "unknown tags") {
		tag.SkipUnknownTLVTags, tag.StoreUnknownTLVTags = true, true
		tag.PrefUnknownTLV = drawOne(t, "of unknown tags", unknownPrefixes)
		if tag.Enc == encoding.Encoder(specs.TagBERHex) {
			tag.PrefUnknownTLV = specs.LengthHexBERDigits
		}
	}
	return field.NewComposite(spec)
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
	if keepsUnknown(composite.Spec().Tag) && rapid.Bool().Draw(t, "has other") {
		unknown := rapid.SampledFrom([]int{0x42, 0xC1}).Draw(t, "tag")
		if composite.Spec().Tag.Length == 0 {
			unknown = rapid.SampledFrom([]int{0x42, 0xC1, 0x9F1B, 0x9F7C, 0xDF02}).Draw(t, "tag")
		}
		m.Set(p|specs.Path(unknown), string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "other")))
	}
}

// keepsUnknown is moov's own condition.
func keepsUnknown(tag *field.TagSpec) bool {
	return tag != nil && tag.SkipUnknownTLVTags && (tag.PrefUnknownTLV != nil || tag.Enc == encoding.Encoder(encoding.BerTLVTag))
}

func partPath(p specs.Path, composite *field.Composite, key string) specs.Path {
	base, shift := 16, uint(0)
	switch {
	case composite.Spec().Bitmap != nil:
		base, shift = 10, 16
	case hasSets(composite.Spec()):
		shift = 16
	}
	n, _ := strconv.ParseUint(key, base, 16)
	return p | specs.Path(n)<<shift
}

// drawValue makes a value for a leaf: as long as it must be, or up to it.
func drawValue(t *rapid.T, spec *field.Spec) string {
	least := spec.Length
	if !slices.Contains(fixedPrefixes, spec.Pref) {
		least = 1
	}
	return drawText(t, spec.Enc, rapid.IntRange(least, spec.Length).Draw(t, "length"))
}

func drawText(t *rapid.T, enc encoding.Encoder, length int) string {
	of := func(characters string) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte(characters)), length, length).Draw(t, "value"))
	}
	switch {
	case slices.Contains(digitEncoders, enc):
		return of("0123456789")
	case enc == encoding.Encoder(specs.ASCIIFilled):
		return of("0123456789")[:length-1] + "0"
	case slices.Contains(track2Encoders, enc):
		digits := []byte(of("0123456789"))
		digits[rapid.IntRange(0, length-1).Draw(t, "separator")] = '='
		return string(digits)
	case slices.Contains(byteEncoders, enc):
		return string(rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "bytes"))
	}
	return of(" 0A9Zaz!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
}
