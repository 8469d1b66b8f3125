package profile_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	moov "github.com/moov-io/iso8583/specs"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

// goldens are the bytes of every message of the family in a profile.
func goldens(t testing.TB, name string) map[string][]byte {
	t.Helper()
	folder := filepath.Join("..", "..", "messages", "testdata", "golden")
	if name != specs.NameVisaStyle {
		folder = filepath.Join(folder, name)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens of %s: %v", name, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		all[filepath.Base(file)] = golden.Load(t, file)
	}
	return all
}

func exported(t testing.TB, name string) []byte {
	t.Helper()
	ms, err := specs.Describe(name)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := profile.Export(ms)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWhatIsExportedComesBackTheSame(t *testing.T) {
	for _, name := range specs.SpecNames() {
		t.Run(name, func(t *testing.T) {
			raw := exported(t, name)
			p, err := profile.Import(bytes.NewReader(raw), nil)
			if err != nil {
				t.Fatal(err)
			}
			known, err := profile.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != name || p.Codec.Name() != name {
				t.Errorf("is named %q, %q", p.Name, p.Codec.Name())
			}
			if diff := cmp.Diff(profile.Fields(known.Description), profile.Fields(p.Description)); diff != "" {
				t.Errorf("fields (-ours +imported):\n%s", diff)
			}
			for file, body := range goldens(t, name) {
				m, err := p.Codec.Parse(body)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				again, err := p.Codec.Append(nil, m)
				if err != nil || !bytes.Equal(again, body) {
					t.Errorf("%s: packs %X, %v", file, again, err)
				}
				byMoov := iso8583.NewMessage(p.Description)
				if err := byMoov.Unpack(body); err != nil {
					t.Errorf("%s: moov: %v", file, err)
				}
			}
			twice, err := profile.Export(p.Description)
			if err != nil || !bytes.Equal(twice, raw) {
				t.Errorf("is exported again as something else: %v", err)
			}
		})
	}
}

// What a stock name leaves open is found back: a letter among digits is
// refused as by the profile itself.
func TestAnImportedProfileIsAsStrict(t *testing.T) {
	p, err := profile.Import(bytes.NewReader(exported(t, specs.NameASCII87)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for file, body := range goldens(t, specs.NameASCII87) {
		for i := range body {
			bad := bytes.Clone(body)
			bad[i] = '~'
			_, want := byName(t, specs.NameASCII87).Codec.Parse(bad)
			_, got := p.Codec.Parse(bad)
			if diff := cmp.Diff(faultOf(want), faultOf(got)); diff != "" {
				t.Fatalf("%s with byte %d changed (-ours +imported):\n%s", file, i, diff)
			}
		}
	}
}

func faultOf(err error) specs.FormatError {
	var f *specs.FormatError
	if errors.As(err, &f) {
		return *f
	}
	return specs.FormatError{}
}

func byName(t testing.TB, name string) *profile.Profile {
	t.Helper()
	p, err := profile.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// moov reads what Stock gives with its own importer.
func TestStockIsReadByMoov(t *testing.T) {
	for _, name := range specs.SpecNames() {
		t.Run(name, func(t *testing.T) {
			stock, notes := profile.Stock(byName(t, name).Description)
			raw, err := profile.Export(stock)
			if err != nil {
				t.Fatal(err)
			}
			if len(notes) == 0 || bytes.Contains(raw, []byte("firsttap.")) {
				t.Errorf("notes %q, names of ours in\n%s", notes, raw)
			}
			ms, err := moov.ImportJSON(raw)
			if err != nil {
				t.Fatal(err)
			}
			for file, body := range goldens(t, name) {
				m := iso8583.NewMessage(ms)
				if err := m.Unpack(body); err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				if again, err := m.Pack(); err != nil || !bytes.Equal(again, body) {
					t.Errorf("%s: packs %X, %v", file, again, err)
				}
			}
		})
	}
}

// The example client speaks both profiles with moov as it comes: its descriptions
// are what `firsttap spec export NAME --stock` writes.
func TestTheExamplesDescriptionsAreTheStockOnes(t *testing.T) {
	for _, name := range specs.SpecNames() {
		stock, _ := profile.Stock(byName(t, name).Description)
		raw, err := profile.Export(stock)
		if err != nil {
			t.Fatal(err)
		}
		golden.CheckText(t, filepath.Join("..", "..", "examples", "client", name+".json"), string(raw))
	}
}

// A door that speaks the stock description of visa-style understands every
// message.
func TestTheStockDescriptionOfVisaStyleIsSpoken(t *testing.T) {
	stock, _ := profile.Stock(byName(t, specs.NameVisaStyle).Description)
	raw, err := profile.Export(stock)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Import(bytes.NewReader(raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	for file, body := range goldens(t, specs.NameVisaStyle) {
		if _, err := p.Codec.Parse(body); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// FuzzImport: nothing panics, and what is taken can be exported and taken
// again.
func FuzzImport(f *testing.F) {
	for _, name := range specs.SpecNames() {
		f.Add(exported(f, name))
	}
	for _, row := range faultTests {
		f.Add([]byte(changed(f, row)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := profile.Import(bytes.NewReader(raw), needs)
		if err != nil {
			var faults profile.Faults
			if !errors.As(err, &faults) || len(faults) == 0 || strings.TrimSpace(err.Error()) == "" {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		again, err := profile.Export(p.Description)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := profile.Import(bytes.NewReader(again), needs); err != nil {
			t.Fatalf("what was taken is not taken again: %v", err)
		}
	})
}
