package specs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sort"

	"github.com/moov-io/iso8583/encoding"
)

// A TagEncoder reads and writes tags and set ids, which moov keeps as
// upper-case hexadecimal text.
type TagEncoder struct {
	name string
	size int  // bytes; 0 for BER
	hex  bool // written as two upper-case hexadecimal digits a byte
}

var (
	// Tag1 is a tag or set id of one byte.
	Tag1 = &TagEncoder{name: "one-byte tag", size: 1}
	// TagBER is a BER tag of one or two bytes (X.690 8.1.2; EMV Book 3 B1 has
	// no longer ones). Tag 00, which EMV allows as filler, is refused.
	TagBER = &TagEncoder{name: "BER tag"}
	// Tag1Hex is Tag1 in hexadecimal.
	Tag1Hex = &TagEncoder{name: "one-byte tag in hexadecimal", size: 1, hex: true}
	// TagBERHex is TagBER in hexadecimal.
	TagBERHex = &TagEncoder{name: "BER tag in hexadecimal", hex: true}
)

var _ encoding.Encoder = (*TagEncoder)(nil)

var errTag = errors.New("not well formed")

// Encode gives the bytes of a tag in hexadecimal.
func (t *TagEncoder) Encode(text []byte) ([]byte, error) {
	raw, err := hex.DecodeString(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", t.name, text, errTag)
	}
	if _, read, kind := t.readBytes(raw); kind != 0 || read != len(raw) {
		return nil, fmt.Errorf("%s %q: %w", t.name, text, errTag)
	}
	return t.write(nil, raw), nil
}

// Decode reads a tag. The length is not used: the encoder knows it.
func (t *TagEncoder) Decode(data []byte, _ int) ([]byte, int, error) {
	tag, read, kind := t.read(data)
	if kind != 0 {
		return nil, 0, fmt.Errorf("%s: %s", t.name, kind)
	}
	return []byte(hexByte(tag)), read, nil
}

// Bits of BER tags (X.690 8.1.2.4).
const (
	berMoreBytes = 0x1F // low five bits of a first byte that another follows
	berAnother   = 0x80 // bit of a following byte that yet another follows
)

// read takes the tag at the start of data.
func (t *TagEncoder) read(data []byte) (tag, read int, kind FaultKind) {
	if !t.hex {
		return t.readBytes(data)
	}
	var room [2]byte
	raw, bad := unhex(room[:0], data)
	tag, read, kind = t.readBytes(raw)
	if kind == Short && bad {
		kind = BadTag
	}
	return tag, 2 * read, kind
}

// unhex appends what hexadecimal digits say until dst is full, the digits end,
// or something else comes, which is bad.
func unhex(dst, data []byte) (raw []byte, bad bool) {
	for i := 0; len(dst) < cap(dst) && i+1 < len(data); i += 2 {
		high, low := nibbleOf[data[i]], nibbleOf[data[i+1]]
		if high == notNibble || low == notNibble {
			return dst, true
		}
		dst = append(dst, high<<4|low)
	}
	return dst, false
}

func (t *TagEncoder) readBytes(data []byte) (tag, read int, kind FaultKind) {
	switch {
	case len(data) == 0:
		return 0, 0, Short
	case t.size == 1:
		return int(data[0]), 1, 0
	case data[0] == 0:
		return 0, 1, BadTag
	case data[0]&berMoreBytes != berMoreBytes:
		return int(data[0]), 1, 0
	case len(data) < 2:
		return 0, 0, Short
	case data[1]&berAnother != 0 || data[1] == 0:
		return 0, 2, BadTag
	}
	return int(data[0])<<8 | int(data[1]), 2, 0
}

// append writes a tag; it fails on one that the form cannot have.
func (t *TagEncoder) append(dst []byte, tag int) ([]byte, bool) {
	raw := [2]byte{byte(tag >> 8), byte(tag)}
	b := raw[:]
	if tag <= 0xFF {
		b = raw[1:]
	}
	if _, read, kind := t.readBytes(b); kind != 0 || read != len(b) {
		return dst, false
	}
	return t.write(dst, b), true
}

func (t *TagEncoder) write(dst, raw []byte) []byte {
	if t.hex {
		return appendHex(dst, raw)
	}
	return append(dst, raw...)
}

// sortTags sorts tags in hexadecimal by their number.
func sortTags(tags []string) {
	sort.Slice(tags, func(i, j int) bool {
		if len(tags[i]) != len(tags[j]) {
			return len(tags[i]) < len(tags[j])
		}
		return tags[i] < tags[j]
	})
}
