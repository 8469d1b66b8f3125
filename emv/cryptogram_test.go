package emv_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/emv"
)

const (
	iad10 = "06010A03A00000"
	iad17 = "06011103A00000"
	iad18 = "06011203A00000"
	iad22 = "1F220103A0000000000000000000000000000000000000000000000000000000"
	iad43 = "1F43010000A0000000000000010678130100" + "0000000000000000000000000000"
)

func TestCryptogramHasFourToEightBytes(t *testing.T) {
	for n := range 12 {
		_, err := emv.NewCryptogram(make([]byte, n))
		good := n >= emv.CryptogramBytesMin && n <= emv.CryptogramBytesMax
		if good != (err == nil) || !good && !errors.Is(err, emv.ErrCryptogramLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestVersionOf(t *testing.T) {
	for _, c := range []struct {
		name, iad string
		want      emv.Version // 0 is an error
	}{
		{"version 10", iad10, emv.Version10},
		{"version 17", iad17, emv.Version17},
		{"version 18", iad18, emv.Version18},
		{"version 22", iad22, emv.Version22},
		{"version 43", iad43, emv.Version43},
		{"with the issuer's data", iad10 + "0F0102", emv.Version10},
		{"32 bytes", iad10 + strings.Repeat("00", 25), emv.Version10},
		{"33 bytes", iad10 + strings.Repeat("00", 26), 0},
		{"nothing", "", 0},
		{"six bytes", iad10[:12], 0},
		{"one byte", "06", 0},
		{"long format cut short", iad22[:62], 0},
		{"short version in the long format", "1F0A" + iad22[4:], 0},
		{"long version in the short format", "06012203A00000", 0},
		{"version 44", "1F44" + iad43[4:], 0},
		{"another format", "07" + iad10[2:], 0},
	} {
		got, err := emv.VersionOf(unhex(t, c.iad))
		if got != c.want || (err == nil) != (c.want != 0) || err != nil && !errors.Is(err, emv.ErrIAD) {
			t.Errorf("%s: %02X, %v", c.name, byte(got), err)
		}
	}
}

func TestVersionNumbers(t *testing.T) {
	for v, want := range map[emv.Version]int{0x0A: 10, 0x11: 17, 0x12: 18, 0x22: 22, 0x43: 43, 0: 0, 0x2B: 0} {
		if got := v.Number(); got != want {
			t.Errorf("%02X is called %d, want %d", byte(v), got, want)
		}
		if back, ok := emv.VersionOfNumber(want); ok != (want != 0) || ok && back != v {
			t.Errorf("%d is %02X, %v", want, byte(back), ok)
		}
	}
}

func TestInputLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*emv.Input)
		want   error
	}{
		{"as it stands", func(*emv.Input) {}, nil},
		{"greatest amount", func(in *emv.Input) { in.AmountAuthorised = emv.AmountMax }, nil},
		{"one more", func(in *emv.Input) { in.AmountAuthorised = emv.AmountMax + 1 }, emv.ErrInput},
		{"greatest other amount", func(in *emv.Input) { in.AmountOther = emv.AmountMax }, nil},
		{"one more other", func(in *emv.Input) { in.AmountOther = emv.AmountMax + 1 }, emv.ErrInput},
		{"greatest country", func(in *emv.Input) { in.Country = emv.CodeMax }, nil},
		{"one country more", func(in *emv.Input) { in.Country = emv.CodeMax + 1 }, emv.ErrInput},
		{"greatest currency", func(in *emv.Input) { in.Currency = emv.CodeMax }, nil},
		{"one currency more", func(in *emv.Input) { in.Currency = emv.CodeMax + 1 }, emv.ErrInput},
		{"no IAD", func(in *emv.Input) { in.IAD = nil }, emv.ErrIAD},
	} {
		in := worked(t, iad10)
		c.change(&in)
		got, err := emv.ApplicationCryptogram(key(t, testKey), in)
		if !errors.Is(err, c.want) || got.IsZero() != (c.want != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.want != nil && emv.VerifyCryptogram(key(t, testKey), in, cryptogram(t, "26CF803FB7D3EB07")) {
			t.Errorf("%s: verifies", c.name)
		}
	}
}

// TestWhatEachVersionCovers changes one element at a time: the cryptogram must
// change with it, exactly when the version covers it.
func TestWhatEachVersionCovers(t *testing.T) {
	changes := []struct {
		name     string
		change   func(*emv.Input)
		outsider string // versions that do not cover it
	}{
		{"amount", func(in *emv.Input) { in.AmountAuthorised++ }, ""},
		{"unpredictable number", func(in *emv.Input) { in.Unpredictable[3]++ }, ""},
		{"counter", func(in *emv.Input) { in.ATC++ }, ""},
		{"other amount", func(in *emv.Input) { in.AmountOther++ }, "17"},
		{"country", func(in *emv.Input) { in.Country++ }, "17"},
		{"TVR", func(in *emv.Input) { in.TVR[0]++ }, "17"},
		{"currency", func(in *emv.Input) { in.Currency++ }, "17"},
		{"date", func(in *emv.Input) { in.Date[0]++ }, "17"},
		{"type", func(in *emv.Input) { in.Type++ }, "17"},
		{"AIP", func(in *emv.Input) { in.AIP[1]++ }, "17"},
		{"CVR byte 2", func(in *emv.Input) { in.IAD[4]++ }, ""},
		{"CVR byte 1", func(in *emv.Input) { in.IAD[3]++ }, "17"},
		{"key index", func(in *emv.Input) { in.IAD[len(in.IAD)-1]++ }, "17"},
	}
	k := key(t, testKey)
	for version, iad := range map[string]string{"10": iad10, "17": iad17, "18": iad18, "22": iad22, "43": iad43} {
		before, err := emv.ApplicationCryptogram(k, worked(t, iad))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			in := worked(t, iad)
			c.change(&in)
			if covered := !emv.VerifyCryptogram(k, in, before); covered == strings.Contains(c.outsider, version) {
				t.Errorf("version %s: covers %s is %v", version, c.name, covered)
			}
		}
	}
}

func TestVerifyCryptogramTakesTheWholeCryptogram(t *testing.T) {
	k, in := key(t, "68EFE6451FDF864C2FE579FE16B35826"), worked(t, iad10)
	for _, digits := range []string{"26CF803FB7D3EB06", "26CF803F", "26CF803FB7D3EB"} {
		if emv.VerifyCryptogram(k, in, cryptogram(t, digits)) {
			t.Errorf("%s verifies", digits)
		}
	}
	if emv.VerifyCryptogram(k, in, emv.Cryptogram{}) {
		t.Error("no cryptogram verifies")
	}
}

func TestARPCNeedsAWholeARQC(t *testing.T) {
	k, short := key(t, testKey), cryptogram(t, "01020304")
	if !emv.ARPC1(k, short, [2]byte{}).IsZero() || !emv.ARPC2(k, emv.Cryptogram{}, [4]byte{}).IsZero() {
		t.Error("an ARPC answers half an ARQC")
	}
	whole := cryptogram(t, "F8BF255996A9B002")
	good := emv.ARPC2(k, whole, [4]byte{0, 0x80})
	if !emv.VerifyARPC2(k, whole, [4]byte{0, 0x80}, good) || emv.VerifyARPC2(k, whole, [4]byte{}, good) || emv.VerifyARPC2(k, whole, [4]byte{0, 0x80}, emv.Cryptogram{}) {
		t.Error("method 2 verifies what it should not, or not what it should")
	}
}

func TestTapARPCIsUnderTheSessionKey(t *testing.T) {
	k, arqc, csu := key(t, testKey), cryptogram(t, "F8BF255996A9B002"), [4]byte{0, 0x80}
	for _, atc := range []uint16{0, 1, 0x1234, 0xFFFF} {
		want := emv.ARPC2(emv.SessionKey(k, atc), arqc, csu)
		if got := emv.TapARPC2(k, atc, arqc, csu); got != want || !emv.VerifyTapARPC2(k, atc, arqc, csu, want) {
			t.Errorf("counter %d: it is %X, not %X", atc, got.Reveal(), want.Reveal())
		}
		if emv.VerifyTapARPC2(k, atc+1, arqc, csu, want) || emv.VerifyTapARPC2(k, atc, arqc, [4]byte{}, want) || emv.VerifyTapARPC2(k, atc, arqc, csu, emv.Cryptogram{}) {
			t.Errorf("counter %d: what answers something else verifies", atc)
		}
	}
	if !emv.TapARPC2(emv.Key{}, 1, arqc, csu).IsZero() || !emv.TapARPC2(k, 1, cryptogram(t, "01020304"), csu).IsZero() {
		t.Error("no key, or half an ARQC, is answered")
	}
	if emv.VerifyTapARPC2(emv.Key{}, 1, arqc, csu, arqc) || emv.VerifyARPC2(emv.Key{}, arqc, csu, arqc) {
		t.Error("without a key something verifies")
	}
}

func TestChipDataRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawInput(t)
		c, err := emv.ApplicationCryptogram(key(t, testKey), want)
		if err != nil {
			t.Fatal(err)
		}
		list, err := emv.ParseTLV(emv.AppendChipData(nil, want, c))
		if err != nil {
			t.Fatal(err)
		}
		in, got, err := emv.ChipData(list)
		if err != nil || got != c || !emv.VerifyCryptogram(key(t, testKey), in, got) {
			t.Fatalf("chip data came back changed: %v", err)
		}
		if again := emv.AppendChipData(nil, in, got); string(again) != string(emv.AppendChipData(nil, want, c)) {
			t.Fatalf("%X is not what was sent", again)
		}
	})
}

func drawInput(t *rapid.T) emv.Input {
	fill := func(b []byte, name string) { copy(b, rapid.SliceOfN(rapid.Byte(), len(b), len(b)).Draw(t, name)) }
	in := emv.Input{
		AmountAuthorised: rapid.Uint64Max(emv.AmountMax).Draw(t, "amount"),
		AmountOther:      rapid.Uint64Max(emv.AmountMax).Draw(t, "other"),
		Country:          rapid.Uint16Max(emv.CodeMax).Draw(t, "country"),
		Currency:         rapid.Uint16Max(emv.CodeMax).Draw(t, "currency"),
		Type:             rapid.Byte().Draw(t, "type"),
		ATC:              rapid.Uint16().Draw(t, "atc"),
		IAD:              unhex(t, rapid.SampledFrom([]string{iad10, iad17, iad18, iad22, iad43}).Draw(t, "iad")),
	}
	fill(in.TVR[:], "tvr")
	fill(in.Date[:], "date")
	fill(in.Unpredictable[:], "unpredictable")
	fill(in.AIP[:], "aip")
	return in
}

func FuzzLimitedUseIndex(f *testing.F) {
	for _, iad := range []string{iad10, iad17, iad18, iad22, iad43, "", "1F"} {
		f.Add(unhex(f, iad))
	}
	k := key(f, testKey)
	f.Fuzz(func(t *testing.T, iad []byte) {
		index, err := emv.LimitedUseIndex(iad)
		if err != nil {
			return
		}
		if _, err := emv.LimitedUseKey(k, index); err != nil {
			t.Errorf("index %q was read and is not taken: %v", index, err)
		}
	})
}

func BenchmarkVerifyCryptogram(b *testing.B) {
	k := key(b, "68EFE6451FDF864C2FE579FE16B35826")
	for _, c := range []struct{ name, iad, arqc string }{
		{"version10", iad10, "26CF803FB7D3EB07"},
		{"version18", iad18, "F8BF255996A9B002"},
	} {
		b.Run(c.name, func(b *testing.B) {
			in, arqc := worked(b, c.iad), cryptogram(b, c.arqc)
			b.ReportAllocs()
			for b.Loop() {
				if !emv.VerifyCryptogram(k, in, arqc) {
					b.Fatal("does not verify")
				}
			}
		})
	}
}
