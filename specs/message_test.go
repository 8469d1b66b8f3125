package specs_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/specs"
)

func TestPathsReadAndWrite(t *testing.T) {
	for text, want := range map[string]specs.Path{
		"0":          specs.P(0),
		"2":          specs.P(2),
		"128":        specs.P(128),
		"63.3":       specs.P(63, 3),
		"126.10":     specs.P(126, 10),
		"123.01.04":  specs.P(123, 1, 4),
		"123.01.0A":  specs.P(123, 1, 0x0A),
		"55.01.9F26": specs.P(55, 1, 0x9F26),
		"55.00.9F26": specs.P(55, 0, 0x9F26), // a field that has tags but no sets
	} {
		got, err := specs.ParsePath(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q reads as %v, %v", text, got, err)
		}
	}
}

func TestBadPaths(t *testing.T) {
	for _, text := range []string{
		"", ".", "x", "-1", "+2", "02", "129", "2.", "2.0", "63.03", "63.256", "63.3.", "123.1.4", "123.01.4",
		"123.01.00", "123.01.0a", "123.01.004", "123.100.04", "55.01.9F2601", "1.2.3.4", "123.-1.04", " 2",
	} {
		if p, err := specs.ParsePath(text); err == nil {
			t.Errorf("%q reads as %v", text, p)
		}
	}
	for _, parts := range [][]int{{-1}, {129}, {2, 0}, {2, 256}, {2, 1, 0}, {2, 1, math.MaxUint16 + 1}, {2, 1, 1, 1}} {
		func() {
			defer func() { _ = recover() }()
			t.Errorf("P(%v) gives %v", parts, specs.P(parts[0], parts[1:]...))
		}()
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("2")
	f.Add("63.3")
	f.Add("55.01.9F26")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := specs.ParsePath(s); err == nil && p.String() != s {
			t.Errorf("%q comes back as %q", s, p)
		}
	})
}

func TestMessageHoldsValues(t *testing.T) {
	m := specs.NewMessage("0100")
	m.Set(specs.P(126, 10), "11 123")
	m.Set(specs.P(2), "4895370012003478")
	m.SetBytes(specs.P(55, 1, 0x9F26), []byte{1, 2})
	m.SetBytes(specs.P(55, 1, 0x82), []byte{3})
	m.Set(specs.P(2), "4000000000000002")
	m.Set(specs.P(39), "")

	want := []specs.Path{specs.P(2), specs.P(55, 1, 0x82), specs.P(55, 1, 0x9F26), specs.P(126, 10)}
	if diff := cmp.Diff(want, m.Paths()); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if got := m.Text(specs.P(2)); got != "4000000000000002" {
		t.Error("the second Set must replace the first")
	}
	if m.Has(specs.P(39)) || m.Text(specs.P(39)) != "" || m.Bytes(specs.P(39)) != nil {
		t.Error("an empty value is no value")
	}
	for field, want := range map[int]bool{2: true, 3: false, 55: true, 56: false, 126: true, 128: false} {
		if m.HasField(field) != want {
			t.Errorf("HasField(%d) is %v", field, !want)
		}
	}
}

func TestMessageDeletes(t *testing.T) {
	m := specs.NewMessage("0100")
	for _, p := range []specs.Path{specs.P(2), specs.P(63, 1), specs.P(63, 3), specs.P(70)} {
		m.Set(p, "1")
	}
	m.Delete(specs.P(5))
	m.Delete(specs.P(2))
	m.Delete(specs.P(63))
	m.Set(specs.P(70), "")
	if len(m.Paths()) != 0 {
		t.Errorf("%v is left", m.Paths())
	}
	m.Set(specs.P(63, 1), "1")
	m.Set(specs.P(63, 3), "1")
	m.Delete(specs.P(63, 1))
	if diff := cmp.Diff([]specs.Path{specs.P(63, 3)}, m.Paths()); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestMessageGrowsOnce(t *testing.T) {
	var m *specs.Message
	build := func() {
		m = specs.NewMessage("0100")
		m.Grow(60)
		for field := 61; field > 1; field-- { // in the order that moves the most
			m.Set(specs.P(field), "1")
		}
	}
	if got := testing.AllocsPerRun(10, build); got > 3 { // itself, its room, and one more under the race detector; by and by it would be 5
		t.Errorf("a message that has grown allocates %v times", got)
	}
	m.Grow(1)
	if !m.Has(specs.P(2)) || len(m.Paths()) != 60 {
		t.Error("what was there is gone")
	}
}

func TestMessageGoesOverItsValues(t *testing.T) {
	m := specs.NewMessage("0100")
	for range m.All() {
		t.Error("an empty message has a value")
	}
	m.Set(specs.P(63, 3), "3700")
	m.Set(specs.P(2), "4761739001010010")
	m.Set(specs.P(11), "000001")
	var got []string
	for p, value := range m.All() {
		if got = append(got, p.String()+"="+value); len(got) == 2 {
			break
		}
	}
	if want := []string{"2=4761739001010010", "11=000001"}; !cmp.Equal(got, want) {
		t.Errorf("the first two are %q, not %q", got, want)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	m := specs.NewMessage("0100")
	m.Set(specs.P(11), "000123")
	c := m.Clone()
	c.SetMTI("0110")
	c.Set(specs.P(11), "000999")
	c.Set(specs.P(3), "000000")
	m.Delete(specs.P(11))
	if c.MTI() != "0110" || c.Text(specs.P(11)) != "000999" || m.MTI() != "0100" || m.Has(specs.P(3)) {
		t.Errorf("%v and its clone %v are not apart", m, c)
	}
}

func TestMessageIsNeverPrinted(t *testing.T) {
	const clear = "4895370012003478"
	m := specs.NewMessage("0100")
	m.Set(specs.P(2), clear)
	holder := struct {
		Open   *specs.Message
		closed *specs.Message
		Value  specs.Message
		value  specs.Message
	}{m, m, *m, *m}

	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, m), fmt.Sprintf(verb, *m), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	encoded, err := json.Marshal(&holder)
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(encoded))
	for _, s := range shown {
		if strings.Contains(s, clear) || strings.Contains(s, fmt.Sprintf("%x", clear)) || strings.Contains(s, fmt.Sprintf("%X", clear)) {
			t.Errorf("the value shows in %q", s)
		}
	}
	if fmt.Sprint(m) != "0100 2" || fmt.Sprint((*specs.Message)(nil)) != "no message" {
		t.Errorf("shows as %q", m)
	}
}

func TestFormatErrorIsOneLine(t *testing.T) {
	_, err := specs.VisaStyleCodec().Parse(unhex(t, "0100 4000000000000000 10 4895"))
	const want = "field 2 at byte 10: overrun: the length says 8 bytes, 2 are left"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := specs.FaultKind(200).String(); got != "fault 200" {
		t.Errorf("an unknown kind is %q", got)
	}
}
