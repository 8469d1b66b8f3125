package specs_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/specs"
)

// The codec beside moov, with this package's encoders and with moov's own, on
// an activation request of about 380 bytes in visa-style and 560 in ascii87.

func benchMessage(b *testing.B, codec *specs.Codec) (*specs.Message, []byte) {
	b.Helper()
	m := activationRequest(b)
	body, err := codec.Append(nil, m)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	return m, body
}

func activationRequest(t testing.TB) *specs.Message {
	t.Helper()
	for _, v := range vectors(t) {
		if v.name == "activation request" {
			return v.message
		}
	}
	t.Fatal("testdata/messages.txt has no activation request")
	return nil
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

// The forward path of a relay: read some values, turn the request into its
// answer, pack. moov comes as it is, with structs for the values, and reads and
// writes no less than the others.

type turn struct {
	STAN   string `iso8583:"11"`
	Amount string `iso8583:"4"`
	PAN    string `iso8583:"2"`
	Expiry string `iso8583:"14"`
	Code   *struct {
		CVV2 string `iso8583:"10"`
	} `iso8583:"126"`
}

type turned struct {
	Transmitted string `iso8583:"7"`
	STAN        string `iso8583:"11"`
	Response    string `iso8583:"39"`
}

func BenchmarkTurnMoov(b *testing.B) {
	ms := stock(specs.VisaStyle())
	benchTurn(b, func(body []byte) ([]byte, error) { return turnMoov(ms, body) })
}

func BenchmarkTurnCodec(b *testing.B) {
	out := make([]byte, 0, specs.FrameBytesMax)
	benchTurn(b, func(body []byte) ([]byte, error) { return turnCodec(body, out) })
}

func BenchmarkTurnView(b *testing.B) {
	var r relayed
	benchTurn(b, r.turn)
}

func benchTurn(b *testing.B, turn func(body []byte) ([]byte, error)) {
	b.Helper()
	want := turnedBody(b)
	_, body := benchMessage(b, specs.VisaStyleCodec())
	for b.Loop() {
		if got, err := turn(body); err != nil || len(got) != len(want) {
			b.Fatalf("%X, want %X, %v", got, want, err)
		}
	}
}

var errNotThere = errors.New("a value of the request is not there")

func turnMoov(ms *iso8583.MessageSpec, body []byte) ([]byte, error) {
	m := iso8583.NewMessage(ms)
	var read turn
	if err := m.Unpack(body); err != nil {
		return nil, err
	}
	if err := m.Unmarshal(&read); err != nil {
		return nil, err
	}
	if read.STAN == "" || read.Amount == "" || read.PAN == "" || read.Expiry == "" || read.Code == nil {
		return nil, errNotThere
	}
	m.MTI("0110")
	if err := m.Marshal(&turned{Transmitted: "1122121701", STAN: "000124", Response: "00"}); err != nil {
		return nil, err
	}
	return m.Pack()
}

func turnCodec(body, out []byte) ([]byte, error) {
	codec := specs.VisaStyleCodec()
	m, err := codec.Parse(body)
	if err != nil {
		return nil, err
	}
	for _, p := range turnPaths {
		if m.Text(p) == "" {
			return nil, errNotThere
		}
	}
	m.SetMTI("0110")
	m.Set(specs.P(7), "1122121701")
	m.Set(specs.P(11), "000124")
	m.Set(specs.P(39), "00")
	return codec.Append(out, m)
}

var turnPaths = []specs.Path{specs.P(11), specs.P(4), specs.P(2), specs.P(14), specs.P(126, 10)}

// relayed is what a relay keeps from message to message.
type relayed struct {
	view       specs.View
	value, out []byte
}

func (r *relayed) turn(body []byte) ([]byte, error) {
	v := &r.view
	if err := specs.VisaStyleCodec().Scan(v, body); err != nil {
		return nil, err
	}
	for _, p := range turnPaths {
		if r.value = v.AppendValue(r.value[:0], p); len(r.value) == 0 {
			return nil, errNotThere
		}
	}
	err := errors.Join(v.SetMTI("0110"), v.Set(specs.P(7), "1122121701"), v.Set(specs.P(11), "000124"), v.Set(specs.P(39), "00"))
	if err != nil {
		return nil, err
	}
	r.out, err = v.Append(r.out[:0])
	return r.out, err
}

// turnedBody is the answer, written out of the request's values.
func turnedBody(t testing.TB) []byte {
	t.Helper()
	m := activationRequest(t).Clone()
	m.SetMTI("0110")
	m.Set(specs.P(7), "1122121701")
	m.Set(specs.P(11), "000124")
	m.Set(specs.P(39), "00")
	body, err := specs.VisaStyleCodec().Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// The benchmarks do the same work, and the view's without allocating.
func TestTurnsAreEqual(t *testing.T) {
	want := turnedBody(t)
	body, err := specs.VisaStyleCodec().Append(nil, activationRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	var r relayed
	ms := stock(specs.VisaStyle())
	for name, turn := range map[string]func(body []byte) ([]byte, error){
		"moov":  func(body []byte) ([]byte, error) { return turnMoov(ms, body) },
		"codec": func(body []byte) ([]byte, error) { return turnCodec(body, nil) },
		"view":  r.turn,
	} {
		if got, err := turn(body); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %X, want %X, %v", name, got, want, err)
		}
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = r.turn(body) }); got > 0 {
		t.Errorf("a turn by view makes %v allocations, the most is 0", got)
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
			if got := testing.AllocsPerRun(100, changeAll(t, codec, body)); got > 0 {
				t.Errorf("%s: %s: a view with all values changed makes %v allocations, the most is 0", name, v.name, got)
			}
		}
	}
}

// changeAll reads and sets every value of a message, and takes its first field
// away and puts it back.
func changeAll(t *testing.T, codec *specs.Codec, body []byte) func() {
	t.Helper()
	var v specs.View
	if err := codec.Scan(&v, body); err != nil {
		t.Fatal(err)
	}
	paths, value, out := v.Paths(), make([]byte, 0, specs.FieldBytesMax), make([]byte, 0, len(body))
	return func() {
		err := codec.Scan(&v, body)
		for _, p := range paths {
			value = v.AppendValue(value[:0], p)
			v.Delete(p)
			err = errors.Join(err, v.SetBytes(p, value))
		}
		relayed, errAppend := v.Append(out)
		if err := errors.Join(err, errAppend); err != nil || !bytes.Equal(relayed, body) {
			t.Errorf("%X is relayed as %X, %v", body, relayed, err)
		}
	}
}
