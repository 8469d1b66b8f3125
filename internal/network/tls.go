package network

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
)

// OperatorDefault is the operator that a test installation has.
var OperatorDefault = certs.Identity{Role: certs.Operator, Name: "ops"}

// certify makes, in test mode, the certificates that are missing: the
// gateway's, one for each issuer and for each station with two-way TLS, and one
// for an operator. A folder with an
// authority whose key is kept elsewhere is used as it is.
func certify(settings config.Gateway, data string) error {
	if settings.Mode != config.ModeTest || settings.TLS.NamesFiles() {
		return nil
	}
	dir := settings.TLS.Dir(data)
	if elsewhere, err := authorityElsewhere(dir); elsewhere || err != nil {
		return err
	}
	order := certs.Order{Clients: []certs.Identity{OperatorDefault}}
	for _, issuer := range settings.Issuers {
		order.Clients = append(order.Clients, certs.Identity{Role: certs.Issuer, Name: issuer.Name})
	}
	clients, addresses := stationCertificates(settings)
	order.Clients = append(order.Clients, clients...)
	for _, address := range append(addresses, settings.HTTP.Issuers, settings.HTTP.Phones, settings.HTTP.Operators) {
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
func protect(settings config.Gateway, data string, log zerolog.Logger) (map[Door]*tls.Config, error) {
	doors := make(map[Door]*tls.Config)
	for door, twoWay := range map[Door]bool{Issuers: true, Phones: false, Operators: true} {
		if scheme(settings, door) == "http" {
			continue
		}
		made, err := certs.Server(settings.TLS.Files(data), certs.Terms{
			Minimum: settings.TLS.MinimumVersion(), TwoWay: twoWay,
			Complain: func(err error) { log.Warn().Str("door", string(door)).Err(err).Msg("certificates") },
		})
		if err != nil {
			return nil, fmt.Errorf("the door for %s has no certificate: %w; `firsttap certs` makes some for tests", door, err)
		}
		doors[door] = made
	}
	return doors, nil
}

// scheme is how an HTTP door is addressed.
func scheme(settings config.Gateway, door Door) string {
	if door == Issuers && settings.TLS.Issuers == config.Off || door == Operators && settings.TLS.Operators == config.Off {
		return "http"
	}
	return "https"
}

// twoWay says which doors ask for certificates.
func twoWay(settings config.Gateway) api.TwoWay {
	return api.TwoWay{Issuers: settings.TLS.Issuers == config.TwoWay, Operators: settings.TLS.Operators == config.TwoWay}
}
