package profile

import (
	"maps"
	"slices"
	"strings"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/prefix"

	"github.com/firsttap/firsttap/specs"
)

// Names of the JSON form. Those of moov stand for the strict encoders of
// package specs where the bytes are the same. Those that begin with firsttap
// are ours, for what moov does not have:
//
//	firsttap.EBCDIC037          text in code page 037; moov's EBCDIC has other bytes for five characters, its EBCDIC1047 for three
//	firsttap.Track2             packed digits with one separator "=", nibble 1101
//	firsttap.ASCIIFilled        digits in ASCII without the last one, a zero
//	firsttap.HexBerTLVTag       BER tags in hexadecimal
//	firsttap.HexBytes.LL        two bytes in hexadecimal that count bytes, not digits
//	firsttap.HexBerTLV          BER lengths in hexadecimal
//	firsttap.HexBerTLV.Digits   the same for tags without a name, as moov reads those
const (
	nameEBCDIC037  = "firsttap.EBCDIC037"
	nameTrack2     = "firsttap.Track2"
	nameFilled     = "firsttap.ASCIIFilled"
	nameTagBERHex  = "firsttap.HexBerTLVTag"
	nameASCII      = "ASCII"
	nameBCD        = "BCD"
	nameBinary     = "Binary"
	nameHex        = "HexToASCII"
	nameEBCDIC1047 = "EBCDIC1047"
)

// encodings by name, for values.
var encodings = map[string]encoding.Encoder{
	nameASCII: specs.ASCII, nameBCD: specs.BCD, nameBinary: specs.Binary, nameHex: specs.Hex,
	"EBCDIC": encoding.EBCDIC, nameEBCDIC1047: encoding.EBCDIC1047,
	nameEBCDIC037: specs.EBCDIC037, nameTrack2: specs.Track2, nameFilled: specs.ASCIIFilled,
}

// encodingNames are the names that Export writes: moov's where the bytes are
// the same. Import finds back what a stock name leaves open from the type and
// from what firsttap has in the same place: see the reader's meant.
var encodingNames = map[encoding.Encoder]string{
	specs.ASCII: nameASCII, specs.ASCIIDigits: nameASCII, specs.ASCIITrack2: nameASCII,
	specs.BCD: nameBCD, specs.Binary: nameBinary, specs.Hex: nameHex, specs.HexText: nameHex,
	encoding.EBCDIC: "EBCDIC", encoding.EBCDIC1047: nameEBCDIC1047,
	specs.EBCDIC037: nameEBCDIC037, specs.Track2: nameTrack2, specs.ASCIIFilled: nameFilled,
}

// tagForm is how tags are named in the JSON form.
type tagForm struct {
	name   string
	length int // as moov wants it
}

var tagForms = map[*specs.TagEncoder]tagForm{
	specs.Tag1: {"ASCIIToHex", 1}, specs.TagBER: {"BerTLVTag", 0},
	specs.Tag1Hex: {nameASCII, 2}, specs.TagBERHex: {nameTagBERHex, 0},
}

// prefixes by name.
var prefixes = knownPrefixes()

// prefixMax is the most that a prefix can count, for those that can be too
// short for a field.
var prefixMax = map[string]int{
	"ASCII.L": 9, "ASCII.LL": 99, "ASCII.LLL": 999, "EBCDIC.L": 9, "EBCDIC.LL": 99, "EBCDIC.LLL": 999,
	"BCD.L": 9, "BCD.LL": 99, "BCD.LLL": 999, "Binary.L": 255, "Hex.L": 255, "BerTLV": 255, "firsttap.HexBerTLV": 255,
}

func knownPrefixes() map[string]prefix.Prefixer {
	known := map[string]prefix.Prefixer{}
	for name, family := range map[string]prefix.Prefixers{
		"ASCII": prefix.ASCII, "BCD": prefix.BCD, "Hex": prefix.Hex, "EBCDIC": prefix.EBCDIC, "Binary": prefix.Binary,
	} {
		known[name+".Fixed"] = specs.Fixed
		known[name+".L"], known[name+".LL"] = family.L, family.LL
		known[name+".LLL"], known[name+".LLLL"] = family.LLL, family.LLLL
	}
	for _, ours := range []*specs.Prefix{
		specs.Length1, specs.Length2, specs.LengthBER, specs.ASCIILL, specs.ASCIILLL,
		specs.LengthHex1, specs.LengthHex2, specs.LengthHexBER, specs.LengthHexBERDigits,
	} {
		known[ours.Inspect()] = ours
	}
	return known
}

// sorts are moov's names of orders. Both put tags in the order of their
// numbers where they can be used.
var sorts = []string{"StringsByHex", "StringsByInt"}

func names[V any](table map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(table)), ", ")
}
