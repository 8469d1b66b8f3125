package keys_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/keys"
)

// foreign is the blocks of testdata/keyblocks.txt by usage and algorithm, with
// the transport key they are under.
func foreign(tb testing.TB) (keys.TransportKey, map[string]string) {
	tb.Helper()
	text, err := os.ReadFile("testdata/keyblocks.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var under keys.TransportKey
	blocks := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2:
			under = transportKey(tb, f[1])
		case len(f) == 6 && f[0] != "#":
			blocks[f[0]+f[1]] = f[5]
		}
	}
	if under.CheckValue() != "ED9BF5" || len(blocks) != 4 {
		tb.Fatalf("%d blocks under %s", len(blocks), under.CheckValue())
	}
	return under, blocks
}

func transportKey(tb testing.TB, digits string) keys.TransportKey {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "transport.key")
	if err := os.WriteFile(path, []byte(digits+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	k, err := keys.ReadTransportKey(path)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestImportOfAnIndependentProgramsBlocks(t *testing.T) {
	under, blocks := foreign(t)
	for block, want := range map[string]keys.Info{
		"C0T": {Usage: keys.CVK, Range: testRange, CheckValue: "7B8358", Algorithm: "TDES"},
		"E6T": {Usage: keys.DCVV2, Range: testRange, CheckValue: "08D7B4", Algorithm: "TDES"},
		"E0T": {Usage: keys.Token, CheckValue: "08D7B4", Algorithm: "TDES"},
		"E6A": {Usage: keys.DCVV2, Range: testRange, CheckValue: "377822", Algorithm: "AES"},
	} {
		dir := t.TempDir()
		ring := create(t, dir)
		want.Version, want.Exportability = 7, keys.ExportNever
		info, err := ring.ImportBlock(keys.Wanted{Usage: want.Usage, Range: want.Range, Version: 7}, under, blocks[block])
		if err != nil || info != want {
			t.Errorf("%s: %+v, %v", block, info, err)
		}
		opened, err := keys.Open(dir)
		if err != nil || len(opened.List()) != 1 || opened.List()[0] != want {
			t.Errorf("%s: on disk: %v", block, err)
		}
	}
}

// TestABlockBecomesNothingElse asks for every usage with every block.
func TestABlockBecomesNothingElse(t *testing.T) {
	under, blocks := foreign(t)
	right := map[string]keys.Usage{"C0T": keys.CVK, "E6T": keys.DCVV2, "E6A": keys.DCVV2, "E0T": keys.Token}
	for name, block := range blocks {
		for _, u := range keys.Usages() {
			ring := create(t, t.TempDir())
			_, err := ring.ImportBlock(keys.Wanted{Usage: u, Range: rangeOf(u), Version: 1}, under, block)
			switch {
			case u == right[name] && err != nil:
				t.Errorf("%s as %s: %v", name, u, err)
			case u != right[name] && (!errors.Is(err, keys.ErrKey) || !strings.Contains(err.Error(), `for usage "`+name[:2]+`"`) || len(ring.List()) != 0):
				t.Errorf("%s as %s: %v", name, u, err)
			}
		}
	}
}

func TestImportOfDamagedBlocks(t *testing.T) {
	under, blocks := foreign(t)
	ring := create(t, t.TempDir())
	w := keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 1}
	refused := func(what string, at int, block string, under keys.TransportKey) {
		_, err := ring.ImportBlock(w, under, block)
		if !errors.Is(err, keys.ErrKeyBlock) && !errors.Is(err, keys.ErrKeyBlockMAC) {
			t.Errorf("%s at %d: %v", what, at, err)
		}
	}
	for _, good := range []string{blocks["E6T"], blocks["E6A"]} {
		for at := range len(good) {
			for _, flip := range []byte{1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80} {
				bad := []byte(good)
				bad[at] ^= flip
				refused("flipped", at, string(bad), under)
			}
			refused("cut", at, good[:at], under)
			refused("cut, with its length made to fit", at, fit(good[:at]), under)
			refused("cut from the left", at, "D"+good[1+at:][:0]+good[1+at:]+"0", under)
		}
		for n := range 300 {
			if n != len(good) {
				refused("length field", n, "D"+fourDigits(n)+good[5:], under)
			}
		}
		refused("other wrapping key", 0, good, transportKey(t, strings.Repeat("5A", 32)))
		refused("shorter wrapping key", 0, good, transportKey(t, "88E1AB2A2E3DD38C1FA0B1C2D3E4F506"))
	}
	if len(ring.List()) != 0 {
		t.Error("something was imported")
	}
}

// fit writes the block's own length into its header.
func fit(block string) string {
	if len(block) < 5 {
		return block
	}
	return "D" + fourDigits(len(block)) + block[5:]
}

func fourDigits(n int) string {
	return string([]byte{'0' + byte(n/1000%10), '0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)})
}

func TestHeaderOfAForeignBlockIsEnforced(t *testing.T) {
	wrapping, tdes, aes := unhex(t, aesKey), unhex(t, codeKey), unhex(t, strings.Repeat("3C5A", 16))
	under := transportKey(t, aesKey)
	base := keys.Header{Usage: "E6", Algorithm: 'T', Mode: 'X', Version: "00", Exportability: 'E'}
	hash := []keys.OptionalBlock{{ID: "HM", Value: "21"}}
	for _, one := range []struct {
		name   string
		change func(h *keys.Header, w *keys.Wanted, key *[]byte)
		says   string // "" for a block that is taken
	}{
		{"as it should be", func(*keys.Header, *keys.Wanted, *[]byte) {}, ""},
		{"a label of the other party", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) {
			h.Optional = []keys.OptionalBlock{{ID: "LB", Value: "HARBOUR MDK 1"}}
		}, ""},
		{"mode without restriction", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Mode = 'N' }, ""},
		{"mode for encryption", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Mode = 'E' }, `allows mode of use 'E'`},
		{"mode for MACs", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Mode = 'C' }, `needs 'X'`},
		{"the version asked for", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Version = "07" }, ""},
		{"another version", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Version = "08" }, `key version "08", not "07"`},
		{"a component", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Version = "c7" }, `key version "c7"`},
		{"exportability as it is", func(_ *keys.Header, w *keys.Wanted, _ *[]byte) { w.Exportability = 'E' }, ""},
		{"exportability narrower", func(h *keys.Header, w *keys.Wanted, _ *[]byte) {
			h.Exportability, w.Exportability = 'S', 'E'
		}, ""},
		{"exportability wider", func(_ *keys.Header, w *keys.Wanted, _ *[]byte) { w.Exportability = 'S' }, "says exportability E, which cannot become S"},
		{"exportability of a key that stays", func(h *keys.Header, w *keys.Wanted, _ *[]byte) {
			h.Exportability, w.Exportability = 'N', 'E'
		}, "says exportability N, which cannot become E"},
		{"exportability of no meaning", func(h *keys.Header, _ *keys.Wanted, _ *[]byte) { h.Exportability = 'X' }, "none of N, E and S"},
		{"AES key called triple DES", func(h *keys.Header, _ *keys.Wanted, key *[]byte) {
			h.Algorithm, *key = 'A', (*key)[:16]
		}, `algorithm 'A', and a dcvv2 key of 16 bytes has 'T'`},
		{"three keys of DES", func(_ *keys.Header, _ *keys.Wanted, key *[]byte) { *key = aes[:24] }, "24 bytes"},
		{"equal halves", func(_ *keys.Header, _ *keys.Wanted, key *[]byte) { *key = aes[:16] }, "halves are equal"},
		{"all zero", func(h *keys.Header, _ *keys.Wanted, key *[]byte) { h.Algorithm, *key = 'A', make([]byte, 32) }, "all zero"},
		{"a length that is not wanted", func(_ *keys.Header, w *keys.Wanted, _ *[]byte) { w.Bytes = 32 }, "16 bytes and 32 are wanted"},
		{"HMAC of SHA-256", func(h *keys.Header, w *keys.Wanted, key *[]byte) {
			*h = keys.Header{Usage: "M7", Algorithm: 'H', Mode: 'C', Version: "00", Exportability: 'N', Optional: hash}
			w.Usage, w.Range, *key = keys.PANReference, "", aes
		}, ""},
		{"HMAC of no hash", func(h *keys.Header, w *keys.Wanted, key *[]byte) {
			*h = keys.Header{Usage: "M7", Algorithm: 'H', Mode: 'C', Version: "00", Exportability: 'N'}
			w.Usage, w.Range, *key = keys.PANReference, "", aes
		}, `hash ""`},
	} {
		h, w, key := base, keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 7}, tdes
		one.change(&h, &w, &key)
		block, err := keys.WrapKeyBlock(wrapping, h, key, chance())
		if err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
		ring := create(t, t.TempDir())
		info, err := ring.ImportBlock(w, under, block)
		switch {
		case one.says == "" && (err != nil || info.Exportability.String() != w.Exportability.String()):
			t.Errorf("%s: %+v, %v", one.name, info, err)
		case one.says != "" && (!errors.Is(err, keys.ErrKey) || !strings.Contains(err.Error(), one.says) || len(ring.List()) != 0):
			t.Errorf("%s: %v", one.name, err)
		}
	}
}

func TestExportTravelsToAnotherRing(t *testing.T) {
	under := transportKey(t, strings.Repeat("5A3C", 8))
	for _, u := range keys.Usages() {
		w := keys.Wanted{Usage: u, Range: rangeOf(u), Version: 2, Exportability: keys.ExportTrusted}
		from, to := create(t, t.TempDir()), create(t, t.TempDir())
		made, err := from.Generate(w)
		if err != nil || made.Exportability != keys.ExportTrusted {
			t.Fatalf("%s: %+v, %v", u, made, err)
		}
		block, err := from.Export(w, under)
		if err != nil || block[11] != 'E' || !strings.Contains(block, w.String()) {
			t.Fatalf("%s: %s, %v", u, block, err)
		}
		if _, err := to.ImportBlock(keys.Wanted{Usage: u, Range: rangeOf(u), Version: 3}, under, block); !errors.Is(err, keys.ErrKey) {
			t.Errorf("%s became another version: %v", u, err)
		}
		if got, err := to.ImportBlock(w, under, block); err != nil || got != made {
			t.Errorf("%s: %+v, %v", u, got, err)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	under := transportKey(t, aesKey)
	ring := create(t, t.TempDir(), everyUsage...)
	for _, w := range everyUsage {
		if block, err := ring.Export(w, under); !errors.Is(err, keys.ErrNotExported) || block != "" {
			t.Errorf("%s: %v", w, err)
		}
		w.Exportability = keys.ExportSensitive // what is asked for does not count
		if _, err := ring.Export(w, under); !errors.Is(err, keys.ErrNotExported) {
			t.Errorf("%s: %v", w, err)
		}
	}
	if _, err := ring.Export(keys.Wanted{Usage: keys.Token, Version: 2}, under); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("a key that is not there: %v", err)
	}
	w := keys.Wanted{Usage: keys.Token, Version: 2, Exportability: keys.ExportSensitive}
	if _, err := ring.Generate(w); err != nil {
		t.Fatal(err)
	}
	if block, err := ring.Export(w, keys.TransportKey{}); !errors.Is(err, keys.ErrWrappingKey) || block != "" {
		t.Errorf("under no key: %v", err)
	}
}

func TestTransportKeyFile(t *testing.T) {
	for _, one := range []struct {
		name, text string
		mode       os.FileMode
		want       error
		says       string
	}{
		{"16 bytes", strings.Repeat("5A", 16), 0o600, nil, ""},
		{"24 bytes", strings.Repeat("5A", 24), 0o600, nil, ""},
		{"32 bytes", strings.Repeat("5A", 32), 0o400, nil, ""},
		{"for the group", strings.Repeat("5A", 32), 0o640, keys.ErrPermissions, "0640"},
		{"for others", strings.Repeat("5A", 32), 0o604, keys.ErrPermissions, "0604"},
		{"20 bytes", strings.Repeat("5A", 20), 0o600, nil, "32, 48 or 64 hexadecimal digits"},
		{"33 bytes", strings.Repeat("5A", 33), 0o600, nil, "hexadecimal digits"},
		{"no digits", strings.Repeat("xy", 32), 0o600, nil, "hexadecimal digits"},
		{"nothing", "", 0o600, nil, "hexadecimal digits"},
		{"endless", strings.Repeat("5A", 99), 0o600, nil, "more than 128 bytes"},
		{"all zero", strings.Repeat("00", 32), 0o600, keys.ErrTransportKey, "all zero"},
	} {
		path := filepath.Join(t.TempDir(), "transport.key")
		if err := errors.Join(os.WriteFile(path, []byte(one.text), 0o600), os.Chmod(path, one.mode)); err != nil {
			t.Fatal(err)
		}
		k, err := keys.ReadTransportKey(path)
		if good := one.says == ""; good != (err == nil) || !good && (!strings.Contains(err.Error(), one.says) || strings.Contains(err.Error(), "5A5A")) {
			t.Errorf("%s: %v", one.name, err)
		}
		if one.want != nil && !errors.Is(err, one.want) || (err == nil) != (k.CheckValue() != "") {
			t.Errorf("%s: %v, %q", one.name, err, k.CheckValue())
		}
	}
	if _, err := keys.NewTransportKey(make([]byte, 15)); !errors.Is(err, keys.ErrTransportKey) {
		t.Errorf("15 bytes: %v", err)
	}
}

// FuzzImportBlock looks for panics, and for blocks that become a key of
// another usage than theirs.
func FuzzImportBlock(f *testing.F) {
	under, blocks := foreign(f)
	for _, block := range blocks {
		f.Add(block)
	}
	ring, err := keys.Create(f.TempDir(), chance(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, block string) {
		for _, u := range keys.Usages() {
			_, err := ring.ImportBlock(keys.Wanted{Usage: u, Range: rangeOf(u), Version: 1}, under, block)
			if err == nil && block[5:7] != map[keys.Usage]string{keys.CVK: "C0", keys.DCVV2: "E6", keys.Token: "E0"}[u] {
				t.Fatalf("%s became a %s key", block, u)
			}
		}
	})
}
