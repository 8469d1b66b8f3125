package network

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
)

// productionChecks find what a gateway must not have in production. Each is
// given the settings and the data folder, looks and makes nothing, and gives
// its faults, "PATH: what to do". A new check is a function and a line here.
var productionChecks = []func(settings config.Gateway, data string) config.Faults{
	plainDoors,
	openStations,
	testCertificates,
	endedCertificate,
	publishedKeys,
}

// Load reads a gateway's settings, and in production makes sure of what
// they lead to in the data folder: every fault is said at once, as
// config.Faults. An empty path gives the defaults. It makes nothing.
func Load(path, data string) (config.Gateway, error) {
	settings, err := config.LoadGateway(path)
	if err != nil || settings.Mode != config.ModeProduction {
		return settings, err
	}
	var faults config.Faults
	for _, check := range productionChecks {
		faults = append(faults, check(settings, data)...)
	}
	if len(faults) > 0 {
		return settings, faults
	}
	return settings, nil
}

// plainDoors finds doors without TLS.
func plainDoors(settings config.Gateway, _ string) (faults config.Faults) {
	for _, door := range []struct{ path, protection string }{
		{"tls.issuers", settings.TLS.Issuers}, {"tls.operators", settings.TLS.Operators},
	} {
		if door.protection != config.TwoWay {
			faults = append(faults, door.path+": must be "+config.TwoWay+" in production: plain HTTP shows codes and card numbers, and knows nobody")
		}
	}
	return faults
}

// openStations finds TCP doors that may be reached from elsewhere by those who
// show no certificate.
func openStations(settings config.Gateway, _ string) (faults config.Faults) {
	look := func(path, listen, protection string) {
		if protection != config.TwoWay && !config.OnLoopback(listen) {
			faults = append(faults, fmt.Sprintf("%s.tls: must be %s in production, or %s.listen on loopback: card data passes here, and anyone who reaches the door is believed", path, config.TwoWay, path))
		}
	}
	for i, s := range settings.Stations {
		look(fmt.Sprintf("stations[%d]", i), s.Listen, s.TLS)
	}
	for i, s := range settings.Issuers {
		if s.Listen != "" {
			look(fmt.Sprintf("issuers[%d]", i), s.Listen, s.TLS)
		}
	}
	return faults
}

// testCertificates finds certificates that are not there or of no use, those
// that a test authority made or signed, and an authority's private key that is
// at hand to sign more.
func testCertificates(settings config.Gateway, data string) (faults config.Faults) {
	files := settings.TLS.Files(data)
	for _, one := range []struct{ path, file string }{
		{"tls.authority", files.AuthorityFile}, {"tls.certificate", files.CertificateFile},
	} {
		all, err := certs.Read(one.file)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: production makes no certificates, bring one of your authority: %v", one.path, err))
		}
		for _, c := range all {
			if certs.IsTest(c) {
				faults = append(faults, fmt.Sprintf("%s: %s is of a test authority (OU %s): bring one of your own", one.path, one.file, certs.TestUnit))
				break
			}
		}
	}
	if len(faults) == 0 {
		if _, err := certs.Server(files, certs.Terms{TwoWay: true}); err != nil {
			faults = append(faults, fmt.Sprintf("tls.key: %v", err))
		}
	}
	key := filepath.Join(filepath.Dir(files.AuthorityFile), certs.AuthorityKeyFile)
	if _, err := os.Lstat(key); !errors.Is(err, fs.ErrNotExist) {
		faults = append(faults, fmt.Sprintf("tls.authority: %s lies beside it, and who reads it can name himself any issuer: keep an authority's key on another machine", key))
	}
	return faults
}

// endedCertificate finds a gateway's certificate that callers refuse today. One
// that cannot be read is testCertificates' to find.
func endedCertificate(settings config.Gateway, data string) config.Faults {
	file := settings.TLS.Files(data).CertificateFile
	all, err := certs.Read(file)
	if err != nil {
		return nil
	}
	if fault := outsideDates(all[0], time.Now()); fault != "" {
		return config.Faults{fmt.Sprintf("tls.certificate: %s %s", file, fault)}
	}
	return nil
}

// outsideDates says what is wrong with a certificate at a time, "" when it is
// within its dates; both of them are (RFC 5280, 4.1.2.5).
func outsideDates(c *x509.Certificate, at time.Time) string {
	switch {
	case at.Before(c.NotBefore):
		return fmt.Sprintf("is not valid before %s: wait until then, set this machine's clock right, or bring another certificate", moment(c.NotBefore))
	case at.After(c.NotAfter):
		return fmt.Sprintf("ended at %s: have your authority renew it, and put the new one with its key in its place", moment(c.NotAfter))
	}
	return ""
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// warnOfEnd logs, in production, that the gateway's certificate is about to
// end. Test mode renews its own.
func (n *Network) warnOfEnd() {
	file := n.settings.TLS.Files(n.dir).CertificateFile
	all, err := certs.Read(file)
	if n.settings.Mode != config.ModeProduction || err != nil {
		return // what cannot be read has no door either: protect says so
	}
	if end := all[0].NotAfter; end.Sub(n.chance.Now()) < certs.RenewBefore {
		n.log.Warn().Str("file", file).Time("notAfter", end.UTC()).
			Msg("the gateway's certificate is about to end: have your authority renew it; a new one is taken up while the gateway runs")
	}
}

// publishedKeys finds keys in the ring that everybody knows.
func publishedKeys(_ config.Gateway, data string) (faults config.Faults) {
	ring, err := keys.Open(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return config.Faults{fmt.Sprintf("keys: %v", err)}
	}
	for _, key := range ring.List() {
		if keys.Published(key) {
			faults = append(faults, fmt.Sprintf("keys: %s version %d, check value %s, is a published test key: import or generate one of your own (firsttap keys --help)",
				strings.TrimSpace(fmt.Sprintf("%s %s", key.Usage, key.Range)), key.Version, key.CheckValue))
		}
	}
	return faults
}
