package specs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

func (n *node) compileTagged(spec *field.Spec) (err error) {
	if n.tag, err = compileTag(spec.Tag); err != nil {
		return err
	}
	if err = checkOrder(spec); err != nil {
		return err
	}
	n.form = formTags
	for key, f := range spec.Subfields {
		if err = n.compileTaggedPart(key, f); err != nil {
			return fmt.Errorf("tag %s: %w", key, err)
		}
	}
	if spec.Tag.SkipUnknownTLVTags {
		return n.compileOther(spec.Tag)
	}
	return nil
}

func (n *node) compileTaggedPart(key string, f field.Field) error {
	tag, err := strconv.ParseUint(key, 16, 16)
	if err != nil || hexByte(int(tag)) != key || tag == 0 {
		return errors.New("it is not one or two bytes in upper-case hexadecimal")
	}
	if _, ok := n.tag.append(nil, int(tag)); !ok {
		return fmt.Errorf("it is no %s", n.tag.name)
	}
	if _, isSet := f.(*field.Composite); isSet {
		return n.compileSet(int(tag), f)
	}
	if n.form == formSets {
		return errors.New("it stands among sets and is none")
	}
	part, err := compileNode(n.path|Path(tag), f)
	n.put(int(tag), part)
	return err
}

func (n *node) compileSet(id int, f field.Field) error {
	if id > 0xFF || n.path&0xFFFFFF != 0 || f.Spec().Bitmap != nil {
		return errors.New("a composite here is too deep, or its id has more than a byte")
	}
	if n.form == formTags && n.hasParts() {
		return errors.New("it is a set among tags")
	}
	part, err := compileNode(n.path|Path(id)<<16, f)
	if err != nil {
		return err
	}
	if part.form != formTags {
		return errors.New("sets in a set are too deep")
	}
	n.form, n.parts[id] = formSets, part
	return nil
}

func (n *node) put(tag int, part *node) {
	if tag <= 0xFF {
		n.parts[tag] = part
		return
	}
	if n.longTags == nil {
		n.longTags = make(map[uint16]*node)
	}
	n.longTags[uint16(tag)] = part
}

func (n *node) hasParts() bool {
	return len(n.longTags) > 0 || slices.ContainsFunc(n.parts, func(p *node) bool { return p != nil })
}

// compileOther is the leaf for the tags that the description does not name.
func (n *node) compileOther(tag *field.TagSpec) error {
	if !tag.StoreUnknownTLVTags || n.form == formSets {
		return errors.New("unknown tags would be lost: store them or refuse them")
	}
	if tag.PrefUnknownTLV == nil && tag.Enc != encoding.Encoder(encoding.BerTLVTag) {
		return nil // moov, too, refuses them then
	}
	pref := prefix.Prefixer(prefix.BerTLV)
	if tag.PrefUnknownTLV != nil {
		pref = tag.PrefUnknownTLV
	}
	compiled, err := compilePrefix(pref)
	if err != nil {
		return err
	}
	if compiled.kind == noPrefix {
		return errors.New("unknown tags have no length")
	}
	n.other = &node{path: n.path, name: "Tag without a name here", form: formLeaf, length: n.length, pref: compiled, enc: Binary}
	if compiled == LengthHexBERDigits {
		n.other.pref, n.other.enc = LengthHexBER, Hex
	}
	return nil
}

// checkOrder asks that moov packs the tags in the order of their numbers, as
// the codec does.
func checkOrder(spec *field.Spec) error {
	keys := make([]string, 0, len(spec.Subfields))
	for key := range spec.Subfields {
		keys = append(keys, key)
	}
	want := slices.Clone(keys)
	sortTags(want)
	spec.Tag.Sort(keys)
	if !slices.Equal(keys, want) {
		return errors.New("its tags are not sorted by their number")
	}
	return nil
}

func compileTag(spec *field.TagSpec) (*TagEncoder, error) {
	if spec == nil || spec.Enc == nil {
		return nil, errors.New("a composite without tags and without a bitmap cannot be compiled")
	}
	if spec.Pad != nil && spec.Pad != padding.None {
		return nil, errors.New("its tags have padding")
	}
	switch enc := spec.Enc; {
	case enc == encoding.Encoder(encoding.BerTLVTag):
		return TagBER, nil
	case enc == encoding.Encoder(encoding.ASCIIHexToBytes) && spec.Length == 1:
		return Tag1, nil
	case enc == encoding.Encoder(encoding.ASCII) && spec.Length == 2:
		return Tag1Hex, nil // the keys are upper-case hexadecimal, see compileTaggedPart
	}
	if ours, ok := spec.Enc.(*TagEncoder); ok {
		return ours, nil
	}
	return nil, fmt.Errorf("tags by %T of %d bytes are not known", spec.Enc, spec.Length)
}

// compileEncoder finds the strict encoder for one of moov's.
func compileEncoder(enc encoding.Encoder) (*Encoder, error) {
	switch enc {
	case nil:
		return nil, errors.New("it has no encoding")
	case encoding.Encoder(encoding.Binary):
		return Binary, nil
	case encoding.Encoder(encoding.BCD):
		return BCD, nil
	case encoding.Encoder(encoding.ASCII):
		return ASCII, nil
	case encoding.Encoder(encoding.BytesToASCIIHex):
		return Hex, nil
	case encoding.Encoder(encoding.EBCDIC):
		return moovEBCDIC("EBCDIC", enc), nil
	case encoding.Encoder(encoding.EBCDIC1047):
		return moovEBCDIC("EBCDIC 1047", enc), nil
	}
	if ours, ok := enc.(*Encoder); ok && ours != nil {
		return ours, nil
	}
	return nil, fmt.Errorf("encoding %T is not known", enc)
}

// moovEBCDIC takes the printable characters of one of moov's code pages.
func moovEBCDIC(name string, enc encoding.Encoder) *Encoder {
	wire, err := enc.Encode([]byte(printable()))
	if err != nil {
		wire = nil // then every character is refused
	}
	return &Encoder{name: name, kind: asCharacters, letters: newAlphabet(printableFirst, string(wire)), fault: BadText}
}

// compilePrefix finds the strict prefix for one of moov's, by its name.
func compilePrefix(p prefix.Prefixer) (*Prefix, error) {
	if p == nil {
		return nil, errors.New("it has no length prefix; take a fixed one")
	}
	if ours, ok := p.(*Prefix); ok && ours != nil {
		return ours, nil
	}
	name := p.Inspect()
	if known, ok := moovPrefixes[name]; ok {
		return known, nil
	}
	return nil, fmt.Errorf("length prefix %s is not known", name)
}

var moovPrefixes = knownPrefixes()

func knownPrefixes() map[string]*Prefix {
	known := map[string]*Prefix{LengthBER.name: LengthBER}
	for _, family := range []string{"Binary", "ASCII", "EBCDIC", "BCD"} {
		known[family+".Fixed"] = Fixed // moov reads what Hex.Fixed writes as half of it
	}
	letters := ""
	for size := 1; size <= 4; size++ {
		letters += "L"
		for _, p := range []*Prefix{
			{name: "Binary." + letters, kind: binaryPrefix, size: size},
			{name: "ASCII." + letters, kind: characterPrefix, size: size, zero: '0'},
			{name: "EBCDIC." + letters, kind: characterPrefix, size: size, zero: 0xF0},
			{name: "BCD." + letters, kind: packedPrefix, size: (size + 1) / 2, odd: size%2 == 1},
			{name: "Hex." + letters, kind: hexPrefix, size: 2 * size, unit: 1},
		} {
			known[p.name] = p
		}
	}
	return known
}
