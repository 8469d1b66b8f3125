package specs

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// View is a message read where it lies: it knows where each value stands in
// the bytes, decodes those that are asked for, and writes the message again
// with some changed and all others copied as they came. A relay reads, changes
// and writes messages so without allocating; who wants most of the values as
// strings takes Parse.
//
// The zero value has no message: Codec.Scan gives it one, any number of times.
// A View holds secrets in clear and prints like a Message: its type and its
// paths, never a value. It must not be copied after use, and only one
// goroutine may use it at a time.
type View struct {
	content *sealedView
}

// sealedView keeps fmt out as sealed does.
type sealedView struct {
	*viewed
}

// viewed are the message's spans, in the order of the wire, but that those of
// a field with changed parts are in the order of paths.
type viewed struct {
	walker
	fresh    []byte // the wire's bytes of what was changed
	reshaped bool   // fields came or went, so that the bitmaps are others
}

// errNoMessage is the fault of a caller, not of a message.
var errNoMessage = errors.New("specs: the view has no message: give it one by Scan")

// Scan lets v look at a message. It accepts what Parse does and gives the same
// *FormatError for everything else; v then has no message. The body belongs to
// v until its next Scan and must not be changed meanwhile.
func (c *Codec) Scan(v *View, body []byte) error {
	if v.content == nil {
		v.content = &sealedView{new(viewed)}
	}
	s := v.content.viewed
	s.walker = walker{codec: c, body: body, spans: s.spans[:0]}
	s.fresh, s.reshaped = s.fresh[:0], false
	if f := s.message(); f != nil {
		s.spans = s.spans[:0]
		return f
	}
	return nil
}

// MTI is the message type, four digits.
func (v *View) MTI() string { return string(v.AppendMTI(nil)) }

// AppendMTI appends the message type.
func (v *View) AppendMTI(dst []byte) []byte {
	if s := v.scanned(); s != nil {
		return s.spans[0].decode(dst, s.body, s.fresh)
	}
	return dst
}

// Has reports whether there is a value at p.
func (v *View) Has(p Path) bool { return v.value(p) != nil }

// AppendValue appends the value at p: characters of text and digits, raw bytes
// of a binary value, nothing when it is absent.
func (v *View) AppendValue(dst []byte, p Path) []byte {
	if at := v.value(p); at != nil {
		return at.decode(dst, v.content.body, v.content.fresh)
	}
	return dst
}

// Text is the value at p, "" when absent. A binary value comes as a string of
// its raw bytes.
func (v *View) Text(p Path) string {
	var room [FieldBytesMax]byte
	return string(v.AppendValue(room[:0], p))
}

// Message is the message as Parse gives it, with what was changed. It shares
// nothing with the view.
func (v *View) Message() *Message {
	if s := v.scanned(); s != nil {
		return collect(s.spans, s.body, s.fresh)
	}
	return NewMessage("")
}

// Paths lists the paths that have values, in the order of the wire.
func (v *View) Paths() []Path {
	var paths []Path
	if s := v.scanned(); s != nil {
		for i := range s.spans[1:] {
			if at := &s.spans[1+i]; at.isValue() {
				paths = append(paths, at.path)
			}
		}
	}
	return paths
}

// String is the type and the paths, no value.
func (v *View) String() string {
	if v == nil || v.scanned() == nil {
		return "no message"
	}
	var b strings.Builder
	b.WriteString(v.MTI())
	for _, p := range v.Paths() {
		b.WriteByte(' ')
		b.WriteString(p.String())
	}
	return b.String()
}

// Format writes String for every verb.
func (v *View) Format(f fmt.State, _ rune) { io.WriteString(f, v.String()) }

// MarshalText is String, so JSON and zerolog show no more than fmt does.
func (v *View) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// scanned is nil when there is no message.
func (v *View) scanned() *viewed {
	if v.content == nil || len(v.content.spans) == 0 {
		return nil
	}
	return v.content.viewed
}

// value is where the value at p stands, nil when there is none.
func (v *View) value(p Path) *span {
	s := v.scanned()
	if s == nil {
		return nil
	}
	if i, found := s.find(p); found && s.spans[i].isValue() {
		return &s.spans[i]
	}
	return nil
}

// find gives the index of the element with this path, or where it belongs. The
// message type, which comes first, is never found.
func (s *viewed) find(p Path) (int, bool) {
	if s.unsorted {
		return s.search(p)
	}
	low, high := 1, len(s.spans)
	for low < high {
		middle := (low + high) / 2
		if s.spans[middle].path < p {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(s.spans) && s.spans[low].path == p
}

// search is find where tags came unsorted: fields are in order, and what is in
// them may not be.
func (s *viewed) search(p Path) (int, bool) {
	place := len(s.spans)
	for i := 1; i < len(s.spans); i++ {
		if at := s.spans[i].path; at == p {
			return i, true
		} else if at > p {
			place = min(place, i)
		}
	}
	return place, false
}
