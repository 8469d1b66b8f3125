package messages_test

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

// Every message of the family fits in a frame with each of its values at its
// longest, in every profile; field 55 is filled up with tags without a name.
func TestTheLongestMessagesFitInAFrame(t *testing.T) {
	for _, name := range specs.SpecNames() {
		p, err := profile.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		framing, err := specs.FramingByName(specs.FramingVAP)
		if err != nil {
			t.Fatal(err)
		}
		longest := map[string]profile.Field{}
		for _, f := range profile.Fields(p.Description) {
			longest[f.Path] = f
		}
		for _, form := range messages.Forms() {
			m := specs.NewMessage(form.Types[0])
			for _, one := range form.Fields {
				f := longest[one.Path.String()]
				m.Set(one.Path, strings.Repeat("0", f.Length))
			}
			if m.HasField(55) {
				fillChipData(t, p.Codec, m)
			}
			body, err := p.Codec.Append(nil, m)
			if err != nil {
				t.Errorf("%s: %s: %v", name, form.Name, err)
				continue
			}
			if _, err := framing.Append(nil, specs.Header{}, body); err != nil {
				t.Errorf("%s: %s: %v", name, form.Name, err)
			}
		}
	}
}

// fillChipData adds a tag of the most bytes that the field takes.
func fillChipData(t *testing.T, codec *specs.Codec, m *specs.Message) {
	t.Helper()
	for size := specs.FieldBytesMax; size > 0; size-- {
		m.Set(path(t, "55.01.DF01"), strings.Repeat("0", size))
		if _, err := codec.Append(nil, m); err == nil {
			return
		}
	}
	t.Fatal("field 55 takes no more tag")
}
