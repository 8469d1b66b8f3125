package config

import (
	"strconv"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

func TestGatewayLimits(t *testing.T) {
	for _, l := range []limit[Gateway]{
		{"stations[0].listen", func(g *Gateway, v string) { g.Stations[0].Listen = v }, goodListen, badListen},
		{"stations[1].listen", func(g *Gateway, v string) { g.Stations[1].Listen = v }, goodListen, badListen},
		{"stations[0].spec", func(g *Gateway, v string) { g.Stations[0].Spec = v }, goodSpec, badSpec},
		{"stations[1].framing", func(g *Gateway, v string) { g.Stations[1].Framing = v }, framings, badFraming},
		{"mode", func(g *Gateway, v string) { g.Mode = v }, []string{"test", "production"}, []string{"", "Production", "demo"}},
		{"tls.minimum", func(g *Gateway, v string) { g.TLS.Minimum = v }, []string{"1.3", "1.2"}, []string{"", "1.1", "1.4", "TLS1.3"}},
		{"tls.issuers", func(g *Gateway, v string) { g.TLS.Issuers = v }, []string{"two-way", "off"}, []string{"", "one-way", "on"}},
		{"tls.operators", func(g *Gateway, v string) { g.TLS.Operators = v }, []string{"two-way", "off"}, []string{"", "one-way", "on"}},
		{"http.issuers", func(g *Gateway, v string) { g.HTTP.Issuers = v }, goodListen, badListen},
		{"http.phones", func(g *Gateway, v string) { g.HTTP.Phones = v }, goodListen, badListen},
		{"http.operators", func(g *Gateway, v string) { g.HTTP.Operators = v }, goodLoopback, append(elsewhere, badListen...)},
		{"tokenRange", func(g *Gateway, v string) { g.TokenRange = v }, []string{"489537", "48953700100"}, []string{"", "48953", "489537001000"}},
		{"institution", func(g *Gateway, v string) { g.Institution = v }, []string{"1", "12345678901"}, []string{"", "123456789012", "40000A"}},
		{"issuerTimeoutSeconds", whole(func(g *Gateway) *int { return &g.IssuerTimeoutSeconds }), []string{"1", "60"}, []string{"0", "61", "-1"}},
		{"retentionDays", whole(func(g *Gateway) *int { return &g.RetentionDays }), []string{"2", "3650"}, []string{"1", "3651", "0", "-30"}},
		{"requestorFailuresPerHourMax", whole(func(g *Gateway) *int { return &g.RequestorFailuresPerHourMax }), []string{"0", "100000"}, []string{"-1", "100001"}},
		{"issuers[0].name", func(g *Gateway, v string) { g.Issuers[0].Name = v }, goodName, badName},
		{"issuers[0].address", func(g *Gateway, v string) { g.Issuers[0].Address = v }, goodPeer, badPeer},
		{"issuers[0].spec", func(g *Gateway, v string) { g.Issuers[0].Spec = v }, goodSpec, badSpec},
		{"issuers[0].framing", func(g *Gateway, v string) { g.Issuers[0].Framing = v }, framings, badFraming},
	} {
		l.check(t, DefaultGateway, func(g *Gateway) Faults { return faultsOf(g) })
	}
}

var askOrDecline, notAskOrDecline = []string{"ask", "decline"}, []string{"", "static", "decline-82"}

func TestRangeLimits(t *testing.T) {
	first := func(g *Gateway) *Range { return &g.Issuers[0].Ranges[0] }
	at := "issuers[0].ranges[0]."
	for _, l := range []limit[Gateway]{
		{at + "range", func(g *Gateway, v string) { first(g).Range = v }, []string{"476173", "400000-400009"}, []string{"", "47617", "400009-400000"}},
		{at + "windowHours", whole(func(g *Gateway) *int { return &first(g).WindowHours }), []string{"1", "18"}, []string{"0", "19"}},
		{at + "profile", func(g *Gateway, v string) { first(g).Profile = v }, []string{"cvv-hour"}, []string{"", "nosuch"}},
		{at + "keyVersion", whole(func(g *Gateway) *int { return &first(g).KeyVersion }), []string{"1", "99"}, []string{"0", "100"}},
		{at + "graceSeconds", whole(func(g *Gateway) *int { return &first(g).GraceSeconds }), []string{"0", "3600"}, []string{"-1", "3601", "18446744074"}},
		{at + "codesMax", whole(func(g *Gateway) *int { return &first(g).CodesMax }), []string{"1", "24"}, []string{"0", "25"}},
		{at + "failuresPerDayMax", whole(func(g *Gateway) *int { return &first(g).FailuresPerDayMax }), []string{"1", "100"}, []string{"0", "101"}},
		{at + "rangeFailuresPerHourMax", whole(func(g *Gateway) *int { return &first(g).RangeFailuresPerHourMax }), []string{"0", "100000"}, []string{"-1", "100001"}},
		{at + "onNoMatch", func(g *Gateway, v string) { first(g).OnNoMatch = dcvv2.Action(v) }, []string{"decline", "decline-82", "ask", "static"}, []string{"", "accept"}},
		{at + "onMissing", func(g *Gateway, v string) { first(g).OnMissing = dcvv2.Action(v) }, askOrDecline, notAskOrDecline},
		{at + "onNotParticipating", func(g *Gateway, v string) { first(g).OnNotParticipating = dcvv2.Action(v) }, askOrDecline, notAskOrDecline},
		{at + "onNotProcessed", func(g *Gateway, v string) { first(g).OnNotProcessed = dcvv2.Action(v) }, askOrDecline, notAskOrDecline},
		{at + "failuresInRowMax", whole(func(g *Gateway) *int { return &first(g).FailuresInRowMax }), []string{"1", "100"}, []string{"0", "101"}},
	} {
		l.check(t, DefaultGateway, func(g *Gateway) Faults { return faultsOf(g) })
	}
}

func whole(field func(*Gateway) *int) func(*Gateway, string) {
	return func(g *Gateway, v string) {
		n, err := strconv.Atoi(v)
		if err != nil {
			panic(err)
		}
		*field(g) = n
	}
}

// Settings that are right alone can be wrong together.
func TestFaultsBetweenSettings(t *testing.T) {
	second := func(name, digits string) Issuer {
		i := defaultIssuer()
		i.Name, i.Address, i.Station, i.Ranges = name, "127.0.0.1:8601", 200002, []Range{DefaultRange(digits)}
		return i
	}
	tests := []struct {
		name   string
		change func(*Gateway)
		want   string // "" is no fault
	}{
		{"two issuers, two ranges", func(g *Gateway) { g.Issuers = append(g.Issuers, second("redbank", "400000")) }, ""},
		{"two issuers of one name", func(g *Gateway) { g.Issuers = append(g.Issuers, second("harbour", "400000")) }, `issuers[1].name: "harbour" is the name of another issuer`},
		{"cards among the tokens", func(g *Gateway) { g.TokenRange = "47617390" }, "issuers[0].ranges[0].range: shares numbers with tokenRange: a number must be a card or a token"},
		{"no issuer", func(g *Gateway) { g.Issuers = nil }, "issuers: must have at least one issuer"},
		{"an issuer without a range", func(g *Gateway) { g.Issuers[0].Ranges = nil }, "issuers[0].ranges: must have at least one range"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := DefaultGateway()
			test.change(&g)
			if got := faultsOf(&g).Error(); got != test.want {
				t.Errorf("faults are %q, want %q", got, test.want)
			}
		})
	}
	g := DefaultGateway()
	g.Issuers = append(g.Issuers, second("redbank", "4761739"))
	if f := faultsOf(&g); len(f) != 1 {
		t.Errorf("two issuers of one range have the faults %q", f)
	}
}

func TestPolicyOfARange(t *testing.T) {
	r := DefaultRange("476173")
	r.WindowHours, r.GraceSeconds, r.CodesMax = 2, 60, 3
	if p := r.Policy(); p.WindowHours != 2 || p.Grace != time.Minute || p.CodesMax != 3 || !p.OncePerWindow {
		t.Errorf("the policy is %+v", p)
	}
}

func TestRegistry(t *testing.T) {
	g := DefaultGateway()
	registry, err := g.Registry()
	if err != nil || len(registry.All()) != 1 || registry.All()[0].Issuer != IssuerNameDefault {
		t.Errorf("the registry has %v, %v", registry.All(), err)
	}
	if g.Issuers[0].Ranges[0].Range = "nothing"; true {
		if _, err := g.Registry(); err == nil {
			t.Error("a range that is none is registered")
		}
	}
}
