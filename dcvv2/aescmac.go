package dcvv2

import (
	"crypto/aes"
	"encoding/binary"
	"fmt"

	"github.com/firsttap/firsttap/internal/cmac"
)

// ProfileAESCMAC is the profile for new keys (ours): AES-CMAC with a 32-byte
// master key. The account's key K is CMAC over the derivation of 128 bits; the
// code is the first 8 bytes of
//
//	CMAC(K, 01 03 ‖ window number, 8 bytes big-endian)
//
// as an integer modulo 1000. Raising the generation voids outstanding codes.
const ProfileAESCMAC = "aes-cmac"

// codeRecord stands before the window number: version 1, three digits.
var codeRecord = []byte{0x01, 0x03}

type aesCMAC struct{}

// Name is ProfileAESCMAC.
func (aesCMAC) Name() string { return ProfileAESCMAC }

// KeyBytes is 32.
func (aesCMAC) KeyBytes() int { return wideKeyBytes }

// Code is documented at Profile and ProfileAESCMAC.
func (aesCMAC) Code(k MasterKey, a Account, w Window) (Code, error) {
	master, err := wideKey(ProfileAESCMAC, k, a, w)
	if err != nil {
		return Code{}, err
	}
	input, err := a.derivation(w.Hours, 8*aes.BlockSize)
	if err != nil {
		return Code{}, err
	}
	cipher, err := aes.NewCipher(master)
	if err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	key := cmac.Sum(cipher, input)
	if cipher, err = aes.NewCipher(key[:]); err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	sum := cmac.Sum(cipher, binary.BigEndian.AppendUint64(codeRecord[:len(codeRecord):len(codeRecord)], uint64(w.Index)))
	return ParseCode(zeroFilled(int64(binary.BigEndian.Uint64(sum[:8])%1000), CodeDigits))
}
