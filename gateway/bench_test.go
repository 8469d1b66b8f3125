package gateway_test

import (
	"context"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

const benchInFlight = 256

// flood asks b.N questions over one connection, 256 at a time, and wants each
// to be answered with a response code.
func (s *station) flood(b *testing.B, want string, question func(n int) *specs.Message) {
	b.Helper()
	questions := make([]*specs.Message, b.N)
	for n := range questions {
		questions[n] = question(n)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var askers sync.WaitGroup
	for asker := range benchInFlight {
		askers.Go(func() {
			for n := asker; n < b.N; n += benchInFlight {
				answer, err := s.conn.Ask(context.Background(), questions[n])
				if err != nil || answer.Text(specs.P(39)) != want {
					b.Errorf("question %d: %v, %v", n, answer, err)
					return
				}
			}
		})
	}
	askers.Wait()
	b.StopTimer()
}

// BenchmarkEcho is a 0800 and its 0810 over one loopback connection.
func BenchmarkEcho(b *testing.B) {
	w := newWorld(b, func(s *settings) { s.quiet = true })
	w.wallet.flood(b, "00", func(int) *specs.Message { return encode(b, w.network(messages.Echo)) })
}

// BenchmarkActivation is a whole activation: code checked, claim and
// conclusion durable, issuer asked over a loopback connection, token made.
func BenchmarkActivation(b *testing.B) {
	w := newWorld(b, func(s *settings) { s.quiet = true })
	w.wallet.flood(b, "00", func(int) *specs.Message { return encode(b, goodActivation(w)) })
}

// BenchmarkTap is a whole tap: cryptogram checked, counter durable, issuer
// asked over a loopback connection, ARPC computed.
func BenchmarkTap(b *testing.B) {
	w := newWorld(b, func(s *settings) { s.quiet = true })
	phones := make([]*phone, 64)
	for i := range phones {
		phones[i] = w.activated()
	}
	b.ReportAllocs()
	b.ResetTimer()
	var shops sync.WaitGroup
	for i, p := range phones {
		shops.Go(func() { // the taps of one phone come one after the other
			for n := i; n < b.N; n += len(phones) {
				answer, err := w.merchant.conn.Ask(context.Background(), encode(b, w.tapOf(p)))
				if err != nil || answer.Text(specs.P(39)) != "00" {
					b.Errorf("tap %d: %v, %v", n, answer, err)
					return
				}
			}
		})
	}
	shops.Wait()
	b.StopTimer()
}
