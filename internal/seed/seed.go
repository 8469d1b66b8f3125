// Package seed makes streams of chance that hang on one number, so that a run
// can be had again. Streams of different names are independent, so the order
// in which actors draw does not matter.
//
// It is for simulations. Keys that must be secret come from crypto/rand.
// Start at Stream.
package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
)

// Stream is the stream of a name under a seed. It never ends, never fails, and
// may be read by many goroutines.
func Stream(seed uint64, name string) io.Reader {
	key := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))
	return &stream{source: rand.NewChaCha8(key)}
}

type stream struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Read(b)
}
