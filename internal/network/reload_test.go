package network

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// patience bounds every wait; nothing should take as long.
const patience = 20 * time.Second

// Parts of settings files.
const (
	onAnyPort   = "http: {issuers: '127.0.0.1:0', phones: '127.0.0.1:0', operators: '127.0.0.1:0'}\n"
	walletsDoor = "- {name: wallets, role: requestor, listen: '127.0.0.1:0'}\n"
	harbourHost = "- {name: harbour, address: '127.0.0.1:1', ranges: [{range: '4761739'}]}\n"
)

func settingsOf(stations, issuers string) string {
	return onAnyPort + "stations:\n" + stations + "issuers:\n" + issuers
}

// reloading is a network that runs on a settings file which changes.
type reloading struct {
	*testing.T
	*Network
	stan atomic.Int32
}

func runOn(t *testing.T, file string) *reloading {
	t.Helper()
	r := &reloading{T: t}
	path, dir := filepath.Join(t.TempDir(), "gateway.yaml"), t.TempDir()
	write(t, path, file)
	settings, err := Load(path, dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Network, err = Open(t.Context(), Options{
		Settings: settings, File: path, Dir: dir, Log: zerolog.Nop(),
		Chance: Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Network.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload changes the file and has it read anew.
func (r *reloading) reload(file string) (restart bool, err error) {
	r.Helper()
	write(r.T, r.file, file)
	return r.Reload(r.Context())
}

func (r *reloading) mustReload(file string) (restart bool) {
	r.Helper()
	restart, err := r.reload(file)
	if err != nil {
		r.Fatal(err)
	}
	return restart
}

func linkOptions(handle link.Handler) link.Options {
	framing, _ := specs.FramingByName(specs.FramingVAP)
	return link.Options{Name: "test", Codec: specs.VisaStyleCodec(), Framing: framing, Key: messages.Key, Handle: handle, Log: zerolog.Nop()}
}

// dial gives an open connection to a station's door, or nil when it is refused
// there.
func (r *reloading) dial(station string, secured *tls.Config) *link.Conn {
	r.Helper()
	c, err := link.Dial(context.Background(), r.Address(Door(station)), secured, linkOptions(approving))
	if err != nil {
		return nil
	}
	r.Cleanup(c.Close)
	if !r.answers(c) {
		return nil
	}
	return c
}

func approving(_ context.Context, in link.Inbound) *specs.Message {
	typed, err := messages.Decode(in.Message)
	question, ok := typed.(*messages.NetworkRequest)
	if err != nil || !ok {
		return nil
	}
	answer, _ := messages.Encode(question.Answer(token.Approved))
	return answer
}

// answers reports whether an echo is answered on a connection.
func (r *reloading) answers(c *link.Conn) bool {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	question, err := messages.Encode(&messages.NetworkRequest{
		Transmitted: "1122123456", STAN: fmt.Sprintf("%06d", r.stan.Add(1)), Code: messages.Echo,
	})
	if err != nil {
		r.Fatal(err)
	}
	_, err = c.Ask(ctx, question)
	return err == nil
}

// as is what a client of the folder dials with.
func (r *reloading) as(role certs.Role, name string) *tls.Config {
	r.Helper()
	who := certs.Identity{Role: role, Name: name}
	if _, err := certs.Make(r.Certificates(), certs.Order{Clients: []certs.Identity{who}}); err != nil {
		r.Fatal(err)
	}
	secured, err := certs.Client(certs.ClientFiles(r.Certificates(), who))
	if err != nil {
		r.Fatal(err)
	}
	return secured
}

func (r *reloading) until(what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func TestReloadAddsAndRemovesStations(t *testing.T) {
	r := runOn(t, settingsOf(walletsDoor, harbourHost))
	c := r.dial("wallets", nil)
	if c == nil {
		t.Fatal("the door for wallets does not answer")
	}
	merchants := "- {name: merchants, role: merchant, listen: '127.0.0.1:0', framing: binary2}\n"
	if r.mustReload(settingsOf(walletsDoor+merchants, harbourHost)) {
		t.Error("it wants a restart")
	}
	if list := (operated{r.Network}).List(); len(list) != 3 || list[1].Framing != "binary2" || list[0].Connections != 1 || list[2].Address != "127.0.0.1:1" || !list[2].Dialled {
		t.Errorf("the stations are %+v", list)
	}
	if !r.answers(c) {
		t.Error("a connection that nothing changed for has ended")
	}
	r.mustReload(settingsOf("- {name: others, role: merchant, listen: '127.0.0.1:0'}\n", harbourHost))
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Error("the connection of a removed station is open")
	}
	if !r.mustReload("institution: '400001'\n" + settingsOf(walletsDoor, harbourHost)) {
		t.Error("a changed institution needs no restart")
	}
}

func TestTwoWayStationsTakeTheirOwnCertificateOnly(t *testing.T) {
	r := runOn(t, settingsOf(walletsDoor, harbourHost))
	secured := "- {name: provider, role: provider, listen: '127.0.0.1:0', tls: two-way}\n" +
		"- {name: open, role: merchant, listen: '127.0.0.1:0', tls: one-way}\n"
	r.mustReload(settingsOf(walletsDoor+secured, harbourHost))
	anybody, err := certs.Client(certs.Files{AuthorityFile: filepath.Join(r.Certificates(), certs.AuthorityFile)})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, door string
		secured    *tls.Config
		good       bool
	}{
		{"its own", "provider", r.as(certs.Provider, "provider"), true},
		{"another role", "provider", r.as(certs.Merchant, "provider"), false},
		{"another name", "provider", r.as(certs.Provider, "others"), false},
		{"an operator's", "provider", r.as(certs.Operator, "ops"), false},
		{"none", "provider", anybody, false},
		{"no TLS", "provider", nil, false},
		{"none, one way", "open", anybody, true},
	} {
		if c := r.dial(test.door, test.secured); (c != nil) != test.good {
			t.Errorf("%s: admitted %v", test.name, c != nil)
		}
	}
	if _, err := os.Stat(filepath.Join(r.Certificates(), "provider-provider.pem")); err != nil {
		t.Error(err)
	}
}

// host is an issuer's host with TLS, which takes the gateway's certificate only.
func (r *reloading) host(who certs.Identity) string {
	r.Helper()
	if _, err := certs.Make(r.Certificates(), certs.Order{Clients: []certs.Identity{who}}); err != nil {
		r.Fatal(err)
	}
	secured, err := certs.Server(certs.ClientFiles(r.Certificates(), who), certs.Terms{TwoWay: true})
	if err != nil {
		r.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	o := linkOptions(approving)
	o.TLS = secured
	o.Admit = func(state tls.ConnectionState) error {
		who, err := certs.IdentityOf(state.VerifiedChains[0][0])
		if err == nil && who != certs.GatewayClient {
			err = errors.New("it is not the gateway")
		}
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- link.Serve(ctx, l, o) }()
	r.Cleanup(func() {
		cancel()
		<-done
	})
	return l.Addr().String()
}

func TestADialledIssuerShowsItsCertificate(t *testing.T) {
	r := runOn(t, settingsOf(walletsDoor, harbourHost))
	harbour := r.host(certs.Identity{Role: certs.Issuer, Name: "harbour"})
	other := r.host(certs.Identity{Role: certs.Issuer, Name: "redbank"})
	dialled := func(address, name, digits string) string {
		return fmt.Sprintf("- {name: %s, address: %q, connections: 2, tls: two-way, station: 20000%d, ranges: [{range: %q}]}\n", name, address, len(name), digits)
	}
	r.mustReload(settingsOf(walletsDoor, dialled(harbour, "harbour", "4761739")+dialled(other, "other", "400000")))
	r.until("two lines are up", func() bool { return (operated{r.Network}).List()[1].SignedOn == 2 })
	if (operated{r.Network}).List()[2].Connections != 0 || r.gateway.LinesUp()["other"] {
		t.Error("a host that shows another issuer's certificate is asked")
	}
}

func TestReloadOfRangesAndIssuers(t *testing.T) {
	r := runOn(t, settingsOf(walletsDoor, harbourHost))
	redbank := "- {name: redbank, listen: '127.0.0.1:0', station: 200002, ranges: [{range: '400000', windowHours: 2}]}\n"
	r.mustReload(settingsOf(walletsDoor, harbourHost+redbank))
	one, ok := r.ranges.Get(card.MustRange("400000"))
	if !ok || one.Dormant || one.Issuer != "redbank" || one.Schedule.At(time.Now()).WindowHours != 2 {
		t.Errorf("the new range is %+v, %v", one, ok)
	}
	r.mustReload(settingsOf(walletsDoor, redbank))
	if one, _ := r.ranges.Get(card.MustRange("4761739")); !one.Dormant {
		t.Error("the range of an issuer without a station is in force")
	}
	r.mustReload(settingsOf(walletsDoor, harbourHost+redbank))
	if one, _ := r.ranges.Get(card.MustRange("4761739")); one.Dormant {
		t.Error("the range is dormant still")
	}
}

// A reload that cannot be had changes nothing, and says all that is in the way.
func TestReloadAtFaultChangesNothing(t *testing.T) {
	r := runOn(t, settingsOf(walletsDoor, harbourHost))
	c := r.dial("wallets", nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = r.reload(settingsOf("- {name: wallets, role: bank, listen: nowhere}\n", harbourHost))
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("the file's own faults are %v", err)
	}
	_, err = r.reload(settingsOf(
		fmt.Sprintf("- {name: merchants, role: merchant, listen: %q}\n", taken.Addr()),
		"- {name: redbank, address: '127.0.0.1:1', ranges: [{range: '4761739'}, {range: '400000'}]}\n",
	))
	if err == nil || !errors.Is(err, ranges.ErrOwner) || !strings.Contains(err.Error(), "merchants cannot listen") {
		t.Errorf("what is in the way is %v", err)
	}
	_, err = r.reload(settingsOf(
		"- {name: merchants, role: merchant, listen: '127.0.0.1:0'}\n",
		"- {name: redbank, address: '127.0.0.1:1', ranges: [{range: '4761739'}, {range: '400000'}]}\n",
	))
	if !errors.Is(err, ranges.ErrOwner) {
		t.Errorf("what is wrong with the ranges is %v", err)
	}
	if list := (operated{r.Network}).List(); len(list) != 2 || list[0].Name != "wallets" || list[1].Name != "harbour" {
		t.Errorf("the stations are %+v", list)
	}
	if one, ok := r.ranges.Get(card.MustRange("4761739")); !ok || one.Dormant || one.Issuer != "harbour" {
		t.Errorf("the range is %+v", one)
	}
	if _, ok := r.ranges.Get(card.MustRange("400000")); ok {
		t.Error("a range was registered")
	}
	if !r.answers(c) {
		t.Error("a connection has ended")
	}
	r.mustReload(settingsOf(walletsDoor, harbourHost))
	r.file = ""
	if _, err := r.Reload(t.Context()); !errors.Is(err, ErrNoFile) {
		t.Errorf("without a file: %v", err)
	}
}

func TestTCPDoorsInProduction(t *testing.T) {
	for _, test := range []struct{ stations, issuers, want string }{
		{walletsDoor, harbourHost, ""},
		{"- {name: wallets, role: requestor, listen: '0.0.0.0:8583', tls: two-way}\n", harbourHost, ""},
		{"- {name: wallets, role: requestor, listen: '0.0.0.0:8583', tls: one-way}\n", harbourHost, "stations[0].tls: must be two-way in production"},
		{"- {name: wallets, role: requestor, listen: ':8583'}\n", harbourHost, "stations[0].tls: must be two-way in production"},
		{walletsDoor, "- {name: harbour, listen: '192.0.2.1:8600', ranges: [{range: '4761739'}]}\n", "issuers[0].tls: must be two-way in production"},
		{walletsDoor, "- {name: harbour, listen: '192.0.2.1:8600', tls: two-way, ranges: [{range: '4761739'}]}\n", ""},
	} {
		data := t.TempDir()
		ownAuthority(t, filepath.Join(data, config.CertificatesFolder))
		path := filepath.Join(t.TempDir(), "gateway.yaml")
		write(t, path, "mode: production\ntls: {operators: two-way}\n"+settingsOf(test.stations, test.issuers))
		_, err := Load(path, data)
		if got := fmt.Sprint(err); (err == nil) != (test.want == "") || !strings.HasPrefix(got, test.want) && err != nil {
			t.Errorf("%s%s: %v, want %q", test.stations, test.issuers, err, test.want)
		}
	}
}
