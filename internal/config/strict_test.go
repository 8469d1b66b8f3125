package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStrictness(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"nothing", "", ""},
		{"comments", "# only\n", ""},
		{"an empty document", "---\n", ""},
		{"null", "null\n", ""},
		{"a key of the top", "lisen: 1\n", "lisen: there is no such key (line 1)"},
		{"a key deep down", "stations:\n- {name: a, role: merchant, listen: ':0', limits: {port: 1}}\n", "stations[0].limits.port: there is no such key (line 2)"},
		{"a key in a list", "issuers:\n- name: a\n  adress: b\n", "issuers[0].adress: there is no such key (line 3)"},
		{"text for a number", "issuerTimeoutSeconds: ten\n", `issuerTimeoutSeconds: must be a whole number, not "ten" (line 1)`},
		{"a fraction", "issuerTimeoutSeconds: 1.5\n", `issuerTimeoutSeconds: must be a whole number, not "1.5" (line 1)`},
		{"a negative station", "stations: [{station: -1}]\n", `stations[0].station: must be a whole number, not "-1" (line 1)`},
		{"a list for keys", "http: [1]\n", "http: must be keys with values, not a list (line 1)"},
		{"keys for a list", "issuers: {a: 1}\n", "issuers: must be a list, not keys with values (line 1)"},
		{"keys for text", "institution: {a: 1}\n", "institution: must be text, not keys with values (line 1)"},
		{"a list for the whole", "- 1\n", "settings: must be keys with values, not a list (line 1)"},
		{"text for the whole", "hello there everybody\n", `settings: must be keys with values, not "hello t..." (line 1)`},
		{"a key twice", "institution: '1'\ninstitution: '2'\n", "institution: stands there twice (line 2)"},
		{"two of each", "lisen: 1\nissuerTimeoutSeconds: ten\ntokenRange: '1'\n", "lisen: there is no such key (line 1)\n" +
			"issuerTimeoutSeconds: must be a whole number, not \"ten\" (line 2)\ntokenRange: an account range is 6 to 11 leading digits, or LOW-HIGH of equal length"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := LoadGateway(written(t, test.file))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if d := cmp.Diff(strings.Split(test.want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsNoSettingsFile(t *testing.T) {
	for name, file := range map[string]string{
		"this is no YAML":                       "stations: [\n",
		"a settings file has one document only": "institution: '1'\n---\n",
	} {
		if _, err := LoadGateway(written(t, file)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q gives %v", file, err)
		}
	}
	if _, err := LoadGateway(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
}

// Whatever a file holds, loading it neither panics nor hangs, and what is
// accepted prints to a file that is accepted too.
func FuzzDecode(f *testing.F) {
	var defaults bytes.Buffer
	if err := Print(&defaults, DefaultGateway()); err != nil {
		f.Fatal(err)
	}
	f.Add(defaults.String())
	for _, seed := range []string{
		"", "---\n---\n", "stations: [", "issuers: [{}]", "issuers: [null]", "stations: &a [*a]", "? [a]\n: b", "<<: {institution: '1'}",
		"a: &a [*a]", "issuers: [{ranges: [{range: 1}]}]", "\xff", "institution: !!binary aGk=", "stations: [{station: 0o17}]",
		"tls: {clients: []}", "tls: null", "tls: {clients: [{sha256: 00}]}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		g := DefaultGateway()
		var faults Faults
		if err := decode([]byte(file), &g, &faults); err != nil {
			return
		}
		if g.check(&faults); len(faults) > 0 {
			return
		}
		var printed bytes.Buffer
		if err := Print(&printed, g); err != nil {
			t.Fatal(err)
		}
		again := DefaultGateway()
		if err := decode(printed.Bytes(), &again, &faults); err != nil || len(faults) > 0 {
			t.Fatalf("%v %v in:\n%s", err, faults, &printed)
		}
		if d := cmp.Diff(g, again, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Wire{})); d != "" {
			t.Errorf("(-loaded +printed and loaded):\n%s", d)
		}
	})
}
