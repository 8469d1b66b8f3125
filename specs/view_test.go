package specs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/specs"
)

// viewAgrees holds a view against Parse: the same fault, or the same values,
// and untouched the same bytes.
func viewAgrees(t rapid.TB, codec *specs.Codec, body []byte) {
	t.Helper()
	var v specs.View
	err := codec.Scan(&v, body)
	m, parseErr := codec.Parse(body)
	if diff := cmp.Diff(parseErr, err); diff != "" {
		t.Fatalf("faults of %X (-Parse +Scan):\n%s", body, diff)
	}
	if err != nil {
		if v.MTI() != "" || v.Paths() != nil || v.String() != "no message" {
			t.Fatalf("a message that was refused is in the view: %v", &v)
		}
		return
	}
	viewIs(t, codec, &v, m)
	if packed, err := v.Append(nil); err != nil || !bytes.Equal(packed, body) {
		t.Fatalf("came    %X\nrelayed %X, %v", body, packed, err)
	}
}

// viewIs compares what a view and a message say.
func viewIs(t rapid.TB, codec *specs.Codec, v *specs.View, m *specs.Message) {
	t.Helper()
	want, got := codecValues(m), map[string]string{"0": v.MTI()}
	for _, p := range v.Paths() {
		if !v.Has(p) {
			t.Fatalf("%s is listed and not there", p)
		}
		got[p.String()] = v.Text(p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("values of %s (-message +view):\n%s", codec.Name(), diff)
	}
	if diff := cmp.Diff(want, codecValues(v.Message())); diff != "" {
		t.Fatalf("View.Message (-message +view):\n%s", diff)
	}
}

// changeBoth makes a change to a view and to a message. What the view refuses,
// packing refuses with the same fault.
func changeBoth(t *rapid.T, codec *specs.Codec, v *specs.View, m *specs.Message, paths []specs.Path) {
	t.Helper()
	p := drawOne(t, "path", paths)
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		v.Delete(p)
		m.Delete(p)
		return
	case 1:
		field := p &^ 0xFFFFFF
		v.Delete(field)
		m.Delete(field)
		return
	case 2:
		mti := rapid.StringMatching(`[0-9]{4}|[0-9A]{0,5}`).Draw(t, "type")
		if err := v.SetMTI(mti); err != nil {
			refused(t, codec, specs.NewMessage(mti), err)
			return
		}
		m.SetMTI(mti)
		return
	}
	value := drawChange(t, m, p)
	set := v.Set
	if rapid.Bool().Draw(t, "as bytes") {
		set = func(p specs.Path, value string) error { return v.SetBytes(p, []byte(value)) }
	}
	if err := set(p, value); err != nil {
		alone := specs.NewMessage(v.MTI())
		alone.Set(p, value)
		refused(t, codec, alone, err)
		return
	}
	m.Set(p, value)
}

func drawChange(t *rapid.T, m *specs.Message, p specs.Path) string {
	old := m.Text(p)
	switch {
	case rapid.IntRange(0, 9).Draw(t, "empty") == 0:
		return ""
	case old != "" && rapid.Bool().Draw(t, "as long"):
		turned := []byte(old)
		slices.Reverse(turned)
		return string(turned)
	}
	return rapid.StringMatching(`[0-9]{1,20}|[ -~]{1,40}|[0-9]{4}=[0-9]{1,9}`).Draw(t, "value")
}

func refused(t *rapid.T, codec *specs.Codec, m *specs.Message, err error) {
	t.Helper()
	_, want := codec.Append(nil, m)
	if diff := cmp.Diff(want, err); diff != "" {
		t.Fatalf("fault (-Append +Set):\n%s", diff)
	}
}

// changesAgree draws changes and compares what becomes of a view and a message.
func changesAgree(t *rapid.T, codec *specs.Codec, body []byte, more []specs.Path) {
	t.Helper()
	m, err := codec.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	sorted := inOrder(codec, body)
	var v specs.View
	if err := codec.Scan(&v, body); err != nil {
		t.Fatal(err)
	}
	paths := append(m.Paths(), more...)
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		changeBoth(t, codec, &v, m, paths)
		viewIs(t, codec, &v, m)
	}
	dst := []byte("before")
	want, wantErr := codec.Append(dst, m)
	got, err := v.Append(dst)
	if diff := cmp.Diff(wantErr, err); diff != "" {
		t.Fatalf("fault (-Append +View.Append):\n%s", diff)
	}
	if err != nil || sorted {
		if !bytes.Equal(want, got) {
			t.Fatalf("of %X\npacks  %X\nrelays %X", body, want, got)
		}
		return
	}
	again, err := codec.Parse(got[len(dst):])
	if err != nil {
		t.Fatalf("what the view packs cannot be read: %v", err)
	}
	if diff := cmp.Diff(codecValues(m), codecValues(again)); diff != "" {
		t.Fatalf("values (-message +relayed):\n%s", diff)
	}
}

// strangePaths are some that no profile has, or not everywhere.
var strangePaths = []specs.Path{
	0, specs.P(1), specs.P(2, 1), specs.P(5), specs.P(55), specs.P(55, 1), specs.P(55, 0, 0x82), specs.P(55, 1, 0x1F), specs.P(55, 2, 0x82),
	specs.P(55, 1, 0x9F1B), specs.P(62, 2, 1), specs.P(62, 65), specs.P(65), specs.P(123, 3, 1), specs.P(123, 1, 0x7F), 255 << 24,
}

// allPaths are those that a description names, and strange ones.
func allPaths(ms *iso8583.MessageSpec) []specs.Path {
	paths := slices.Clone(strangePaths)
	for number, f := range ms.Fields {
		if number > 1 {
			paths = leafPaths(paths, specs.P(number), f)
		}
	}
	for _, p := range slices.Clone(paths) { // with or without a set, and inside what has no inside
		paths = append(paths, p^1<<16, p^1)
	}
	slices.Sort(paths) // the order of a map must not be chance's
	return paths
}

func TestViewAgreesWithMessage(t *testing.T) {
	for _, name := range specs.SpecNames() {
		t.Run(name, func(t *testing.T) {
			ms, codec := descriptions[name](), codecByName(t, name)
			paths := allPaths(ms)
			rapid.Check(t, func(t *rapid.T) {
				packed, err := codec.Append(nil, drawMessage(t, ms))
				if err != nil {
					return // too long
				}
				packed = shuffle(t, codec, packed)
				viewAgrees(t, codec, packed)
				changesAgree(t, codec, packed, paths)
			})
		})
	}
}

func FuzzView(f *testing.F) { fuzzView(f, specs.NameVisaStyle) }

func FuzzViewASCII87(f *testing.F) { fuzzView(f, specs.NameASCII87) }

// fuzzView scans any bytes, and changes what can be read of them.
func fuzzView(f *testing.F, name string) {
	codec, paths := codecByName(f, name), allPaths(descriptions[name]())
	seedBodies(f, codec, func(body []byte) { f.Add(body, len(body)) })
	f.Fuzz(func(t *testing.T, body []byte, seed int) {
		viewAgrees(t, codec, body)
		if _, err := codec.Parse(body); err != nil {
			return
		}
		changes := rapid.Custom(func(t *rapid.T) bool { changesAgree(t, codec, body, paths); return true })
		changes.Example(seed)
	})
}

// shuffle lets neighbours among sets, and among tags, change places, or nothing
// at all.
func shuffle(t *rapid.T, codec *specs.Codec, body []byte) []byte {
	for range rapid.IntRange(0, 4).Draw(t, "swaps") {
		var pairs [][2]specs.Element
		last := map[int]specs.Element{} // by depth
		for _, e := range codec.Inspect(body).Elements {
			if before := last[e.Depth]; movable(e) && movable(before) && before.Offset+before.Length == e.Offset {
				pairs = append(pairs, [2]specs.Element{before, e})
			}
			last[e.Depth] = e
		}
		if len(pairs) == 0 {
			break
		}
		pair := drawOne(t, "swap", pairs)
		first, second := pair[0], pair[1]
		swapped := slices.Clone(body[:first.Offset])
		swapped = append(swapped, body[second.Offset:second.Offset+second.Length]...)
		swapped = append(swapped, body[first.Offset:second.Offset]...)
		body = append(swapped, body[second.Offset+second.Length:]...)
	}
	return body
}

// movable is a tag, or a set, whose path is no value's.
func movable(e specs.Element) bool {
	p, err := specs.ParsePath(e.Path)
	return e.Depth > 0 && (err != nil || p.Tag() > 0)
}

func TestViewIsNeverPrinted(t *testing.T) {
	const clear = "4895370012003478"
	body := unhex(t, "0100 4000000000000000 10 4895370012003478")
	var v, empty specs.View
	if err := specs.VisaStyleCodec().Scan(&v, body); err != nil {
		t.Fatal(err)
	}
	if err := v.Set(specs.P(2), clear); err != nil {
		t.Fatal(err)
	}
	holder := struct {
		Open   *specs.View
		closed *specs.View
	}{&v, &v}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, &v), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
		shown = append(shown, fmt.Sprintf(verb, []any{v}))
	}
	encoded, err := json.Marshal(&holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(shown, string(encoded)) {
		if strings.Contains(s, clear) || strings.Contains(s, fmt.Sprintf("%X", clear)) || strings.Contains(s, fmt.Sprintf("%x", clear)) {
			t.Errorf("the value shows in %q", s)
		}
		if strings.Contains(s, fmt.Sprint(body)) {
			t.Errorf("the message shows in %q", s)
		}
	}
	if fmt.Sprint(&v) != "0100 2" || fmt.Sprint(&empty) != "no message" || fmt.Sprint((*specs.View)(nil)) != "no message" {
		t.Errorf("shows as %v", &v)
	}
}

func TestViewWithoutMessage(t *testing.T) {
	var v specs.View
	broken := unhex(t, "0100 4000000000000000 10 48")
	for _, scan := range []bool{false, true} {
		if scan && specs.VisaStyleCodec().Scan(&v, broken) == nil {
			t.Fatal("half a message is accepted")
		}
		v.Delete(specs.P(2))
		if v.Has(specs.P(2)) || v.Text(specs.P(2)) != "" || v.MTI() != "" || v.Paths() != nil || v.Message().MTI() != "" {
			t.Errorf("%v has something", &v)
		}
		if v.Set(specs.P(2), "1") == nil || v.SetBytes(specs.P(2), []byte("1")) == nil || v.SetMTI("0110") == nil {
			t.Errorf("%v takes a value", &v)
		}
		if out, err := v.Append([]byte{1}); err == nil || len(out) != 1 {
			t.Errorf("%v packs %X", &v, out)
		}
	}
}

// What is untouched stays as it came, also where a writer would do otherwise.
func TestViewLeavesTheRestAlone(t *testing.T) {
	codec := specs.VisaStyleCodec()
	tests := []struct {
		name, body, want string
		change           func(v *specs.View) error
	}{
		{
			"another field", "0100 0020000000000200 000123 0A 01 0007 9F270180 9C0100",
			"0100 0020000000000200 000124 0A 01 0007 9F270180 9C0100",
			func(v *specs.View) error { return v.Set(specs.P(11), "000124") },
		},
		{
			"its own field", "0100 0020000000000200 000123 0A 01 0007 9F270180 9C0100",
			"0100 0020000000000200 000123 0A 01 0007 9C0101 9F270180",
			func(v *specs.View) error { return v.SetBytes(specs.P(55, 1, 0x9C), []byte{1}) },
		},
		{
			"the last tag of a set", "0100 8000000000000000 0000000000000020 0C 01 0003 0701C1 02 0003 0101F1",
			"0100 8000000000000000 0000000000000020 06 02 0003 0101F1",
			func(v *specs.View) error { return v.Set(specs.P(123, 1, 7), "") },
		},
		{
			"the last part of the last field above 64", "0100 8020000000000000 0000000000000020 000123 06 01 0003 0701C1",
			"0100 0020000000000000 000123",
			func(v *specs.View) error { v.Delete(specs.P(123)); return nil },
		},
		{
			"a first field above 64", "0810 0020000000000000 000123",
			"0810 8020000000000000 0400000000000000 000123 0301",
			func(v *specs.View) error { return v.Set(specs.P(70), "301") },
		},
	}
	for _, test := range tests {
		var v specs.View
		if err := codec.Scan(&v, unhex(t, test.body)); err != nil {
			t.Fatal(err)
		}
		if err := test.change(&v); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got, err := v.Append(nil); err != nil || !bytes.Equal(got, unhex(t, test.want)) {
			t.Errorf("%s: packs %X, want %s, %v", test.name, got, test.want, err)
		}
	}
}

func TestViewRefusesPartsThatDoNotFit(t *testing.T) {
	codec := specs.VisaStyleCodec()
	var v specs.View
	if err := codec.Scan(&v, unhex(t, "0100 0000000000000000")); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []int{0x71, 0x72} {
		if err := v.SetBytes(specs.P(55, 1, tag), make([]byte, 127)); err != nil {
			t.Fatal(err)
		}
	}
	dst := []byte{7}
	out, err := v.Append(dst)
	f := (*specs.FormatError)(nil)
	if !errors.As(err, &f) || f.Kind != specs.TooLong || f.Path != "55.01" || !bytes.Equal(out, dst) {
		t.Errorf("packs %X, %v", out, err)
	}
}
