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

// Derivation is DeriveCMAC.
func (aesCMAC) Derivation() Derivation { return DeriveCMAC }

func (p aesCMAC) account(k Master, a Account, hours int) (codes, error) {
	key, err := a.wideKey(p, k, hours, 8*aes.BlockSize)
	if err != nil {
		return nil, err
	}
	cipher, err := aes.NewCipher(key[:aes.BlockSize])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	return func(w Window) (Code, error) {
		if err := w.countable(); err != nil {
			return Code{}, err
		}
		sum := cmac.Sum(cipher, binary.BigEndian.AppendUint64(codeRecord[:len(codeRecord):len(codeRecord)], uint64(w.Index)))
		return ParseCode(zeroFilled(int64(binary.BigEndian.Uint64(sum[:8])%1000), CodeDigits))
	}, nil
}
