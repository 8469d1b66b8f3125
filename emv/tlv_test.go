package emv_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/emv"
)

func TestParseTLV(t *testing.T) {
	// A phone's answer to SELECT PPSE with two applications, cut to its frame.
	const directory = "6F 1F 84 03 325041 A5 18 BF0C 15 61 08 4F 03 A00001 87 01 01 61 09 4F 04 A0000203 87 01 02"
	list, err := emv.ParseTLV(bytesOf(t, directory))
	if err != nil {
		t.Fatal(err)
	}
	const want = "6F[31]{84[3] A5[24]{BF0C[21]{61[8]{4F[3] 87[1]} 61[9]{4F[4] 87[1]}}}}"
	if got := tree(list); got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	if aid, ok := emv.Find(list, emv.TagAID); !ok || shown(aid) != "A00001" {
		t.Errorf("found AID %X, %v: not the first, depth first", aid, ok)
	}
	if _, ok := emv.Find(list, emv.TagPDOL); ok {
		t.Error("found a PDOL that is not there")
	}
}

func TestParseTLVIsStrict(t *testing.T) {
	long := func(n int) string { return strings.Repeat("00", n) }
	for _, c := range []struct {
		name, input string
		want        string // part of the error, or the tree
	}{
		{"nothing", "", ""},
		{"empty value", "95 00", "95[0]"},
		{"empty template", "70 00", "70[0]"},
		{"two-byte tag", "9F26 01 FF", "9F26[1]"},
		{"three-byte tag", "DF8101 01 FF", "DF8101[1]"},
		{"four-byte tag", "DF818101 01 FF", "DF818101[1]"},
		{"five-byte tag", "DF81818101 01 FF", "at offset 0"},
		{"127 bytes", "95 7F" + long(127), "95[127]"},
		{"128 bytes", "95 8180" + long(128), "95[128]"},
		{"255 bytes", "95 81FF" + long(255), "95[255]"},
		{"256 bytes", "95 820100" + long(256), "95[256]"},
		{"tag without length", "95", "at offset 1: no length"},
		{"tag cut short", "9F", "at offset 0: a tag cut short"},
		{"long tag cut short", "9F81", "at offset 0: a tag cut short"},
		{"tag number with leading zeros", "9F8001 00", "at offset 0"},
		{"fill byte in front", "00 95 00", "at offset 0: a fill byte"},
		{"fill byte behind", "95 00 00", "at offset 2: a fill byte"},
		{"value cut short", "95 02 00", "at offset 0: tag 95 says 2 bytes where 1 are left"},
		{"length cut short", "95 82 01", "at offset 1: a length cut short"},
		{"indefinite length", "70 80 95 00 00 00", "at offset 1: length byte 80"},
		{"three length bytes", "95 83 010000", "at offset 1: length byte 83"},
		{"length FF", "95 FF", "at offset 1: length byte FF"},
		{"127 the long way", "95 817F" + long(127), "at offset 1: a length that is not in its shortest form"},
		{"255 the long way", "95 8200FF" + long(255), "at offset 1: a length that is not in its shortest form"},
		{"child over the template's end", "70 03 95 02 00 00", "at offset 2: tag 95 says 2 bytes where 1 are left"},
		{"child's length over the end", "70 01 95 00", "at offset 3: no length"},
		{"twins", "95 00 9A 00 95 00", "at offset 4: tag 95 comes twice"},
		{"twins in a template", "70 04 95 00 95 00", "at offset 4: tag 95 comes twice"},
		{"same tag in two templates", "95 00 70 02 95 00", "95[0] 70[2]{95[0]}"},
		{"directory entries", "61 00 61 00", "61[0] 61[0]"},
	} {
		list, err := emv.ParseTLV(bytesOf(t, c.input))
		switch {
		case err == nil && tree(list) != c.want:
			t.Errorf("%s: read %s, want %s", c.name, tree(list), c.want)
		case err != nil && (!errors.Is(err, emv.ErrTLV) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(c.want, "at ")):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestTLVLimits(t *testing.T) {
	nested := func(depth int) (b []byte) {
		for range depth {
			b = emv.AppendTLV(nil, emv.TagRecord, b)
		}
		return b
	}
	many := func(n int) (b []byte) {
		for range n {
			b = emv.AppendTLV(b, emv.TagDirectoryEntry, nil)
		}
		return b
	}
	// A template of the greatest size: 4 bytes of tag and length and the rest.
	whole := func(size int) []byte { return emv.AppendTLV(nil, emv.TagTVR, make([]byte, size-4)) }
	for _, c := range []struct {
		name     string
		at, past []byte
	}{
		{"bytes", whole(emv.TLVBytesMax), whole(emv.TLVBytesMax + 1)},
		{"depth", nested(emv.TLVDepthMax - 1), nested(emv.TLVDepthMax)},
		{"elements", many(emv.TLVElementsMax), many(emv.TLVElementsMax + 1)},
	} {
		if _, err := emv.ParseTLV(c.at); err != nil {
			t.Errorf("%s at the limit: %v", c.name, err)
		}
		if _, err := emv.ParseTLV(c.past); !errors.Is(err, emv.ErrTLV) {
			t.Errorf("%s past the limit: %v", c.name, err)
		}
	}
}

func TestTag(t *testing.T) {
	for tag, want := range map[emv.Tag]string{emv.TagTVR: "95", emv.TagARQC: "9F26", emv.TagFCIDiscretionary: "BF0C", 0xDF8101: "DF8101", 0: "00", 0xDF818101: "DF818101"} {
		if tag.String() != want {
			t.Errorf("%s, want %s", tag, want)
		}
	}
	if !emv.TagFCI.Constructed() || !emv.TagFCIDiscretionary.Constructed() || emv.TagARQC.Constructed() || emv.TagDFName.Constructed() {
		t.Error("templates are those whose first byte has bit 6")
	}
}

func TestChipDataNamesTheTag(t *testing.T) {
	in, arqc := worked(t, iad10), cryptogram(t, "26CF803FB7D3EB07")
	list, err := emv.ParseTLV(emv.AppendChipData(nil, in, arqc))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range list {
		without := append(append([]emv.TLV(nil), list[:i]...), list[i+1:]...)
		_, _, err := emv.ChipData(without)
		if optional := e.Tag == emv.TagCID; optional != (err == nil) || err != nil && !names(err, e.Tag) {
			t.Errorf("without %s: %v", e.Tag, err)
		}
		longer := append([]emv.TLV(nil), list...)
		longer[i].Value = append(append([]byte(nil), e.Value...), make([]byte, 32)...)
		if _, _, err := emv.ChipData(longer); !names(err, e.Tag) {
			t.Errorf("with a longer %s: %v", e.Tag, err)
		}
		empty := append([]emv.TLV(nil), list...)
		empty[i].Value = nil
		if _, _, err := emv.ChipData(empty); !names(err, e.Tag) {
			t.Errorf("with an empty %s: %v", e.Tag, err)
		}
	}
	for _, c := range []struct {
		tag   emv.Tag
		value string
	}{
		{emv.TagAmount, "00000000125A"},
		{emv.TagCountry, "1840"},
		{emv.TagCurrency, "084F"},
		{emv.TagCID, "00"},
		{emv.TagCID, "40"},
		{emv.TagARQC, "26CF803F"},
	} {
		changed := append([]emv.TLV(nil), list...)
		for i := range changed {
			if changed[i].Tag == c.tag {
				changed[i].Value = unhex(t, c.value)
			}
		}
		if _, _, err := emv.ChipData(changed); !names(err, c.tag) || strings.Contains(err.Error(), c.value) {
			t.Errorf("%s %s: %v", c.tag, c.value, err)
		}
	}
	if _, _, err := emv.ChipData([]emv.TLV{{Tag: emv.TagResponse, Children: list}}); !names(err, emv.TagAmount) {
		t.Errorf("elements inside a template were taken: %v", err)
	}
}

func TestAppendChipDataWritesTooMuchAsNines(t *testing.T) {
	in := worked(t, iad10)
	in.AmountAuthorised, in.Country = emv.AmountMax+1, emv.CodeMax+1
	list, err := emv.ParseTLV(emv.AppendChipData(nil, in, cryptogram(t, "26CF803FB7D3EB07")))
	if err != nil {
		t.Fatal(err)
	}
	amount, _ := emv.Find(list, emv.TagAmount)
	country, _ := emv.Find(list, emv.TagCountry)
	if shown(amount) != "999999999999" || shown(country) != "9999" {
		t.Errorf("amount %X, country %X", amount, country)
	}
}

func FuzzParseTLV(f *testing.F) {
	in := worked(f, iad18)
	f.Add(emv.AppendChipData(nil, in, cryptogram(f, "F8BF255996A9B002")))
	for _, seed := range []string{"", "00", "9F", "9500", "7080", "6F1984033250 41A512BF0C0F610D4F03A00001500256508701 01", "DF818101 01FF", "950283", "9581FF", "7004 9500 9500"} {
		f.Add(bytesOf(f, seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := emv.ParseTLV(b)
		if err != nil {
			if !errors.Is(err, emv.ErrTLV) || list != nil {
				t.Fatalf("%v, %v", list, err)
			}
			return
		}
		if again := encoded(list); !bytes.Equal(again, b) {
			t.Fatalf("%X was read and is written %X", b, again)
		}
		for _, e := range list {
			if _, ok := emv.Find(list, e.Tag); !ok {
				t.Fatalf("tag %s was read and is not found", e.Tag)
			}
		}
		chipDataComesBack(t, list)
	})
}

func chipDataComesBack(t *testing.T, list []emv.TLV) {
	t.Helper()
	in, c, err := emv.ChipData(list)
	if err != nil {
		return
	}
	again, err := emv.ParseTLV(emv.AppendChipData(nil, in, c))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range again {
		if old, ok := emv.Find(list, e.Tag); ok && e.Tag != emv.TagCID && !bytes.Equal(old, e.Value) {
			t.Fatalf("tag %s was %X and is %X", e.Tag, old, e.Value)
		}
	}
}

// encoded writes elements from their tags and innermost values.
func encoded(list []emv.TLV) []byte {
	var b []byte
	for _, e := range list {
		value := e.Value
		if e.Tag.Constructed() {
			value = encoded(e.Children)
		}
		b = emv.AppendTLV(b, e.Tag, value)
	}
	return b
}

// tree shows elements with their lengths, and what templates hold in braces.
func tree(list []emv.TLV) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = e.String()
		if len(e.Children) > 0 {
			parts[i] += "{" + tree(e.Children) + "}"
		}
	}
	return strings.Join(parts, " ")
}

func names(err error, tag emv.Tag) bool {
	return errors.Is(err, emv.ErrChipData) && strings.Contains(err.Error(), fmt.Sprintf("tag %s ", tag))
}

func bytesOf(t failer, digits string) []byte {
	t.Helper()
	return unhex(t, strings.ReplaceAll(digits, " ", ""))
}
