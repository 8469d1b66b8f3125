package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSecuredStations plays the whole story where everyone shows a certificate
// over TCP, and the issuer dials in with two connections.
func TestSecuredStations(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	contactless, operators := free(t), "http://"+at.operators
	h.write(t, "gateway.yaml", fmt.Sprintf(`
stations:
  - { name: wallets, role: requestor, listen: %q, tls: two-way, signOn: true, requestorId: "40010030273" }
  - { name: merchants, role: merchant, listen: %q, tls: two-way, signOn: true }
http: { issuers: %q, phones: %q, operators: %q }
issuers:
  - { name: harbour, listen: %q, connections: 2, tls: two-way, ranges: [ { range: "4761739" } ] }
`, at.wallets, at.merchants, at.api, at.phones, at.operators, at.host))
	h.write(t, "issuer.yaml", fmt.Sprintf(`
dial: %q
connections: 2
tls: two-way
site: %q
api: "https://%s"
`, at.host, at.site, at.api))
	h.start(t, at.gateway).awaits(t, said["gateway"])
	h.start(t, at.issuer).awaits(t, "signed on at the gateway")
	h.until(t, "bin/firsttap stations list --gateway "+operators, "2            2          visa-style")

	wallet := h.start(t, "bin/firsttap wallet --config "+h.write(t, "wallet.yaml", fmt.Sprintf(`
gateway: %q
channel: "https://%s"
site: "http://%s"
contactless: %q
tls: two-way
`, at.wallets, at.phones, at.site, contactless)))
	wallet.awaits(t, said["wallet"])
	pays := func(protection, name string) *process {
		return h.start(t, "bin/firsttap merchant --config "+h.write(t, name+".yaml", fmt.Sprintf(`
gateway: %q
phone: %q
tls: %s
stationName: %s
`, at.merchants, contactless, protection, name)))
	}
	if code := pays("two-way", "merchants").ends(t); code != 0 {
		t.Errorf("the payment ends with %d", code)
	}
	if code := pays("one-way", "nobody").ends(t); code == 0 {
		t.Error("a merchant without a certificate is served")
	}
}

// TestSecuredHost has the gateway dial an issuer's host that shows its
// certificate, and see the gateway's or not.
func TestSecuredHost(t *testing.T) {
	for _, protection := range []string{"one-way", "two-way"} {
		t.Run(protection, func(t *testing.T) {
			h := newHouse(t)
			at := h.elsewhere(t)
			h.write(t, "gateway.yaml", fmt.Sprintf(`
stations: [ { name: wallets, role: requestor, listen: %q } ]
http: { issuers: %q, phones: %q, operators: %q }
issuers:
  - { name: harbour, address: %q, connections: 2, tls: %s, ranges: [ { range: "4761739" } ] }
`, at.wallets, at.api, at.phones, at.operators, at.host, protection))
			h.write(t, "issuer.yaml", fmt.Sprintf("host: %q\nsite: %q\napi: \"https://%s\"\ntls: %s\n", at.host, at.site, at.api, protection))
			h.start(t, at.gateway).awaits(t, said["gateway"])
			h.start(t, at.issuer).awaits(t, said["issuer"])
			h.until(t, "bin/firsttap stations list --gateway http://"+at.operators, "2            2          visa-style  vap      "+protection)
		})
	}
}

// TestStationsChangeWhileTheGatewayRuns changes the settings file under a gateway
// that runs: by SIGHUP, by the operators' door, and wrongly.
func TestStationsChangeWhileTheGatewayRuns(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	further := free(t)
	file := func(stations string) {
		h.write(t, "gateway.yaml", fmt.Sprintf(`
stations:
  - { name: wallets, role: requestor, listen: %q }
%s
http: { issuers: %q, phones: %q, operators: %q }
issuers:
  - { name: harbour, address: %q, ranges: [ { range: "4761739" } ] }
`, at.wallets, stations, at.api, at.phones, at.operators, at.host))
	}
	list, reload := "bin/firsttap stations list --gateway http://"+at.operators, "bin/firsttap stations reload --gateway http://"+at.operators
	gateway := h.start(t, at.gateway)
	gateway.awaits(t, said["gateway"])

	file(fmt.Sprintf("  - { name: provider, role: provider, listen: %q }", further))
	if err := gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	h.until(t, list, "provider  provider   "+further)

	file(fmt.Sprintf("  - { name: provider, role: bank, listen: %q, framing: none }", further))
	refused := h.start(t, reload)
	if code := refused.ends(t); code != 1 {
		t.Errorf("a reload of a bad file ends with %d", code)
	}
	for _, want := range []string{"nothing was changed", "stations[1].role: must be", "stations[1].framing: must be"} {
		if !strings.Contains(refused.output(), want) {
			t.Errorf("%q is not said:\n%s", want, refused.output())
		}
	}
	h.until(t, list, "provider  provider   "+further)

	file("")
	if code := h.start(t, reload+" --json").ends(t); code != 0 {
		t.Errorf("a reload ends with %d", code)
	}
	after := h.start(t, list)
	if after.ends(t); strings.Contains(after.output(), "provider") || !strings.Contains(after.output(), at.wallets) {
		t.Errorf("the stations are\n%s", after.output())
	}
}

// until runs a command again and again until it prints a text.
func (h house) until(t *testing.T, command, text string) {
	t.Helper()
	var last string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		p := h.start(t, command)
		p.ends(t)
		if last = p.output(); strings.Contains(last, text) {
			return
		}
	}
	t.Fatalf("%s never prints %q:\n%s", command, text, last)
}
