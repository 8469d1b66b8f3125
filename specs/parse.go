package specs

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

// Parse reads a message, strictly: what it accepts is written in exactly one
// way, but for the order of tags inside a set. The error is a *FormatError.
func (c *Codec) Parse(body []byte) (*Message, error) {
	w := c.walker(body)
	defer w.release()
	if f := w.message(); f != nil {
		return nil, f
	}
	return collect(w.spans, body, nil), nil
}

// Salvage reads what it can of a message that Parse refuses: its type and
// every field that is well formed up to the first fault behind which the next
// field cannot be found. It is ok when type and trace number (field 11) are
// there, which is what an answer needs.
func (c *Codec) Salvage(body []byte) (m *Message, ok bool) {
	w := c.walker(body)
	defer w.release()
	w.lenient = true
	w.message()
	m = collect(w.spans, body, nil)
	return m, m.MTI() != "" && m.Has(traceNumber)
}

var traceNumber = P(11)

// spansExpected is how many elements a message usually has at most.
const spansExpected = 64

// A span is where an element stands.
type span struct {
	node *node
	path Path // 0 is the message type
	extent
	fresh bool // it stands in a View's own bytes, not in the message
	dirty bool // of a field with parts, in a View: some of them were changed
}

// extent is where an element and its value begin and end.
type extent struct {
	start, value, end int // tag and prefix go from start to value
	length            int // of the value, in the prefix's units
}

// isValue is false for an element with parts, which follow it.
func (s *span) isValue() bool { return s.node.form == formLeaf }

// A walker goes over a body once, checks all of it, and notes where what
// stands. It is the one reader: Parse, Salvage, Inspect and Scan differ in what
// they make of its spans.
type walker struct {
	codec   *Codec
	body    []byte
	lenient bool // leave out a faulty field whose end is known

	spans    []span  // as they come, the message type first
	maps     bitmaps // of the message
	unsorted bool    // some set or tag came after a higher one
}

// walkers keep the room for spans. They keep nothing of a message.
var walkers = sync.Pool{New: func() any { return &walker{spans: make([]span, 0, spansExpected)} }}

func (c *Codec) walker(body []byte) *walker {
	w := walkers.Get().(*walker)
	w.codec, w.body = c, body
	return w
}

func (w *walker) release() {
	*w = walker{spans: w.spans[:0]}
	walkers.Put(w)
}

// collect makes a message of the values at spans, whose first is the message
// type. The characters of all values go one after the other into one builder,
// and the values are parts of what it builds: it has room for all from the
// start, so it never moves them.
func collect(spans []span, body, fresh []byte) *Message {
	var c content
	if len(spans) == 0 {
		return newMessage(c)
	}
	values, characters := 0, 0
	for i := range spans {
		if s := &spans[i]; s.isValue() {
			values, characters = values+1, characters+s.length
		}
	}
	var built strings.Builder
	built.Grow(characters)
	var room [FieldBytesMax]byte
	text := func(s *span) string {
		start := built.Len()
		built.Write(s.decode(room[:0], body, fresh))
		return built.String()[start:]
	}
	c.mti = text(&spans[0])
	c.leaves = make([]leaf, 0, values-1)
	for i := range spans[1:] {
		if s := &spans[1+i]; s.isValue() {
			c.keep(leaf{s.path, text(s)})
		}
	}
	return newMessage(c)
}

// decode appends the value of a span.
func (s *span) decode(dst, body, fresh []byte) []byte {
	if s.fresh {
		body = fresh
	}
	return s.node.enc.decode(dst, body[s.value:s.end], s.length)
}

// keep inserts a leaf in the order of paths: at the end but for tags that come
// unsorted.
func (c *content) keep(l leaf) {
	c.leaves = append(c.leaves, l)
	for i := len(c.leaves) - 1; i > 0 && c.leaves[i-1].path > l.path; i-- {
		c.leaves[i], c.leaves[i-1] = c.leaves[i-1], l
	}
}

// message walks the whole body.
func (w *walker) message() *FormatError {
	at, f := w.messageType()
	if f != nil {
		return f
	}
	if at, f = w.bitmaps(at); f != nil {
		return f
	}
	if at, f = w.fields(at); f != nil {
		return f
	}
	if at < len(w.body) {
		return fault(Trailing, at, w.lastField(), "%d bytes follow the last field", len(w.body)-at)
	}
	return nil
}

// fields walks the fields of the bits, from the highest bit of the first byte
// on. The bits that announce bitmaps are none.
func (w *walker) fields(at int) (next int, f *FormatError) {
	for first := 1; first < FieldMax; first += 8 * bitmapBytes {
		left := binary.BigEndian.Uint64(w.maps.bytes[first/8:]) << 1 >> 1
		for left != 0 {
			bit := bits.LeadingZeros64(left)
			left &^= 1 << (63 - bit)
			if at, f = w.field(first+bit, at); f != nil {
				return at, f
			}
		}
	}
	return at, nil
}

func (w *walker) lastField() string {
	last := w.spans[len(w.spans)-1].path.Field()
	if last == 0 {
		last = secondaryBit
	}
	return (Path(last) << toField).String()
}

func (w *walker) messageType() (next int, f *FormatError) {
	n := w.codec.fields[0]
	e, f := w.extent(n, 0, len(w.body))
	if f != nil {
		return 0, f
	}
	if kind, at := n.enc.check(w.body[e.value:e.end], e.length); kind != 0 {
		return 0, fault(kind, e.value+at, "0", "the message type is not %d digits", MTIDigits)
	}
	w.note(n, 0, e)
	return e.end, nil
}

// note keeps a span. An element with parts is noted before them.
func (w *walker) note(n *node, path Path, e extent) {
	if len(w.spans) == cap(w.spans) {
		w.spans = slices.Grow(w.spans, spansExpected)
	}
	w.spans = w.spans[:len(w.spans)+1]
	s := &w.spans[len(w.spans)-1] // filled in place: this is most of the cost of a walk
	s.node, s.path, s.extent, s.fresh, s.dirty = n, path, e, false, false
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

// field reads field number at start.
func (w *walker) field(number, start int) (next int, f *FormatError) {
	n := w.codec.fields[number]
	if n == nil {
		return start, fault(Unknown, w.maps.offset(number), (Path(number) << toField).String(), "the profile has no such field")
	}
	e, f := w.extent(n, start, len(w.body))
	mark := len(w.spans)
	if f == nil {
		f = w.content(n, e)
	}
	if f != nil && w.lenient && e.end > start && e.end <= len(w.body) {
		w.spans = w.spans[:mark]
		return e.end, nil
	}
	return e.end, f
}

func (w *walker) content(n *node, e extent) *FormatError {
	if n.form == formLeaf {
		return w.leaf(n, n.path, e)
	}
	w.note(n, n.path, e)
	switch n.form {
	case formBitmap:
		return w.subfields(n, e)
	case formSets:
		return w.sets(n, e)
	}
	return w.tags(n, e)
}

// leaf checks one value.
func (w *walker) leaf(n *node, path Path, e extent) *FormatError {
	if kind, at := n.enc.check(w.body[e.value:e.end], e.length); kind != 0 {
		return fault(kind, e.value+at, path.String(), "this is no %s", n.enc.name)
	}
	w.note(n, path, e)
	return nil
}

// again reports whether path is among the spans from the mark on, in which
// last is the highest so far.
func (w *walker) again(path, last Path, mark int) bool {
	if path > last {
		return false
	}
	w.unsorted = true
	return slices.ContainsFunc(w.spans[mark:], func(s span) bool { return s.path == path })
}
