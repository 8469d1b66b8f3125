package specs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/moov-io/iso8583/field"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/specs"
)

// The profile as a table: what stands where, how, and who may see it.
func TestProfileTable(t *testing.T) {
	for _, name := range specs.SpecNames() {
		var b strings.Builder
		fmt.Fprintf(&b, "# The profile %s, written from its description.\n", name)
		fmt.Fprintf(&b, "# path, length prefix, length, values: shown or masked, name\n\n")
		codec, ms := codecByName(t, name), descriptions[name]()
		for _, number := range slices.Sorted(maps.Keys(ms.Fields)) {
			profileLine(&b, codec, specs.P(number), ms.Fields[number], "")
		}
		golden.CheckText(t, "testdata/"+name+".txt", b.String())
	}
}

func profileLine(b *strings.Builder, codec *specs.Codec, p specs.Path, f field.Field, indent string) {
	spec, shown := f.Spec(), "masked"
	composite, isComposite := f.(*field.Composite)
	switch {
	case isComposite:
		shown = "parts"
	case codec.MayShow(p):
		shown = "shown"
	}
	fmt.Fprintf(b, "%-14s %-12s %3d  %-6s  %s%s\n", p, spec.Pref.Inspect(), spec.Length, shown, indent, spec.Description)
	if !isComposite {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(spec.Subfields)) {
		profileLine(b, codec, partPath(p, composite, key), spec.Subfields[key], indent+"  ")
	}
}

// Every message of testdata/messages.txt laid open, as `firsttap decode` does.
func TestInspections(t *testing.T) {
	var b strings.Builder
	b.WriteString("# offset, length (tag and length prefix of it), path, name, value as it may be seen\n")
	for _, v := range vectors(t) {
		in := specs.VisaStyleCodec().Inspect(v.body)
		fmt.Fprintf(&b, "\n= %s\n", v.name)
		writeInspection(&b, in)
		if in.Fault != nil {
			t.Errorf("%s: %v", v.name, in.Fault)
		}
		coverWhole(t, v.name, in.Elements, len(v.body))
		showsNothing(t, v, in)
	}
	cut := vectors(t)[0].body[:60]
	b.WriteString("\n= check value, cut\n")
	writeInspection(&b, specs.VisaStyleCodec().Inspect(cut))
	golden.CheckText(t, "testdata/inspections.txt", b.String())
}

func writeInspection(b *strings.Builder, in specs.Inspection) {
	for _, e := range in.Elements {
		name := strings.Repeat("  ", e.Depth) + e.Name
		line := fmt.Sprintf("%04d %4d %2d  %-11s %-33s %s", e.Offset, e.Length, e.Prefix, e.Path, name, e.Value)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if in.Fault != nil {
		fmt.Fprintf(b, "%v\n", in.Fault)
	}
}

// coverWhole checks that the outermost elements lie end to end.
func coverWhole(t *testing.T, name string, elements []specs.Element, size int) {
	t.Helper()
	at := 0
	for _, e := range elements {
		if e.Depth > 0 {
			continue
		}
		if e.Offset != at {
			t.Errorf("%s: %s begins at %d, want %d", name, e.Path, e.Offset, at)
		}
		at += e.Length
	}
	if at != size {
		t.Errorf("%s: the elements end at %d of %d", name, at, size)
	}
}

// showsNothing checks that no value that must be masked is seen.
func showsNothing(t *testing.T, v vector, in specs.Inspection) {
	t.Helper()
	shown := fmt.Sprintf("%+v", in)
	for _, p := range v.message.Paths() {
		value := v.message.Text(p)
		if specs.VisaStyleCodec().MayShow(p) || len(value) < 4 {
			continue
		}
		if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%X", value)) {
			t.Errorf("%s: the value of %s is seen", v.name, p)
		}
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ path, value, want string }{
		{"0", "0100", "0100"},
		{"2", "4895370012003478", "489537******3478"},
		{"2", "4895370012", "**********"}, // too short to show ten digits of it
		{"14", "2912", "****"},
		{"35", "4000000000000002=2912", "*********************"},
		{"39", "00", "00"},
		{"54", "1001840C000000010000", "********************"},
		{"55.01.5A", "\x40\x00\x00\x00\x00\x00\x00\x02", "****************"},
		{"55.01.9F26", "\x12\x34\x56\x78\x12\x34\x56\x78", "****************"},
		{"55.01.9F36", "\x00\x2A", "002A"},
		{"55.01.9F7C", "\x01", "**"},
		{"56", "V0010013022298169667504231315", "*****************************"},
		{"62.2", "532612000123456", "532612000123456"},
		{"123.01.01", "4895370012003478", "489537******3478"},
		{"123.01.05", "2912", "****"},
		{"123.01.07", "A", "A"},
		{"123.01.0B", "123456", "******"},
		{"123.02.03", "JANE DOE", "********"},
		{"125.01.04", "1234", "****"},
		{"126.9", "\x01\x02", "****"},
		{"126.10", "11 123", "11****"},
		{"126.10", "1", "*"},
		{"5", "000000000100", "************"}, // no such field in the profile
	}
	for _, test := range tests {
		p, err := specs.ParsePath(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := specs.VisaStyleCodec().Mask(p, test.value); got != test.want {
			t.Errorf("%s shows %q, want %q", test.path, got, test.want)
		}
	}
}
