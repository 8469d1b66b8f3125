package emv

import (
	"errors"
	"fmt"
)

// Version is a cryptogram version number (CVN): it says which key and which
// data a cryptogram is made of.
type Version byte

// Versions that this package computes. The first three are known by their
// decimal number, the others by their hexadecimal one.
const (
	Version10 Version = 0x0A // card key, CVR, zero padding; ARPC method 1
	Version17 Version = 0x11 // card key, four elements only, zero padding; ARPC method 1
	Version18 Version = 0x12 // session key, whole 9F10, 80 padding; ARPC method 2
	Version22 Version = 0x22 // as 18, in the long format of 9F10
	Version43 Version = 0x43 // limited-use key, whole 9F10 (our reading), 80 padding; no ARPC
)

// Number is what people call v: 10, 17, 18, 22 or 43. It is 0 for a version
// that this package does not compute.
func (v Version) Number() int { return versionNumbers[v] }

// VersionOfNumber is the version that people call n; it reports false for one
// that this package does not compute.
func VersionOfNumber(n int) (Version, bool) {
	for v, number := range versionNumbers {
		if number == n {
			return v, true
		}
	}
	return 0, false
}

var versionNumbers = map[Version]int{Version10: 10, Version17: 17, Version18: 18, Version22: 22, Version43: 43}

// Issuer application data (tag 9F10): at most 32 bytes (EMV Book 3 annex A).
// Format 06 is 06 DKI CVN CVR(4), maybe followed by data of the issuer's;
// format 1F is 1F CVN DKI and 29 bytes more.
const (
	IADBytesMax     = 32
	iadShortFormat  = 0x06
	iadLongFormat   = 0x1F
	iadShortMin     = 7
	iadCVROffset    = 3
	iadCVRBytes     = 4
	iadIndexOffset  = 13 // version 43: 1F CVN DKI CVR(6) 4 bytes, then 0YHHHHCC
	iadIndexBytes   = 4
	iadIndexNumbers = 10_000_000 // seven digits
)

// ErrIAD is what VersionOf and LimitedUseIndex wrap.
var ErrIAD = errors.New("issuer application data (9F10) is not of a known form")

// VersionOf reads the version from issuer application data: byte 3 of format
// 06, byte 2 of format 1F.
func VersionOf(iad []byte) (Version, error) {
	if len(iad) == 0 || len(iad) > IADBytesMax {
		return 0, fmt.Errorf("%w: %d bytes, not 1 to %d", ErrIAD, len(iad), IADBytesMax)
	}
	switch {
	case iad[0] == iadShortFormat && len(iad) >= iadShortMin:
		return knownVersion(Version(iad[2]), Version10, Version17, Version18)
	case iad[0] == iadLongFormat && len(iad) == IADBytesMax:
		return knownVersion(Version(iad[1]), Version22, Version43)
	default:
		return 0, fmt.Errorf("%w: format %02X with %d bytes", ErrIAD, iad[0], len(iad))
	}
}

func knownVersion(v Version, known ...Version) (Version, error) {
	for _, k := range known {
		if v == k {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: cryptogram version %02X", ErrIAD, byte(v))
}

// LimitedUseIndex reads the index YHHHHCC of the limited-use key from the
// issuer application data of version 43, for LimitedUseKey.
func LimitedUseIndex(iad []byte) (string, error) {
	v, err := VersionOf(iad)
	if err != nil {
		return "", err
	}
	if v != Version43 {
		return "", fmt.Errorf("%w: version %02X has no key index", ErrIAD, byte(v))
	}
	n, ok := parseBCD(iad[iadIndexOffset : iadIndexOffset+iadIndexBytes])
	if !ok || n >= iadIndexNumbers {
		return "", ErrIndex
	}
	return digitsOf(n, IndexDigits), nil
}
