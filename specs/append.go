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

// bitmaps writes the bits of the fields.
func (p *packer) bitmaps() {
	var bits [2 * bitmapBytes]byte
	for _, l := range p.leaves {
		if field := l.path.Field(); field > 0 && field <= FieldMax { // field refuses others
			setBit(bits[:], field)
		}
	}
	p.out = appendBitmaps(p.out, p.codec.bitmap, bits)
}

// appendBitmaps writes the bits of the fields; the secondary bitmap only when a
// field above 64 is there.
func appendBitmaps(dst []byte, enc *Encoder, bits [2 * bitmapBytes]byte) []byte {
	clearBit(bits[:], secondaryBit)
	if [bitmapBytes]byte(bits[bitmapBytes:]) == [bitmapBytes]byte{} {
		return enc.appendBytes(dst, bits[:bitmapBytes])
	}
	setBit(bits[:], secondaryBit)
	return enc.appendBytes(dst, bits[:])
}

// field packs the field of the first leaf.
func (p *packer) field() *FormatError {
	first := p.leaves[0]
	n := p.codec.fields[first.path.Field()]
	if n == nil || first.path.Field() == 0 {
		return fieldless(first.path)
	}
	if n.form != formLeaf {
		return p.composite(n)
	}
	if first.path != n.path {
		return partless(first.path)
	}
	p.leaves = p.leaves[1:]
	return p.value(n, first.path, first.value)
}

func (p *packer) value(n *node, path Path, value string) (f *FormatError) {
	p.out, _, f = appendValue(p.out, n, path, value)
	return f
}

// appendValue packs one value behind its length, and tells where it begins.
func appendValue[text string | []byte](dst []byte, n *node, path Path, value text) (out []byte, at int, f *FormatError) {
	if kind := n.pref.check(n.length, len(value)); kind != 0 {
		return dst, 0, fault(kind, 0, path.String(), "the length is %d, the profile has %d", len(value), n.length)
	}
	out, ok := n.pref.put(dst, len(value))
	if !ok {
		return dst, 0, fault(TooLong, 0, path.String(), "a length of %d does not fit %s", len(value), n.pref.name)
	}
	at = len(out)
	out, kind := encode(n.enc, out, value)
	if kind != 0 {
		return dst, 0, fault(kind, 0, path.String(), "the value is no %s", n.enc.name)
	}
	return out, at, nil
}

// composite packs an element with parts and then fills in its length.
func (p *packer) composite(n *node) (f *FormatError) {
	start := len(p.out)
	p.out = n.appendRoom(p.out)
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
	return n.fillLength(p.out[start:])
}

// appendRoom leaves room for the length of an element with parts.
func (n *node) appendRoom(dst []byte) []byte {
	for range n.pref.size {
		dst = append(dst, 0)
	}
	return dst
}

// fillLength writes the length of an element with parts into its room.
func (n *node) fillLength(element []byte) *FormatError {
	length := len(element) - n.pref.size
	if kind := n.pref.check(n.length, length); kind != 0 {
		return fault(kind, 0, n.pathText(), "its parts have %d bytes, the most is %d", length, n.length)
	}
	if _, ok := n.pref.put(element[:0], length); !ok {
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
		part, f := n.subfield(l.path)
		if f != nil {
			return f
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
		set, f := n.set(l.path)
		if f != nil {
			return f
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
		part, f := n.tagged(l.path)
		if f != nil {
			return f
		}
		p.leaves = p.leaves[1:]
		if p.out, f = n.appendTag(p.out, l.path); f != nil {
			return f
		}
		if f := p.value(part, l.path, l.value); f != nil {
			return f
		}
	}
	if l, ok := p.next(n.path, toField); ok && n.path.Sub() == 0 {
		return setless(l.path)
	}
	return nil
}
