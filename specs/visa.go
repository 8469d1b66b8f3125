package specs

import (
	"fmt"
	"strconv"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

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
func VisaStyle() *iso8583.MessageSpec {
	ms := &iso8583.MessageSpec{
		Name: NameVisaStyle,
		Fields: map[int]field.Field{
			0: field.NewString(&field.Spec{Length: MTIDigits, Description: "Message type", Enc: BCD, Pref: Fixed}),
			1: field.NewBitmap(&field.Spec{Length: bitmapBytes, Description: "Bitmap", Enc: Binary, Pref: Fixed}),
		},
	}
	for _, e := range visaFields {
		ms.Fields[e.id] = e.field()
	}
	return ms
}

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

// shape is how an element of the tables is written on the wire.
type shape uint8

const (
	digits     shape = iota + 1 // BCD, fixed
	digitsUpTo                  // BCD behind a length
	track2UpTo                  // Track2 behind a length
	text                        // EBCDIC 037, fixed
	textUpTo                    // EBCDIC 037 behind a length
	raw                         // bytes, fixed
	rawBER                      // bytes behind a BER length
	bitmapped                   // parts behind a length and a bitmap of length bytes
	sets                        // parts are sets, behind a length
	tags                        // parts are tags of one byte: a set
	tagsBER                     // parts are BER tags: a set; others are kept too
)

// element is a line of the tables: a field, subfield, set or tag.
type element struct {
	id     int
	shape  shape
	length int // digits, characters or bytes; of a bitmap for bitmapped
	name   string
	parts  []element
}

var shapes = map[shape]struct {
	enc  *Encoder
	pref *Prefix
}{
	digits:     {BCD, Fixed},
	digitsUpTo: {BCD, Length1},
	track2UpTo: {Track2, Length1},
	text:       {EBCDIC037, Fixed},
	textUpTo:   {EBCDIC037, Length1},
	raw:        {Binary, Fixed},
	rawBER:     {Binary, LengthBER},
}

func (e element) field() field.Field {
	spec := &field.Spec{Length: e.length, Description: e.name, Pad: padding.None}
	switch e.shape {
	case bitmapped:
		spec.Length, spec.Pref = FieldBytesMax, Length1
		spec.Bitmap = field.NewBitmap(&field.Spec{
			Length: e.length, Description: "Bitmap", Enc: Binary, Pref: Fixed, DisableAutoExpand: true,
		})
		return e.composite(spec, strconv.Itoa)
	case sets:
		spec.Length, spec.Pref, spec.Tag = FieldBytesMax, Length1, tagSpec(Tag1)
		return e.composite(spec, hexByte)
	case tags:
		spec.Length, spec.Pref, spec.Tag = setBytesMax, Length2, tagSpec(Tag1)
		return e.composite(spec, hexByte)
	case tagsBER:
		spec.Length, spec.Pref, spec.Tag = setBytesMax, Length2, tagSpec(TagBER)
		spec.Tag.SkipUnknownTLVTags, spec.Tag.StoreUnknownTLVTags = true, true
		spec.Tag.PrefUnknownTLV = prefix.Prefixer(LengthBER)
		return e.composite(spec, hexByte)
	}
	return e.leaf(spec)
}

func (e element) leaf(spec *field.Spec) field.Field {
	form := shapes[e.shape]
	spec.Enc, spec.Pref = form.enc, form.pref
	if form.enc == Binary {
		return field.NewBinary(spec)
	}
	return field.NewString(spec)
}

func (e element) composite(spec *field.Spec, key func(int) string) field.Field {
	spec.Subfields = make(map[string]field.Field, len(e.parts))
	for _, part := range e.parts {
		spec.Subfields[key(part.id)] = part.field()
	}
	return field.NewComposite(spec)
}

func tagSpec(enc *TagEncoder) *field.TagSpec {
	return &field.TagSpec{Length: enc.size, Enc: enc, Sort: sortTags}
}

// hexByte writes a tag as moov keeps it: hexadecimal, whole bytes.
func hexByte(tag int) string {
	if tag > 0xFF {
		return fmt.Sprintf("%04X", tag)
	}
	return fmt.Sprintf("%02X", tag)
}
