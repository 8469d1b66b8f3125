package specs_test

import (
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/specs"
)

// The codec beside moov, with this package's encoders and with moov's own, on
// an activation request of about 380 bytes in visa-style and 560 in ascii87.

func benchMessage(b *testing.B, codec *specs.Codec) (*specs.Message, []byte) {
	b.Helper()
	for _, v := range vectors(b) {
		if v.name != "activation request" {
			continue
		}
		body, err := codec.Append(nil, v.message)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		return v.message, body
	}
	b.Fatal("testdata/messages.txt has no activation request")
	return nil, nil
}

// inEach runs a benchmark in each profile.
func inEach(b *testing.B, run func(b *testing.B, name string)) {
	b.Helper()
	for _, name := range specs.SpecNames() {
		b.Run(name, func(b *testing.B) { run(b, name) })
	}
}

func BenchmarkCodecParse(b *testing.B) {
	inEach(b, func(b *testing.B, name string) {
		codec := codecByName(b, name)
		_, body := benchMessage(b, codec)
		for b.Loop() {
			if _, err := codec.Parse(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCodecAppend(b *testing.B) {
	inEach(b, func(b *testing.B, name string) {
		codec := codecByName(b, name)
		m, _ := benchMessage(b, codec)
		out := make([]byte, 0, specs.FrameBytesMax)
		for b.Loop() {
			if _, err := codec.Append(out, m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMoovUnpackOurEncoders(b *testing.B) {
	inEach(b, func(b *testing.B, name string) { benchMoovUnpack(b, name, descriptions[name]()) })
}

func BenchmarkMoovPackOurEncoders(b *testing.B) {
	inEach(b, func(b *testing.B, name string) { benchMoovPack(b, name, descriptions[name]()) })
}

func BenchmarkMoovUnpackStockEncoders(b *testing.B) {
	benchMoovUnpack(b, specs.NameVisaStyle, stock(specs.VisaStyle()))
}

func BenchmarkMoovPackStockEncoders(b *testing.B) {
	benchMoovPack(b, specs.NameVisaStyle, stock(specs.VisaStyle()))
}

func benchMoovUnpack(b *testing.B, name string, ms *iso8583.MessageSpec) {
	b.Helper()
	_, body := benchMessage(b, codecByName(b, name))
	for b.Loop() {
		if err := iso8583.NewMessage(ms).Unpack(body); err != nil {
			b.Fatal(err)
		}
	}
}

func benchMoovPack(b *testing.B, name string, ms *iso8583.MessageSpec) {
	b.Helper()
	_, body := benchMessage(b, codecByName(b, name))
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
	for _, name := range specs.SpecNames() {
		codec := codecByName(t, name)
		out := make([]byte, 0, specs.FrameBytesMax)
		for _, v := range vectors(t) {
			body, err := codec.Append(nil, v.message)
			if err != nil {
				t.Fatal(err)
			}
			if got := testing.AllocsPerRun(100, func() { _, _ = codec.Parse(body) }); got > parseAllocationsMax {
				t.Errorf("%s: %s: Parse makes %v allocations, the most is %d", name, v.name, got, parseAllocationsMax)
			}
			if got := testing.AllocsPerRun(100, func() { _, _ = codec.Append(out, v.message) }); got > 0 {
				t.Errorf("%s: %s: Append makes %v allocations, the most is 0", name, v.name, got)
			}
		}
	}
}
