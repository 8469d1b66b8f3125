package link

import (
	"io"
	"sync"
	"testing"
)

// BenchmarkEcho is a 0800 and its 0810 over one loopback connection with 256
// questions in flight, both ends in this process.
func BenchmarkEcho(b *testing.B) {
	l := listen(b)
	stop := serving(b, l, options(io.Discard, answering))
	defer stop()
	c, err := Dial(b.Context(), l.Addr().String(), nil, options(io.Discard, silent))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	b.ResetTimer()
	var askers sync.WaitGroup
	for asker := range inFlight {
		askers.Go(func() {
			question := echo(asker)
			for n := asker; n < b.N; n += inFlight {
				if _, err := c.Ask(b.Context(), question); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	askers.Wait()
}
