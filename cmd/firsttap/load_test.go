package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/simulator/load"
	"github.com/firsttap/firsttap/specs"
)

// TestLoadOnAGatewayElsewhere drives a gateway by its settings alone: in
// ascii87 with TLS both ways, and with the issuer's host played beside.
func TestLoadOnAGatewayElsewhere(t *testing.T) {
	issuerAt := freeAddress(t)
	settings := anyPorts(issuerAt)
	settings.Limits = selfLimits
	for i := range settings.Stations {
		settings.Stations[i].Spec, settings.Stations[i].Framing = specs.NameASCII87, specs.FramingASCII4
		settings.Stations[i].TLS = config.TwoWay
	}
	running := background(t.Context())
	n, err := network.Open(t.Context(), network.Options{
		Settings: settings, Dir: t.TempDir(), Version: "test", Log: zerolog.Nop(),
		Chance: network.Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
	if err != nil {
		t.Fatal(err)
	}
	running.run(n.Run)
	defer func() {
		if err := running.stop(); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	wire := "spec: ascii87\nframing: ascii4\ntls: two-way\ncertificates: " + n.Certificates() + "\n"
	files := map[string]string{
		"wallet": wire + "stationName: wallets\ngateway: " + n.Address(network.Wallets) + "\nchannel: " + n.URL(network.Phones) +
			"\ncertificate: " + filepath.Join(n.Certificates(), certs.AuthorityFile) + "\n",
		"merchant": wire + "stationName: merchants\ngateway: " + n.Address(network.Merchants) + "\n",
		"issuer":   "api: " + n.URL(network.Issuers) + "\ncertificates: " + n.Certificates() + "\n",
	}
	args := []string{
		"load", "--issuer", issuerAt, "--mix", "echo=1,activation=1,tap=1,verify=1", "--rate", "40", "--duration", "1s",
		"--in-flight", "16", "--json",
	}
	for part, text := range files {
		file := filepath.Join(dir, part+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--"+part+"-config", file)
	}
	command := root()
	var out, said bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&said)
	command.SetArgs(args)
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s%s", err, &said, &out)
	}
	var report load.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if !report.OK || report.Approved != 40 || report.Oracle.Sum() != 0 || len(report.Kinds) != 4 {
		t.Errorf("%+v", report)
	}
}

// freeAddress is one that nobody listens at now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
