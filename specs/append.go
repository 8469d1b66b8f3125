package specs

// Append packs a message behind dst, fields, sets and tags in the order of
// their numbers. The error is a *FormatError that names the path; dst is then
// unchanged.
func (c *Codec) Append(dst []byte, m *Message) ([]byte, error) {
	p := packer{codec: c, leaves: m.content.leaves, out: dst}
	if f := p.message(m.content.mti); f != nil {
		return dst, f
	}
	return p.out, nil
}

// A packer goes over a message's leaves once.
type packer struct {
	codec  *Codec
	leaves []leaf // what is left to pack
	out    []byte
}

func (p *packer) message(mti string) *FormatError {
	if f := p.value(p.codec.fields[0], 0, mti); f != nil {
		return f
	}
	p.bitmaps()
	for len(p.leaves) > 0 {
		if f := p.field(); f != nil {
			return f
		}
	}
	return nil
}

// bitmaps writes the bits of the fields; the secondary bitmap only when a
// field above 64 is there.
func (p *packer) bitmaps() {
	var bits [2 * bitmapBytes]byte
	used := bits[:bitmapBytes]
	for _, l := range p.leaves {
		field := l.path.Field()
		if field > FieldMax || field == 0 {
			continue // field refuses it
		}
		if field > 8*bitmapBytes {
			used = bits[:]
			setBit(used, secondaryBit)
		}
		setBit(bits[:], field)
	}
	p.out = p.codec.bitmap.appendBytes(p.out, used)
}

// field packs the field of the first leaf.
func (p *packer) field() *FormatError {
	first := p.leaves[0]
	n := p.codec.fields[first.path.Field()]
	if n == nil || first.path.Field() == 0 {
		return fault(Unknown, 0, first.path.String(), "the profile has no such field")
	}
	if n.form != formLeaf {
		return p.composite(n)
	}
	if first.path != n.path {
		return fault(Unknown, 0, first.path.String(), "the field has no parts")
	}
	p.leaves = p.leaves[1:]
	return p.value(n, first.path, first.value)
}

// value packs one value behind its length.
func (p *packer) value(n *node, path Path, value string) *FormatError {
	if kind := n.pref.check(n.length, len(value)); kind != 0 {
		return fault(kind, 0, path.String(), "the length is %d, the profile has %d", len(value), n.length)
	}
	out, ok := n.pref.put(p.out, len(value))
	if !ok {
		return fault(TooLong, 0, path.String(), "a length of %d does not fit %s", len(value), n.pref.name)
	}
	out, kind := n.enc.append(out, value)
	if kind != 0 {
		return fault(kind, 0, path.String(), "the value is no %s", n.enc.name)
	}
	p.out = out
	return nil
}

// composite packs an element with parts and then fills in its length.
func (p *packer) composite(n *node) (f *FormatError) {
	start := len(p.out)
	for range n.pref.size {
		p.out = append(p.out, 0)
	}
	value := len(p.out)
	switch n.form {
	case formBitmap:
		f = p.subfields(n)
	case formSets:
		f = p.sets(n)
	default:
		f = p.tags(n)
	}
	if f != nil {
		return f
	}
	length := len(p.out) - value
	if kind := n.pref.check(n.length, length); kind != 0 {
		return fault(kind, 0, n.pathText(), "its parts have %d bytes, the most is %d", length, n.length)
	}
	if _, ok := n.pref.put(p.out[:start], length); !ok {
		return fault(TooLong, 0, n.pathText(), "a length of %d does not fit %s", length, n.pref.name)
	}
	return nil
}

// next is the first leaf, if it belongs to the field, or set, of the path.
func (p *packer) next(of Path, shift uint) (leaf, bool) {
	if len(p.leaves) == 0 || p.leaves[0].path>>shift != of>>shift {
		return leaf{}, false
	}
	return p.leaves[0], true
}

// Shifts of a Path that leave its field, and its field and set.
const (
	toField = 24
	toSet   = 16
)

func (p *packer) subfields(n *node) *FormatError {
	var room [bitmapBytesMax]byte
	bits := room[:n.bitmapBytes]
	for i := 0; i < len(p.leaves) && p.leaves[i].path.Field() == n.path.Field(); i++ {
		if sub := p.leaves[i].path.Sub(); sub > 0 && sub <= 8*len(bits) {
			setBit(bits, sub)
		}
	}
	p.out = n.enc.appendBytes(p.out, bits)
	for l, ok := p.next(n.path, toField); ok; l, ok = p.next(n.path, toField) {
		part := n.parts[l.path.Sub()]
		if part == nil || part.path != l.path {
			return fault(Unknown, 0, l.path.String(), "the profile has no such subfield")
		}
		p.leaves = p.leaves[1:]
		if f := p.value(part, l.path, l.value); f != nil {
			return f
		}
	}
	return nil
}

func (p *packer) sets(n *node) *FormatError {
	for l, ok := p.next(n.path, toField); ok; l, ok = p.next(n.path, toField) {
		set := n.parts[l.path.Sub()]
		if set == nil {
			return fault(Unknown, 0, l.path.String(), "the profile has no such set")
		}
		p.out, _ = n.tag.append(p.out, l.path.Sub())
		if f := p.composite(set); f != nil {
			return f
		}
	}
	return nil
}

func (p *packer) tags(n *node) *FormatError {
	for l, ok := p.next(n.path, toSet); ok; l, ok = p.next(n.path, toSet) {
		part := n.part(l.path.Tag())
		if part == nil || l.path.Tag() == 0 {
			return fault(Unknown, 0, l.path.String(), "the profile has no such tag")
		}
		p.leaves = p.leaves[1:]
		if p.out, ok = n.tag.append(p.out, l.path.Tag()); !ok {
			return fault(BadTag, 0, l.path.String(), "it is no %s", n.tag.name)
		}
		if f := p.value(part, l.path, l.value); f != nil {
			return f
		}
	}
	if l, ok := p.next(n.path, toField); ok && n.path.Sub() == 0 {
		return fault(Unknown, 0, l.path.String(), "the field has no sets")
	}
	return nil
}
