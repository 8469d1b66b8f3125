package dcvv2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// ProfileTOTP is the profile of the open standard: RFC 6238 TOTP with SHA-256,
// T0 = 0, a step of the window's hours and three digits, under the account's
// key HMAC-SHA256(master key, derivation of 256 bits). Any OATH library can
// show it. The master key has 32 bytes; the derivation is ours.
const ProfileTOTP = "totp"

type totp struct{}

// Name is ProfileTOTP.
func (totp) Name() string { return ProfileTOTP }

// KeyBytes is 32.
func (totp) KeyBytes() int { return wideKeyBytes }

// Derivation is DeriveHMAC.
func (totp) Derivation() Derivation { return DeriveHMAC }

func (p totp) account(k Master, a Account, hours int) (codes, error) {
	key, err := a.wideKey(p, k, hours, 8*sha256.Size)
	if err != nil {
		return nil, err
	}
	return &totpCodes{mac: hmac.New(sha256.New, key[:])}, nil
}

type totpCodes struct {
	mac     hash.Hash
	counter [8]byte
	sum     [sha256.Size]byte
}

func (c *totpCodes) two(one, other Window) (a, b digits, err error) {
	return eachAlone(c.code, one, other)
}

func (c *totpCodes) code(w Window) (digits, error) {
	if err := w.countable(); err != nil {
		return digits{}, err
	}
	binary.BigEndian.PutUint64(c.counter[:], uint64(w.Index))
	c.mac.Reset()
	c.mac.Write(c.counter[:])
	c.mac.Sum(c.sum[:0])
	at := c.sum[len(c.sum)-1] & 0x0F // dynamic truncation, RFC 4226 5.3
	return digitsOf(uint64(binary.BigEndian.Uint32(c.sum[at:at+4]) & 0x7FFF_FFFF)), nil
}
