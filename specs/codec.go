// Package specs knows the shape of the wire: which bytes a message has, never
// what they mean.
//
// The descriptions, VisaStyle and ASCII87, are moov-io/iso8583 MessageSpecs,
// written from one dictionary of fields, so any tool that speaks moov can use
// them. Compile turns such a description into a Codec,
// a table walker for the path of a message that is strict where moov is
// lenient. The two give the same bytes and the same fields for every message;
// moov is the oracle of the tests. A Framing cuts a connection's bytes into
// frames, a Codec turns a frame's body into a Message, a bag of values by Path,
// or lets a View look at it where it lies.
//
// The package never interprets a value, never logs, and never puts a value
// into an error. Field numbers live here and in package messages, nowhere
// else. Start at VisaStyleCodec, then Codec.Parse; docs/codec.md tells the rest.
//
// Facts of the visa-style profile come from ISO 8583:1987 and from the
// open-source jPOS packagers and headers; what has no such source is marked
// "ours" in the tables. No conformance to any network's private manual is
// claimed.
package specs

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/moov-io/iso8583"
)

// Names of the profiles that come with the package.
const (
	NameVisaStyle = "visa-style" // see VisaStyle
	NameASCII87   = "ascii87"    // see ASCII87
)

// profile is one that comes with the package, compiled at first use.
type profile struct {
	describe func() *iso8583.MessageSpec
	compiled func() *Codec
}

func newProfile(name string, describe func() *iso8583.MessageSpec) profile {
	return profile{describe, sync.OnceValue(func() *Codec { return mustCompile(name, describe()) })}
}

var builtIn = map[string]profile{
	NameVisaStyle: newProfile(NameVisaStyle, VisaStyle),
	NameASCII87:   newProfile(NameASCII87, ASCII87),
}

// VisaStyleCodec is VisaStyle compiled, once for the whole process.
func VisaStyleCodec() *Codec { return builtIn[NameVisaStyle].compiled() }

// SpecByName finds a profile that comes with the package.
func SpecByName(name string) (*Codec, error) {
	p, err := profileByName(name)
	if err != nil {
		return nil, err
	}
	return p.compiled(), nil
}

// Describe is the description of a profile that comes with the package, built
// afresh so that a caller may change his copy.
func Describe(name string) (*iso8583.MessageSpec, error) {
	p, err := profileByName(name)
	if err != nil {
		return nil, err
	}
	return p.describe(), nil
}

func profileByName(name string) (profile, error) {
	p, ok := builtIn[name]
	if !ok {
		return p, fmt.Errorf("there is no message profile %q: take one of %s", name, strings.Join(SpecNames(), ", "))
	}
	return p, nil
}

// SpecNames lists the profiles that SpecByName knows, sorted.
func SpecNames() []string {
	names := make([]string, 0, len(builtIn))
	for name := range builtIn {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Codec reads and writes the messages of one profile. It is made by Compile,
// never changes, and is safe for concurrent use.
type Codec struct {
	name   string
	bitmap *Encoder   // of the message's bitmaps
	fields [256]*node // by number; 0 is the message type
}

// Name is the profile's name.
func (c *Codec) Name() string { return c.name }

// A node is one compiled element of a profile. Leaves have an encoder, others
// have parts.
type node struct {
	path   Path
	name   string
	form   form
	length int // most or exact length, in the prefix's units
	pref   *Prefix
	enc    *Encoder // of a leaf, or of a composite's bitmap

	bitmapBytes int              // formBitmap
	tag         *TagEncoder      // formSets, formTags
	parts       []*node          // by bit, set id or one-byte tag; 256 of them
	longTags    map[uint16]*node // by two-byte tag
	other       *node            // what a tag without a node is read as; nil refuses it
}

type form uint8

const (
	formLeaf   form = iota + 1
	formBitmap      // subfields behind a bitmap
	formSets        // sets of tags
	formTags        // tags and values
)

// pathText is how faults name the element.
func (n *node) pathText() string {
	if n.form == formTags && n.path.Sub() > 0 {
		return setPath(n.path.Field(), n.path.Sub())
	}
	return n.path.String()
}

// part finds the element with a bit, set id or tag, nil when there is none.
func (n *node) part(id int) *node {
	if id <= 0xFF {
		if p := n.parts[id]; p != nil {
			return p
		}
	} else if p := n.longTags[uint16(id)]; p != nil {
		return p
	}
	return n.other
}

// leafAt finds the leaf for a path, nil when the profile has none there.
func (c *Codec) leafAt(p Path) *node {
	n := c.fields[p.Field()]
	if n != nil && n.form == formSets {
		n = n.parts[p.Sub()]
	}
	switch {
	case n == nil:
		return nil
	case n.form == formLeaf && n.path == p:
		return n
	case n.form == formBitmap && p.Tag() == 0 && p.Sub() > 0:
		return n.part(p.Sub())
	case n.form == formTags && p.Tag() > 0 && p.Sub() == n.path.Sub():
		return n.part(p.Tag())
	}
	return nil
}

// writable finds the leaf that a value at p is written as, or why there is
// none, as packing says it.
func (c *Codec) writable(p Path) (holder, leaf *node, f *FormatError) {
	n := c.fields[p.Field()]
	if n == nil || p.Field() == 0 {
		return nil, nil, fieldless(p)
	}
	switch n.form {
	case formBitmap:
		leaf, f = n.subfield(p)
		return n, leaf, f
	case formSets:
		if n, f = n.set(p); f != nil {
			return nil, nil, f
		}
	case formLeaf:
		if p != n.path {
			return nil, nil, partless(p)
		}
		return nil, n, nil
	}
	if p.Sub() != n.path.Sub() {
		return nil, nil, setless(p)
	}
	leaf, f = n.tagged(p)
	return n, leaf, f
}

func (n *node) subfield(p Path) (*node, *FormatError) {
	part := n.parts[p.Sub()]
	if part == nil || part.path != p {
		return nil, fault(Unknown, 0, p.String(), "the profile has no such subfield")
	}
	return part, nil
}

func (n *node) set(p Path) (*node, *FormatError) {
	set := n.parts[p.Sub()]
	if set == nil {
		return nil, fault(Unknown, 0, p.String(), "the profile has no such set")
	}
	return set, nil
}

func (n *node) tagged(p Path) (*node, *FormatError) {
	part := n.part(p.Tag())
	if part == nil || p.Tag() == 0 {
		return nil, fault(Unknown, 0, p.String(), "the profile has no such tag")
	}
	return part, nil
}

func fieldless(p Path) *FormatError {
	return fault(Unknown, 0, p.String(), "the profile has no such field")
}

func partless(p Path) *FormatError { return fault(Unknown, 0, p.String(), "the field has no parts") }

func setless(p Path) *FormatError { return fault(Unknown, 0, p.String(), "the field has no sets") }

// appendTag writes the tag of a path.
func (n *node) appendTag(dst []byte, p Path) ([]byte, *FormatError) {
	out, ok := n.tag.append(dst, p.Tag())
	if !ok {
		return dst, fault(BadTag, 0, p.String(), "it is no %s", n.tag.name)
	}
	return out, nil
}
