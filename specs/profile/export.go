package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"

	"github.com/firsttap/firsttap/specs"
)

type documentJSON struct {
	Name   string    `json:"name"`
	Fields fieldList `json:"fields"`
}

// fieldList keeps fields in the order of their numbers, which a map would not.
type fieldList []numbered

type numbered struct {
	number int
	field  *fieldJSON
}

// MarshalJSON writes an object.
func (l fieldList) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range l {
		raw, err := json.Marshal(one.field)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", strconv.Itoa(one.number), raw)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type fieldJSON struct {
	Type              string                `json:"type"`
	Length            int                   `json:"length"`
	Description       string                `json:"description,omitempty"`
	Enc               string                `json:"enc,omitempty"`
	Prefix            string                `json:"prefix"`
	Tag               *tagJSON              `json:"tag,omitempty"`
	Bitmap            *fieldJSON            `json:"bitmap,omitempty"`
	Subfields         map[string]*fieldJSON `json:"subfields,omitempty"`
	DisableAutoExpand bool                  `json:"disableAutoExpand,omitempty"`
}

type tagJSON struct {
	Length              int    `json:"length,omitempty"`
	Enc                 string `json:"enc"`
	Sort                string `json:"sort"`
	SkipUnknownTLVTags  bool   `json:"skipUnknownTLVTags,omitempty"`
	StoreUnknownTLVTags bool   `json:"storeUnknownTLVTags,omitempty"`
	PrefUnknownTLV      string `json:"prefUnknownTLV,omitempty"`
}

// Export writes a description of this package's encoders so that Import gives
// the same bytes. The error names what has no name.
func Export(ms *iso8583.MessageSpec) ([]byte, error) {
	doc := documentJSON{Name: ms.Name}
	for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
		f, err := exported(ms.Fields[number])
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", number, err)
		}
		doc.Fields = append(doc.Fields, numbered{number, f})
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(doc)
	return out.Bytes(), err
}

func exported(f field.Field) (*fieldJSON, error) {
	spec := f.Spec()
	out := &fieldJSON{
		Type: "String", Length: spec.Length, Description: spec.Description, Prefix: spec.Pref.Inspect(),
		DisableAutoExpand: spec.DisableAutoExpand,
	}
	switch f.(type) {
	case *field.Composite:
		out.Type = "Composite"
		return out, out.exportParts(spec)
	case *field.Bitmap:
		out.Type = "Bitmap"
	case *field.Binary:
		out.Type = "Binary"
	}
	name, ok := encodingNames[spec.Enc]
	if !ok {
		return nil, fmt.Errorf("encoding %T has no name", spec.Enc)
	}
	out.Enc = name
	return out, nil
}

func (out *fieldJSON) exportParts(spec *field.Spec) (err error) {
	if spec.Bitmap != nil {
		if out.Bitmap, err = exported(spec.Bitmap); err != nil {
			return err
		}
	}
	if spec.Tag != nil {
		enc, _ := spec.Tag.Enc.(*specs.TagEncoder)
		form, ok := tagForms[enc]
		if !ok {
			return fmt.Errorf("tags by %T have no name", spec.Tag.Enc)
		}
		out.Tag = &tagJSON{
			Length: form.length, Enc: form.name, Sort: sorts[0],
			SkipUnknownTLVTags: spec.Tag.SkipUnknownTLVTags, StoreUnknownTLVTags: spec.Tag.StoreUnknownTLVTags,
		}
		if spec.Tag.PrefUnknownTLV != nil {
			out.Tag.PrefUnknownTLV = spec.Tag.PrefUnknownTLV.Inspect()
		}
	}
	out.Subfields = map[string]*fieldJSON{}
	for key, part := range spec.Subfields {
		if out.Subfields[key], err = exported(part); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// Stock is a description in moov's own names only, for programs that use moov
// as it comes, and what in it is not the same, one a line:
//
//   - text is EBCDIC 1047, which has other bytes for [, ] and ^;
//   - track 2 in packed digits has no separator;
//   - 22 of ascii87 has three digits;
//   - sets in hexadecimal are one text, which the program takes apart.
func Stock(ms *iso8583.MessageSpec) (*iso8583.MessageSpec, []string) {
	out := &iso8583.MessageSpec{Name: ms.Name, Fields: map[int]field.Field{}}
	s := stocker{said: map[string]bool{}}
	for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
		out.Fields[number] = s.field(strconv.Itoa(number), ms.Fields[number])
	}
	return out, s.notes
}

type stocker struct {
	notes []string
	said  map[string]bool
}

func (s *stocker) note(text string) {
	if !s.said[text] {
		s.said[text] = true
		s.notes = append(s.notes, text)
	}
}

func (s *stocker) field(path string, f field.Field) field.Field {
	spec := *f.Spec()
	if inHex(&spec) {
		s.note("fields with sets are one text in hexadecimal")
		return field.NewString(&field.Spec{
			Length: spec.Length, Description: spec.Description, Enc: specs.ASCII, Pref: spec.Pref, Pad: padding.None,
		})
	}
	switch spec.Enc {
	case encoding.Encoder(specs.EBCDIC037):
		s.note("text is EBCDIC 1047: [, ] and ^ have other bytes")
		spec.Enc = encoding.EBCDIC1047
	case encoding.Encoder(specs.Track2):
		s.note(path + " is digits without a separator: leave it out")
		spec.Enc = specs.BCD
	case encoding.Encoder(specs.ASCIIFilled):
		s.note(path + " has three digits, without the zero behind them")
		spec.Enc, spec.Length = specs.ASCII, spec.Length-1
	}
	if len(spec.Subfields) > 0 {
		parts := map[string]field.Field{}
		for _, key := range slices.Sorted(maps.Keys(spec.Subfields)) {
			parts[key] = s.field(path+"."+key, spec.Subfields[key])
		}
		spec.Subfields = parts
	}
	out := field.NewInstanceOf(f)
	out.SetSpec(&spec)
	return out
}

// inHex reports whether a field is sets in hexadecimal, which moov cannot take
// apart.
func inHex(spec *field.Spec) bool {
	return spec.Tag != nil && spec.Tag.Enc == encoding.Encoder(specs.Tag1Hex)
}
