package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

func specFile(t *testing.T, from string, change func([]byte) []byte) string {
	t.Helper()
	ms, err := specs.Describe(from)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := profile.Export(ms)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mine.json")
	if err := os.WriteFile(file, change(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each of firsttap's own profiles holds what firsttap needs, read from a file
// like a user's.
func TestOurOwnSpecsHoldAsFiles(t *testing.T) {
	for _, name := range specs.SpecNames() {
		w := Wire{Spec: specFile(t, name, func(raw []byte) []byte { return raw }), Framing: specs.FramingVAP}
		var f Faults
		w.check(&f, "")
		if len(f) > 0 || w.Codec() == nil || w.Codec().Name() != name {
			t.Errorf("%s: %v, codec %v", name, f, w.Codec())
		}
		if p, err := ReadSpec(w.Spec); err != nil || len(p.Notes) > 0 {
			t.Errorf("%s: notes %v, %v", name, p.Notes, err)
		}
	}
}

func TestEachFaultOfASpecIsAFaultOfTheSetting(t *testing.T) {
	file := specFile(t, specs.NameVisaStyle, func(raw []byte) []byte {
		raw = bytes.Replace(raw, []byte(`"BCD"`), []byte(`"PACKED"`), 2)
		return bytes.Replace(raw, []byte(`"Transmission date and time",`), []byte(`"Transmission date and time", "padding": {"type": "Left", "pad": "0"},`), 1)
	})
	g := DefaultGateway()
	g.Stations[0].Spec = file
	f := faultsOf(&g)
	want := []string{"fields.0.enc: \"PACKED\"", "fields.2.enc: \"PACKED\"", "fields.7.padding: padding with 0"}
	if len(f) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(f), len(want), f)
	}
	for i, line := range f {
		if !strings.HasPrefix(line, "stations[0].spec: "+file+": "+want[i]) {
			t.Errorf("got %s, want %s", line, want[i])
		}
	}
}
