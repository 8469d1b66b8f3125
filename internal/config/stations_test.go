package config

import (
	"strconv"
	"strings"
	"testing"
)

func TestStationLimits(t *testing.T) {
	first := func(g *Gateway) *Station { return &g.Stations[0] }
	at := "stations[0]."
	protections := []string{"off", "one-way", "two-way"}
	for _, l := range []limit[Gateway]{
		{at + "name", func(g *Gateway, v string) { first(g).Name = v }, goodName, badName},
		{at + "role", func(g *Gateway, v string) { first(g).Role = v }, []string{"requestor", "provider", "merchant", "operator"}, []string{"", "issuer", "Merchant", "bank"}},
		{at + "tls", func(g *Gateway, v string) { first(g).TLS = v }, protections, []string{"", "on", "three-way"}},
		{at + "mints", func(g *Gateway, v string) { first(g).Mints = v }, []string{"gateway", "station"}, []string{"", "issuer"}},
		{at + "tokenRange", func(g *Gateway, v string) { first(g).TokenRange = v }, []string{"", "489537", "48953700200"}, []string{"48953", "489537002000"}},
		{at + "requestorId", func(g *Gateway, v string) { first(g).RequestorID = v }, []string{"", "40010030273"}, []string{"4001003027", "400100302733", "4001003027A"}},
		{at + "tokenKeyVersion", whole(func(g *Gateway) *int { return &first(g).TokenKeyVersion }), []string{"0", "99"}, []string{"-1", "100"}},
		{at + "limits.connections", whole(func(g *Gateway) *int { return &first(g).Limits.Connections }), []string{"1", "4096"}, []string{"0", "4097"}},
		{at + "limits.inFlight", whole(func(g *Gateway) *int { return &first(g).Limits.InFlight }), []string{"1", "4096"}, []string{"0", "4097"}},
		{at + "limits.requestsPerSecond", whole(func(g *Gateway) *int { return &first(g).Limits.RequestsPerSecond }), []string{"0", "100000"}, []string{"-1", "100001"}},
		{at + "timeouts.idleSeconds", whole(func(g *Gateway) *int { return &first(g).Timeouts.IdleSeconds }), []string{"1", "86400"}, []string{"0", "86401"}},
		{at + "timeouts.answerSeconds", whole(func(g *Gateway) *int { return &first(g).Timeouts.AnswerSeconds }), []string{"1", "60"}, []string{"0", "61"}},
	} {
		l.check(t, DefaultGateway, func(g *Gateway) Faults { return faultsOf(g) })
	}
}

func TestIssuerLinkLimits(t *testing.T) {
	first := func(g *Gateway) *Issuer { return &g.Issuers[0] }
	at := "issuers[0]."
	for _, l := range []limit[Gateway]{
		{at + "tls", func(g *Gateway, v string) { first(g).TLS = v }, []string{"off", "one-way", "two-way"}, []string{"", "on"}},
		{at + "connections", whole(func(g *Gateway) *int { return &first(g).Connections }), []string{"1", "16"}, []string{"0", "17"}},
		{at + "standIn.activations", func(g *Gateway, v string) { first(g).StandIn.Activations = v }, []string{"decline", "step-up", "approve"}, []string{"", "ask"}},
		{at + "standIn.taps", func(g *Gateway, v string) { first(g).StandIn.Taps = v }, []string{"decline", "approve"}, []string{"", "step-up"}},
		{at + "standIn.tapAmountMax", whole(func(g *Gateway) *int { return &first(g).StandIn.TapAmountMax }), []string{"0", "999999999999"}, []string{"-1", "1000000000000"}},
		{at + "limits.inFlight", whole(func(g *Gateway) *int { return &first(g).Limits.InFlight }), []string{"1", "4096"}, []string{"0", "4097"}},
		{at + "limits.requestsPerSecond", whole(func(g *Gateway) *int { return &first(g).Limits.RequestsPerSecond }), []string{"0", "100000"}, []string{"-1", "100001"}},
		{at + "timeouts.idleSeconds", whole(func(g *Gateway) *int { return &first(g).Timeouts.IdleSeconds }), []string{"1", "86400"}, []string{"0", "86401"}},
		{at + "timeouts.answerSeconds", whole(func(g *Gateway) *int { return &first(g).Timeouts.AnswerSeconds }), []string{"0", "60"}, []string{"-1", "61"}},
		{at + "listen", func(g *Gateway, v string) { first(g).Address, first(g).Listen = "", v }, goodListen, []string{"8600", "127.0.0.1", "127.0.0.1:65536"}},
	} {
		l.check(t, DefaultGateway, func(g *Gateway) Faults { return faultsOf(g) })
	}
	g := DefaultGateway()
	if g.Issuers[0].Listen = "127.0.0.1:8600"; len(faultsOf(&g)) != 1 {
		t.Errorf("an issuer that dials in and is dialled: %v", faultsOf(&g))
	}
}

// Stations and issuers share one list of names, one of numbers, and the
// machine's addresses.
func TestStationsAreToldApart(t *testing.T) {
	for _, test := range []struct {
		change func(*Gateway)
		want   string
	}{
		{func(g *Gateway) { g.Stations[1].Name = "wallets" }, `stations[1].name: "wallets" is the name of another station`},
		{func(g *Gateway) { g.Issuers[0].Name = "wallets" }, `issuers[0].name: "wallets" is the name of another station`},
		{func(g *Gateway) { g.Stations[1].Station = 100001 }, "stations[1].station: 100001 is the number of wallets too"},
		{func(g *Gateway) { g.Issuers[0].Station = 100002 }, "issuers[0].station: 100002 is the number of merchants too"},
		{func(g *Gateway) { g.Stations[1].Listen = "127.0.0.1:8583" }, "stations[1].listen: wallets listens there too"},
		{func(g *Gateway) { g.Issuers[0].Address, g.Issuers[0].Listen = "", "127.0.0.1:8583" }, "issuers[0].listen: wallets listens there too"},
		{func(g *Gateway) { g.Stations[0].Listen, g.Stations[1].Listen = "127.0.0.1:0", "127.0.0.1:0" }, ""},
		{func(g *Gateway) { g.Stations[0].TokenRange = "4761739" }, "issuers[0].ranges[0].range: shares numbers with stations[0].tokenRange: a number must be a card or a token"},
		{func(g *Gateway) { g.Stations = nil }, "stations: must have at least one station"},
	} {
		g := DefaultGateway()
		test.change(&g)
		if got := faultsOf(&g).Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestAStationHasTheNumberOfItsRole(t *testing.T) {
	g, err := LoadGateway(written(t, `stations:
- {name: a, role: requestor, listen: ":0"}
- {name: b, role: merchant, listen: ":0"}
- {name: c, role: provider, listen: ":0"}
- {name: d, role: operator, listen: ":0"}
- {name: e, role: merchant, listen: ":0", station: 7}
`))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, s := range g.Stations {
		numbers = append(numbers, strconv.Itoa(int(s.Station)))
	}
	if got := strings.Join(numbers, " "); got != "100001 100002 100003 100004 7" {
		t.Errorf("the numbers are %s", got)
	}
}

func TestCallersSayHowTheyAreSecured(t *testing.T) {
	for _, l := range []limit[MerchantPart]{
		{"tls", func(m *MerchantPart, v string) { m.TLS = v }, []string{"off", "one-way", "two-way"}, []string{"", "on"}},
		{"stationName", func(m *MerchantPart, v string) { m.Known = v }, goodName, badName},
	} {
		l.check(t, DefaultMerchantPart, func(m *MerchantPart) Faults { return faultsOf(m) })
	}
	for _, l := range []limit[IssuerPart]{
		{"tls", func(i *IssuerPart, v string) { i.TLS = v }, []string{"off", "one-way", "two-way"}, []string{"", "on"}},
		{"dial", func(i *IssuerPart, v string) { i.Dial = v }, append([]string{""}, goodPeer...), []string{"nowhere", "127.0.0.1:0", ":8585"}},
	} {
		l.check(t, DefaultIssuerPart, func(i *IssuerPart) Faults { return faultsOf(i) })
	}
	for n, good := range map[int]bool{0: false, 1: true, 16: true, 17: false} {
		i := DefaultIssuerPart()
		if i.Connections = n; (len(faultsOf(&i)) == 0) != good {
			t.Errorf("%d connections: %v", n, faultsOf(&i))
		}
	}
}

// What a description in a file says is told by its sum, so that a changed file
// of the same name is noticed.
func TestTheSumOfASpec(t *testing.T) {
	file := specFile(t, "visa-style", func(raw []byte) []byte { return raw })
	g := DefaultGateway()
	g.Stations[0].Spec = file
	if f := faultsOf(&g); len(f) > 0 {
		t.Fatal(f)
	}
	if sum := g.Stations[0].Sum(); len(sum) != 64 || g.Stations[1].Sum() != "" {
		t.Errorf("the sums are %q and %q", sum, g.Stations[1].Sum())
	}
}
