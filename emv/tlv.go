package emv

import (
	"errors"
	"fmt"
)

// Limits of ParseTLV.
const (
	// TLVBytesMax bounds the input: what two length bytes can say.
	TLVBytesMax = 65535
	// TLVDepthMax bounds templates in templates. A phone's directory needs
	// five: 6F, A5, BF0C, 61, 4F.
	TLVDepthMax = 8
	// TLVElementsMax bounds the elements of one input (ours): far more than
	// a card or a message has, and few enough to look for twins in.
	TLVElementsMax = 256

	tagBytesMax = 4 // as many as Tag holds
)

// ErrTLV is what ParseTLV wraps, with the offset of the fault in bytes.
var ErrTLV = errors.New("not well-formed TLV")

// TLV is one element: a tag and its value, which for a template is also given
// as Children. It prints as tag and length only, because values may hold a
// PAN, a track or a cryptogram.
type TLV struct {
	Tag      Tag
	Value    []byte
	Children []TLV
}

// String is the tag and the length of the value: "9F26[8]".
func (e TLV) String() string { return fmt.Sprintf("%s[%d]", e.Tag, len(e.Value)) }

// Format writes String for every verb.
func (e TLV) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// MarshalText is String, so JSON, YAML and zerolog show no more than fmt does.
func (e TLV) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// ParseTLV reads a whole input of BER-TLV elements (EMV Book 3 annex B) and is
// strict: lengths are definite, in their shortest form and within bounds,
// templates are at most TLVDepthMax deep, no fill bytes stand between
// elements, and no tag but TagDirectoryEntry comes twice in one template.
// Values are slices of b.
func ParseTLV(b []byte) ([]TLV, error) {
	if len(b) > TLVBytesMax {
		return nil, fault(TLVBytesMax, "more than %d bytes", TLVBytesMax)
	}
	w := walker{input: b}
	return w.template(0, len(b), 1)
}

// Find gives the value of the first element with tag, depth first.
func Find(list []TLV, tag Tag) ([]byte, bool) {
	for _, e := range list {
		if e.Tag == tag {
			return e.Value, true
		}
		if v, ok := Find(e.Children, tag); ok {
			return v, true
		}
	}
	return nil, false
}

// AppendTLV writes one element with its length in the shortest form. It
// writes values over TLVBytesMax too, though ParseTLV will not read them.
func AppendTLV(dst []byte, tag Tag, value []byte) []byte {
	dst = append(dst, tag.bytes()...)
	dst = appendLength(dst, len(value))
	return append(dst, value...)
}

func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	size := 1
	for n>>(8*size) != 0 {
		size++
	}
	dst = append(dst, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

func fault(offset int, format string, args ...any) error {
	return fmt.Errorf("%w: at offset %d: %s", ErrTLV, offset, fmt.Sprintf(format, args...))
}

// walker reads elements of one input; offsets count from the input's start.
type walker struct {
	input    []byte
	elements int
}

func (w *walker) template(from, to, depth int) ([]TLV, error) {
	if depth > TLVDepthMax {
		return nil, fault(from, "templates more than %d deep", TLVDepthMax)
	}
	var list []TLV
	for at := from; at < to; {
		e, next, err := w.element(at, to, depth)
		if err != nil {
			return nil, err
		}
		if e.Tag != TagDirectoryEntry && contains(list, e.Tag) {
			return nil, fault(at, "tag %s comes twice", e.Tag)
		}
		list, at = append(list, e), next
	}
	return list, nil
}

func contains(list []TLV, tag Tag) bool {
	for i := range list {
		if list[i].Tag == tag {
			return true
		}
	}
	return false
}

func (w *walker) element(at, to, depth int) (e TLV, next int, err error) {
	if w.elements++; w.elements > TLVElementsMax {
		return e, 0, fault(at, "more than %d elements", TLVElementsMax)
	}
	tag, value, err := w.tag(at, to)
	if err != nil {
		return e, 0, err
	}
	size, value, err := w.length(value, to)
	if err != nil {
		return e, 0, err
	}
	if size > to-value {
		return e, 0, fault(at, "tag %s says %d bytes where %d are left", tag, size, to-value)
	}
	next = value + size
	e = TLV{Tag: tag, Value: w.input[value:next:next]}
	if tag.Constructed() {
		e.Children, err = w.template(value, next, depth+1)
	}
	return e, next, err
}

// tag reads a tag: when the first byte's low five bits are all ones, more
// bytes follow, up to the first whose high bit is clear.
func (w *walker) tag(at, to int) (tag Tag, next int, err error) {
	first := w.input[at]
	if first == 0x00 {
		return 0, 0, fault(at, "a fill byte where a tag is due")
	}
	tag, next = Tag(first), at+1
	if first&0x1F != 0x1F {
		return tag, next, nil
	}
	for more := true; more; next++ {
		if next == to {
			return 0, 0, fault(at, "a tag cut short")
		}
		b := w.input[next]
		if next == at+1 && b == 0x80 || next == at+tagBytesMax {
			return 0, 0, fault(at, "a tag with leading zeros or of more than %d bytes", tagBytesMax)
		}
		tag, more = tag<<8|Tag(b), b&0x80 != 0
	}
	return tag, next, nil
}

// length reads a length: one byte up to 7F, or 81 and one, or 82 and two.
func (w *walker) length(at, to int) (n, next int, err error) {
	if at == to {
		return 0, 0, fault(at, "no length")
	}
	first := int(w.input[at])
	if first < 0x80 {
		return first, at + 1, nil
	}
	size := first - 0x80
	if size < 1 || size > 2 {
		return 0, 0, fault(at, "length byte %02X is not of a definite length up to %d", first, TLVBytesMax)
	}
	if next = at + 1 + size; next > to {
		return 0, 0, fault(at, "a length cut short")
	}
	for _, b := range w.input[at+1 : next] {
		n = n<<8 | int(b)
	}
	if n < 0x80 || size == 2 && n < 0x100 {
		return 0, 0, fault(at, "a length that is not in its shortest form")
	}
	return n, next, nil
}
