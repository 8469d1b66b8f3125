package phone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"io"
)

// keyDrawsMax is how often a device key is drawn: one draw in 2^32 is out of
// range, and eight in a row are a broken source.
const keyDrawsMax = 8

// Key is the device key, on P-256. It is for the wallet on this phone, which
// decrypts key material and signs reports with it, and goes to
// nobody else.
func (p *Phone) Key() *ecdsa.PrivateKey { return p.device }

// drawKey draws a P-256 key from random alone, so that a seed gives one phone.
func drawKey(random io.Reader) (*ecdsa.PrivateKey, error) {
	var scalar [32]byte
	for range keyDrawsMax {
		if _, err := io.ReadFull(random, scalar[:]); err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:]); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("the source of randomness gives no usable key")
}
