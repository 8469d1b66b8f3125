package specs

import (
	"cmp"
	"slices"
)

// Set puts a value at p; the empty value deletes. What the profile cannot write
// it refuses with the *FormatError that packing would give, and changes nothing.
func (v *View) Set(p Path, value string) error { return setValue(v, p, value) }

// SetBytes is Set for values that are bytes already. They are copied.
func (v *View) SetBytes(p Path, value []byte) error { return setValue(v, p, value) }

// SetMTI replaces the message type; it refuses what is not four digits.
func (v *View) SetMTI(mti string) error {
	s := v.scanned()
	if s == nil {
		return errNoMessage
	}
	changed, f := freshen(s, nil, s.codec.fields[0], 0, mti)
	if f != nil {
		return f
	}
	s.spans[0] = changed
	return nil
}

// Delete removes the value at p, and with the path of a whole field all values
// of that field.
func (v *View) Delete(p Path) {
	s := v.scanned()
	if s == nil {
		return
	}
	if p == Path(p.Field())<<toField {
		if i, found := s.find(p); found {
			s.cut(i, s.fieldEnd(i))
		}
		return
	}
	s.remove(p)
}

func setValue[text string | []byte](v *View, p Path, value text) error {
	s := v.scanned()
	if s == nil {
		return errNoMessage
	}
	if len(value) == 0 {
		s.remove(p)
		return nil
	}
	holder, leaf, f := s.codec.writable(p)
	if f != nil {
		return f
	}
	changed, f := freshen(s, holder, leaf, p, value)
	if f != nil {
		return f
	}
	if holder != nil {
		s.open(p, holder)
	}
	s.put(changed)
	return nil
}

// freshen writes a value, with tag and length, into the view's own bytes.
func freshen[text string | []byte](s *viewed, holder, leaf *node, p Path, value text) (at span, f *FormatError) {
	out := s.fresh
	if holder != nil && holder.tag != nil {
		if out, f = holder.appendTag(out, p); f != nil {
			return span{}, f
		}
	}
	out, begin, f := appendValue(out, leaf, p, value)
	if f != nil {
		return span{}, f
	}
	at = span{node: leaf, path: p, fresh: true}
	at.extent = extent{start: len(s.fresh), value: begin, end: len(out), length: len(value)}
	s.fresh = out
	return at, nil
}

// open makes the field that has p, and the set, ready for a change.
func (s *viewed) open(p Path, holder *node) {
	head := Path(p.Field()) << toField
	i, found := s.find(head)
	if !found {
		s.put(span{node: s.codec.fields[p.Field()], path: head})
	}
	s.touch(i)
	if holder.path == head {
		return
	}
	if _, found = s.find(holder.path); !found {
		s.put(span{node: holder, path: holder.path})
	}
}

// touch marks the field at index i as one whose parts have changed, and puts
// them in order.
func (s *viewed) touch(i int) {
	s.spans[i].dirty = true
	if !s.unsorted {
		return
	}
	parts := s.spans[i:s.fieldEnd(i)]
	slices.SortFunc(parts, func(a, b span) int { return cmp.Compare(a.path, b.path) })
}

// put replaces the element of the same path, or puts it where it belongs.
func (s *viewed) put(changed span) {
	i, found := s.find(changed.path)
	if found {
		s.spans[i] = changed
		return
	}
	s.spans = slices.Insert(s.spans, i, changed)
	if changed.path == Path(changed.path.Field())<<toField {
		setBit(s.maps.bytes[:], changed.path.Field())
		s.reshaped = true
	}
}

// remove takes the value at p away, and with it the set and the field that
// have no other.
func (s *viewed) remove(p Path) {
	i, found := s.find(p)
	if !found || !s.spans[i].isValue() {
		return
	}
	head, _ := s.find(Path(p.Field()) << toField)
	if head != i {
		s.touch(head)
		i, _ = s.find(p)
	}
	from, to := i, i+1
	for from > head && s.isEmptyBut(from-1, to) {
		from--
	}
	s.cut(from, to)
}

// cut takes spans away, and with its first one a field.
func (s *viewed) cut(from, to int) {
	if first := s.spans[from].path; first == Path(first.Field())<<toField {
		clearBit(s.maps.bytes[:], first.Field())
		s.reshaped = true
	}
	s.spans = slices.Delete(s.spans, from, to)
}

// isEmptyBut reports whether the element at index i has parts, and none of them
// from index end on.
func (s *viewed) isEmptyBut(i, end int) bool {
	holder := &s.spans[i]
	switch {
	case holder.isValue():
		return false
	case end == len(s.spans):
		return true
	case holder.path.Sub() > 0:
		return s.spans[end].path>>toSet != holder.path>>toSet
	}
	return s.spans[end].path.Field() != holder.path.Field()
}

// fieldEnd is the index behind the field whose first span is at index i.
func (s *viewed) fieldEnd(i int) int {
	field := s.spans[i].path.Field()
	for i++; i < len(s.spans) && s.spans[i].path.Field() == field; i++ {
	}
	return i
}
