package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// DeviceIDCharacters is the length of a device id: as many hexadecimal
// characters as fit the field that carries it (125 set 01 tag 03, ours).
const DeviceIDCharacters = 48

// coordinateBytes is the length of a P-256 coordinate (RFC 7518 6.2.1.2).
const coordinateBytes = 32

// ErrKey says what a phone's key must be.
var ErrKey = errors.New("a phone's key is a point on P-256")

// DeviceID names a phone by its key: the RFC 7638 SHA-256 thumbprint in
// hexadecimal, cut to DeviceIDCharacters.
func DeviceID(key *ecdsa.PublicKey) (string, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", ErrKey
	}
	jwk := jose.JSONWebKey{Key: key}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return hex.EncodeToString(thumbprint)[:DeviceIDCharacters], nil
}

// KeyObject writes a phone's public key as a JSON Web Key.
func KeyObject(key *ecdsa.PublicKey) (Object, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	point, err := key.Bytes() // 04, x, y (SEC 1 2.3.3)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	x, y := point[1:1+coordinateBytes], point[1+coordinateBytes:]
	return Object{
		Text(KeyType, "EC"), Text(KeyCurve, "P-256"),
		Text(KeyX, base64.RawURLEncoding.EncodeToString(x)),
		Text(KeyY, base64.RawURLEncoding.EncodeToString(y)),
	}, nil
}

// ReadKey reads what KeyObject writes. Errors are *Problem.
func ReadKey(d Document) (*ecdsa.PublicKey, error) {
	for _, member := range []struct{ path, want string }{{KeyType, "EC"}, {KeyCurve, "P-256"}} {
		if got, ok := d.Text(member.path); !ok || got.Reveal() != member.want {
			return nil, Fault(CodeFieldValue, member.path, fmt.Sprintf("send the phone's public key with %q here", member.want))
		}
	}
	point := []byte{4}
	for _, path := range []string{KeyX, KeyY} {
		encoded, _ := d.Text(path)
		b, err := base64.RawURLEncoding.Strict().DecodeString(encoded.Reveal())
		if err != nil || len(b) != coordinateBytes {
			return nil, Fault(CodeFieldValue, path, "send 32 bytes in base64url without padding")
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, Fault(CodeFieldValue, KeyX, "send a point of the curve P-256")
	}
	return key, nil
}

// Seal encrypts o so that only the phone that holds key can read it: compact
// JWE, ECDH-ES+A256KW (RFC 7518 4.6) and A256GCM.
func Seal(key *ecdsa.PublicKey, o Object) (string, error) {
	clear, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	to := jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: key}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, to, (&jose.EncrypterOptions{}).WithContentType("json"))
	if err != nil {
		return "", fmt.Errorf("preparing a JWE: %w", err)
	}
	sealed, err := encrypter.Encrypt(clear)
	if err != nil {
		return "", fmt.Errorf("encrypting to the phone: %w", err)
	}
	return sealed.CompactSerialize()
}

// Open reads what Seal writes.
func Open(key *ecdsa.PrivateKey, jwe string) (Document, error) {
	sealed, err := jose.ParseEncryptedCompact(jwe,
		[]jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return Document{}, errors.New("the answer holds no compact JWE of ECDH-ES+A256KW and A256GCM")
	}
	clear, err := sealed.Decrypt(key)
	if err != nil {
		return Document{}, errors.New("the JWE is not for this phone's key")
	}
	return Parse(clear)
}

// Sign signs o with a phone's key: compact JWS, ES256, the public key in the
// header (RFC 7515 4.1.3).
func Sign(key *ecdsa.PrivateKey, o Object) (string, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", ErrKey
	}
	payload, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		return "", fmt.Errorf("preparing a JWS: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with the phone's key: %w", err)
	}
	return signed.CompactSerialize()
}

// Verify reads what Sign writes and gives the key that signed. Whose key that
// is, the caller decides by DeviceID. Errors are *Problem.
func Verify(jws string) (*ecdsa.PublicKey, Document, error) {
	signed, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, Document{}, badProof("send a compact JWS of ES256")
	}
	embedded := signed.Signatures[0].Protected.JSONWebKey
	if embedded == nil {
		return nil, Document{}, badProof("put the phone's public key into the JWS header as jwk")
	}
	key, ok := embedded.Key.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, Document{}, badProof("sign with the phone's key on P-256")
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, Document{}, badProof("sign the payload with the key in the header")
	}
	d, err := Parse(payload)
	return key, d, err
}

func badProof(detail string) *Problem { return Fault(CodeProofInvalid, SignedResult, detail) }
