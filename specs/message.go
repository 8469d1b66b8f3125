package specs

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Message is a message's type and its values by path. Values are the
// characters of text and digits, and the raw bytes of binary values; an empty
// value is no value. A Message knows no profile: Codec.Append checks it.
//
// A Message holds secrets in clear. Printed, logged or marshalled it shows its
// type and its paths, never a value. It is not safe for concurrent writing.
type Message struct {
	content *sealed
}

// sealed keeps the content behind a second pointer. fmt reaches unexported
// fields of a holder without calling methods; it prints a pointer there as an
// address, but follows one when it complains about a verb, and never two.
type sealed struct {
	*content
}

type content struct {
	mti    string
	leaves []leaf // sorted by path, no path twice, no empty value
}

type leaf struct {
	path  Path
	value string
}

// NewMessage makes a message of a type, four digits, without fields.
func NewMessage(mti string) *Message {
	return newMessage(content{mti: mti})
}

func newMessage(c content) *Message {
	all := &struct {
		message Message
		sealed  sealed
		content content
	}{content: c}
	all.sealed.content = &all.content
	all.message.content = &all.sealed
	return &all.message
}

// MTI is the message type, four digits.
func (m *Message) MTI() string { return m.content.mti }

// SetMTI replaces the message type.
func (m *Message) SetMTI(mti string) { m.content.mti = mti }

// Text is the value at p, "" when absent. A binary value comes as a string of
// its raw bytes: use Bytes for those.
func (m *Message) Text(p Path) string {
	if i, ok := m.content.find(p); ok {
		return m.content.leaves[i].value
	}
	return ""
}

// Bytes is a copy of the value at p, nil when absent.
func (m *Message) Bytes(p Path) []byte {
	if i, ok := m.content.find(p); ok {
		return []byte(m.content.leaves[i].value)
	}
	return nil
}

// Has reports whether there is a value at p.
func (m *Message) Has(p Path) bool {
	_, ok := m.content.find(p)
	return ok
}

// HasField reports whether there is any value in field n.
func (m *Message) HasField(n int) bool {
	i, _ := m.content.find(Path(n) << 24)
	return i < len(m.content.leaves) && m.content.leaves[i].path.Field() == n
}

// Grow makes room for so many more values, which saves making it by and by.
func (m *Message) Grow(values int) { m.content.leaves = slices.Grow(m.content.leaves, values) }

// leavesFirst is how many values a message that is built has room for at first.
const leavesFirst = 8

// Set puts a value at p; the empty value deletes. It is fastest in the order of
// the paths.
func (m *Message) Set(p Path, value string) {
	i, found := m.content.find(p)
	switch {
	case value == "" && found:
		m.content.leaves = slices.Delete(m.content.leaves, i, i+1)
	case value == "":
	case found:
		m.content.leaves[i].value = value
	case m.content.leaves == nil:
		m.content.leaves = append(make([]leaf, 0, leavesFirst), leaf{p, value})
	default:
		m.content.leaves = slices.Insert(m.content.leaves, i, leaf{p, value})
	}
}

// SetBytes puts a binary value at p; the empty value deletes.
func (m *Message) SetBytes(p Path, value []byte) { m.Set(p, string(value)) }

// Delete removes the value at p, and with the path of a whole field all values
// of that field.
func (m *Message) Delete(p Path) {
	m.content.leaves = slices.DeleteFunc(m.content.leaves, func(l leaf) bool {
		return l.path == p || p&0xFFFFFF == 0 && l.path.Field() == p.Field()
	})
}

// Clone is a message of the same type and values that shares nothing with m.
func (m *Message) Clone() *Message {
	return newMessage(content{mti: m.content.mti, leaves: slices.Clone(m.content.leaves)})
}

// Paths lists the paths that have values, in the order of the wire.
func (m *Message) Paths() []Path {
	paths := make([]Path, len(m.content.leaves))
	for i, l := range m.content.leaves {
		paths[i] = l.path
	}
	return paths
}

// All goes over the values with their paths, in the order of the wire. The
// message must not be changed meanwhile.
func (m *Message) All() iter.Seq2[Path, string] {
	return func(yield func(Path, string) bool) {
		for _, l := range m.content.leaves {
			if !yield(l.path, l.value) {
				return
			}
		}
	}
}

// String is the type and the paths, no value.
func (m *Message) String() string {
	if m == nil || m.content == nil {
		return "no message"
	}
	var b strings.Builder
	b.WriteString(m.content.mti)
	for _, l := range m.content.leaves {
		b.WriteByte(' ')
		b.WriteString(l.path.String())
	}
	return b.String()
}

// Format writes String for every verb.
func (m *Message) Format(f fmt.State, _ rune) { io.WriteString(f, m.String()) }

// MarshalText is String, so JSON and zerolog show no more than fmt does.
func (m *Message) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// find gives the index of p, or where it belongs.
func (c *content) find(p Path) (int, bool) {
	low, high := 0, len(c.leaves)
	if high > 0 && c.leaves[high-1].path < p {
		return high, false // a message is mostly built in the order of its paths
	}
	for low < high {
		middle := (low + high) / 2
		if c.leaves[middle].path < p {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(c.leaves) && c.leaves[low].path == p
}
