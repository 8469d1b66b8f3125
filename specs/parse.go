package specs

import "strings"

// Parse reads a message, strictly: what it accepts is written in exactly one
// way, but for the order of tags inside a set. The error is a *FormatError.
func (c *Codec) Parse(body []byte) (*Message, error) {
	w := walker{codec: c, body: body}
	if f := w.message(); f != nil {
		return nil, f
	}
	return w.result(), nil
}

// Salvage reads what it can of a message that Parse refuses: its type and
// every field that is well formed up to the first fault behind which the next
// field cannot be found. It is ok when type and trace number (field 11) are
// there, which is what an answer needs.
func (c *Codec) Salvage(body []byte) (m *Message, ok bool) {
	w := walker{codec: c, body: body, lenient: true}
	w.message()
	m = w.result()
	return m, w.mti != "" && m.Has(traceNumber)
}

var traceNumber = P(11)

// A walker goes over a body once. The characters of all values go one after
// the other into one builder, and the values are parts of what it builds: it
// has room for all from the start, so it never moves them.
type walker struct {
	codec   *Codec
	body    []byte
	lenient bool       // leave out a faulty field whose end is known
	trace   *[]Element // for Inspect; nil otherwise

	room   [FieldBytesMax]byte // for one value
	values strings.Builder
	mti    string
	leaves []leaf // sorted by path
}

func (w *walker) result() *Message {
	return newMessage(content{mti: w.mti, leaves: w.leaves})
}

// leavesExpected is how many values a message usually has at most.
const leavesExpected = 48

// message walks the whole body.
func (w *walker) message() *FormatError {
	w.values.Grow(2 * len(w.body)) // digits double
	w.leaves = make([]leaf, 0, leavesExpected)
	at, f := w.messageType()
	if f != nil {
		return f
	}
	bits, at, f := w.bitmaps(at)
	if f != nil {
		return f
	}
	for number := bits.next(secondaryBit); number != 0; number = bits.next(number) {
		if at, f = w.field(number, at, bits.offset(number)); f != nil {
			return f
		}
	}
	if at < len(w.body) {
		return fault(Trailing, at, lastPath(w.leaves), "%d bytes follow the last field", len(w.body)-at)
	}
	return nil
}

func lastPath(leaves []leaf) string {
	if len(leaves) == 0 {
		return "1"
	}
	return Path(leaves[len(leaves)-1].path.Field() << 24).String()
}

func (w *walker) messageType() (next int, f *FormatError) {
	n := w.codec.fields[0]
	e, f := w.extent(n, 0, len(w.body))
	if f != nil {
		return 0, f
	}
	value, kind, at := w.value(n, e)
	if kind != 0 {
		return 0, fault(kind, at, "0", "the message type is not %d digits", MTIDigits)
	}
	w.mti = value
	w.note(n, 0, 0, e, value)
	return e.end, nil
}

// extent is where an element and its value begin and end in the body.
type extent struct {
	start, value, end int
	length            int // in the prefix's units
}

// extent finds where the element at start ends, inside limit. With a TooLong
// fault the extent is good, so that the element can be passed over.
func (w *walker) extent(n *node, start, limit int) (extent, *FormatError) {
	length, read, kind := n.pref.get(n.length, w.body[start:limit])
	switch {
	case kind == Short:
		return extent{}, fault(Short, start, n.pathText(), "the length is missing")
	case kind != 0:
		return extent{}, fault(kind, start, n.pathText(), "the length is not written as %s", n.pref.name)
	}
	e := extent{start: start, value: start + read, length: length}
	left, size := limit-e.value, length
	if n.form == formLeaf {
		size = n.enc.size(length)
	}
	e.end = e.value + size
	switch {
	case size > left && n.pref.kind == noPrefix:
		return e, fault(Short, start, n.pathText(), "it needs %d bytes, %d are left", size, left)
	case size > left:
		return e, fault(Overrun, start, n.pathText(), "the length says %d bytes, %d are left", size, left)
	case length == 0:
		return e, fault(Empty, start, n.pathText(), "the length is zero")
	case length > n.length:
		return e, fault(TooLong, start, n.pathText(), "the length is %d, the most is %d", length, n.length)
	}
	return e, nil
}

// field reads field number at start. bit is the offset of its bit.
func (w *walker) field(number, start, bit int) (next int, f *FormatError) {
	n := w.codec.fields[number]
	if n == nil {
		return start, fault(Unknown, bit, (Path(number) << 24).String(), "the profile has no such field")
	}
	e, f := w.extent(n, start, len(w.body))
	if f == nil {
		mark := len(w.leaves)
		if f = w.content(n, e); f != nil {
			w.leaves = w.leaves[:mark]
		}
	}
	if f != nil && w.lenient && e.end > start && e.end <= len(w.body) {
		return e.end, nil
	}
	return e.end, f
}

func (w *walker) content(n *node, e extent) *FormatError {
	switch n.form {
	case formBitmap:
		w.note(n, n.path, 0, e, "")
		return w.subfields(n, e)
	case formSets:
		w.note(n, n.path, 0, e, "")
		return w.sets(n, e)
	case formTags:
		w.note(n, n.path, 0, e, "")
		return w.tags(n, e, 1)
	}
	return w.leaf(n, n.path, e, 0)
}

// leaf reads one value.
func (w *walker) leaf(n *node, path Path, e extent, depth int) *FormatError {
	value, kind, at := w.value(n, e)
	if kind != 0 {
		return fault(kind, at, path.String(), "this is no %s", n.enc.name)
	}
	w.keep(leaf{path, value})
	w.note(n, path, depth, e, value)
	return nil
}

// value decodes a value, or tells the fault and its offset.
func (w *walker) value(n *node, e extent) (value string, kind FaultKind, at int) {
	decoded, kind, at := n.enc.read(w.room[:0], w.body[e.value:e.end], e.length)
	if kind != 0 {
		return "", kind, e.value + at
	}
	start := w.values.Len()
	w.values.Write(decoded)
	return w.values.String()[start:], 0, 0
}

// keep inserts a leaf in the order of paths: at the end but for tags that come
// unsorted.
func (w *walker) keep(l leaf) {
	w.leaves = append(w.leaves, l)
	for i := len(w.leaves) - 1; i > 0 && w.leaves[i-1].path > l.path; i-- {
		w.leaves[i], w.leaves[i-1] = w.leaves[i-1], l
	}
}

// has reports whether a value of exactly this path was read.
func (w *walker) has(path Path) bool {
	for i := len(w.leaves) - 1; i >= 0 && w.leaves[i].path >= path; i-- {
		if w.leaves[i].path == path {
			return true
		}
	}
	return false
}

// hasSet reports whether a value of this set was read.
func (w *walker) hasSet(set Path) bool {
	for i := len(w.leaves) - 1; i >= 0 && w.leaves[i].path >= set; i-- {
		if w.leaves[i].path>>toSet == set>>toSet {
			return true
		}
	}
	return false
}
