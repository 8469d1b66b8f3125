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

// What stands before the window number: version 1, three digits.
const (
	codeRecordVersion = 0x01
	codeRecordDigits  = CodeDigits
)

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
	codes := &aesCMACCodes{record: [2 + 8]byte{codeRecordVersion, codeRecordDigits}}
	codes.key.Set(cipher)
	return codes, nil
}

type aesCMACCodes struct {
	key    cmac.Key
	record [2 + 8]byte
}

func (c *aesCMACCodes) two(one, other Window) (a, b digits, err error) {
	return eachAlone(c.code, one, other)
}

func (c *aesCMACCodes) code(w Window) (digits, error) {
	if err := w.countable(); err != nil {
		return digits{}, err
	}
	binary.BigEndian.PutUint64(c.record[2:], uint64(w.Index))
	sum := c.key.Sum(c.record[:])
	return digitsOf(binary.BigEndian.Uint64(sum[:8])), nil
}
