package specs

import "strings"

// Inspection is a message laid open for a reader: what stands where, with
// values as they may be seen.
type Inspection struct {
	Elements []Element
	Fault    *FormatError // nil when the message is well formed
}

// Element is one element of an inspected message, in the order of the wire.
type Element struct {
	Offset int    // of its first byte, prefix, tag or set id included
	Length int    // bytes, likewise
	Prefix int    // how many of those are tag and length
	Depth  int    // 0 for fields, 1 for subfields and sets, 2 for tags in sets
	Path   string // "0" is the message type, "1" a bitmap of the message
	Name   string
	Value  string // as Codec.Mask shows it; bitmaps in hexadecimal; empty for what has parts
	Masked bool   // some of the value is hidden, or parts follow: its bytes must not be shown
}

// Inspect lays a message open up to its first fault, for people. It shows no
// more than Mask does.
func (c *Codec) Inspect(body []byte) Inspection {
	w := c.walker(body)
	defer w.release()
	in := Inspection{Fault: w.message()}
	for i := range w.spans {
		in.Elements = append(in.Elements, w.element(&w.spans[i]))
		in.Elements = append(in.Elements, w.elementBitmaps(&w.spans[i])...)
	}
	return in
}

// element is a span for a reader. An element with parts has no value.
func (w *walker) element(s *span) Element {
	e := Element{
		Offset: s.start, Length: s.end - s.start, Prefix: s.value - s.start,
		Depth: s.path.depth(), Path: s.node.pathText(), Name: s.node.name, Masked: true,
	}
	if s.isValue() {
		e.Path, e.Masked = s.path.String(), !mayShow[s.path]
		e.Value = s.node.mask(s.path, string(s.decode(nil, w.body, nil)))
	}
	return e
}

// elementBitmaps are the bitmaps that follow a span: those of the message
// behind its type, and the one of a field with subfields.
func (w *walker) elementBitmaps(s *span) []Element {
	switch {
	case s.path == 0:
		return w.messageBitmaps()
	case s.node.form == formBitmap:
		bits := make([]byte, s.node.bitmapBytes)
		if f := w.bitmap(s.node.enc, bits, s.value, s.end, s.path); f == nil {
			return []Element{bitmapElement("Bitmap", s.path, bits, s.value, s.node.enc.size(len(bits)), 1)}
		}
	}
	return nil
}

func (w *walker) messageBitmaps() []Element {
	var all []Element
	size := bitmapBytes * w.maps.width
	for i, name := range []string{"Primary bitmap", "Secondary bitmap"} {
		if at := w.maps.first + i*size; at < w.maps.end {
			bits := w.maps.bytes[i*bitmapBytes:][:bitmapBytes]
			all = append(all, bitmapElement(name, bitmapPath, bits, at, size, 0))
		}
	}
	return all
}

// bitmapElement shows bits in hexadecimal, however they are written.
func bitmapElement(name string, path Path, bits []byte, offset, length, depth int) Element {
	return Element{
		Offset: offset, Length: length, Depth: depth, Path: path.String(), Name: name,
		Value: string(appendHex(nil, bits)),
	}
}

// mayShow lists the paths whose values may be seen in logs, traces and on
// screens, whatever profile has them. Everything else is masked, so a field
// that somebody adds is hidden until somebody thinks about it.
var mayShow = pathSet(
	"0", "1", "3", "4", "7", "11", "12", "13", "18", "19", "22", "23", "25", "32", "37", "38", "39",
	"41", "42", "43", "44", "49", "60", "62.2", "63.1", "63.3", "63.4", "70", "90", "91", "101",
	// Token: not its number, expiry and activation code, not what names the PAN.
	"123.01.02", "123.01.03", "123.01.04", "123.01.06", "123.01.07", "123.01.09", "123.01.0A",
	"123.01.0C", "123.01.0D", "123.01.0E", "123.01.0F",
	// Device and wallet: nothing that names a person or a phone.
	"125.01.01", "125.01.02",
	"125.02.01", "125.02.02", "125.02.03", "125.02.04", "125.02.05", "125.02.06",
	// Chip: what the terminal says about itself and the sale, and counters.
	"55.01.4F", "55.01.82", "55.01.84", "55.01.8A", "55.01.95", "55.01.9A", "55.01.9C",
	"55.01.5F2A", "55.01.5F34", "55.01.9F02", "55.01.9F03", "55.01.9F06", "55.01.9F09", "55.01.9F1A",
	"55.01.9F27", "55.01.9F33", "55.01.9F34", "55.01.9F35", "55.01.9F36", "55.01.9F37", "55.01.9F41",
	"55.01.9F66", "55.01.9F6C", "55.01.9F6E",
)

// accountNumbers are the paths that show six and four digits (PCI DSS 3.4.1).
var accountNumbers = pathSet("2", "123.01.01")

// cvv2Data is 126.10: its first two characters, presence and response type,
// may be seen, the code may not.
var cvv2Data = P(126, 10)

const cvv2CharactersShown = 2

// Digits of an account number that may be seen, and the fewest that a number
// must have for it: a shorter one would show too much of itself.
const (
	panFirstShown = 6
	panLastShown  = 4
	panDigitsMin  = 13
)

func pathSet(texts ...string) map[Path]bool {
	set := make(map[Path]bool, len(texts))
	for _, s := range texts {
		p, err := ParsePath(s)
		if err != nil {
			panic(err)
		}
		set[p] = true
	}
	return set
}

// MayShow reports whether the value at p may be seen.
func (c *Codec) MayShow(p Path) bool { return mayShow[p] }

// Mask is value as it may be seen: all of it where MayShow says so, six and
// four digits of an account number, two characters of CVV2 data, and else as
// many stars. Binary values come out in hexadecimal.
func (c *Codec) Mask(p Path, value string) string {
	if n := c.leafAt(p); n != nil {
		return n.mask(p, value)
	}
	return mask(p, value)
}

// mask is Mask where the leaf is known.
func (n *node) mask(p Path, value string) string {
	if n.enc.isBinary() {
		value = string(appendHex(nil, value))
	}
	return mask(p, value)
}

func mask(p Path, value string) string {
	switch {
	case mayShow[p]:
		return value
	case accountNumbers[p] && len(value) >= panDigitsMin:
		return starred(value, panFirstShown, panLastShown)
	case p == cvv2Data && len(value) > cvv2CharactersShown:
		return starred(value, cvv2CharactersShown, 0)
	}
	return starred(value, 0, 0)
}

func starred(value string, first, last int) string {
	return value[:first] + strings.Repeat("*", len(value)-first-last) + value[len(value)-last:]
}
