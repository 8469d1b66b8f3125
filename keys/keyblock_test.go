package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is one line of testdata/keyblocks.txt.
type vector struct {
	header Header
	key    []byte
	block  string
}

func readVectors(tb testing.TB) (wrapping []byte, vectors []vector) {
	tb.Helper()
	text, err := os.ReadFile("testdata/keyblocks.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "wrapping":
			wrapping = unhex(tb, f[1])
		default:
			h := Header{Usage: f[0], Algorithm: f[1][0], Mode: f[2][0], Version: "00", Exportability: f[3][0]}
			vectors = append(vectors, vector{header: h, key: unhex(tb, f[4]), block: f[5]})
		}
	}
	if len(wrapping) == 0 || len(vectors) != 4 {
		tb.Fatalf("read %d vectors", len(vectors))
	}
	return wrapping, vectors
}

func unhex(tb testing.TB, digits string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// chance is the same in every run.
func chance() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1, 2, 3}) }

func TestUnwrapOfAnIndependentProgramsBlocks(t *testing.T) {
	wrapping, vectors := readVectors(t)
	for _, v := range vectors {
		header, key, err := UnwrapKeyBlock(wrapping, v.block)
		if err != nil {
			t.Errorf("%s: %v", v.header.Usage, err)
			continue
		}
		if diff := cmp.Diff(v.header, header); diff != "" || !bytes.Equal(key, v.key) {
			t.Errorf("%s: another key or header: %s", v.header.Usage, diff)
		}
	}
}

// TestWrapGivesTheSameBlocks draws the padding that the other program drew.
func TestWrapGivesTheSameBlocks(t *testing.T) {
	wrapping, vectors := readVectors(t)
	for _, v := range vectors {
		got, err := WrapKeyBlock(wrapping, v.header, v.key, bytes.NewReader(paddingOf(t, wrapping, v)))
		if err != nil || got != v.block {
			t.Errorf("%s: %s, %v", v.header.Usage, got, err)
		}
	}
}

// paddingOf deciphers a block's padding.
func paddingOf(t *testing.T, wrapping []byte, v vector) []byte {
	t.Helper()
	derived, err := deriveBlockKeys(wrapping)
	if err != nil {
		t.Fatal(err)
	}
	body := unhex(t, v.block[headerChars:])
	before := body[len(body)-aes.BlockSize:] // the MAC is the first initial value
	var clear []byte
	for at := 0; at < len(body)-aes.BlockSize; at += aes.BlockSize {
		block := make([]byte, aes.BlockSize)
		derived.encryption.Decrypt(block, body[at:])
		subtle.XORBytes(block, block, before)
		before = body[at : at+aes.BlockSize]
		clear = append(clear, block...)
	}
	return clear[lengthBytes+len(v.key):]
}

func TestWrapAndUnwrap(t *testing.T) {
	random := chance()
	for _, wrappingBytes := range []int{16, 24, 32} {
		for _, one := range []struct {
			algorithm byte
			keyBytes  int
			optional  []OptionalBlock
		}{
			{'T', 16, nil},
			{'T', 24, []OptionalBlock{{"LB", "123456789012"}}},
			{'A', 16, []OptionalBlock{{"LB", "1"}}},
			{'A', 24, []OptionalBlock{{"LB", ""}, {"HM", "21"}}},
			{'A', 32, []OptionalBlock{{"LB", "12345678901"}}},
			{'H', 64, []OptionalBlock{{"LB", strings.Repeat("x", 251)}, {"XX", strings.Repeat("y", 200)}}},
		} {
			wrapping, key := make([]byte, wrappingBytes), make([]byte, one.keyBytes)
			_, _ = random.Read(wrapping)
			_, _ = random.Read(key)
			want := Header{Usage: "E6", Algorithm: one.algorithm, Mode: 'X', Version: "07", Exportability: 'N', Optional: one.optional}
			block, err := WrapKeyBlock(wrapping, want, key, random)
			if err != nil {
				t.Fatalf("%c%d: %v", one.algorithm, one.keyBytes, err)
			}
			got, back, err := UnwrapKeyBlock(wrapping, block)
			if diff := cmp.Diff(want, got); err != nil || diff != "" || !bytes.Equal(back, key) {
				t.Errorf("%c%d under %d bytes: %v %s", one.algorithm, one.keyBytes, wrappingBytes, err, diff)
			}
		}
	}
}

func TestWrapRefuses(t *testing.T) {
	wrapping, key := make([]byte, 32), make([]byte, 16)
	good := Header{Usage: "E6", Algorithm: 'T', Mode: 'X', Version: "01", Exportability: 'N'}
	for _, bad := range []struct {
		name   string
		change func(h *Header, wrapping, key *[]byte)
		want   error
	}{
		{"wrapping key one byte short", func(_ *Header, w, _ *[]byte) { *w = (*w)[1:] }, ErrWrappingKey},
		{"no wrapping key", func(_ *Header, w, _ *[]byte) { *w = nil }, ErrWrappingKey},
		{"key one byte short", func(_ *Header, _, k *[]byte) { *k = (*k)[1:] }, ErrKeyBlock},
		{"TDES key of AES length", func(_ *Header, _, k *[]byte) { *k = make([]byte, 32) }, ErrKeyBlock},
		{"unknown algorithm", func(h *Header, _, _ *[]byte) { h.Algorithm = 'R' }, ErrKeyBlock},
		{"usage of one character", func(h *Header, _, _ *[]byte) { h.Usage = "E" }, ErrKeyBlock},
		{"unprintable mode", func(h *Header, _, _ *[]byte) { h.Mode = 0 }, ErrKeyBlock},
		{"version of three characters", func(h *Header, _, _ *[]byte) { h.Version = "100" }, ErrKeyBlock},
		{"label one character too long", func(h *Header, _, _ *[]byte) {
			h.Optional = []OptionalBlock{{"LB", strings.Repeat("x", 252)}}
		}, ErrKeyBlock},
		{"padding as a statement", func(h *Header, _, _ *[]byte) { h.Optional = []OptionalBlock{{"PB", "x"}} }, ErrKeyBlock},
		{"too many optional blocks", func(h *Header, _, _ *[]byte) { h.Optional = make([]OptionalBlock, 17) }, ErrKeyBlock},
		{"block too long", func(h *Header, _, _ *[]byte) {
			long := OptionalBlock{"XX", strings.Repeat("x", 251)}
			h.Optional = []OptionalBlock{long, long, long, long}
		}, ErrKeyBlock},
	} {
		h, w, k := good, wrapping, key
		bad.change(&h, &w, &k)
		if _, err := WrapKeyBlock(w, h, k, chance()); !errors.Is(err, bad.want) {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
	if _, err := WrapKeyBlock(wrapping, good, key, strings.NewReader("")); err == nil {
		t.Error("wrapped without chance for the padding")
	}
}

func TestUnwrapRefusesEveryFlippedCharacter(t *testing.T) {
	wrapping, vectors := readVectors(t)
	for _, v := range vectors {
		for at := range len(v.block) {
			for _, flip := range []byte{1, 2, 0x20, 0x80} {
				bad := []byte(v.block)
				bad[at] ^= flip
				_, key, err := UnwrapKeyBlock(wrapping, string(bad))
				if err == nil || key != nil {
					t.Fatalf("%s: character %d flipped by %02X: %v", v.header.Usage, at, flip, err)
				}
			}
		}
	}
}

func TestUnwrapRefusesWithTheReason(t *testing.T) {
	wrapping, vectors := readVectors(t)
	good := vectors[0].block
	other := bytes.Clone(wrapping)
	other[0] ^= 1
	for _, bad := range []struct {
		name     string
		wrapping []byte
		block    string
		want     error
		says     string
	}{
		{"other wrapping key", other, good, ErrKeyBlockMAC, "wrapped under another key"},
		{"shorter wrapping key", wrapping[:16], good, ErrKeyBlockMAC, "wrapped under another key"},
		{"wrapping key of no length", wrapping[:17], good, ErrWrappingKey, "not of 17"},
		{"nothing", wrapping, "", ErrKeyBlock, "0 characters"},
		{"header cut", wrapping, good[:15], ErrKeyBlock, "15 characters"},
		{"one character cut", wrapping, good[:111], ErrKeyBlock, `says "0112" characters and it has 111`},
		{"one character more", wrapping, good + "0", ErrKeyBlock, `says "0112" characters and it has 113`},
		{"cut and its length made to fit", wrapping, "D0111" + good[5:111], ErrKeyBlock, "no whole blocks"},
		{"one AES block cut", wrapping, "D0080" + good[5:80], ErrKeyBlockMAC, "it was changed"},
		{"two AES blocks cut", wrapping, "D0048" + good[5:48], ErrKeyBlock, "no whole blocks"},
		{"one AES block cut out", wrapping, strings.Replace(vectors[3].block[:48]+vectors[3].block[80:], "D0144", "D0112", 1), ErrKeyBlockMAC, "it was changed"},
		{"too long", wrapping, "D" + strings.Repeat("0", KeyBlockCharsMax), ErrKeyBlock, "more than 1024"},
		{"older version", wrapping, "B" + good[1:], ErrKeyBlock, "only D is read"},
		{"lowercase", wrapping, good[:16] + strings.ToLower(good[16:]), ErrKeyBlock, "not uppercase"},
		{"no hexadecimal digit", wrapping, good[:111] + "G", ErrKeyBlock, "hexadecimal"},
		{"optional blocks that are not there", wrapping, good[:12] + "0100" + good[16:], ErrKeyBlock, "optional block"},
		{"too many optional blocks", wrapping, good[:12] + "1700" + good[16:], ErrKeyBlock, "count of optional blocks"},
		{"reserved characters", wrapping, good[:14] + "01" + good[16:], ErrKeyBlock, "reserved"},
		{"not ASCII", wrapping, good[:110] + "é", ErrKeyBlock, "printable"},
	} {
		_, key, err := UnwrapKeyBlock(bad.wrapping, bad.block)
		if !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.says) || key != nil {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
}

// TestUnwrapChecksTheLengthInside wraps keys whose length field lies.
func TestUnwrapChecksTheLengthInside(t *testing.T) {
	wrapping, vectors := readVectors(t)
	h := vectors[0].header
	for _, bits := range []int{0, 1, 64, 127, 129, 192 + 64, 65535} {
		block := sealPayload(t, wrapping, h, bits)
		if _, _, err := UnwrapKeyBlock(wrapping, block); !errors.Is(err, ErrKeyBlock) {
			t.Errorf("a key of %d bits: %v", bits, err)
		}
	}
	if _, _, err := UnwrapKeyBlock(wrapping, sealPayload(t, wrapping, h, 128)); err != nil {
		t.Errorf("the good length: %v", err)
	}
}

// sealPayload wraps 32 bytes that begin with a length in bits.
func sealPayload(t *testing.T, wrapping []byte, h Header, bits int) string {
	t.Helper()
	derived, err := deriveBlockKeys(wrapping)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte{0x5A}, 32)
	binary.BigEndian.PutUint16(payload, uint16(bits))
	head, err := h.encode(2*len(payload)+macChars, chance())
	if err != nil {
		t.Fatal(err)
	}
	return derived.wrap(head, payload)
}

// FuzzUnwrapKeyBlock looks for panics, and for blocks that unwrap without
// being what WrapKeyBlock makes of the same key.
func FuzzUnwrapKeyBlock(f *testing.F) {
	wrapping, vectors := readVectors(f)
	for _, v := range vectors {
		f.Add(v.block)
		f.Add(v.block[:16])
		f.Add(fmt.Sprintf("D%04d%s", len(v.block)+16, v.block[5:12]+"0200LB081234PB08ABCD"+v.block[16:]))
	}
	f.Fuzz(func(t *testing.T, block string) {
		header, key, err := UnwrapKeyBlock(wrapping, block)
		if err != nil {
			return
		}
		again, err := WrapKeyBlock(wrapping, header, key, chance())
		if err != nil {
			t.Fatalf("what was unwrapped does not wrap: %v", err)
		}
		same, back, err := UnwrapKeyBlock(wrapping, again)
		if err != nil || !bytes.Equal(back, key) || !cmp.Equal(same, header) {
			t.Fatalf("wrapping changed header or key: %v", err)
		}
	})
}
