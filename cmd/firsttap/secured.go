package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
)

// certificatesAt is a folder of certificates, "" for the one that the gateway
// makes.
func certificatesAt(dir string) string {
	return cmp.Or(dir, filepath.Join(config.DataDir("gateway"), config.CertificatesFolder))
}

// callerTLS is what a station dials the gateway with; nil is plain TCP.
func callerTLS(c config.Caller, role certs.Role) (*tls.Config, error) {
	return dialTLS(c.TLS, c.Certificates, certs.Identity{Role: role, Name: c.Known})
}

func dialTLS(protection, dir string, who certs.Identity) (*tls.Config, error) {
	if protection == config.Off {
		return nil, nil
	}
	files := certs.ClientFiles(certificatesAt(dir), who)
	if protection == config.OneWay {
		files.CertificateFile, files.PrivateKeyFile = "", ""
	}
	secured, err := certs.Client(files)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of %s %s, which `firsttap certs` makes, and `firsttap gateway` for a door with two-way TLS: %w", who.Role, who.Name, err)
	}
	return secured, nil
}

// errNoGateway is given for a certificate that is not a gateway's.
var errNoGateway = errors.New("the caller is not the gateway")

// hostTLS is what an issuer's host meets the gateway with; nil is plain TCP. With
// two-way TLS it takes nobody but the gateway.
func hostTLS(settings config.IssuerPart) (secured *tls.Config, admit func(tls.ConnectionState) error, err error) {
	if settings.TLS == config.Off {
		return nil, nil, nil
	}
	files := certs.ClientFiles(certificatesAt(settings.Certificates), certs.Identity{Role: certs.Issuer, Name: settings.Name})
	secured, err = certs.Server(files, certs.Terms{TwoWay: settings.TLS == config.TwoWay})
	if err != nil {
		return nil, nil, fmt.Errorf("the issuer's host has no certificate, which `firsttap gateway` or `firsttap certs` makes: %w", err)
	}
	if settings.TLS == config.OneWay {
		return secured, nil, nil
	}
	return secured, func(state tls.ConnectionState) error { return isGateway(state.VerifiedChains[0][0]) }, nil
}

func isGateway(c *x509.Certificate) error {
	who, err := certs.IdentityOf(c)
	if err == nil && who != certs.GatewayClient {
		err = fmt.Errorf("%w: it is %s", errNoGateway, who)
	}
	return err
}
