package specs

import (
	"fmt"
	"strconv"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// shape is what an element of the tables holds. The profiles write the same
// shapes in their own ways.
type shape uint8

const (
	digits         shape = iota + 1 // fixed
	digitsFilled                    // fixed, the last digit is a zero that ISO 8583:1987 does not have
	digitsUpTo                      // behind a length
	digitsUpToLong                  // behind a length, which has three digits in ISO 8583:1987
	track2UpTo                      // behind a length
	text                            // fixed
	textUpTo                        // behind a length
	textUpToLong                    // behind a length, which has three digits in ISO 8583:1987
	raw                             // bytes, fixed
	tagText                         // text in a set, behind a length
	rawBER                          // bytes in a set, behind a BER length
	bitmapped                       // parts behind a length and a bitmap of length bytes
	sets                            // parts are sets, behind a length
	tags                            // parts are tags of one byte: a set
	tagsBER                         // parts are BER tags: a set; others are kept too
)

// element is a line of the tables: a field, subfield, set or tag.
type element struct {
	id     int
	shape  shape
	length int // digits, characters or bytes; of a bitmap for bitmapped
	name   string
	parts  []element
}

// A writing is how a profile writes each shape.
type writing struct {
	leaves map[shape]leafForm
	bitmap *Encoder

	field    *Prefix // of a field with parts
	fieldMax int     // of a bitmapped field, in bytes on the wire
	setsMax  int     // of a field with sets, likewise

	set    *Prefix
	setMax int // bytes on the wire
	tag    *TagEncoder
	tagBER *TagEncoder

	unknown *Prefix // of a BER tag without a name, as moov reads it
}

type leafForm struct {
	enc  *Encoder
	pref *Prefix
}

// describe builds the description of a profile from the tables.
func (w writing) describe(name string) *iso8583.MessageSpec {
	ms := &iso8583.MessageSpec{
		Name: name,
		Fields: map[int]field.Field{
			0: field.NewString(&field.Spec{Length: MTIDigits, Description: "Message type", Enc: w.leaves[digits].enc, Pref: Fixed}),
			1: field.NewBitmap(&field.Spec{Length: bitmapBytes, Description: "Bitmap", Enc: w.bitmap, Pref: Fixed}),
		},
	}
	for _, e := range visaFields {
		ms.Fields[e.id] = w.element(e)
	}
	return ms
}

func (w writing) element(e element) field.Field {
	spec := &field.Spec{Length: e.length, Description: e.name, Pad: padding.None}
	switch e.shape {
	case bitmapped:
		spec.Length, spec.Pref = w.fieldMax, w.field
		spec.Bitmap = field.NewBitmap(&field.Spec{
			Length: e.length, Description: "Bitmap", Enc: w.bitmap, Pref: Fixed, DisableAutoExpand: true,
		})
		return w.composite(e, spec, strconv.Itoa)
	case sets:
		spec.Length, spec.Pref, spec.Tag = w.setsMax, w.field, tagSpec(w.tag)
		return w.composite(e, spec, hexByte)
	case tags:
		spec.Length, spec.Pref, spec.Tag = w.setMax, w.set, tagSpec(w.tag)
		return w.composite(e, spec, hexByte)
	case tagsBER:
		spec.Length, spec.Pref, spec.Tag = w.setMax, w.set, tagSpec(w.tagBER)
		spec.Tag.SkipUnknownTLVTags, spec.Tag.StoreUnknownTLVTags = true, true
		spec.Tag.PrefUnknownTLV = prefix.Prefixer(w.unknown)
		return w.composite(e, spec, hexByte)
	}
	return w.leaf(e, spec)
}

func (w writing) leaf(e element, spec *field.Spec) field.Field {
	form := w.leaves[e.shape]
	spec.Enc, spec.Pref = form.enc, form.pref
	if form.enc.isBinary() {
		return field.NewBinary(spec)
	}
	return field.NewString(spec)
}

func (w writing) composite(e element, spec *field.Spec, key func(int) string) field.Field {
	spec.Subfields = make(map[string]field.Field, len(e.parts))
	for _, part := range e.parts {
		spec.Subfields[key(part.id)] = w.element(part)
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
