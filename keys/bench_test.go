package keys_test

import (
	"testing"

	"github.com/firsttap/firsttap/keys"
)

// BenchmarkCodeMaster finds a master key, as every request does: its schedule
// was made when the ring was read.
func BenchmarkCodeMaster(b *testing.B) {
	ring, err := keys.Create(b.TempDir(), chance(), everyUsage)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.CodeMaster(testRange, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKeyThatIsNotThere looks at the folder's date each time.
func BenchmarkKeyThatIsNotThere(b *testing.B) {
	ring, err := keys.Create(b.TempDir(), chance(), everyUsage)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.CodeMaster(testRange, 2); err == nil {
			b.Fatal("a key that is not there")
		}
	}
}
