package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPublishedKeysAreKnownByTheirCheckValues(t *testing.T) {
	n := 0
	for name, keys := range published {
		for want, digits := range keys {
			algorithm := map[string]byte{"TDES": 'T', "AES": 'A', "HMAC": 'H'}[name]
			if got := checkValue(algorithm, unhex(t, digits)); got != want {
				t.Errorf("%s %s has check value %s, not %s", name, digits, got, want)
			}
			n++
		}
	}
	if n < 10 {
		t.Errorf("%d keys", n)
	}
}

// TestKeysOfTheVectorsArePublished reads the first column, or the second after
// a profile's name, of the code vectors.
func TestKeysOfTheVectorsArePublished(t *testing.T) {
	found := 0
	for _, name := range []string{"codes.txt", "static.txt"} {
		text, err := os.ReadFile(filepath.Join("..", "dcvv2", "testdata", "vectors", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			for _, word := range strings.Fields(strings.Split(line, "#")[0]) {
				algorithm := map[int]byte{32: 'T', 64: 'A'}[len(word)]
				if algorithm == 0 {
					continue
				}
				found++
				info := Info{Algorithm: algorithmName(algorithm), CheckValue: checkValue(algorithm, unhex(t, word))}
				if !Published(info) {
					t.Errorf("%s: a key of the vectors, %s, is not known as published", name, info.CheckValue)
				}
			}
		}
	}
	if found < 100 {
		t.Errorf("%d keys found", found)
	}
}

func TestKeysOfOnesOwnAreNotPublished(t *testing.T) {
	ring, err := Create(t.TempDir(), chance(), []Wanted{
		{Usage: DCVV2, Range: "4761739", Version: 1}, {Usage: PANSeal, Version: 1}, {Usage: Transport, Version: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range ring.List() {
		if Published(info) {
			t.Errorf("%s is called published", info.CheckValue)
		}
	}
	if Published(Info{Algorithm: "AES", CheckValue: "08D7B4"}) || Published(Info{}) {
		t.Error("the algorithm does not count")
	}
}
