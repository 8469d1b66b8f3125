package dcvv2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
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
	mac := hmac.New(sha256.New, key[:])
	var counter [8]byte
	space := make([]byte, 0, sha256.Size)
	return alone(func(w Window) (digits, error) {
		if err := w.countable(); err != nil {
			return digits{}, err
		}
		binary.BigEndian.PutUint64(counter[:], uint64(w.Index))
		mac.Reset()
		mac.Write(counter[:])
		sum := mac.Sum(space)
		at := sum[len(sum)-1] & 0x0F // dynamic truncation, RFC 4226 5.3
		return digitsOf(uint64(binary.BigEndian.Uint32(sum[at:at+4]) & 0x7FFF_FFFF)), nil
	}), nil
}
