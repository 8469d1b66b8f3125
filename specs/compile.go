package specs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// ErrSpec is wrapped by what Compile says about a description that it cannot
// compile.
var ErrSpec = errors.New("the message description cannot be compiled")

// Compile turns a description into a Codec. It knows moov's String and Binary
// fields, composites with a bitmap or with tags (one byte, BER, or hexadecimal
// of one or two bytes), at most sets of tags deep, moov's own encoders and
// prefixes and the ones of this package. It refuses what would make messages
// ambiguous or lose data: padding, Numeric and Track fields, custom packers,
// tags that are skipped, elements without a length.
func Compile(name string, ms *iso8583.MessageSpec) (*Codec, error) {
	if ms == nil {
		return nil, fmt.Errorf("%w: there is none", ErrSpec)
	}
	if err := ms.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	c := &Codec{name: name}
	if err := c.compileBitmap(ms.Fields[1].Spec()); err != nil {
		return nil, fmt.Errorf("%w: field 1: %w", ErrSpec, err)
	}
	for number, f := range ms.Fields {
		if err := c.compileField(number, f); err != nil {
			return nil, fmt.Errorf("%w: field %d: %w", ErrSpec, number, err)
		}
	}
	return c, nil
}

func mustCompile(name string, ms *iso8583.MessageSpec) *Codec {
	c, err := Compile(name, ms)
	if err != nil {
		panic(err)
	}
	return c
}

// secondaryBit and tertiaryBit announce further bitmaps.
const (
	secondaryBit = 1
	tertiaryBit  = 65
)

func (c *Codec) compileField(number int, f field.Field) error {
	if number == secondaryBit {
		return nil // the bitmap, done before
	}
	if number < 0 || number > FieldMax || number == tertiaryBit {
		return fmt.Errorf("a field is 2 to %d, and not %d", FieldMax, tertiaryBit)
	}
	n, err := compileNode(Path(number)<<24, f)
	if err != nil {
		return err
	}
	if number == 0 && (n.form != formLeaf || n.pref.kind != noPrefix || n.length != MTIDigits) {
		return fmt.Errorf("the message type has %d digits", MTIDigits)
	}
	c.fields[number] = n
	return nil
}

func (c *Codec) compileBitmap(spec *field.Spec) error {
	enc, err := bitmapEncoder(spec)
	if err != nil {
		return err
	}
	if spec.Length != bitmapBytes && spec.Length != 0 || spec.DisableAutoExpand {
		return fmt.Errorf("a message's bitmap has %d bytes and announces the next one", bitmapBytes)
	}
	c.bitmap = enc
	return nil
}

func bitmapEncoder(spec *field.Spec) (*Encoder, error) {
	if pref := spec.Pref; pref == nil || pref == prefix.None.Fixed || !strings.HasSuffix(pref.Inspect(), ".Fixed") {
		return nil, errors.New("a bitmap has a fixed length")
	}
	enc, err := compileEncoder(spec.Enc)
	if err != nil {
		return nil, err
	}
	if !enc.isBinary() {
		return nil, fmt.Errorf("a bitmap is binary or hexadecimal, not %s", enc.name)
	}
	return enc, nil
}

func compileNode(path Path, f field.Field) (*node, error) {
	spec := f.Spec()
	if spec == nil {
		return nil, errors.New("it has no description")
	}
	if spec.Pad != nil && spec.Pad != padding.None {
		return nil, errors.New("it has padding, which strips zeros that belong to the value")
	}
	if spec.Packer != nil || spec.Unpacker != nil {
		return nil, errors.New("it has a packer of its own")
	}
	if spec.Length <= 0 {
		return nil, errors.New("it has no length")
	}
	pref, err := compilePrefix(spec.Pref)
	if err != nil {
		return nil, err
	}
	n := &node{path: path, name: spec.Description, length: spec.Length, pref: pref}
	switch f.(type) {
	case *field.String, *field.Binary:
		n.form = formLeaf
		if n.enc, err = compileEncoder(spec.Enc); err == nil && n.enc.size(n.length) == 0 {
			err = errors.New("its one digit is the fill, which is not written")
		}
		return n, err
	case *field.Composite:
		return n, n.compileParts(spec)
	}
	return nil, fmt.Errorf("%T is not among String, Binary and Composite", f)
}

func (n *node) compileParts(spec *field.Spec) error {
	if n.pref.kind == berPrefix {
		return errors.New("a composite cannot have a BER length")
	}
	n.parts = make([]*node, 256)
	if spec.Bitmap != nil {
		return n.compileBitmapped(spec)
	}
	return n.compileTagged(spec)
}

func (n *node) compileBitmapped(spec *field.Spec) (err error) {
	bitmap := spec.Bitmap.Spec()
	if bitmap.Length > bitmapBytesMax {
		return fmt.Errorf("its bitmap has %d bytes, the most is %d", bitmap.Length, bitmapBytesMax)
	}
	n.form, n.bitmapBytes = formBitmap, bitmap.Length
	if n.bitmapBytes == 0 {
		n.bitmapBytes = bitmapBytes
	}
	if n.enc, err = bitmapEncoder(bitmap); err != nil {
		return err
	}
	if n.path&0xFFFFFF != 0 {
		return errors.New("a bitmap inside a composite is too deep")
	}
	for key, f := range spec.Subfields {
		bit, err := strconv.Atoi(key)
		if err != nil || bit < 1 || bit > 0xFF || bit > n.bitmapBytes*8 {
			return fmt.Errorf("subfield %q is no bit of its bitmap", key)
		}
		part, err := compileNode(n.path|Path(bit)<<16, f)
		if err != nil {
			return fmt.Errorf("subfield %s: %w", key, err)
		}
		if part.form != formLeaf {
			return fmt.Errorf("subfield %s: a composite here is too deep", key)
		}
		n.parts[bit] = part
	}
	return nil
}
