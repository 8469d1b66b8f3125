package dcvv2

import (
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
	return func(w Window) (Code, error) {
		if err := w.countable(); err != nil {
			return Code{}, err
		}
		sum := hmacSHA256(key[:], binary.BigEndian.AppendUint64(nil, uint64(w.Index)))
		at := sum[len(sum)-1] & 0x0F // dynamic truncation, RFC 4226 5.3
		n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7FFF_FFFF
		return ParseCode(zeroFilled(int64(n%1000), CodeDigits))
	}, nil
}
