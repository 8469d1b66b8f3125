package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/internal/cmac"
)

// Lengths of a key block, in characters unless they say otherwise.
const (
	// KeyBlockCharsMax bounds a block: an AES-256 key with a few optional
	// blocks stays far below (ours; the format allows 9999).
	KeyBlockCharsMax = 1024
	headerChars      = 16
	macChars         = 2 * aes.BlockSize
	payloadCharsMin  = 2 * aes.BlockSize
	lengthBytes      = 2 // of the key's length in bits, before the key
)

// Errors that WrapKeyBlock and UnwrapKeyBlock wrap. None carries a key.
var (
	ErrKeyBlock    = errors.New("malformed key block")
	ErrKeyBlockMAC = errors.New("the key block does not authenticate: it was changed, or wrapped under another key")
	ErrWrappingKey = errors.New("a wrapping key is an AES key of 16, 24 or 32 bytes")
)

// WrapKeyBlock makes an ANSI X9.143 (TR-31) version D key block: the header in
// clear, the key with its length and random padding under AES-CBC, and the
// AES-CMAC over header and padded key, which is the CBC's initial value too.
// Both keys derive from the wrapping key by AES-CMAC. Everything is uppercase
// ASCII.
func WrapKeyBlock(wrapping []byte, h Header, key []byte, random io.Reader) (string, error) {
	derived, err := deriveBlockKeys(wrapping)
	if err != nil {
		return "", err
	}
	if err := h.fits(len(key)); err != nil {
		return "", err
	}
	payload, err := padKey(key, random)
	if err != nil {
		return "", err
	}
	head, err := h.encode(2*len(payload)+macChars, random)
	if err != nil {
		return "", err
	}
	return derived.wrap(head, payload), nil
}

// wrap authenticates and encrypts a padded key after its header.
func (k blockKeys) wrap(head string, payload []byte) string {
	mac := cmac.Sum(k.authentication, append([]byte(head), payload...))
	cipher.NewCBCEncrypter(k.encryption, mac[:]).CryptBlocks(payload, payload)
	return head + upperHex(payload) + upperHex(mac[:])
}

// UnwrapKeyBlock gives back header and key of a version D key block. It checks
// the form, then the CMAC, then the key's length; a failure wraps ErrKeyBlock
// or ErrKeyBlockMAC and says why.
func UnwrapKeyBlock(wrapping []byte, block string) (Header, []byte, error) {
	derived, err := deriveBlockKeys(wrapping)
	if err != nil {
		return Header{}, nil, err
	}
	h, head, rest, err := splitBlock(block)
	if err != nil {
		return Header{}, nil, err
	}
	payload, mac := rest[:len(rest)-aes.BlockSize], rest[len(rest)-aes.BlockSize:]
	cipher.NewCBCDecrypter(derived.encryption, mac).CryptBlocks(payload, payload)
	computed := cmac.Sum(derived.authentication, append([]byte(head), payload...))
	if subtle.ConstantTimeCompare(computed[:], mac) != 1 {
		return Header{}, nil, ErrKeyBlockMAC
	}
	key, err := unpadKey(payload)
	if err != nil {
		return Header{}, nil, err
	}
	if err := h.fits(len(key)); err != nil {
		return Header{}, nil, err
	}
	return h, key, nil
}

// splitBlock parses the header and decodes the encrypted key and the MAC.
func splitBlock(block string) (h Header, head string, rest []byte, err error) {
	if len(block) > KeyBlockCharsMax {
		return h, "", nil, blockFault("it has %d characters, more than %d", len(block), KeyBlockCharsMax)
	}
	h, size, err := decodeHeader(block)
	if err != nil {
		return h, "", nil, err
	}
	head, body := block[:size], block[size:]
	if len(body) < payloadCharsMin+macChars || (len(body)-macChars)%(2*aes.BlockSize) != 0 {
		return h, "", nil, blockFault("%d characters after the header are no whole blocks with a MAC", len(body))
	}
	if strings.ToUpper(body) != body {
		return h, "", nil, blockFault("its hexadecimal digits are not uppercase")
	}
	if rest, err = hex.DecodeString(body); err != nil {
		return h, "", nil, blockFault("something other than a hexadecimal digit follows the header")
	}
	return h, head, rest, nil
}

// padKey gives the key's length in bits, the key, and random bytes up to a
// whole number of AES blocks.
func padKey(key []byte, random io.Reader) ([]byte, error) {
	used := lengthBytes + len(key)
	padded := make([]byte, (used+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	binary.BigEndian.PutUint16(padded, uint16(8*len(key)))
	copy(padded[lengthBytes:], key)
	if _, err := io.ReadFull(random, padded[used:]); err != nil {
		return nil, fmt.Errorf("drawing padding for a key block: %w", err)
	}
	return padded, nil
}

func unpadKey(padded []byte) ([]byte, error) {
	bits := int(binary.BigEndian.Uint16(padded))
	if bits%8 != 0 || lengthBytes+bits/8 > len(padded) {
		return nil, blockFault("a key of %d bits is not whole bytes or longer than the block", bits)
	}
	return slices.Clone(padded[lengthBytes : lengthBytes+bits/8]), nil
}

type blockKeys struct {
	encryption, authentication cipher.Block
}

// Key usage indicators of the derivation input (X9.143, version D).
const (
	deriveEncryption     = 0x0000
	deriveAuthentication = 0x0001
)

func deriveBlockKeys(wrapping []byte) (k blockKeys, err error) {
	if k.encryption, err = deriveBlockKey(wrapping, deriveEncryption); err != nil {
		return k, err
	}
	k.authentication, err = deriveBlockKey(wrapping, deriveAuthentication)
	return k, err
}

// deriveBlockKey runs CMAC in counter mode over: counter, usage indicator (2
// bytes), zero, algorithm (0002 AES-128, 0003 AES-192, 0004 AES-256), length
// in bits.
func deriveBlockKey(wrapping []byte, usage uint16) (cipher.Block, error) {
	algorithms := map[int]uint16{16: 2, 24: 3, 32: 4}
	algorithm, ok := algorithms[len(wrapping)]
	if !ok {
		return nil, fmt.Errorf("%w, not of %d", ErrWrappingKey, len(wrapping))
	}
	master, err := aes.NewCipher(wrapping)
	if err != nil {
		return nil, ErrWrappingKey
	}
	var derived []byte
	for counter := byte(1); len(derived) < len(wrapping); counter++ {
		input := binary.BigEndian.AppendUint16([]byte{counter}, usage)
		input = binary.BigEndian.AppendUint16(append(input, 0), algorithm)
		input = binary.BigEndian.AppendUint16(input, uint16(8*len(wrapping)))
		part := cmac.Sum(master, input)
		derived = append(derived, part[:]...)
	}
	return aes.NewCipher(derived[:len(wrapping)])
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func blockFault(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrKeyBlock, fmt.Sprintf(format, args...))
}
