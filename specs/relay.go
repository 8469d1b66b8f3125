package specs

// Append packs the message behind dst: what was not changed is copied byte for
// byte, and bitmaps and lengths are made right. The bytes are those that
// Codec.Append writes for the same message, but that a field whose sets or tags
// came unsorted and were not changed stays as it came. dst must not lie over
// the body. The error is a *FormatError, of a field whose parts have become too
// long; dst is then unchanged.
func (v *View) Append(dst []byte) ([]byte, error) {
	s := v.scanned()
	if s == nil {
		return dst, errNoMessage
	}
	r := relay{viewed: s, out: dst}
	if f := r.pack(); f != nil {
		return dst, f
	}
	return r.out, nil
}

// A relay goes over a view's spans once. What is to be copied it gathers to
// runs that lie end to end.
type relay struct {
	*viewed
	out      []byte
	from, to int // of the body, a run that was not copied yet
}

func (r *relay) pack() *FormatError {
	r.copy(&r.spans[0])
	if r.reshaped {
		r.flush()
		r.out = appendBitmaps(r.out, r.codec.bitmap, r.maps.bytes)
	} else {
		r.run(r.maps.first, r.maps.end)
	}
	for i := 1; i < len(r.spans); {
		head := &r.spans[i]
		end := i + 1
		if !head.isValue() {
			end = r.fieldEnd(i)
		}
		if !head.dirty {
			r.copy(head)
		} else if f := r.composite(head.node, r.spans[i+1:end]); f != nil {
			return f
		}
		i = end
	}
	r.flush()
	return nil
}

// copy copies an element with all its parts.
func (r *relay) copy(s *span) {
	if s.fresh {
		r.flush()
		r.out = append(r.out, r.fresh[s.start:s.end]...)
		return
	}
	r.run(s.start, s.end)
}

func (r *relay) run(from, to int) {
	if from != r.to {
		r.flush()
		r.from = from
	}
	r.to = to
}

func (r *relay) flush() {
	r.out = append(r.out, r.body[r.from:r.to]...)
	r.from = r.to
}

// composite packs an element of which parts were changed.
func (r *relay) composite(n *node, parts []span) *FormatError {
	r.flush()
	start := len(r.out)
	r.out = n.appendRoom(r.out)
	if n.form == formBitmap {
		r.subfieldBits(n, parts)
	}
	for i := 0; i < len(parts); {
		if parts[i].isValue() {
			r.copy(&parts[i])
			i++
			continue
		}
		set, end := parts[i].node, i+1
		for end < len(parts) && parts[end].path>>toSet == set.path>>toSet {
			end++
		}
		r.out, _ = n.tag.append(r.out, set.path.Sub())
		if f := r.composite(set, parts[i+1:end]); f != nil {
			return f
		}
		i = end
	}
	r.flush()
	return n.fillLength(r.out[start:])
}

func (r *relay) subfieldBits(n *node, parts []span) {
	var room [bitmapBytesMax]byte
	bits := room[:n.bitmapBytes]
	for i := range parts {
		setBit(bits, parts[i].path.Sub())
	}
	r.out = n.enc.appendBytes(r.out, bits)
}
