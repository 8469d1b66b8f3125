package cmac_test

import (
	"crypto/aes"
	"encoding/hex"
	"testing"

	"github.com/firsttap/firsttap/internal/cmac"
)

// TestSum uses the examples of RFC 4493 and NIST SP 800-38B.
func TestSum(t *testing.T) {
	const message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	const key128 = "2b7e151628aed2a6abf7158809cf4f3c"
	const key256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
	for _, one := range []struct {
		key   string
		bytes int
		want  string
	}{
		{key128, 0, "bb1d6929e95937287fa37d129b756746"},
		{key128, 16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{key128, 40, "dfa66747de9ae63030ca32611497c827"},
		{key128, 64, "51f0bebf7e3b9d92fc49741779363cfe"},
		{key256, 0, "028962f61b7bf89efc6b551f4667d983"},
		{key256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"},
		{key256, 64, "e1992190549f6ed5696a2c056c315410"},
	} {
		block, err := aes.NewCipher(unhex(t, one.key))
		if err != nil {
			t.Fatal(err)
		}
		got := cmac.Sum(block, unhex(t, message)[:one.bytes])
		if hex.EncodeToString(got[:]) != one.want {
			t.Errorf("%d bytes: %x", one.bytes, got)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeyIsUsedAgain: a sum leaves the key as it was.
func TestKeyIsUsedAgain(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	k := cmac.New(block)
	for length := range 3 * aes.BlockSize {
		message := make([]byte, length)
		if first, again := k.Sum(message), k.Sum(message); first != cmac.Sum(block, message) || first != again {
			t.Errorf("%d bytes: another sum", length)
		}
	}
}
