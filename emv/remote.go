package emv

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// RemoteBytes is the length of what a token gives for a payment without a
// terminal (field 126.9).
const RemoteBytes = 20

const (
	remoteForm       = 0x01 // of the 20 bytes; ours
	remoteCryptogram = 7    // where the cryptogram begins: form, counter, unpredictable number
	remoteEnd        = remoteCryptogram + blockBytes
)

// ErrRemote is what ParseRemote wraps. It carries no value.
var ErrRemote = errors.New("an e-commerce cryptogram is 20 bytes: 01, counter (2), unpredictable number (4), cryptogram (8), zeros (5)")

// Remote is a token's cryptogram for a payment without a terminal, with what
// else of its input only the token's holder knows. The layout of its bytes is
// ours. The zero value is none.
type Remote struct {
	ATC           uint16
	Unpredictable [4]byte
	Cryptogram    Cryptogram
}

// ParseRemote reads 20 bytes.
func ParseRemote(b []byte) (Remote, error) {
	if len(b) != RemoteBytes {
		return Remote{}, fmt.Errorf("%w, not %d bytes", ErrRemote, len(b))
	}
	for _, zero := range b[remoteEnd:] {
		if zero != 0 {
			return Remote{}, ErrRemote
		}
	}
	if b[0] != remoteForm {
		return Remote{}, ErrRemote
	}
	return Remote{
		ATC: binary.BigEndian.Uint16(b[1:]), Unpredictable: [4]byte(b[3:remoteCryptogram]),
		Cryptogram: mustCryptogram(b[remoteCryptogram:remoteEnd]),
	}, nil
}

// Append adds the 20 bytes of r to b. Callers must not print, log or store
// them. It adds nothing for none.
func (r Remote) Append(b []byte) []byte {
	if r.IsZero() {
		return b
	}
	b = append(b, remoteForm)
	b = binary.BigEndian.AppendUint16(b, r.ATC)
	b = append(b, r.Unpredictable[:]...)
	b = append(b, r.Cryptogram.Reveal()...)
	return append(b, make([]byte, RemoteBytes-remoteEnd)...)
}

// IsZero reports whether r is none.
func (r Remote) IsZero() bool { return r.Cryptogram.IsZero() }

// RemoteInput is what the cryptogram of a payment without a terminal covers:
// amount, currency, counter and unpredictable number, with zeros for what only
// terminals know, by version 18 (ours).
func RemoteInput(amount uint64, currency, atc uint16, unpredictable [4]byte) Input {
	return Input{
		AmountAuthorised: amount, Currency: currency, Unpredictable: unpredictable, ATC: atc,
		AIP: [2]byte{0x20, 0x00}, IAD: []byte{iadShortFormat, 0x01, byte(Version18), 0x03, 0xA0, 0x00, 0x00},
	}
}
