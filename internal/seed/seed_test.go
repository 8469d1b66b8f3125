package seed_test

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/internal/seed"
)

func draw(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOneSeedAndNameGiveOneStream(t *testing.T) {
	first, second := seed.Stream(7, "wallet"), seed.Stream(7, "wallet")
	all := draw(t, first, 100)
	var pieces []byte
	for len(pieces) < len(all) { // however it is cut
		pieces = append(pieces, draw(t, second, 4)...)
	}
	if !bytes.Equal(all, pieces) {
		t.Error("the same seed and name give two streams")
	}
	if bytes.Equal(all, draw(t, first, 100)) {
		t.Error("a stream repeats itself")
	}
}

func TestStreamsDifferBySeedAndName(t *testing.T) {
	streams := map[string]string{}
	for _, s := range []struct {
		seed uint64
		name string
	}{{0, ""}, {1, ""}, {256, ""}, {0, "a"}, {0, "b"}, {0, "ab"}, {1, "a"}, {0, "\x00"}} {
		got := string(draw(t, seed.Stream(s.seed, s.name), 16))
		if other, taken := streams[got]; taken {
			t.Errorf("seed %d and name %q give the stream of %s", s.seed, s.name, other)
		}
		streams[got] = s.name
	}
}

// What one actor draws does not depend on what another has drawn.
func TestNamesAreIndependent(t *testing.T) {
	alone := draw(t, seed.Stream(7, "wallet"), 16)
	_ = draw(t, seed.Stream(7, "merchant"), 1000)
	if beside := draw(t, seed.Stream(7, "wallet"), 16); !bytes.Equal(alone, beside) {
		t.Error("another name's drawing changes the stream")
	}
}

// Pinned, so that a seed that somebody has noted stays good.
func TestAStreamStaysWhatItIs(t *testing.T) {
	want := []byte{0x18, 0xEE, 0x5E, 0x50, 0x27, 0xDE, 0xE9, 0xE7}
	if got := draw(t, seed.Stream(1, "issuer"), 8); !bytes.Equal(got, want) {
		t.Errorf("the stream begins with % X, not % X", got, want)
	}
}

func TestManyMayDraw(t *testing.T) {
	stream := seed.Stream(7, "wallet")
	var drawing sync.WaitGroup
	drawn := make(chan [8]byte, 400)
	for range 4 {
		drawing.Go(func() {
			for range 100 {
				var b [8]byte
				if _, err := io.ReadFull(stream, b[:]); err != nil {
					t.Error(err)
				}
				drawn <- b
			}
		})
	}
	drawing.Wait()
	close(drawn)
	seen := map[[8]byte]bool{}
	for b := range drawn {
		if seen[b] {
			t.Errorf("two got % X", b)
		}
		seen[b] = true
	}
}
