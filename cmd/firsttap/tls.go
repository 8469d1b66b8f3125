package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
)

// operatorDefault is the operator that a test installation has.
var operatorDefault = certs.Identity{Role: certs.Operator, Name: "ops"}

// certify makes, in test mode, the certificates that are missing: the
// gateway's, one for each issuer and one for an operator. A folder with an
// authority whose key is kept elsewhere is used as it is.
func certify(settings config.Gateway, data string) error {
	if settings.Mode != config.ModeTest || settings.TLS.NamesFiles() {
		return nil
	}
	dir := settings.TLS.Dir(data)
	if elsewhere, err := authorityElsewhere(dir); elsewhere || err != nil {
		return err
	}
	order := certs.Order{Clients: []certs.Identity{operatorDefault}}
	for _, issuer := range settings.Issuers {
		order.Clients = append(order.Clients, certs.Identity{Role: certs.Issuer, Name: issuer.Name})
	}
	for _, address := range []string{settings.HTTP.Issuers, settings.HTTP.Phones, settings.HTTP.Operators} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && host != "" && (ip == nil || !ip.IsUnspecified()) {
			order.Hosts = append(order.Hosts, host)
		}
	}
	if _, err := certs.Make(dir, order); err != nil {
		return fmt.Errorf("making the certificates in %s: %w", dir, err)
	}
	return nil
}

// authorityElsewhere reports whether a folder has an authority's certificate
// without its key.
func authorityElsewhere(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, certs.AuthorityFile)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	_, err := os.Stat(filepath.Join(dir, certs.AuthorityKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// protect gives the HTTP doors their TLS settings; a door without any has none
// in the map.
func protect(settings config.Gateway, data string, log zerolog.Logger) (map[string]*tls.Config, error) {
	doors := make(map[string]*tls.Config)
	for door, twoWay := range map[string]bool{doorIssuers: true, doorPhones: false, doorOperators: true} {
		if scheme(settings, door) == "http" {
			continue
		}
		made, err := certs.Server(settings.TLS.Files(data), certs.Terms{
			Minimum: settings.TLS.MinimumVersion(), TwoWay: twoWay,
			Complain: func(err error) { log.Warn().Str("door", door).Err(err).Msg("certificates") },
		})
		if err != nil {
			return nil, fmt.Errorf("the door for %s has no certificate: %w; `firsttap certs` makes some for tests", door, err)
		}
		doors[door] = made
	}
	return doors, nil
}

// scheme is how an HTTP door is addressed.
func scheme(settings config.Gateway, door string) string {
	if door == doorIssuers && settings.TLS.Issuers == config.Off || door == doorOperators && settings.TLS.Operators == config.Off {
		return "http"
	}
	return "https"
}

// url is where an HTTP door is.
func (n *network) url(door string) string { return scheme(n.settings, door) + "://" + n.address(door) }

// twoWay says which doors ask for certificates.
func twoWay(settings config.Gateway) api.TwoWay {
	return api.TwoWay{Issuers: settings.TLS.Issuers == config.TwoWay, Operators: settings.TLS.Operators == config.TwoWay}
}

// trusting is an HTTP client that trusts servers of the authority in file and
// no others.
func trusting(file string) (*http.Client, error) {
	transport, err := certs.Transport(certs.Files{AuthorityFile: file})
	if err != nil {
		return nil, fmt.Errorf("reading the authority of the phones' door, which `firsttap gateway` makes when it starts: %w", err)
	}
	return &http.Client{Transport: transport}, nil
}

// calling is a transport of a client that a folder has the certificate of.
func calling(dir string, who certs.Identity) (*http.Transport, error) {
	transport, err := certs.Transport(certs.ClientFiles(dir, who))
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of %s %s, which `firsttap gateway` or `firsttap certs` makes: %w", who.Role, who.Name, err)
	}
	return transport, nil
}

// curl is a line that calls a door as a client, for a person to try.
func curl(dir string, who certs.Identity, url string) string {
	files := certs.ClientFiles(dir, who)
	return fmt.Sprintf("curl --cacert %s --cert %s --key %s %s", files.AuthorityFile, files.CertificateFile, files.PrivateKeyFile, url)
}
