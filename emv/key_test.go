package emv_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

const testKey = "0123456789ABCDEFFEDCBA9876543210"

func TestKeyHasSixteenBytes(t *testing.T) {
	for n := range 34 {
		_, err := emv.NewKey(make([]byte, n))
		if good := n == emv.KeyBytes; good != (err == nil) || !good && !errors.Is(err, emv.ErrKeyLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, digits := range []string{"", testKey[1:], testKey + "0", testKey + "00", "G" + testKey[1:]} {
		if _, err := emv.ParseKey(digits); !errors.Is(err, emv.ErrKeyLength) || strings.Contains(err.Error(), "3456") {
			t.Errorf("%d digits: %v", len(digits), err)
		}
	}
	if key(t, strings.ToLower(testKey)) != key(t, testKey) {
		t.Error("the case of hexadecimal digits makes a difference")
	}
}

func TestZeroKeyComputesNothing(t *testing.T) {
	var none emv.Key
	pan, arqc := card.MustPAN("4761739001010010"), cryptogram(t, "26CF803FB7D3EB07")
	if !none.IsZero() || none.CheckValue() != "" || len(none.Reveal()) != 0 {
		t.Error("the zero key is no key")
	}
	if !emv.CardKey(none, pan, 0).IsZero() || !emv.CardKey(key(t, testKey), card.PAN{}, 0).IsZero() || !emv.SessionKey(none, 1).IsZero() {
		t.Error("a key was derived of nothing")
	}
	if _, err := emv.LimitedUseKey(none, "0570201"); !errors.Is(err, emv.ErrKeyMissing) {
		t.Errorf("limited-use key of no key: %v", err)
	}
	if emv.MAC(none, []byte("data")) != [8]byte{} || emv.CVV(none, strings.Repeat("0", 32)) != "" || (emv.CVVCipher{}).CVV([16]byte{}) != [3]byte{} {
		t.Error("something was computed under no key")
	}
	if !emv.ARPC1(none, arqc, [2]byte{}).IsZero() || !emv.ARPC2(none, arqc, [4]byte{}).IsZero() {
		t.Error("an ARPC was computed under no key")
	}
	if emv.VerifyARPC2(none, arqc, [4]byte{}, emv.Cryptogram{}) {
		t.Error("no answer verifies under no key")
	}
	in := worked(t, "06010A03A00000")
	if _, err := emv.ApplicationCryptogram(none, in); !errors.Is(err, emv.ErrKeyMissing) || emv.VerifyCryptogram(none, in, arqc) {
		t.Errorf("cryptogram under no key: %v", err)
	}
}

func TestDerivedKeysHaveOddParity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		master, err := emv.NewKey(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "master"))
		if err != nil {
			t.Fatal(err)
		}
		digits := rapid.StringMatching(`4761739[0-9]{5,11}`).Draw(t, "digits")
		pan, err := card.CompletePAN(digits)
		if err != nil {
			t.Fatal(err)
		}
		cardKey := emv.CardKey(master, pan, card.Sequence(rapid.IntRange(0, 99).Draw(t, "psn")))
		session := emv.SessionKey(cardKey, rapid.Uint16().Draw(t, "atc"))
		for _, b := range append(cardKey.Reveal(), session.Reveal()...) {
			if bits.OnesCount8(b)%2 == 0 {
				t.Fatalf("a byte with even parity: %08b", b)
			}
		}
	})
}

func TestLimitedUseIndex(t *testing.T) {
	cloud := worked(t, "1F43010000A0000000000000010678130100"+strings.Repeat("00", 14)).IAD
	if got, err := emv.LimitedUseIndex(cloud); got != "6781301" || err != nil {
		t.Errorf("index %q, %v", got, err)
	}
	moment := time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)
	for _, c := range []struct {
		at      time.Time
		counter int
		want    string
	}{
		{moment, 1, "6781301"},
		{moment, emv.IndexCounterMax, "6781399"},
		{moment, emv.IndexCounterMax + 1, "6781300"},
		{moment, -1, "6781399"},
		{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), 0, "0000100"},
		{time.Date(2028, 12, 31, 23, 59, 59, 0, time.UTC), 7, "8878407"}, // leap year: hour 8784
	} {
		if got := emv.LimitedUseIndexAt(c.at, c.counter); got != c.want {
			t.Errorf("%v, %d: %s, want %s", c.at, c.counter, got, c.want)
		}
	}
	for _, index := range []string{"", "057020", "05702010", "057020A", "-570201"} {
		if _, err := emv.LimitedUseKey(key(t, testKey), index); !errors.Is(err, emv.ErrIndex) {
			t.Errorf("index %q: %v", index, err)
		}
	}
	for _, at := range []int{13, 14} {
		bad := bytes.Clone(cloud)
		bad[at] = 0x1A
		if _, err := emv.LimitedUseIndex(bad); !errors.Is(err, emv.ErrIndex) {
			t.Errorf("1A in byte %d: %v", at, err)
		}
	}
	if _, err := emv.LimitedUseIndex(unhex(t, "06010A03A00000")); !errors.Is(err, emv.ErrIAD) {
		t.Errorf("version 10: %v", err)
	}
}

func TestCVVTakesThirtyTwoDigits(t *testing.T) {
	k := key(t, testKey)
	for _, digits := range []string{"", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("0", 31) + "A", strings.Repeat("é", 16)} {
		if got := emv.CVV(k, digits); got != "" {
			t.Errorf("%q gives %q", digits, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		got := emv.CVV(k, rapid.StringMatching(`[0-9]{32}`).Draw(t, "digits"))
		if !regexp.MustCompile(`^[0-9]{3}$`).MatchString(got) {
			t.Fatalf("%q is not three digits", got)
		}
	})
}

func TestMACFillsTheLastBlockWithZeros(t *testing.T) {
	k := key(t, testKey)
	if emv.MAC(k, unhex(t, "0102030405")) != emv.MAC(k, unhex(t, "0102030405000000")) {
		t.Error("a short block is not filled with zeros")
	}
	if emv.MAC(k, nil) != emv.MAC(k, make([]byte, 8)) {
		t.Error("no input is not a block of zeros")
	}
	if emv.MAC(k, make([]byte, 8)) == emv.MAC(k, make([]byte, 16)) {
		t.Error("a block of zeros more makes no difference")
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{testKey, strings.ToLower(testKey), "", "0", testKey[:31], testKey + "00", "zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := emv.ParseKey(s)
		if err == nil && !strings.EqualFold(hex.EncodeToString(k.Reveal()), s) {
			t.Errorf("%q came back as %X", s, k.Reveal())
		}
		if err != nil && !k.IsZero() {
			t.Error("an error with a key")
		}
	})
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	const clearKey, clearARQC = testKey, "26CF803FB7D3EB07"
	k, c := key(t, clearKey), cryptogram(t, clearARQC)
	pan := unhex(t, "4761739001010010")
	element := emv.TLV{Tag: emv.TagPAN, Value: pan}
	template := emv.TLV{Tag: emv.TagRecord, Value: emv.AppendTLV(nil, emv.TagPAN, pan), Children: []emv.TLV{element}}
	holder := struct {
		Key        emv.Key
		Cryptogram emv.Cryptogram
		Cipher     emv.CVVCipher
		Elements   []emv.TLV
		key        emv.Key
		cryptogram emv.Cryptogram
		cipher     emv.CVVCipher
	}{k, c, emv.CardCVVCipher([16]byte(k.Reveal())), []emv.TLV{element, template}, k, c, emv.CardCVVCipher([16]byte(k.Reveal()))}

	var clear []string
	for _, b := range [][]byte{k.Reveal(), k.Reveal()[:8], c.Reveal(), pan} {
		clear = append(clear, shown(b), strings.ToLower(shown(b)), string(b), fmt.Sprint(b), strings.Trim(fmt.Sprint(b), "[]"), fmt.Sprintf("%#v", b))
	}
	for _, v := range []any{k, &k, c, &c, holder.Cipher, &holder.Cipher, element, template, holder, &holder, []emv.Key{k}, map[string]emv.Cryptogram{"": c}} {
		for _, text := range everyWay(t, v) {
			for _, secret := range clear {
				if strings.Contains(text, secret) {
					t.Errorf("%T shows %q in %q", v, secret, text)
				}
			}
		}
	}
	if k.String() != "[key]" || c.String() != "[cryptogram]" || template.String() != "70[10]" {
		t.Errorf("masks are %s, %s and %s", k, c, template)
	}
}

// everyWay is v as all that prints or marshals would show it.
func everyWay(t *testing.T, v any) []string {
	t.Helper()
	var texts []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, v))
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return append(texts, string(encoded), fmt.Sprint(fmt.Errorf("about %v: %w", v, errors.ErrUnsupported)))
}
