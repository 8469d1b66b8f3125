package profile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"

	"github.com/firsttap/firsttap/specs"
)

// Format is what a value may hold.
type Format string

// Formats.
const (
	FormatDigits Format = "digits"
	FormatTrack2 Format = "track 2" // digits and one "="
	FormatText   Format = "text"    // printable ASCII, in whatever code page
	FormatBytes  Format = "bytes"
	FormatBitmap Format = "bitmap"
	FormatParts  Format = "parts" // subfields, sets or tags
)

// Whether a value may be seen in logs and on screens.
const (
	Shown  = "shown"
	Masked = "masked"
	InPart = "in part" // the first and last digits, or what is no secret
)

// A Field is one element of a profile as a table has it.
type Field struct {
	Path     string `json:"path"` // "2", "63.3", "123.01" a set, "123.01.04"
	Name     string `json:"name"`
	Format   Format `json:"format"`
	Length   int    `json:"length"` // digits, characters or bytes; the most, where it varies
	Varies   bool   `json:"varies"`
	Prefix   string `json:"prefix,omitempty"`   // of the length, in the JSON form's words; "" when it does not vary
	Encoding string `json:"encoding,omitempty"` // likewise; "" of parts
	Seen     string `json:"seen,omitempty"`     // Shown, Masked or InPart; "" of parts and bitmaps
}

// Fields lists the elements of a description in the order of the wire.
func Fields(ms *iso8583.MessageSpec) []Field {
	var all []Field
	for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
		all = appendField(all, strconv.Itoa(number), ms.Fields[number])
	}
	return all
}

func appendField(all []Field, path string, f field.Field) []Field {
	spec := f.Spec()
	one := Field{Path: path, Name: spec.Description, Format: formatOf(f), Length: spec.Length}
	if !strings.HasSuffix(spec.Pref.Inspect(), ".Fixed") {
		one.Varies, one.Prefix = true, spec.Pref.Inspect()
	}
	if one.Format != FormatParts {
		one.Encoding = encodingNames[spec.Enc]
	}
	if one.Format != FormatParts && one.Format != FormatBitmap {
		one.Seen = seen(path)
	}
	all = append(all, one)
	if one.Format != FormatParts {
		return all
	}
	if spec.Bitmap != nil {
		bits := slices.SortedFunc(maps.Keys(spec.Subfields), func(a, b string) int { return number(a) - number(b) })
		for _, key := range bits {
			all = appendField(all, path+"."+key, spec.Subfields[key])
		}
		return all
	}
	keys := slices.SortedFunc(maps.Keys(spec.Subfields), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		all = appendField(all, partPath(path, key, spec.Subfields[key]), spec.Subfields[key])
	}
	return all
}

// partPath names a part as package specs does: tags in a field without sets
// are in set 00.
func partPath(path, key string, part field.Field) string {
	_, set := part.(*field.Composite)
	if !set && !strings.Contains(path, ".") {
		path += ".00"
	}
	return path + "." + key
}

func number(key string) int {
	n, _ := strconv.Atoi(key)
	return n
}

func formatOf(f field.Field) Format {
	switch f.(type) {
	case *field.Composite:
		return FormatParts
	case *field.Bitmap:
		return FormatBitmap
	}
	switch f.Spec().Enc {
	case encoding.Encoder(specs.BCD), encoding.Encoder(specs.ASCIIDigits), encoding.Encoder(specs.ASCIIFilled):
		return FormatDigits
	case encoding.Encoder(specs.Track2), encoding.Encoder(specs.ASCIITrack2):
		return FormatTrack2
	case encoding.Encoder(specs.Binary), encoding.Encoder(specs.Hex):
		return FormatBytes
	}
	return FormatText
}

// seen asks the mask itself, with a value that is long enough for all it shows.
func seen(path string) string {
	p, err := specs.ParsePath(path)
	if err != nil {
		return Masked
	}
	const probe = "0000000000000000"
	codec := specs.VisaStyleCodec()
	switch masked := codec.Mask(p, probe); {
	case codec.MayShow(p):
		return Shown
	case strings.ContainsRune(masked, '0'):
		return InPart
	}
	return Masked
}

// dictionary is firsttap's own fields by path.
func dictionary() map[string]Field {
	ours := map[string]Field{}
	for _, f := range Fields(specs.VisaStyle()) {
		ours[f.Path] = f
	}
	return ours
}
