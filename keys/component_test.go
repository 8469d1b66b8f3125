package keys_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/keys"
)

// Components of the published test key 0123456789ABCDEFFEDCBA9876543210.
const (
	partOne   = "1122334455667788A1B2C3D4E5F60718"
	partTwo   = "89ABCDEF0123456776543210FEDCBA98"
	partThree = "99AABBCCDDEEFF00293A4B5C6D7E8F90"
)

// checked parses a component with the check value that it says it has.
func checked(t *testing.T, u keys.Usage, digits string) keys.Component {
	t.Helper()
	ring := create(t, t.TempDir())
	part := unhex(t, digits)
	if err := ring.Import(u, rangeOf(u), 1, part); err != nil {
		t.Fatal(err)
	}
	c, err := keys.ParseComponent(u, digits, ring.List()[0].CheckValue)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rangeOf(u keys.Usage) string {
	if u == keys.DCVV2 || u == keys.CVK {
		return testRange
	}
	return ""
}

// xor of hexadecimal digits.
func xor(t *testing.T, parts ...string) string {
	t.Helper()
	sum := make([]byte, len(parts[0])/2)
	for _, p := range parts {
		for i, b := range unhex(t, p) {
			sum[i] ^= b
		}
	}
	return strings.ToUpper(hex.EncodeToString(sum))
}

func TestComponentsMakeAKey(t *testing.T) {
	wideOne, wideTwo := strings.Repeat("3C", 32), strings.Repeat("5A0F", 16)
	for _, one := range []struct {
		usage keys.Usage
		parts []string
		check string
	}{
		{keys.DCVV2, []string{partOne, partTwo, partThree}, "08D7B4"},
		{keys.Token, []string{partOne, xor(t, partOne, tokenKey)}, "7B8358"},
		{keys.CVK, []string{partThree, xor(t, partThree, tokenKey)}, "7B8358"},
		{keys.DCVV2, []string{wideOne, wideTwo, xor(t, wideOne, wideTwo, aesKey)}, "377822"},
		{keys.PANSeal, []string{wideOne, xor(t, wideOne, aesKey)}, "377822"},
		{keys.PANReference, []string{wideOne, xor(t, wideOne, aesKey)}, "D38B42"},
		{keys.Transport, []string{wideOne, xor(t, wideOne, aesKey)}, "377822"},
		{keys.Transport, []string{partOne, xor(t, partOne, codeKey)}, "2090A6"},
	} {
		var parts []keys.Component
		for _, digits := range one.parts {
			parts = append(parts, checked(t, one.usage, digits))
		}
		combined, err := keys.Combine(parts...)
		if err != nil || combined.CheckValue() != one.check {
			t.Errorf("%s: %s, %v", one.usage, combined.CheckValue(), err)
			continue
		}
		ring := create(t, t.TempDir())
		w := keys.Wanted{Usage: one.usage, Range: rangeOf(one.usage), Version: 3}
		if _, err := ring.ImportCombined(w, combined, "000000"); !errors.Is(err, keys.ErrCheckValue) || len(ring.List()) != 0 {
			t.Errorf("%s: imported without its check value: %v", one.usage, err)
		}
		info, err := ring.ImportCombined(w, combined, strings.ToLower(one.check))
		if err != nil || info.CheckValue != one.check || info.Version != 3 || info.Exportability != keys.ExportNever {
			t.Errorf("%s: %+v, %v", one.usage, info, err)
		}
	}
}

func TestComponentsAreRefusedWithTheReason(t *testing.T) {
	for _, one := range []struct {
		name          string
		usage         keys.Usage
		digits, check string
		want          error
		says          string
	}{
		{"blanks and small letters", keys.DCVV2, "0123 4567 89ab cdef FEDC BA98 7654 3210 ", "08 d7b4", nil, ""},
		{"a wrong check value", keys.DCVV2, codeKey, "08D7B5", keys.ErrCheckValue, ""},
		{"no check value", keys.DCVV2, codeKey, "", keys.ErrCheckValue, ""},
		{"a short check value", keys.DCVV2, codeKey, "08D7", keys.ErrCheckValue, ""},
		{"a long check value", keys.DCVV2, codeKey, "08D7B4A1", keys.ErrCheckValue, ""},
		{"the check value of AES for TDES", keys.DCVV2, codeKey, "2090A6", keys.ErrCheckValue, ""},
		{"nothing", keys.DCVV2, "", "08D7B4", keys.ErrComponent, "0 bytes"},
		{"a digit short", keys.DCVV2, codeKey[1:], "08D7B4", keys.ErrComponent, "even number"},
		{"15 bytes", keys.DCVV2, codeKey[2:], "08D7B4", keys.ErrComponent, "15 bytes"},
		{"17 bytes", keys.DCVV2, codeKey + "00", "08D7B4", keys.ErrComponent, "17 bytes"},
		{"24 bytes", keys.DCVV2, codeKey + codeKey[:16], "08D7B4", keys.ErrComponent, "24 bytes"},
		{"32 bytes for a token key", keys.Token, aesKey, "377822", keys.ErrComponent, "32 bytes"},
		{"no digits", keys.DCVV2, "x" + codeKey[1:], "08D7B4", keys.ErrComponent, "hexadecimal"},
		{"all zero", keys.DCVV2, strings.Repeat("0", 32), "8CA64D", keys.ErrComponent, "all zero"},
		{"an unknown usage", "pin", codeKey, "08D7B4", keys.ErrComponent, "pin"},
	} {
		c, err := keys.ParseComponent(one.usage, one.digits, one.check)
		if !errors.Is(err, one.want) || err != nil && !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: %v", one.name, err)
		}
		if err != nil && (c != keys.Component{} || strings.Contains(err.Error(), "4567")) {
			t.Errorf("%s: a component, or a part of one, comes with the error", one.name)
		}
	}
}

func TestCombineRefuses(t *testing.T) {
	part := func(digits string) keys.Component { return checked(t, keys.DCVV2, digits) }
	one, two, three := part(partOne), part(partTwo), part(partThree)
	halves := part(xor(t, partOne, "0123456789ABCDEF0123456789ABCDEF"))
	parity := part(xor(t, partOne, "0123456789ABCDEF0022446688AACCEE"))
	for _, bad := range []struct {
		name  string
		parts []keys.Component
		want  error
		says  string
	}{
		{"none", nil, keys.ErrComponent, "0 components"},
		{"one", []keys.Component{one}, keys.ErrComponent, "1 components, not 2 or 3"},
		{"four", []keys.Component{one, two, three, part(codeKey)}, keys.ErrComponent, "4 components, not 2 or 3"},
		{"two equal", []keys.Component{one, one}, keys.ErrComponent, "1 and 2 are equal"},
		{"the first and the last equal", []keys.Component{one, two, one}, keys.ErrComponent, "1 and 3 are equal"},
		{"the last two equal", []keys.Component{one, two, two}, keys.ErrComponent, "2 and 3 are equal"},
		{"two lengths", []keys.Component{one, part(aesKey)}, keys.ErrComponent, "component 2 is not as long"},
		{"one that was not read", []keys.Component{one, {}}, keys.ErrComponent, "component 2"},
		{"the third takes away the others", []keys.Component{one, two, part(xor(t, partOne, partTwo))}, keys.ErrKey, "equal"},
		{"equal halves", []keys.Component{one, halves}, keys.ErrKey, "halves are equal"},
		{"halves equal but for parity", []keys.Component{one, parity}, keys.ErrKey, "halves are equal"},
	} {
		if _, err := keys.Combine(bad.parts...); !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
	wideOne, wideTwo := checked(t, keys.PANSeal, aesKey), checked(t, keys.PANSeal, strings.Repeat("3C", 32))
	nothing := checked(t, keys.PANSeal, xor(t, aesKey, strings.Repeat("3C", 32)))
	if _, err := keys.Combine(wideOne, wideTwo, nothing); !errors.Is(err, keys.ErrKey) || !strings.Contains(err.Error(), "all zero") {
		t.Errorf("an AES key of nothing but zeros: %v", err)
	}
}

func TestComponentsAreNeverPrinted(t *testing.T) {
	c := checked(t, keys.DCVV2, codeKey)
	transport, err := keys.NewTransportKey(unhex(t, aesKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{c, &c, transport, &transport, struct{ c any }{c}} {
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&shown, verb, v)
		}
		encoded, _ := json.Marshal(v)
		shown.Write(encoded)
		for _, digits := range []string{codeKey[:8], "\x01\x23\x45", "4ef", "00010203", "\x01\x02\x03", "1 35 69"} {
			if strings.Contains(strings.ToUpper(shown.String()), digits) {
				t.Errorf("%T shows %q", v, shown.String())
			}
		}
	}
}

// FuzzParseComponent looks for panics, and for components that are taken with
// a check value other than their own.
func FuzzParseComponent(f *testing.F) {
	f.Add("dcvv2", codeKey, "08D7B4")
	f.Add("pan-seal", aesKey, "377822")
	f.Add("pan-reference", aesKey, "d38b 42")
	f.Add("token", " 01 23", "")
	f.Fuzz(func(t *testing.T, usage, digits, check string) {
		c, err := keys.ParseComponent(keys.Usage(usage), digits, check)
		if (err == nil) != (c != keys.Component{}) {
			t.Fatalf("a component with an error, or neither: %v", err)
		}
		if err == nil && !strings.EqualFold(strings.Join(strings.Fields(check), ""), c.CheckValue()) {
			t.Fatalf("%q was taken for %s", check, c.CheckValue())
		}
		if _, err := keys.Combine(c, c); err == nil {
			t.Fatal("equal components made a key")
		}
	})
}
