package load

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/specs"
)

// BenchmarkEcho is what the load itself can: echoes of a host that does nothing
// else, on one connection, both in this process.
func BenchmarkEcho(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- NewIssuer(specs.VisaStyleCodec(), vap, 200001, zerolog.Nop()).Serve(ctx, l) }()
	defer func() {
		cancel()
		<-served
	}()
	station := Station{Addr: l.Addr().String(), Number: 100001, Codec: specs.VisaStyleCodec(), Framing: vap}
	r := newRun(Options{
		Plan:   Plan{Mix: Mix{{Echo, 1}}, InFlight: 256, Connections: 1, Duration: DurationMax, Steps: 1, Timeout: TimeoutDefault},
		Wallet: station, Random: chance(), Dial: dialTCP,
	})
	defer r.close()
	if err := r.connect(ctx); err != nil {
		b.Fatal(err)
	}
	r.interrupt, r.stop = ctx, cancel
	r.beginning = time.Now()
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		timer := stoppedTimer()
		for pb.Next() {
			if err := r.one(ctx, timer, r.next.Add(1), time.Since(r.beginning)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	if r.tally.Sum() != 0 {
		b.Errorf("faults: %v", r.tally.Examples())
	}
}

// BenchmarkMake is what a request costs before it is sent: for a tap, a
// terminal and a phone with its cryptogram.
func BenchmarkMake(b *testing.B) {
	code, err := dcvv2.ParseCode("123")
	if err != nil {
		b.Fatal(err)
	}
	for _, k := range Kinds() {
		b.Run(string(k), func(b *testing.B) {
			c := &conn{terminal: "ABCDE", station: Station{Codec: specs.VisaStyleCodec(), Framing: vap, Acquirer: "400552", Acceptor: "TOKENREQUESTOR1"}}
			t := traffic{requestor: requestor, reuse: true, payers: make(chan *payer, 1)}
			t.accounts = []account{{pan: mustComplete("476173900101011"), expiry: card.MustExpiry("2912"), codes: []client.Code{{Code: code}}}}
			held := loaded(b)
			t.payers <- held
			b.ReportAllocs()
			n := uint64(0)
			var body []byte
			for b.Loop() {
				n++
				held.atc = uint16(n % 1000)
				a, err := t.make(b.Context(), c, k, n)
				if err != nil {
					b.Fatal(err)
				}
				if body, err = c.encode(body[:0], a.request); err != nil {
					b.Fatal(err)
				}
				a.free()
			}
		})
	}
}
