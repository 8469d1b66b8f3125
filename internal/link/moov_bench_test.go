package link

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583-connection/server"
	"github.com/moov-io/iso8583/network"
	stock "github.com/moov-io/iso8583/specs"
)

// BenchmarkMoovEcho is BenchmarkEcho with nothing of ours: moov's connections at
// both ends, its description of ISO 8583:1987, its two-byte length. It also gives
// how long an echo takes, in milliseconds.
func BenchmarkMoovEcho(b *testing.B) {
	s := server.New(stock.Spec87ASCII, readLength, writeLength, connection.InboundMessageHandler(func(c *connection.Connection, m *iso8583.Message) {
		m.MTI("0810")
		if err := m.Field(39, "00"); err != nil {
			b.Error(err)
		}
		_ = c.Reply(m) // one that is lost fails its asker
	}))
	if err := s.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, err := connection.New(s.Addr, stock.Spec87ASCII, readLength, writeLength)
	if err == nil {
		err = c.Connect()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	took := make([][]time.Duration, inFlight)
	b.ReportAllocs()
	b.ResetTimer()
	var askers sync.WaitGroup
	for asker := range inFlight {
		askers.Go(func() {
			question := moovEcho(asker)
			for n := asker; n < b.N; n += inFlight {
				began := time.Now()
				if _, err := c.Send(question); err != nil {
					b.Error(err)
					return
				}
				took[asker] = append(took[asker], time.Since(began))
			}
		})
	}
	askers.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	for name, share := range map[string]float64{"p50-ms": .5, "p99-ms": .99, "p99.9-ms": .999} {
		if len(all) > 0 {
			b.ReportMetric(all[int(share*float64(len(all)-1))].Seconds()*1000, name)
		}
	}
}

// moovEcho is a question, the n-th of its connection.
func moovEcho(n int) *iso8583.Message {
	m := iso8583.NewMessage(stock.Spec87ASCII)
	m.MTI("0800")
	_ = m.Field(7, "1122123456")
	_ = m.Field(11, fmt.Sprintf("%06d", n))
	_ = m.Field(70, "301")
	return m
}

func readLength(r io.Reader) (int, error) {
	h := network.NewBinary2BytesHeader()
	_, err := h.ReadFrom(r)
	return h.Length(), err
}

func writeLength(w io.Writer, length int) (int, error) {
	h := network.NewBinary2BytesHeader()
	if err := h.SetLength(length); err != nil {
		return 0, err
	}
	return h.WriteTo(w)
}
