package specs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/specs"
)

func TestSalvage(t *testing.T) {
	tests := []struct {
		name, body string
		ok         bool
		values     map[string]string
	}{
		{"a good message", "0800 0020000000000000 000123", true, map[string]string{"0": "0800", "11": "000123"}},
		{"bytes behind", "0800 0020000000000000 000123 FF", true, map[string]string{"0": "0800", "11": "000123"}},
		{"letter before the trace", "0100 4020000000000000 02 1A 000123", true, map[string]string{"0": "0100", "11": "000123"}},
		{"too long before the trace", "0100 4020000000000000 14 00000000000000000000 000123", true, map[string]string{"0": "0100", "11": "000123"}},
		{"empty before the trace", "0100 4020000000000000 00 000123", true, map[string]string{"0": "0100", "11": "000123"}},
		{"letter behind the trace", "0100 0020000000000002 000123 07 A00000 00A1 3700", true, map[string]string{"0": "0100", "11": "000123"}},
		{"subfield fault, then more", "0100 8020000000000002 0400000000000000 000123 05 200000 37A0 0301", true, map[string]string{"0": "0100", "11": "000123", "70": "301"}},
		{"fault in the second tag", "0100 8020000000000000 0000000000000020 000123 09 01 0006 0701C1 7F01C1", true, map[string]string{"0": "0100", "11": "000123"}},
		{"cut behind the trace", "0100 0020010000000000 000123 01", true, map[string]string{"0": "0100", "11": "000123"}},
		{"overrun before the trace", "0100 4020000000000000 10 000123", false, map[string]string{"0": "0100"}},
		{"unknown field before the trace", "0100 0820000000000000 000000000000 000123", false, map[string]string{"0": "0100"}},
		{"no trace", "0100 2000000000000000 000000", false, map[string]string{"0": "0100", "3": "000000"}},
		{"bad trace", "0100 0020000000000000 0001AA", false, map[string]string{"0": "0100"}},
		{"bad type", "01A0 0020000000000000 000123", false, map[string]string{"0": ""}},
		{"nothing", "", false, map[string]string{"0": ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, ok := specs.VisaStyleCodec().Salvage(unhex(t, test.body))
			if ok != test.ok {
				t.Errorf("ok is %v", ok)
			}
			if diff := cmp.Diff(test.values, codecValues(m)); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}
