package keys

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Header says what a key in a key block is and what it may do (ANSI X9.143).
// The block's MAC covers it.
type Header struct {
	Usage         string // 2 characters, such as E0: EMV master key for cryptograms
	Algorithm     byte   // T triple DES, A AES, H HMAC
	Mode          byte   // X key derivation, B encrypt and decrypt, C MAC both ways
	Version       string // 2 characters of key version; "00" when not used
	Exportability byte   // N never, E under a trusted key, S sensitive
	Optional      []OptionalBlock
}

// OptionalBlock is a further statement of a header, such as LB, a label.
// Padding (PB) is added and taken away with the block and never shown.
type OptionalBlock struct {
	ID    string // 2 characters
	Value string // printable ASCII
}

const (
	blockVersion       = 'D'
	paddingID          = "PB"
	optionalHeadChars  = 4 // id and length
	optionalCharsMax   = 255
	optionalBlocksMax  = 16 // ours: more than any key needs
	optionalAlignChars = 16 // optional blocks fill whole AES blocks
)

// Optional finds the value of an optional block by its id.
func (h Header) optional(id string) string {
	for _, o := range h.Optional {
		if o.ID == id {
			return o.Value
		}
	}
	return ""
}

// fits reports whether a key of this many bytes can be of the header's
// algorithm.
func (h Header) fits(keyBytes int) error {
	sizes := map[byte][]int{'T': {16, 24}, 'A': {16, 24, 32}, 'H': {32, 48, 64}}[h.Algorithm]
	for _, size := range sizes {
		if keyBytes == size {
			return nil
		}
	}
	if sizes == nil {
		return blockFault("algorithm %q is not one of T, A and H", h.Algorithm)
	}
	return blockFault("a key of %d bytes does not suit algorithm %q, which takes %v", keyBytes, h.Algorithm, sizes)
}

// encode writes the header of a block with so many characters after it.
func (h Header) encode(bodyChars int, random io.Reader) (string, error) {
	if len(h.Usage) != 2 || len(h.Version) != 2 || !printable(h.Usage+h.Version+string([]byte{h.Mode, h.Exportability})) {
		return "", blockFault("the header's usage or version has not two printable characters")
	}
	optional, count, err := h.encodeOptional(random)
	if err != nil {
		return "", err
	}
	size := headerChars + len(optional) + bodyChars
	if size > KeyBlockCharsMax {
		return "", blockFault("it would have %d characters, more than %d", size, KeyBlockCharsMax)
	}
	return fmt.Sprintf("%c%04d%s%c%c%s%c%02d00%s", blockVersion, size, h.Usage, h.Algorithm, h.Mode, h.Version, h.Exportability, count, optional), nil
}

func (h Header) encodeOptional(random io.Reader) (text string, count int, err error) {
	if len(h.Optional) > optionalBlocksMax {
		return "", 0, blockFault("%d optional blocks are more than %d", len(h.Optional), optionalBlocksMax)
	}
	var b strings.Builder
	for _, o := range h.Optional {
		size := optionalHeadChars + len(o.Value)
		if len(o.ID) != 2 || o.ID == paddingID || size > optionalCharsMax || !printable(o.ID+o.Value) {
			return "", 0, blockFault("optional block %q is ill-formed or too long", o.ID)
		}
		fmt.Fprintf(&b, "%s%02X%s", o.ID, size, o.Value)
	}
	count = len(h.Optional)
	if b.Len()%optionalAlignChars == 0 {
		return b.String(), count, nil
	}
	missing := optionalAlignChars - (b.Len()+optionalHeadChars)%optionalAlignChars
	missing %= optionalAlignChars
	padding := make([]byte, missing)
	if _, err := io.ReadFull(random, padding); err != nil {
		return "", 0, fmt.Errorf("drawing padding for a key block: %w", err)
	}
	for i := range padding {
		padding[i] = 'A' + padding[i]%26
	}
	fmt.Fprintf(&b, "%s%02X%s", paddingID, optionalHeadChars+missing, padding)
	return b.String(), count + 1, nil
}

// decodeHeader reads the header and gives its size with the optional blocks.
func decodeHeader(block string) (h Header, size int, err error) {
	switch {
	case len(block) < headerChars:
		return h, 0, blockFault("it has %d characters, fewer than a header", len(block))
	case !printable(block):
		return h, 0, blockFault("it has a character that is not printable ASCII")
	case block[0] != blockVersion:
		return h, 0, blockFault("its version is %q and only D is read", block[0])
	case block[1:5] != fmt.Sprintf("%04d", len(block)):
		return h, 0, blockFault("its header says %q characters and it has %d", block[1:5], len(block))
	case block[14:16] != "00":
		return h, 0, blockFault("its reserved characters are not 00")
	}
	h = Header{Usage: block[5:7], Algorithm: block[7], Mode: block[8], Version: block[9:11], Exportability: block[11]}
	count, ok := twoDigits(block[12:14], 10)
	if !ok || count > optionalBlocksMax {
		return h, 0, blockFault("its count of optional blocks is not 00 to %d", optionalBlocksMax)
	}
	optional, size, err := decodeOptional(block, count)
	h.Optional = optional
	return h, size, err
}

func decodeOptional(block string, count int) (list []OptionalBlock, at int, err error) {
	at = headerChars
	for range count {
		if len(block)-at < optionalHeadChars {
			return nil, 0, blockFault("it ends inside an optional block")
		}
		id := block[at : at+2]
		length, ok := twoDigits(block[at+2:at+4], 16)
		if !ok || length < optionalHeadChars || length > len(block)-at {
			return nil, 0, blockFault("optional block %q has no usable length", id)
		}
		if id != paddingID {
			list = append(list, OptionalBlock{ID: id, Value: block[at+optionalHeadChars : at+length]})
		}
		at += length
	}
	if at%optionalAlignChars != 0 {
		return nil, 0, blockFault("its optional blocks do not fill whole cipher blocks")
	}
	return list, at, nil
}

// twoDigits reads two uppercase digits.
func twoDigits(s string, base int) (int, bool) {
	n, err := strconv.ParseUint(s, base, 8)
	return int(n), err == nil && strings.ToUpper(s) == s && s[0] != '+'
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}
