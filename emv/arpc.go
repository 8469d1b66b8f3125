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
	if sessionKey.IsZero() {
		return Cryptogram{}
	}
	return shortCryptogram(arpc2(sessionKey.raw(), arqc, csu))
}

// VerifyARPC2 reports whether got answers arqc by method 2, in constant time.
// It is false for whatever ARPC2 refuses.
func VerifyARPC2(sessionKey Key, arqc Cryptogram, csu [4]byte, got Cryptogram) bool {
	if sessionKey.IsZero() {
		return false
	}
	sum, ok := arpc2(sessionKey.raw(), arqc, csu)
	return ok && got.equals(sum[:])
}

// TapARPC2 is ARPC2 under the session key that SessionKey derives from a card
// key and a counter.
func TapARPC2(cardKey Key, atc uint16, arqc Cryptogram, csu [4]byte) Cryptogram {
	if cardKey.IsZero() {
		return Cryptogram{}
	}
	return shortCryptogram(arpc2(sessionKey(cardKey.raw(), atc), arqc, csu))
}

// VerifyTapARPC2 is VerifyARPC2 for TapARPC2.
func VerifyTapARPC2(cardKey Key, atc uint16, arqc Cryptogram, csu [4]byte, got Cryptogram) bool {
	if cardKey.IsZero() {
		return false
	}
	sum, ok := arpc2(sessionKey(cardKey.raw(), atc), arqc, csu)
	return ok && got.equals(sum[:])
}

// arpc2 fails on an ARQC that has not 8 bytes.
func arpc2(session rawKey, arqc Cryptogram, csu [4]byte) (sum [ARPC2Bytes]byte, ok bool) {
	data := arqc.Reveal()
	if len(data) != blockBytes {
		return sum, false
	}
	ready := session.ready()
	mac := ready.mac(padded(append(data, csu[:]...)))
	return [ARPC2Bytes]byte(mac[:]), true
}

func shortCryptogram(sum [ARPC2Bytes]byte, ok bool) Cryptogram {
	if !ok {
		return Cryptogram{}
	}
	return mustCryptogram(sum[:])
}

func mustCryptogram(b []byte) Cryptogram {
	c, err := NewCryptogram(b)
	if err != nil {
		panic(err) // not reached: the callers give 4 or 8 bytes
	}
	return c
}
