package emv

import "crypto/subtle"

// Length of an ARPC in bytes, by its method.
const (
	ARPC1Bytes = 8
	ARPC2Bytes = 4
)

// ARPC1 is the issuer's answer by method 1 (EMV Book 2, 8.2.1): the ARQC,
// exclusive-or the two characters of the response code, encrypted under key,
// which is the card key for versions 10 and 17. It is zero for no key or an
// ARQC that has not 8 bytes.
func ARPC1(key Key, arqc Cryptogram, arc [2]byte) Cryptogram {
	block := arqc.Reveal()
	if key.IsZero() || len(block) != blockBytes {
		return Cryptogram{}
	}
	subtle.XORBytes(block, block, arc[:])
	key.raw().encrypt(block)
	return mustCryptogram(block)
}

// VerifyARPC1 reports whether got answers arqc by method 1, in constant time.
// It is false for whatever ARPC1 refuses.
func VerifyARPC1(key Key, arqc Cryptogram, arc [2]byte, got Cryptogram) bool {
	want := ARPC1(key, arqc, arc)
	return !want.IsZero() && got.equals(want.Reveal())
}

// ARPC2 is the issuer's answer by method 2 (EMV Book 2, 8.2.2) without
// proprietary data: the first four bytes of the MAC over ARQC and card status
// update, padded with 80 and zeros, under the session key. It is zero for no
// key or an ARQC that has not 8 bytes.
func ARPC2(sessionKey Key, arqc Cryptogram, csu [4]byte) Cryptogram {
	data := arqc.Reveal()
	if sessionKey.IsZero() || len(data) != blockBytes {
		return Cryptogram{}
	}
	sum := MAC(sessionKey, padded(append(data, csu[:]...)))
	return mustCryptogram(sum[:ARPC2Bytes])
}

// VerifyARPC2 reports whether got answers arqc by method 2, in constant time.
// It is false for whatever ARPC2 refuses.
func VerifyARPC2(sessionKey Key, arqc Cryptogram, csu [4]byte, got Cryptogram) bool {
	want := ARPC2(sessionKey, arqc, csu)
	return !want.IsZero() && got.equals(want.Reveal())
}

func mustCryptogram(b []byte) Cryptogram {
	c, err := NewCryptogram(b)
	if err != nil {
		panic(err) // not reached: the callers give 4 or 8 bytes
	}
	return c
}
