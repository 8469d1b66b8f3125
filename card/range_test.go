package card_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
)

func TestParseRange(t *testing.T) {
	for s, want := range map[string]string{
		"476173":                  "476173", // the fewest digits
		"47617390010":             "47617390010",
		"47617390-47617394":       "47617390-47617394",
		"476173-476173":           "476173",
		"00000000000-99999999999": "00000000000-99999999999",
	} {
		if r, err := card.ParseRange(s); err != nil || r.String() != want || r.IsZero() {
			t.Errorf("%q: %s, %v", s, r, err)
		}
	}
	for _, bad := range []string{"", "-", "47617", "476173900101", "476173-", "-476173", "476174-476173", "476173-4761739", "476173-476174-476175", "47617x", " 476173", "476173 - 476174"} {
		if r, err := card.ParseRange(bad); !errors.Is(err, card.ErrRange) || !r.IsZero() {
			t.Errorf("%q: %s, %v", bad, r, err)
		}
	}
}

func TestRangeErrorsDoNotQuoteAPAN(t *testing.T) {
	const pan = "4761739001010010"
	for _, s := range []string{pan, pan + "-" + pan, "476173-" + pan} {
		if _, err := card.ParseRange(s); err == nil || strings.Contains(err.Error(), pan) {
			t.Errorf("a PAN in place of a range: %v", err)
		}
	}
}

func TestRangeContains(t *testing.T) {
	pan := card.MustPAN("4761739001010010")
	for s, want := range map[string]bool{
		"476173": true, "4761739": true, "47617390010": true, "476172-476174": true,
		"476172-476173": true, "476173-476174": true, "476174": false, "476172": false,
		"47617390011": false, "47617390011-47617390012": false, "400000": false,
	} {
		if got := card.MustRange(s).Contains(pan); got != want {
			t.Errorf("%s contains it: %v", s, got)
		}
	}
	if (card.Range{}).Contains(pan) || card.MustRange("476173").Contains(card.PAN{}) {
		t.Error("no range contains anything, and no PAN is anywhere")
	}
}

func TestRangeOverlapsAndWidth(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		overlap  bool
		narrower bool // a than b
	}{
		{"476173", "476173", true, false},
		{"4761739", "476173", true, true},
		{"476173", "4761739", true, false},
		{"476173", "476174", false, false},
		{"476173-476175", "476175-476177", true, false},
		{"476173-476174", "476175-476177", false, true},
		{"47617399", "4761739-4761740", true, true},
		{"47617400", "4761739-4761740", true, true},
		{"47617410", "4761739-4761740", false, true},
		{"4761730-4761739", "476173", true, false}, // the same PANs
	} {
		a, b := card.MustRange(c.a), card.MustRange(c.b)
		if a.Overlaps(b) != c.overlap || b.Overlaps(a) != c.overlap {
			t.Errorf("%s overlaps %s: want %v", a, b, c.overlap)
		}
		if a.NarrowerThan(b) != c.narrower {
			t.Errorf("%s narrower than %s: want %v", a, b, c.narrower)
		}
	}
}

// TestRangesThatShareAPANOverlap holds Contains and Overlaps together.
func TestRangesThatShareAPANOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pan, err := card.CompletePAN(rapid.StringMatching(`476173[0-9]{9}`).Draw(t, "pan"))
		if err != nil {
			t.Fatal(err)
		}
		a, b := drawRange(t, "a"), drawRange(t, "b")
		if a.Contains(pan) && b.Contains(pan) && !a.Overlaps(b) {
			t.Fatalf("%s and %s share a PAN and do not overlap", a, b)
		}
		if a.NarrowerThan(b) && b.NarrowerThan(a) {
			t.Fatalf("%s and %s are each narrower than the other", a, b)
		}
	})
}

func drawRange(t *rapid.T, name string) card.Range {
	tail := rapid.SampledFrom([]string{`476173`, `476173[0-9]`, `476173[0-9]{2}`}).Draw(t, name+" length")
	low, high := rapid.StringMatching(tail).Draw(t, name+" low"), rapid.StringMatching(tail).Draw(t, name+" high")
	return card.MustRange(min(low, high) + "-" + max(low, high))
}

func TestRangeAsText(t *testing.T) {
	in := struct{ Range card.Range }{card.MustRange("47617390-47617394")}
	encoded, err := json.Marshal(in)
	if err != nil || string(encoded) != `{"Range":"47617390-47617394"}` {
		t.Fatalf("%s, %v", encoded, err)
	}
	out := in
	out.Range = card.Range{}
	if err := json.Unmarshal(encoded, &out); err != nil || out != in {
		t.Errorf("came back as %v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"Range":"4"}`), &out); !errors.Is(err, card.ErrRange) {
		t.Errorf("a short range is read: %v", err)
	}
	if in.Range.Low() != "47617390" {
		t.Errorf("low end %s", in.Range.Low())
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"476173", "47617390-47617394", "47617390010", "476174-476173", "-", "", "476173-", "476173900101"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := card.ParseRange(s)
		if err != nil {
			if !errors.Is(err, card.ErrRange) || !r.IsZero() {
				t.Errorf("%q: %s, %v", s, r, err)
			}
			return
		}
		again, err := card.ParseRange(r.String())
		if err != nil || again != r || !r.Overlaps(r) || r.NarrowerThan(r) {
			t.Errorf("%q is %s and then %s, %v", s, r, again, err)
		}
	})
}
