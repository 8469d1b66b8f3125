package emv_test

import (
	"bytes"
	"crypto/des"
	"slices"
	"testing"

	"github.com/firsttap/firsttap/emv"
)

// FuzzTDES holds the rounds and the key schedule to crypto/des: TDES of two
// blocks, which holds encryption and decryption, and the retail MAC of any
// input.
func FuzzTDES(f *testing.F) {
	f.Add(unhex(f, testKey), []byte("sixteen letters."))
	f.Add(unhex(f, "0101010101010101FEFEFEFEFEFEFEFE"), []byte{})
	f.Add(bytes.Repeat([]byte{0xFF}, emv.KeyBytes), bytes.Repeat([]byte{0xFF}, 17))
	for bit := range 8 * emv.KeyBytes { // each bit of a key, and of a block, on its own
		one := make([]byte, emv.KeyBytes)
		one[bit/8] = 0x80 >> (bit % 8)
		f.Add(one, one)
	}
	f.Fuzz(func(t *testing.T, raw, data []byte) {
		k, err := emv.NewKey(raw)
		if err != nil {
			return
		}
		var in, want [emv.KeyBytes]byte
		copy(in[:], data)
		triple, err := des.NewTripleDESCipher(slices.Concat(raw, raw[:des.BlockSize]))
		if err != nil {
			t.Fatal(err)
		}
		triple.Encrypt(want[:], in[:])
		triple.Encrypt(want[des.BlockSize:], in[des.BlockSize:])
		if got := emv.NewEncrypter(k).Encrypt(in); got != want {
			t.Errorf("TDES under %X of %X is %X, want %X", raw, in, got, want)
		}
		if got, want := emv.MAC(k, data), retailMAC(t, raw, data); got != want {
			t.Errorf("MAC under %X of %X is %X, want %X", raw, data, got, want)
		}
	})
}

// FuzzTwoAtOnce: a value does not change by what is computed beside it, and is
// that of the digits.
func FuzzTwoAtOnce(f *testing.F) {
	f.Add(unhex(f, testKey), "49870890010100103112901000000000", "49870990010100103112901000000000")
	f.Fuzz(func(t *testing.T, raw []byte, one, two string) {
		k, err := emv.NewKey(raw)
		if err != nil {
			return
		}
		wantOne, wantTwo := emv.CVV(k, one), emv.CVV(k, two)
		if wantOne == "" || wantTwo == "" {
			return
		}
		cipher, first, second := emv.CardCVVCipher([emv.KeyBytes]byte(raw)), [16]byte(unhex(t, one)), [16]byte(unhex(t, two))
		gotOne, gotTwo := cipher.CVVs(first, second)
		alone := cipher.CVV(first)
		if string(gotOne[:]) != wantOne || string(gotTwo[:]) != wantTwo || gotOne != alone {
			t.Errorf("under %X, %s and %s give %s and %s, want %s and %s", raw, one, two, gotOne, gotTwo, wantOne, wantTwo)
		}
	})
}

// retailMAC is emv.MAC by crypto/des.
func retailMAC(t *testing.T, key, data []byte) (s [des.BlockSize]byte) {
	t.Helper()
	a, errA := des.NewCipher(key[:des.BlockSize])
	b, errB := des.NewCipher(key[des.BlockSize:])
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for {
		n := min(len(data), len(s))
		for i := range n {
			s[i] ^= data[i]
		}
		a.Encrypt(s[:], s[:])
		if data = data[n:]; len(data) == 0 {
			break
		}
	}
	b.Decrypt(s[:], s[:])
	a.Encrypt(s[:], s[:])
	return s
}

// BenchmarkPrimitives shows why DES is our own: what 24 codes of a card never
// seen need of it, two key schedules, two blocks of TDES and 24 times four
// blocks of DES, by crypto/des and by ours.
func BenchmarkPrimitives(b *testing.B) {
	raw := unhex(b, testKey)
	var block [emv.CVVBlockBytes]byte
	b.Run("crypto-des", func(b *testing.B) {
		triple, err := des.NewTripleDESCipher(slices.Concat(raw, raw[:des.BlockSize]))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			triple.Encrypt(block[:], block[:])
			triple.Encrypt(block[des.BlockSize:], block[des.BlockSize:])
			left, _ := des.NewCipher(block[:des.BlockSize])
			right, _ := des.NewCipher(block[des.BlockSize:])
			for range 24 {
				left.Encrypt(block[:], block[:])
				left.Encrypt(block[:], block[:])
				right.Decrypt(block[:], block[:])
				left.Encrypt(block[:], block[:])
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		k, err := emv.NewKey(raw)
		if err != nil {
			b.Fatal(err)
		}
		master := emv.NewEncrypter(k)
		for b.Loop() {
			block = master.Encrypt(block)
			cipher := emv.CardCVVCipher(block)
			for range 12 {
				one, two := cipher.CVVs(block, block)
				copy(block[copy(block[:], one[:]):], two[:])
			}
		}
	})
}
