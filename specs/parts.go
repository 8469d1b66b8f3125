package specs

import "math/bits"

// bitmaps are a message's two bitmaps: bit n is field n. The secondary one is
// zero when absent.
type bitmaps struct {
	bytes [2 * bitmapBytes]byte
	first int // offset of the first byte on the wire
	end   int // behind the last byte
	width int // bytes on the wire for a byte of bitmap: 1, or 2 in hexadecimal
}

func (b *bitmaps) has(bit int) bool { return hasBit(b.bytes[:], bit) }

func (b *bitmaps) offset(bit int) int { return b.first + (bit-1)/8*b.width }

// nextBit is the first bit behind one, 0 when there is no more.
func nextBit(bitmap []byte, bit int) int {
	for at := bit / 8; at < len(bitmap); at++ {
		left := bitmap[at]
		if at == bit/8 {
			left &= 0xFF >> (bit % 8)
		}
		if left != 0 {
			return 8*at + bits.LeadingZeros8(left) + 1
		}
	}
	return 0
}

// Bits count from 1, the highest of the first byte.
func hasBit(bitmap []byte, bit int) bool { return bitmap[(bit-1)/8]&(0x80>>((bit-1)%8)) != 0 }

func setBit(bitmap []byte, bit int) { bitmap[(bit-1)/8] |= 0x80 >> ((bit - 1) % 8) }

func clearBit(bitmap []byte, bit int) { bitmap[(bit-1)/8] &^= 0x80 >> ((bit - 1) % 8) }

// bitmapPath names the bitmaps of a message.
var bitmapPath = P(secondaryBit)

// bitmaps reads the primary bitmap and, where it says so, the secondary one.
func (w *walker) bitmaps(at int) (next int, f *FormatError) {
	b, enc := &w.maps, w.codec.bitmap
	b.first, b.end, b.width = at, at, enc.size(1)
	size := enc.size(bitmapBytes)
	if f = w.bitmap(enc, b.bytes[:bitmapBytes], at, len(w.body), bitmapPath); f != nil {
		return at, f
	}
	b.end += size
	if !b.has(secondaryBit) {
		return b.end, nil
	}
	at = b.end
	if f = w.bitmap(enc, b.bytes[bitmapBytes:], at, len(w.body), bitmapPath); f != nil {
		return at, f
	}
	b.end += size
	switch {
	case b.has(tertiaryBit):
		return at, fault(BadBitmap, at, "1", "bit %d announces a third bitmap", tertiaryBit)
	case [bitmapBytes]byte(b.bytes[bitmapBytes:]) == [bitmapBytes]byte{}:
		return at, fault(BadBitmap, at, "1", "the secondary bitmap has no bit")
	}
	return b.end, nil
}

// bitmap reads one bitmap into dst.
func (w *walker) bitmap(enc *Encoder, dst []byte, at, limit int, path Path) *FormatError {
	size := enc.size(len(dst))
	if limit-at < size {
		return fault(Short, at, path.String(), "a bitmap has %d bytes, %d are left", size, limit-at)
	}
	if _, kind, bad := enc.read(dst[:0], w.body[at:at+size], len(dst)); kind != 0 {
		return fault(kind, at+bad, path.String(), "the bitmap is no %s", enc.name)
	}
	return nil
}

// bitmapBytesMax is the longest bitmap of a field: 255 subfields are the most
// that a Path can name.
const bitmapBytesMax = 32

// subfields reads a field with a bitmap of its own.
func (w *walker) subfields(n *node, e extent) *FormatError {
	var room [bitmapBytesMax]byte
	bits := room[:n.bitmapBytes]
	if f := w.bitmap(n.enc, bits, e.value, e.end, n.path); f != nil {
		return f
	}
	at := e.value + n.enc.size(n.bitmapBytes)
	if at == e.end {
		return fault(BadBitmap, e.value, n.path.String(), "nothing follows the bitmap")
	}
	for bit := nextBit(bits, 0); bit != 0; bit = nextBit(bits, bit) {
		part := n.parts[bit&0xFF]
		if part == nil {
			offset := e.value + n.enc.size((bit-1)/8)
			return fault(Unknown, offset, (n.path | Path(bit)<<16).String(), "the profile has no such subfield")
		}
		sub, f := w.extent(part, at, e.end)
		if f == nil {
			f = w.leaf(part, part.path, sub)
		}
		if f != nil {
			return f
		}
		at = sub.end
	}
	if at < e.end {
		return fault(Trailing, at, n.path.String(), "%d bytes follow the last subfield", e.end-at)
	}
	return nil
}

// sets reads a field that is made of sets.
func (w *walker) sets(n *node, e extent) *FormatError {
	last, mark := Path(0), len(w.spans)
	for at := e.value; at < e.end; {
		id, read, kind := n.tag.read(w.body[at:e.end])
		if kind != 0 {
			return fault(kind, at, n.path.String(), "this is no %s", n.tag.name)
		}
		set := n.parts[id&0xFF]
		if set == nil || id > 0xFF {
			return fault(Unknown, at, setPath(n.path.Field(), id), "the profile has no such set")
		}
		if w.again(set.path, last, mark) {
			return fault(Duplicate, at, set.pathText(), "the set was there before")
		}
		sub, f := w.extent(set, at+read, e.end)
		if f != nil {
			return f
		}
		sub.start = at
		w.note(set, set.path, sub)
		if f = w.tags(set, sub); f != nil {
			return f
		}
		last, at = max(last, set.path), sub.end
	}
	return nil
}

// tags reads the tags of a set, or of a field without sets.
func (w *walker) tags(n *node, e extent) *FormatError {
	last, mark := Path(0), len(w.spans)
	for at := e.value; at < e.end; {
		tag, read, kind := n.tag.read(w.body[at:e.end])
		if kind != 0 {
			return fault(kind, at, n.pathText(), "this is no %s", n.tag.name)
		}
		path, part := n.path|Path(tag), n.part(tag)
		if part == nil || tag == 0 {
			return fault(Unknown, at, tagPath(n.path, tag), "the profile has no such tag")
		}
		if w.again(path, last, mark) {
			return fault(Duplicate, at, path.String(), "the tag was there before")
		}
		value, f := w.extent(part, at+read, e.end)
		if f == nil {
			value.start = at
			f = w.leaf(part, path, value)
		}
		if f != nil {
			f.Path = path.String()
			return f
		}
		last, at = max(last, path), value.end
	}
	return nil
}

// tagPath names a tag that no Path can, such as 00.
func tagPath(set Path, tag int) string { return setPath(set.Field(), set.Sub()) + "." + hexByte(tag) }
