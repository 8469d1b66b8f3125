package network

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
)

// ownAuthority leaves in a folder what an authority that is not for tests gave
// out: its own certificate, and one with a key for the gateway.
func ownAuthority(t *testing.T, dir string) {
	t.Helper()
	ownGateway(t, dir, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// ownGateway is ownAuthority with the dates of the gateway's certificate.
func ownGateway(t *testing.T, dir string, from, until time.Time) {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	gateway := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "A gateway"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: from, NotAfter: until,
	}
	signing, own := newKey(t), newKey(t)
	encoded, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certs.AuthorityFile:  {Type: "CERTIFICATE", Bytes: signed(t, authority, authority, signing, signing)},
		certs.GatewayFile:    {Type: "CERTIFICATE", Bytes: signed(t, gateway, authority, own, signing)},
		certs.GatewayKeyFile: {Type: "PRIVATE KEY", Bytes: encoded},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// settingsFile writes settings for a gateway in production.
func settingsFile(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	text := "mode: production\ntls:\n  operators: two-way\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProductionTakesAnAuthorityOfItsOwn(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, config.CertificatesFolder)
	ownAuthority(t, dir)
	settings, err := Load(settingsFile(t, "  minimum: \"1.2\"\n"), data)
	if err != nil {
		t.Fatal(err)
	}
	if err := certify(settings, data); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, certs.AuthorityKeyFile)); err == nil {
		t.Error("production made an authority")
	}
	doors, err := protect(settings, data, zerolog.Nop())
	if err != nil || len(doors) != 3 {
		t.Errorf("%d doors with TLS, %v", len(doors), err)
	}
}

func TestWhatProductionRefuses(t *testing.T) {
	other := t.TempDir()
	if _, err := certs.Make(other, certs.Order{}); err != nil {
		t.Fatal(err)
	}
	in := func(file string) string { return filepath.Join(other, file) }
	for name, c := range map[string]struct {
		more  string
		harm  func(dir string) error
		wants []string
	}{
		"a test authority": {fmt.Sprintf("  authority: %q\n", in(certs.AuthorityFile)), nil, []string{"tls.authority: " + in(certs.AuthorityFile), certs.AuthorityKeyFile}},
		"a test certificate": {
			fmt.Sprintf("  certificate: %q\n  key: %q\n", in(certs.GatewayFile), in(certs.GatewayKeyFile)), nil, []string{"tls.certificate: " + in(certs.GatewayFile)},
		},
		"a test authority among others": {"", func(dir string) error {
			more, err := os.ReadFile(in(certs.AuthorityFile))
			own, err2 := os.ReadFile(filepath.Join(dir, certs.AuthorityFile))
			return errors.Join(err, err2, os.WriteFile(filepath.Join(dir, certs.AuthorityFile), append(own, more...), 0o600))
		}, []string{"tls.authority: "}},
		"an authority's key at hand": {"", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, certs.AuthorityKeyFile), nil, 0o600)
		}, []string{"tls.authority: "}},
		"no certificate":             {"", func(dir string) error { return os.Remove(filepath.Join(dir, certs.GatewayFile)) }, []string{"tls.certificate: "}},
		"a key that others may read": {"", func(dir string) error { return os.Chmod(filepath.Join(dir, certs.GatewayKeyFile), 0o644) }, []string{"tls.key: "}},
		"a door without TLS":         {"  issuers: off\n", nil, []string{"tls.issuers: "}},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			dir := filepath.Join(data, config.CertificatesFolder)
			ownAuthority(t, dir)
			if c.harm != nil {
				if err := c.harm(dir); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(settingsFile(t, c.more), data)
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) != len(c.wants) {
				t.Fatalf("want %d faults, got %v", len(c.wants), err)
			}
			for i, want := range c.wants {
				if !strings.Contains(faults[i], want) {
					t.Errorf("want %q in %q", want, faults[i])
				}
			}
		})
	}
}

// known is chance that is none: each read begins like a published key.
type known struct{}

func (known) Read(p []byte) (int, error) {
	published := []byte("\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10")
	for i := range p {
		p[i] = published[i%len(published)]
	}
	return len(p), nil
}

func TestProductionRefusesPublishedKeys(t *testing.T) {
	data := t.TempDir()
	ownAuthority(t, filepath.Join(data, config.CertificatesFolder))
	path := settingsFile(t, "")
	if _, err := keys.Create(data, rand.Reader, []keys.Wanted{{Usage: keys.Token, Version: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, data); err != nil {
		t.Fatalf("a key of one's own is refused: %v", err)
	}
	if _, err := keys.Create(data, known{}, []keys.Wanted{{Usage: keys.DCVV2, Range: "4761739", Version: 3, Bytes: 16}}); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, data)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || !strings.HasPrefix(faults[0], "keys: dcvv2 4761739 version 3, check value 08D7B4, ") {
		t.Errorf("got %v", err)
	}
}

func TestProductionMakesNoCertificates(t *testing.T) {
	data, settings := t.TempDir(), config.DefaultGateway()
	settings.Mode = config.ModeProduction
	if err := certify(settings, data); err != nil {
		t.Fatal(err)
	}
	if _, err := protect(settings, data, zerolog.Nop()); err == nil {
		t.Error("production made certificates")
	}
	settings.Mode = config.ModeTest
	settings.TLS.CertificateFile = "own.pem"
	if err := certify(settings, data); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) > 0 {
		t.Errorf("made beside files that are named: %v, %v", entries, err)
	}
}

// TestTestModeUsesAFolderAsItIs holds that the gateway adds nothing to a folder
// whose authority is kept elsewhere, and mends a folder of its own.
func TestTestModeUsesAFolderAsItIs(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, config.CertificatesFolder)
	ownAuthority(t, dir)
	settings := config.DefaultGateway()
	for range 2 {
		if err := certify(settings, data); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	own := t.TempDir()
	for range 2 {
		if err := certify(settings, own); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(own, config.CertificatesFolder, "issuer-harbour.pem")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProductionRefusesACertificateOutsideItsDates(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name        string
		from, until time.Duration
		want        string
	}{
		{"within", -time.Hour, time.Hour, ""},
		{"not yet", time.Hour, 2 * time.Hour, " is not valid before "},
		{"no more", -2 * time.Hour, -time.Hour, " ended at "},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			dir := filepath.Join(data, config.CertificatesFolder)
			ownGateway(t, dir, now.Add(c.from), now.Add(c.until))
			_, err := Load(settingsFile(t, ""), data)
			var faults config.Faults
			if c.want == "" && err == nil {
				return
			}
			want := "tls.certificate: " + filepath.Join(dir, certs.GatewayFile) + c.want
			if !errors.As(err, &faults) || len(faults) != 1 || c.want == "" || !strings.HasPrefix(faults[0], want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestDatesOfACertificate(t *testing.T) {
	from := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	one := &x509.Certificate{NotBefore: from, NotAfter: from.Add(time.Hour)}
	for at, good := range map[time.Duration]bool{-1: false, 0: true, time.Hour: true, time.Hour + 1: false} {
		if fault := outsideDates(one, from.Add(at)); (fault == "") != good {
			t.Errorf("%v after it begins: %q", at, fault)
		}
	}
}

// TestProductionWarnsOfACertificateThatEnds holds that less than 30 days are
// worth a line in the log, and that 30 are not.
func TestProductionWarnsOfACertificateThatEnds(t *testing.T) {
	data, now := t.TempDir(), time.Now().Truncate(time.Second)
	ownGateway(t, filepath.Join(data, config.CertificatesFolder), now.Add(-time.Hour), now.Add(certs.RenewBefore))
	settings, err := Load(settingsFile(t, ""), data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode string
		at   time.Time
		warn bool
	}{
		{config.ModeProduction, now, false}, {config.ModeProduction, now.Add(1), true}, {config.ModeTest, now.Add(1), false},
	} {
		var log bytes.Buffer
		settings.Mode = c.mode
		n := Network{settings: settings, dir: data, log: zerolog.New(&log), chance: Chance{Now: func() time.Time { return c.at }}}
		n.warnOfEnd()
		if got := strings.Contains(log.String(), `"level":"warn"`); got != c.warn {
			t.Errorf("in mode %s, %v before the end: %q", c.mode, certs.RenewBefore-c.at.Sub(now), log.String())
		}
	}
}
