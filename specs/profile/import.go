package profile

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/sort"

	"github.com/firsttap/firsttap/specs"
)

// Import reads a description and compiles it. needs are what it must be able
// to hold; see package messages. The error is Faults, all of them, but for a
// reader that fails.
func Import(r io.Reader, needs []Need) (*Profile, error) {
	var faults Faults
	top, err := tree(r, &faults)
	if err != nil {
		return nil, err
	}
	read := reader{faults: &faults, ours: dictionary()}
	p := &Profile{Description: read.message(top)}
	p.Name = p.Description.Name
	read.compileEach(p.Description)
	p.Notes = check(p.Description, needs, &faults)
	if len(faults) > 0 {
		return nil, faults
	}
	if p.Codec, err = specs.Compile(p.Name, p.Description); err != nil {
		faults.add("", "%v", err)
		return nil, faults
	}
	return p, nil
}

func (r reader) message(top *object) *iso8583.MessageSpec {
	r.only("", top, "name", "fields")
	ms := &iso8583.MessageSpec{Name: r.text("", top, "name"), Fields: map[int]field.Field{}}
	fields, ok := top.values["fields"].(*object)
	if !ok || len(fields.keys) == 0 {
		r.faults.add("fields", "it must be an object with a field for each number")
		return ms
	}
	for _, key := range fields.keys {
		path := join("fields", key)
		number, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(number) != key || number < 0 || number > specs.FieldMax || number == 65 {
			r.faults.add(path, "a field is 0 to %d, and not 65", specs.FieldMax)
			continue
		}
		if f := r.field(path, key, fields.values[key]); f != nil {
			ms.Fields[number] = f
		}
	}
	for number, want := range []string{"message type", "bitmap"} {
		if !slices.Contains(fields.keys, strconv.Itoa(number)) {
			r.faults.add(join("fields", strconv.Itoa(number)), "the %s is missing", want)
		}
	}
	if f := ms.Fields[1]; f != nil {
		if _, ok := f.(*field.Bitmap); !ok {
			r.faults.add("fields.1.type", "must be Bitmap")
			delete(ms.Fields, 1)
		}
	}
	return ms
}

// field reads one element; id is its path in a message. It is nil for one with
// a fault.
func (r reader) field(path, id string, value any) field.Field {
	before := len(*r.faults)
	o, ok := value.(*object)
	if !ok {
		r.faults.add(path, "must be an object")
		return nil
	}
	r.only(path, o, "type", "length", "description", "enc", "prefix", "padding", "tag", "subfields", "bitmap", "disableAutoExpand")
	spec := &field.Spec{
		Length: r.length(path, o), Description: r.text(path, o, "description"), Pad: padding.None,
		Pref: r.prefix(path, o, "prefix"), DisableAutoExpand: r.flag(path, o, "disableAutoExpand"),
	}
	r.padding(path, o)
	kind := r.text(path, o, "type")
	if problem, refused := refusedTypes[kind]; refused {
		r.faults.add(join(path, "type"), "%s", problem)
	}
	switch kind {
	case "Composite":
		r.parts(path, id, o, spec)
	case "String", "Binary", "Bitmap":
		r.leaf(path, id, kind, o, spec)
	default:
		if _, refused := refusedTypes[kind]; !refused {
			r.faults.add(join(path, "type"), "%q is not one of String, Binary, Bitmap, Composite", kind)
		}
	}
	if len(*r.faults) > before {
		return nil
	}
	return made(kind, spec)
}

func made(kind string, spec *field.Spec) field.Field {
	switch kind {
	case "Composite":
		return field.NewComposite(spec)
	case "Bitmap":
		return field.NewBitmap(spec)
	case "Binary":
		return field.NewBinary(spec)
	}
	return field.NewString(spec)
}

// refusedTypes are types of moov that would change a message that passes.
var refusedTypes = map[string]string{
	"Numeric": "Numeric drops leading zeros, trace 000123 would become 123: use String",
	"Hex":     "use Binary with the encoding HexToASCII",
	"Track1":  "moov takes a track apart and may put it together in another way: use String",
	"Track2":  "moov takes a track apart and may put it together in another way: use String, with the encoding ASCII or firsttap.Track2",
	"Track3":  "moov takes a track apart and may put it together in another way: use String",
}

func (r reader) leaf(path, id, kind string, o *object, spec *field.Spec) {
	for _, key := range []string{"tag", "subfields", "bitmap"} {
		if _, has := o.values[key]; has {
			r.faults.add(join(path, key), "only a Composite has it")
		}
	}
	name := r.text(path, o, "enc")
	enc, ok := encodings[name]
	switch {
	case !ok:
		r.faults.add(join(path, "enc"), "%q is not one of %s", name, names(encodings))
	case kind == "Bitmap" && name != nameBinary && name != nameHex:
		r.faults.add(join(path, "enc"), "a bitmap is %s or %s", nameBinary, nameHex)
	case kind == "Binary" && name != nameBinary && name != nameHex:
		r.faults.add(join(path, "enc"), "a Binary is %s or %s; %s takes String", nameBinary, nameHex, name)
	default:
		spec.Enc = r.meant(id, kind, enc)
	}
}

// meant is what a stock name leaves open: that ASCII stands for digits alone,
// or for a track, in a place where firsttap has those, and that hexadecimal
// stands for text in a String.
func (r reader) meant(id, kind string, enc encoding.Encoder) encoding.Encoder {
	ours := r.ours[id]
	switch {
	case enc == encoding.Encoder(specs.Hex) && kind == "String":
		return specs.HexText
	case enc == encoding.Encoder(specs.ASCII) && ours.Format == FormatTrack2:
		return specs.ASCIITrack2
	case enc == encoding.Encoder(specs.ASCII) && ours.Format == FormatDigits:
		return specs.ASCIIDigits
	}
	return enc
}

func (r reader) parts(path, id string, o *object, spec *field.Spec) {
	if _, has := o.values["enc"]; has {
		r.faults.add(join(path, "enc"), "a Composite has none: its parts have")
	}
	parts, ok := o.values["subfields"].(*object)
	if !ok || len(parts.keys) == 0 {
		r.faults.add(join(path, "subfields"), "a Composite must have some")
		return
	}
	bitmap, hasBitmap := o.values["bitmap"]
	tag, hasTag := o.values["tag"]
	if hasBitmap == hasTag {
		r.faults.add(path, `a Composite has either "tag" or "bitmap": parts by position are not known`)
		return
	}
	if hasBitmap {
		r.bitmap(join(path, "bitmap"), bitmap, spec)
	} else {
		spec.Tag = r.tag(join(path, "tag"), tag)
	}
	spec.Subfields = map[string]field.Field{}
	for _, key := range parts.keys {
		at := join(join(path, "subfields"), key)
		if problem := badKey(key, hasBitmap); problem != "" {
			r.faults.add(at, "%s", problem)
			continue
		}
		if f := r.field(at, id+"."+key, parts.values[key]); f != nil {
			spec.Subfields[key] = f
		}
	}
}

// badKey says what is wrong with the key of a part: moov panics on some.
func badKey(key string, bit bool) string {
	if bit {
		if n, err := strconv.Atoi(key); err != nil || n < 1 || n > 255 || strconv.Itoa(n) != key {
			return "a subfield behind a bitmap is the number of its bit"
		}
		return ""
	}
	if len(key) != 2 && len(key) != 4 || strings.Trim(key, "0123456789ABCDEF") != "" {
		return "a tag is one or two bytes in upper-case hexadecimal"
	}
	return ""
}

func (r reader) bitmap(path string, value any, spec *field.Spec) {
	o, ok := value.(*object)
	if ok && !r.flag(path, o, "disableAutoExpand") {
		r.faults.add(join(path, "disableAutoExpand"), "must be true: a field's bitmap does not announce another")
	}
	f := r.field(path, "", value)
	if bitmap, ok := f.(*field.Bitmap); ok {
		spec.Bitmap = bitmap
	} else if f != nil {
		r.faults.add(join(path, "type"), "must be Bitmap")
	}
}

func (r reader) tag(path string, value any) *field.TagSpec {
	o, ok := value.(*object)
	if !ok {
		r.faults.add(path, "must be an object")
		return nil
	}
	r.only(path, o, "length", "enc", "padding", "sort", "skipUnknownTLVTags", "storeUnknownTLVTags", "prefUnknownTLV")
	r.padding(path, o)
	tag := &field.TagSpec{
		Sort:               sort.StringsByHex,
		SkipUnknownTLVTags: r.flag(path, o, "skipUnknownTLVTags"), StoreUnknownTLVTags: r.flag(path, o, "storeUnknownTLVTags"),
	}
	if tag.SkipUnknownTLVTags != tag.StoreUnknownTLVTags {
		r.faults.add(path, "unknown tags would be lost: set skipUnknownTLVTags and storeUnknownTLVTags, or neither")
	}
	if name := r.text(path, o, "sort"); !slices.Contains(sorts, name) {
		r.faults.add(join(path, "sort"), "%q is not one of %s", name, strings.Join(sorts, ", "))
	}
	if _, has := o.values["prefUnknownTLV"]; has {
		tag.PrefUnknownTLV = r.prefix(path, o, "prefUnknownTLV")
	}
	name, length := r.text(path, o, "enc"), 0
	if _, has := o.values["length"]; has {
		length = r.length(path, o)
	}
	for enc, form := range tagForms {
		if form == (tagForm{name, length}) || form.name == name && form.length == 0 {
			tag.Enc, tag.Length = enc, form.length
			return tag
		}
	}
	r.faults.add(join(path, "enc"), "tags are ASCIIToHex of length 1, ASCII of length 2, BerTLVTag or %s, not %q of length %d", nameTagBERHex, name, length)
	return tag
}

// compileEach compiles each field alone, so that all that cannot be compiled
// are told.
func (r reader) compileEach(ms *iso8583.MessageSpec) {
	whole := specs.VisaStyle()
	for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
		alone := &iso8583.MessageSpec{Fields: map[int]field.Field{0: whole.Fields[0], 1: whole.Fields[1]}}
		alone.Fields[number] = ms.Fields[number]
		if _, err := specs.Compile("", alone); err != nil {
			problem := strings.TrimPrefix(err.Error(), fmt.Sprintf("%v: field %d: ", specs.ErrSpec, number))
			r.faults.add(join("fields", strconv.Itoa(number)), "%s", problem)
		}
	}
}
