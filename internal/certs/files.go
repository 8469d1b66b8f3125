package certs

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/internal/files"
)

// fileBytesMax bounds a file of certificates; a chain of four has about 8 KiB
// (ours).
const fileBytesMax = 1 << 20

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS #8
)

// Errors of files.
var (
	ErrPermissions   = files.ErrOthers
	ErrNoCertificate = errors.New("holds no certificate (PEM, BEGIN CERTIFICATE)")
	ErrPair          = errors.New("certificate and private key do not belong together, or one of them is none")
)

// write writes the key first: who reads meanwhile finds that the two do not
// belong together, and keeps what it has.
func (p pair) write(keyPath, path string) error {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return err
	}
	if err := files.Replace(keyPath, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: key}), 0o600); err != nil {
		return err
	}
	return files.Replace(path, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: p.certificate.Raw}), 0o644)
}

func readPair(path, keyPath string) (pair, error) {
	both, err := readBoth(path, keyPath)
	if err != nil {
		return pair{}, err
	}
	key, ok := both.PrivateKey.(crypto.Signer)
	if !ok {
		return pair{}, ErrPair
	}
	return pair{both.Leaf, key}, nil
}

// readBoth reads a certificate, with the chain behind it, and its key, which
// its owner alone may open.
func readBoth(path, keyPath string) (tls.Certificate, error) {
	key, err := files.ReadOwn(keyPath, fileBytesMax)
	if err != nil {
		return tls.Certificate{}, err
	}
	certificate, err := files.Read(path, fileBytesMax)
	if err != nil {
		return tls.Certificate{}, err
	}
	both, err := tls.X509KeyPair(certificate, key) // its error could quote a file
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w", path, keyPath, ErrPair)
	}
	return both, nil
}

// Read reads the certificates of a PEM file, the first first; there is at least
// one. Blocks of other kinds are passed over.
func Read(path string) ([]*x509.Certificate, error) {
	text, err := files.Read(path, fileBytesMax)
	if err != nil {
		return nil, err
	}
	all, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return all, nil
}

func parse(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != certificateBlock {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("holds a certificate that cannot be read: %w", err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, ErrNoCertificate
	}
	return all, nil
}

func readLeaf(path string) (*x509.Certificate, error) {
	all, err := Read(path)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
