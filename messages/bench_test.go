package messages_test

import (
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// A typed activation from bytes and to bytes, in each profile; beside it moov
// with the same description, which gives no types.

func inEachCodec(b *testing.B, run func(b *testing.B, codec *specs.Codec, e example, raw []byte)) {
	b.Helper()
	e := find(b, "0100-activation-requestor")
	for _, name := range specs.SpecNames() {
		codec, err := specs.SpecByName(name)
		if err != nil {
			b.Fatal(err)
		}
		raw, err := codec.Append(nil, encoded(b, e))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			run(b, codec, e, raw)
		})
	}
}

func BenchmarkTypedParse(b *testing.B) {
	inEachCodec(b, func(b *testing.B, codec *specs.Codec, _ example, raw []byte) {
		for b.Loop() {
			m, err := codec.Parse(raw)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := messages.Decode(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTypedAppend(b *testing.B) {
	inEachCodec(b, func(b *testing.B, codec *specs.Codec, e example, _ []byte) {
		out := make([]byte, 0, specs.FrameBytesMax)
		for b.Loop() {
			m, err := messages.Encode(e.typed)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := codec.Append(out, m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMoovUnpack(b *testing.B) {
	inEachCodec(b, func(b *testing.B, codec *specs.Codec, _ example, raw []byte) {
		ms, err := specs.Describe(codec.Name())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := iso8583.NewMessage(ms).Unpack(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
