package specs_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/specs"
)

// Whatever a description is made of, its codec agrees with moov: both ways, in
// a view, and on bytes that were changed on their way.

func TestAnyDescriptionAgreesWithMoov(t *testing.T) {
	stricter := stricterKinds(t)
	rapid.Check(t, func(t *rapid.T) { anyDescription(t, stricter) })
}

// FuzzAnyDescription draws the description by its seed, and takes any bytes for
// a message of it.
func FuzzAnyDescription(f *testing.F) {
	stricter := stricterKinds(f)
	drawn := rapid.Custom(drawSpec)
	const seeds = 50
	for seed := range seeds {
		ms := drawn.Example(seed)
		m := rapid.Custom(func(t *rapid.T) *specs.Message { return drawMessage(t, ms) }).Example(seed)
		if body, err := compiled(f, ms).Append(nil, m); err == nil {
			f.Add(seed, body)
		}
	}
	f.Fuzz(func(t *testing.T, seed int, body []byte) {
		ms := drawn.Example(seed)
		codec := compiled(t, ms)
		viewAgrees(t, codec, body)
		moovReadsTheSame(t, ms, codec, body, stricter)
	})
}

func compiled(t rapid.TB, ms *iso8583.MessageSpec) *specs.Codec {
	t.Helper()
	codec, err := specs.Compile("drawn", ms)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func stricterKinds(t testing.TB) map[string]bool {
	t.Helper()
	kinds := map[string]bool{}
	for _, row := range laxRows(t) {
		kinds[row.kind] = true
	}
	return kinds
}

func anyDescription(t *rapid.T, stricter map[string]bool) {
	ms := drawSpec(t)
	codec := compiled(t, ms)
	packed := agree(t, ms, codec, drawMessage(t, ms))
	if packed == nil {
		return
	}
	packed = shuffle(t, codec, packed)
	viewAgrees(t, codec, packed)
	changesAgree(t, codec, packed, allPaths(ms))
	for range 5 {
		mutated := mutate(t, packed)
		viewAgrees(t, codec, mutated)
		moovReadsTheSame(t, ms, codec, mutated, stricter)
	}
}

// moovReadsTheSame holds for whatever the codec accepts. What it refuses and
// moov does not is of a kind that testdata/stricter.txt lists.
func moovReadsTheSame(t rapid.TB, ms *iso8583.MessageSpec, codec *specs.Codec, body []byte, stricter map[string]bool) {
	t.Helper()
	m, err := codec.Parse(body)
	if f := (*specs.FormatError)(nil); errors.As(err, &f) {
		if does := whatMoovDoes(ms, body); does != moovRefuses && !stricter[f.Kind.String()] {
			t.Fatalf("moov %s of %X, the codec gives %v, which is not listed", does, body, f)
		}
		return
	}
	if diff := cmp.Diff(codecValues(m), moovUnpack(t, ms, body)); diff != "" {
		t.Fatalf("moov reads other values of %X (-codec +moov):\n%s", body, diff)
	}
	packed, err := codec.Append(nil, m)
	if err != nil {
		t.Fatalf("%X cannot be packed again: %v", body, err)
	}
	if inOrder(codec, body) && !slices.Equal(packed, body) {
		t.Fatalf("came    %X\nrepacks %X", body, packed)
	}
}

// mutate changes a byte or two: to any other, to one near it, or by one that
// goes or comes.
func mutate(t *rapid.T, body []byte) []byte {
	body = slices.Clone(body)
	for range rapid.IntRange(1, 2).Draw(t, "changes") {
		if len(body) == 0 {
			break
		}
		at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			body[at] = rapid.Byte().Draw(t, "to")
		case 1:
			body[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 2:
			body = slices.Delete(body, at, at+1)
		default:
			body = slices.Insert(body, at, rapid.Byte().Draw(t, "byte"))
		}
	}
	return body
}
