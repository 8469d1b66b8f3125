package specs_test

import (
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/specs"
)

// The codec beside moov, with this package's encoders and with moov's own, on
// an activation request of about 380 bytes.

func benchMessage(b *testing.B) (*specs.Message, []byte) {
	for _, v := range vectors(b) {
		if v.name == "activation request" {
			b.SetBytes(int64(len(v.body)))
			b.ReportAllocs()
			return v.message, v.body
		}
	}
	b.Fatal("testdata/messages.txt has no activation request")
	return nil, nil
}

func BenchmarkCodecParse(b *testing.B) {
	_, body := benchMessage(b)
	codec := specs.VisaStyleCodec()
	for b.Loop() {
		if _, err := codec.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCodecAppend(b *testing.B) {
	m, _ := benchMessage(b)
	codec := specs.VisaStyleCodec()
	out := make([]byte, 0, specs.FrameBytesMax)
	for b.Loop() {
		if _, err := codec.Append(out, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMoovUnpackOurEncoders(b *testing.B)   { benchMoovUnpack(b, specs.VisaStyle()) }
func BenchmarkMoovUnpackStockEncoders(b *testing.B) { benchMoovUnpack(b, stock(specs.VisaStyle())) }
func BenchmarkMoovPackOurEncoders(b *testing.B)     { benchMoovPack(b, specs.VisaStyle()) }
func BenchmarkMoovPackStockEncoders(b *testing.B)   { benchMoovPack(b, stock(specs.VisaStyle())) }

func benchMoovUnpack(b *testing.B, ms *iso8583.MessageSpec) {
	_, body := benchMessage(b)
	for b.Loop() {
		if err := iso8583.NewMessage(ms).Unpack(body); err != nil {
			b.Fatal(err)
		}
	}
}

func benchMoovPack(b *testing.B, ms *iso8583.MessageSpec) {
	_, body := benchMessage(b)
	m := iso8583.NewMessage(ms)
	if err := m.Unpack(body); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Pack(); err != nil {
			b.Fatal(err)
		}
	}
}

// Allocations of Parse for any message: its values in one piece, their list, and
// the message.
const parseAllocationsMax = 3

func TestAllocations(t *testing.T) {
	codec := specs.VisaStyleCodec()
	out := make([]byte, 0, specs.FrameBytesMax)
	for _, v := range vectors(t) {
		if got := testing.AllocsPerRun(100, func() { _, _ = codec.Parse(v.body) }); got > parseAllocationsMax {
			t.Errorf("%s: Parse makes %v allocations, the most is %d", v.name, got, parseAllocationsMax)
		}
		if got := testing.AllocsPerRun(100, func() { _, _ = codec.Append(out, v.message) }); got > 0 {
			t.Errorf("%s: Append makes %v allocations, the most is 0", v.name, got)
		}
	}
}
