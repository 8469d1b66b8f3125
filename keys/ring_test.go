package keys_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/keys"
)

// Published test keys and their check values.
const (
	codeKey  = "0123456789ABCDEFFEDCBA9876543210" // 08D7B4
	tokenKey = "FEDCBA98765432100123456789ABCDEF" // 7B8358
	aesKey   = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
)

const testRange = "4761739"

var everyUsage = []keys.Wanted{
	{Usage: keys.DCVV2, Range: testRange, Version: 1},
	{Usage: keys.PANReference, Version: 1},
	{Usage: keys.PANSeal, Version: 1},
	{Usage: keys.Token, Version: 1},
}

// chance is the same in every run.
func chance() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1, 2, 3}) }

func create(t *testing.T, dir string, wanted ...keys.Wanted) *keys.Ring {
	t.Helper()
	ring, err := keys.Create(dir, chance(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clear is a code master key as the ring holds it.
func clear(m dcvv2.Master) []byte { return m.(dcvv2.MasterKey).Reveal() }

// secrets is every key of a ring of everyUsage.
func secrets(t *testing.T, ring *keys.Ring) (all [][]byte) {
	t.Helper()
	code, err := ring.CodeMaster(testRange, 1)
	if err != nil {
		t.Fatal(err)
	}
	master, err := ring.TokenMaster(1)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, clear(code), master.Reveal())
	for _, u := range []keys.Usage{keys.PANSeal, keys.PANReference} {
		key, err := ring.Secret(u, 1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	return all
}

func TestCreateGeneratesWhatIsMissingAndOpenReadsIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "keys")
	first := create(t, dir, everyUsage[:2]...)
	if n := len(first.List()); n != 2 {
		t.Fatalf("%d keys", n)
	}
	second := create(t, dir, everyUsage...)
	opened, err := keys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(secrets(t, second), secrets(t, opened)); diff != "" {
		t.Errorf("the keys changed on their way: %s", diff)
	}
	if diff := cmp.Diff(second.List(), opened.List()); diff != "" {
		t.Error(diff)
	}
	one, _ := first.CodeMaster(testRange, 1)
	if again, err := opened.CodeMaster(testRange, 1); err != nil || !bytes.Equal(clear(again), clear(one)) {
		t.Errorf("a key that was there was generated anew: %v", err)
	}
}

func TestGeneratedKeysHaveTheirFormAndDiffer(t *testing.T) {
	all := secrets(t, create(t, t.TempDir(), everyUsage...))
	for i, want := range []int{16, 16, 32, 32} {
		if len(all[i]) != want {
			t.Errorf("key %d has %d bytes", i, len(all[i]))
		}
		for j := range i {
			if bytes.HasPrefix(all[i], all[j][:8]) {
				t.Errorf("keys %d and %d begin alike", i, j)
			}
		}
	}
	for _, key := range all[:2] {
		for _, b := range key {
			if bits.OnesCount8(b)%2 != 1 {
				t.Fatal("a DES key has odd parity")
			}
		}
	}
}

func TestListShowsCheckValues(t *testing.T) {
	ring := create(t, t.TempDir())
	for _, one := range []struct {
		usage        keys.Usage
		accountRange string
		clear        string
	}{
		{keys.Token, "", tokenKey},
		{keys.PANSeal, "", aesKey},
		{keys.PANReference, "", aesKey},
		{keys.DCVV2, testRange, codeKey},
		{keys.DCVV2, "40000000-40000004", aesKey},
	} {
		if err := ring.Import(one.usage, one.accountRange, 1, unhex(t, one.clear)); err != nil {
			t.Fatal(err)
		}
	}
	want := []keys.Info{
		{Usage: keys.DCVV2, Range: "40000000-40000004", Version: 1, Algorithm: "AES", CheckValue: "377822", Exportability: keys.ExportNever},
		{Usage: keys.DCVV2, Range: testRange, Version: 1, Algorithm: "TDES", CheckValue: "08D7B4", Exportability: keys.ExportNever},
		{Usage: keys.PANReference, Version: 1, Algorithm: "HMAC", CheckValue: "D38B42", Exportability: keys.ExportNever},
		{Usage: keys.PANSeal, Version: 1, Algorithm: "AES", CheckValue: "377822", Exportability: keys.ExportNever},
		{Usage: keys.Token, Version: 1, Algorithm: "TDES", CheckValue: "7B8358", Exportability: keys.ExportNever},
	}
	if diff := cmp.Diff(want, ring.List()); diff != "" {
		t.Error(diff)
	}
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	ring := create(t, dir)
	good := unhex(t, codeKey)
	for _, one := range []struct {
		name         string
		usage        keys.Usage
		accountRange string
		version      int
		clear        []byte
		want         error
	}{
		{"a code key", keys.DCVV2, testRange, 1, good, nil},
		{"the same again", keys.DCVV2, testRange, 1, good, nil},
		{"another of the same name", keys.DCVV2, testRange, 1, unhex(t, tokenKey), keys.ErrExists},
		{"the next version", keys.DCVV2, testRange, 2, unhex(t, tokenKey), nil},
		{"the last version", keys.DCVV2, testRange, keys.VersionMax, good, nil},
		{"one version too many", keys.DCVV2, testRange, keys.VersionMax + 1, good, keys.ErrName},
		{"version 0", keys.DCVV2, testRange, 0, good, keys.ErrName},
		{"no range", keys.DCVV2, "", 1, good, keys.ErrName},
		{"no good range", keys.DCVV2, "47617x", 1, good, keys.ErrName},
		{"a range written in two ways", keys.DCVV2, "4761739-4761739", 1, good, keys.ErrName},
		{"a range for a token key", keys.Token, testRange, 1, good, keys.ErrName},
		{"an unknown usage", "pin", "", 1, good, keys.ErrName},
		{"15 bytes", keys.Token, "", 1, good[:15], keys.ErrKey},
		{"17 bytes", keys.Token, "", 1, append(good[:16:16], 0), keys.ErrKey},
		{"an AES key for tokens", keys.Token, "", 1, unhex(t, aesKey), keys.ErrKey},
		{"a TDES key for sealing", keys.PANSeal, "", 1, good, keys.ErrKey},
		{"equal halves", keys.Token, "", 1, append(good[:8:8], good[:8]...), keys.ErrKey},
		{"no key", keys.PANReference, "", 1, nil, keys.ErrKey},
	} {
		if err := ring.Import(one.usage, one.accountRange, one.version, one.clear); !errors.Is(err, one.want) {
			t.Errorf("%s: %v", one.name, err)
		}
	}
	opened, err := keys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := opened.CodeMaster(testRange, 1); err != nil || !bytes.Equal(clear(key), good) {
		t.Errorf("the key that was imported first: %v", err)
	}
	if n := len(opened.List()); n != 3 {
		t.Errorf("%d keys", n)
	}
}

func TestKeysThatAreNotThere(t *testing.T) {
	ring := create(t, t.TempDir(), everyUsage...)
	for name, ask := range map[string]func() error{
		"another range":           func() error { _, err := ring.CodeMaster("4000000", 1); return err },
		"another version":         func() error { _, err := ring.CodeMaster(testRange, 2); return err },
		"a token key of later":    func() error { _, err := ring.TokenMaster(2); return err },
		"a seal key of later":     func() error { _, err := ring.Secret(keys.PANSeal, 2); return err },
		"a code key as secret":    func() error { _, err := ring.Secret(keys.DCVV2, 1); return err },
		"a token key as secret":   func() error { _, err := ring.Secret(keys.Token, 1); return err },
		"a secret of no usage":    func() error { _, err := ring.Secret("", 1); return err },
		"a code key of no range":  func() error { _, err := ring.CodeMaster("", 1); return err },
		"a version below the one": func() error { _, err := ring.TokenMaster(0); return err },
	} {
		if err := ask(); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// edit changes keys.json by replacing text.
func edit(t *testing.T, dir string, change func(string) string) {
	t.Helper()
	path := filepath.Join(dir, "keys.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}

// swapBlocks puts two keys' blocks into each other's place.
func swapBlocks(t *testing.T, i, j int) func(string) string {
	return func(s string) string {
		var file struct {
			Keys []map[string]any `json:"keys"`
		}
		if err := json.Unmarshal([]byte(s), &file); err != nil {
			t.Fatal(err)
		}
		file.Keys[i]["block"], file.Keys[j]["block"] = file.Keys[j]["block"], file.Keys[i]["block"]
		b, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

func TestAChangedFolderIsRefusedWithTheReason(t *testing.T) {
	wanted := append([]keys.Wanted{{Usage: keys.DCVV2, Range: "4000000", Version: 1}, {Usage: keys.DCVV2, Range: testRange, Version: 2}}, everyUsage...)
	for _, one := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   error
		says   string
	}{
		{"a code key in the place of a token key", func(t *testing.T, dir string) { edit(t, dir, swapBlocks(t, 1, 5)) }, keys.ErrKey, `usage is "E0", not "E6"`},
		{"code keys of two ranges", func(t *testing.T, dir string) { edit(t, dir, swapBlocks(t, 0, 1)) }, keys.ErrKey, "label"},
		{"code keys of two versions", func(t *testing.T, dir string) { edit(t, dir, swapBlocks(t, 1, 2)) }, keys.ErrKey, "version"},
		{"the two PAN keys", func(t *testing.T, dir string) { edit(t, dir, swapBlocks(t, 3, 4)) }, keys.ErrKey, `usage is "D0", not "M7"`},
		{"a header that was edited", func(t *testing.T, dir string) { edit(t, dir, replace("E0TX01N", "E6TX01N")) }, keys.ErrKeyBlockMAC, "it was changed"},
		{"a version that was edited", func(t *testing.T, dir string) { edit(t, dir, replace(`"version": 2`, `"version": 3`)) }, keys.ErrKey, `version is "02", not "03"`},
		{"a key twice", func(t *testing.T, dir string) { edit(t, dir, replace(`"version": 2`, `"version": 1`)) }, keys.ErrName, "twice"},
		{"an unknown word", func(t *testing.T, dir string) { edit(t, dir, replace(`"version"`, `"edition"`)) }, nil, "unknown field"},
		{"no JSON", func(t *testing.T, dir string) { edit(t, dir, func(string) string { return "" }) }, nil, "reading keys.json"},
		{"another wrapping key", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("5A", 32), 0o600) }, keys.ErrKeyBlockMAC, "wrapped under another key"},
		{"a wrapping key cut", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("5A", 31), 0o600) }, nil, "64 hexadecimal digits"},
		{"a wrapping key that is no number", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("XY", 32), 0o600) }, nil, "64 hexadecimal digits"},
		{"an endless wrapping key", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("5A", 99), 0o600) }, nil, "more than"},
		{"a wrapping key that the group may read", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("5A", 32), 0o640) }, keys.ErrPermissions, "0640"},
		{"a wrapping key that others may write", func(t *testing.T, dir string) { wrapping(t, dir, strings.Repeat("5A", 32), 0o602) }, keys.ErrPermissions, "0602"},
		{"no wrapping key", func(t *testing.T, dir string) { remove(t, dir, "wrapping.key") }, keys.ErrLostKey, "restore it from a backup"},
		{"nothing", func(t *testing.T, dir string) { remove(t, dir, "wrapping.key"); remove(t, dir, "keys.json") }, keys.ErrNoRing, "firsttap keys generate"},
		{"no blocks", func(t *testing.T, dir string) { remove(t, dir, "keys.json") }, fs.ErrNotExist, "keys.json"},
	} {
		dir := t.TempDir()
		create(t, dir, wanted...)
		one.change(t, dir)
		_, err := keys.Open(dir)
		if err == nil || one.want != nil && !errors.Is(err, one.want) || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: %v", one.name, err)
		}
	}
}

// TestABlockForAnotherUseIsRefused wraps a code key under the ring's own
// wrapping key with a header of which one field is another.
func TestABlockForAnotherUseIsRefused(t *testing.T) {
	good := keys.Header{
		Usage: "E6", Algorithm: 'T', Mode: 'X', Version: "01", Exportability: 'N',
		Optional: []keys.OptionalBlock{{ID: "LB", Value: "dcvv2/" + testRange + "/1"}},
	}
	for says, change := range map[string]func(*keys.Header){
		"":                            func(*keys.Header) {},
		`usage is "E0", not "E6"`:     func(h *keys.Header) { h.Usage = "E0" },
		`mode is "B", not "X"`:        func(h *keys.Header) { h.Mode = 'B' },
		`mode is "N", not "X"`:        func(h *keys.Header) { h.Mode = 'N' },
		`version is "00", not "01"`:   func(h *keys.Header) { h.Version = "00" },
		`exportability is 'X'`:        func(h *keys.Header) { h.Exportability = 'X' },
		`label is "", not "dcvv2/476`: func(h *keys.Header) { h.Optional = nil },
		`hash is "21", not ""`: func(h *keys.Header) {
			h.Optional = append(slices.Clone(h.Optional), keys.OptionalBlock{ID: "HM", Value: "21"})
		},
	} {
		dir, header := t.TempDir(), good
		create(t, dir)
		change(&header)
		text, err := os.ReadFile(filepath.Join(dir, "wrapping.key"))
		if err != nil {
			t.Fatal(err)
		}
		block, err := keys.WrapKeyBlock(unhex(t, strings.TrimSpace(string(text))), header, unhex(t, codeKey), chance())
		if err != nil {
			t.Fatal(err)
		}
		edit(t, dir, func(string) string {
			return fmt.Sprintf(`{"keys":[{"usage":"dcvv2","range":%q,"version":1,"block":%q}]}`, testRange, block)
		})
		_, err = keys.Open(dir)
		if says == "" && err != nil || says != "" && (!errors.Is(err, keys.ErrKey) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func wrapping(t *testing.T, dir, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, "wrapping.key")
	if err := errors.Join(os.WriteFile(path, []byte(text+"\n"), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestALostWrappingKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	create(t, dir, everyUsage...)
	remove(t, dir, "wrapping.key")
	if _, err := keys.Create(dir, chance(), everyUsage); !errors.Is(err, keys.ErrLostKey) {
		t.Errorf("got %v", err)
	}
}

func TestCreateWithoutChance(t *testing.T) {
	for _, n := range []int{0, 31, 32, 40} {
		if _, err := keys.Create(t.TempDir(), strings.NewReader(strings.Repeat("x", n)), everyUsage); err == nil {
			t.Errorf("%d bytes of chance were enough", n)
		}
	}
}

func TestTheFolderIsTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	clear := secrets(t, create(t, dir, everyUsage...))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("the folder holds %v, %v", entries, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range clear {
			if bytes.Contains(text, key) || strings.Contains(strings.ToLower(string(text)), hex.EncodeToString(key)) {
				t.Errorf("%s holds a key in clear", entry.Name())
			}
		}
	}
}

func TestTheRingIsNeverPrinted(t *testing.T) {
	ring := create(t, t.TempDir(), everyUsage...)
	holder := struct {
		Open   *keys.Ring
		closed *keys.Ring
	}{ring, ring}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb, ring)
		fmt.Fprintf(&shown, verb, holder)
		fmt.Fprintf(&shown, verb, &holder)
		fmt.Fprintf(&shown, verb, ring.List())
	}
	for _, key := range secrets(t, ring) {
		for _, form := range []string{string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), strings.Trim(fmt.Sprint(key), "[]")} {
			if strings.Contains(shown.String(), form) {
				t.Error("a key shows")
			}
		}
	}
}

func TestManyMayUseTheRing(t *testing.T) {
	dir := t.TempDir()
	ring := create(t, dir, everyUsage...)
	var done sync.WaitGroup
	for n := range 20 {
		done.Go(func() {
			key := unhex(t, codeKey)
			if err := ring.Import(keys.DCVV2, testRange, n+10, key); err != nil {
				t.Error(err)
			}
			if _, err := ring.CodeMaster(testRange, n+10); err != nil {
				t.Error(err)
			}
			ring.List()
		})
	}
	done.Wait()
	opened, err := keys.Open(dir)
	if err != nil || len(opened.List()) != len(everyUsage)+20 {
		t.Errorf("%v", err)
	}
}
