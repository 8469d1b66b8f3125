package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// Gateway is the settings of `firsttap gateway`.
type Gateway struct {
	Mode     string    `yaml:"mode"`
	Stations []Station `yaml:"stations"` // that dial in over TCP
	HTTP     struct {
		Issuers   string `yaml:"issuers"`   // dCVV2 API
		Phones    string `yaml:"phones"`    // key material of tokens
		Operators string `yaml:"operators"` // management
	} `yaml:"http"`
	TLS                  TLS      `yaml:"tls"`
	Keys                 Keys     `yaml:"keys"`
	TokenRange           string   `yaml:"tokenRange"`  // that token numbers are drawn from
	Institution          string   `yaml:"institution"` // field 32 of what the gateway sends itself
	IssuerTimeoutSeconds int      `yaml:"issuerTimeoutSeconds"`
	Limits               Limits   `yaml:"limits"`
	Issuers              []Issuer `yaml:"issuers"`

	// CryptogramVersion is that of new tokens in secure elements: 10, 17 or 18.
	CryptogramVersion int `yaml:"cryptogramVersion"`
	// RetentionDays is how long concluded transactions, the marks of their
	// codes and notices that have ended are kept, 2 to 3650 days.
	RetentionDays int `yaml:"retentionDays"`
	// RequestorFailuresPerHourMax is how many failures a token requestor may
	// have in an hour, 0 without end.
	RequestorFailuresPerHourMax int `yaml:"requestorFailuresPerHourMax"`
}

// Issuer is an issuer's host and the account ranges it registered. It is
// dialled at Address, or dials in at Listen.
type Issuer struct {
	Name        string `yaml:"name"` // also its clientId at the dCVV2 API
	Address     string `yaml:"address,omitempty"`
	Listen      string `yaml:"listen,omitempty"`
	Connections int    `yaml:"connections"` // that are dialled, or that may come in
	Wire        `yaml:",inline"`
	TLS         string       `yaml:"tls"`    // off, one-way or two-way
	SignOn      bool         `yaml:"signOn"` // of the gateway where it dials, of the issuer where that does
	StandIn     StandIn      `yaml:"standIn"`
	Limits      LinkLimits   `yaml:"limits"`
	Timeouts    LinkTimeouts `yaml:"timeouts"`
	Ranges      []Range      `yaml:"ranges"`
}

// Range is an account range with its policy.
type Range struct {
	Range             string `yaml:"range"`
	WindowHours       int    `yaml:"windowHours"`
	Profile           string `yaml:"profile"`
	KeyVersion        int    `yaml:"keyVersion"`
	GraceSeconds      int    `yaml:"graceSeconds"`
	CodesMax          int    `yaml:"codesMax"`
	OncePerWindow     bool   `yaml:"oncePerWindow"`
	FailuresPerDayMax int    `yaml:"failuresPerDayMax"`
	FailuresInRowMax  int    `yaml:"failuresInRowMax"`
	EnrolByDefault    bool   `yaml:"enrolByDefault"`

	RangeFailuresPerHourMax int `yaml:"rangeFailuresPerHourMax"`

	OnNoMatch          dcvv2.Action `yaml:"onNoMatch"`          // N: decline, decline-82, ask, static
	OnMissing          dcvv2.Action `yaml:"onMissing"`          // S: ask, decline
	OnNotParticipating dcvv2.Action `yaml:"onNotParticipating"` // U: ask, decline
	OnNotProcessed     dcvv2.Action `yaml:"onNotProcessed"`     // P: decline, ask
}

// RequestorFailuresPerHourDefault is as many as a range may have (ours).
const RequestorFailuresPerHourDefault = dcvv2.RangeFailuresPerHourDefault

// RetentionDaysDefault is how many days a gateway keeps what is over (ours).
const RetentionDaysDefault = 30

// Limits of RetentionDays (ours): repeats must still find what they repeat,
// and codes live for less than a day.
const (
	retentionDaysMin = 2
	retentionDaysMax = 3650
)

// TokenRangeDefault is a test range for tokens, IssuerRangeDefault one for
// cards.
const (
	TokenRangeDefault  = "489537001"
	IssuerRangeDefault = "4761739"
	IssuerNameDefault  = "harbour"
)

// DefaultGateway is a gateway on one machine with one issuer.
func DefaultGateway() Gateway {
	var g Gateway
	g.Stations = defaultStations()
	g.HTTP.Issuers, g.HTTP.Phones, g.HTTP.Operators = "127.0.0.1:8580", "127.0.0.1:8443", "127.0.0.1:8581"
	g.Mode, g.TLS, g.Keys = ModeTest, defaultTLS(), defaultKeys()
	g.TokenRange, g.Institution, g.IssuerTimeoutSeconds = TokenRangeDefault, "400000", 10
	g.RetentionDays, g.CryptogramVersion = RetentionDaysDefault, int(emv.Version18)
	g.RequestorFailuresPerHourMax = RequestorFailuresPerHourDefault
	g.Limits = DefaultLimits()
	harbour := defaultIssuer()
	harbour.Name, harbour.Address, harbour.Ranges = IssuerNameDefault, "127.0.0.1:8600", []Range{DefaultRange(IssuerRangeDefault)}
	g.Issuers = []Issuer{harbour}
	return g
}

// DefaultRange is a range with the default policy.
func DefaultRange(digits string) Range {
	p := dcvv2.DefaultPolicy()
	return Range{
		Range: digits, WindowHours: p.WindowHours, Profile: p.Profile, KeyVersion: p.KeyVersion,
		GraceSeconds: int(p.Grace / time.Second), CodesMax: p.CodesMax, OncePerWindow: p.OncePerWindow,
		FailuresPerDayMax: p.FailuresPerDayMax, FailuresInRowMax: p.FailuresInRowMax,
		EnrolByDefault: p.EnrolByDefault, RangeFailuresPerHourMax: p.RangeFailuresPerHourMax,
		OnNoMatch: p.OnNoMatch, OnMissing: p.OnMissing, OnNotParticipating: p.OnNotParticipating, OnNotProcessed: p.OnNotProcessed,
	}
}

// UnmarshalYAML starts from the default policy, so that a range may name only
// what differs.
func (r *Range) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Range
	p := plain(DefaultRange(""))
	err := unmarshal(&p)
	*r = Range(p)
	return err
}

// Policy is the range's policy.
func (r Range) Policy() dcvv2.Policy {
	return dcvv2.Policy{
		WindowHours: r.WindowHours, Profile: r.Profile, KeyVersion: r.KeyVersion,
		Grace: time.Duration(r.GraceSeconds) * time.Second, CodesMax: r.CodesMax, OncePerWindow: r.OncePerWindow,
		FailuresPerDayMax: r.FailuresPerDayMax, FailuresInRowMax: r.FailuresInRowMax,
		EnrolByDefault: r.EnrolByDefault, RangeFailuresPerHourMax: r.RangeFailuresPerHourMax,
		OnNoMatch: r.OnNoMatch, OnMissing: r.OnMissing, OnNotParticipating: r.OnNotParticipating, OnNotProcessed: r.OnNotProcessed,
	}
}

// LoadGateway reads a gateway's settings; an empty path gives the defaults.
func LoadGateway(path string) (Gateway, error) {
	g := DefaultGateway()
	err := load(path, &g)
	return g, err
}

func (g *Gateway) check(f *Faults) {
	if len(g.Stations) == 0 {
		f.add("stations", "must have at least one station")
	}
	for i := range g.Stations {
		g.Stations[i].checkAt(f, fmt.Sprintf("stations[%d]", i))
	}
	checkListen(f, "http.issuers", g.HTTP.Issuers)
	checkListen(f, "http.phones", g.HTTP.Phones)
	checkListen(f, "http.operators", g.HTTP.Operators)
	g.checkTLS(f)
	g.Keys.check(f, "keys")
	if _, err := card.ParseRange(g.TokenRange); err != nil {
		f.add("tokenRange", "%v", err)
	}
	checkDigits(f, "institution", g.Institution, 1, 11)
	checkWhole(f, "issuerTimeoutSeconds", g.IssuerTimeoutSeconds, 1, issuerTimeoutSecondsMax)
	checkWhole(f, "retentionDays", g.RetentionDays, retentionDaysMin, retentionDaysMax)
	checkWhole(f, "requestorFailuresPerHourMax", g.RequestorFailuresPerHourMax, 0, dcvv2.RangeFailuresPerHourMax)
	if !slices.Contains(token.Versions, emv.Version(g.CryptogramVersion)) {
		f.add("cryptogramVersion", "must be 10, 17 or 18, not %d", g.CryptogramVersion)
	}
	g.Limits.check(f)
	if len(g.Issuers) == 0 {
		f.add("issuers", "must have at least one issuer")
	}
	for i := range g.Issuers {
		g.Issuers[i].checkAt(f, fmt.Sprintf("issuers[%d]", i))
	}
	if len(*f) == 0 {
		g.checkTogether(f)
	}
}

// issuerTimeoutSecondsMax is the longest wait for an issuer: stations wait
// hardly longer for their answer (ours).
const issuerTimeoutSecondsMax = 60

// checkTogether checks what only holds between settings that are right alone.
func (g *Gateway) checkTogether(f *Faults) {
	g.checkUnique(f)
	for i, issuer := range g.Issuers {
		for j, r := range issuer.Ranges {
			cards, _ := card.ParseRange(r.Range)
			g.checkTokenRanges(f, fmt.Sprintf("issuers[%d].ranges[%d].range", i, j), cards)
		}
	}
	if _, err := g.Registry(); err != nil {
		f.add("issuers", "%v", err)
	}
}

func (r Range) checkAt(f *Faults, path string) {
	if _, err := card.ParseRange(r.Range); err != nil {
		f.add(path+".range", "%v", err)
	}
	checkWhole(f, path+".windowHours", r.WindowHours, dcvv2.WindowHoursMin, dcvv2.WindowHoursMax)
	checkWhole(f, path+".keyVersion", r.KeyVersion, 1, dcvv2.KeyVersionMax)
	checkWhole(f, path+".graceSeconds", r.GraceSeconds, 0, int(dcvv2.GraceMax/time.Second))
	checkWhole(f, path+".codesMax", r.CodesMax, 1, dcvv2.CodesMax)
	checkWhole(f, path+".failuresPerDayMax", r.FailuresPerDayMax, 1, dcvv2.FailuresMax)
	checkWhole(f, path+".failuresInRowMax", r.FailuresInRowMax, 1, dcvv2.FailuresMax)
	checkWhole(f, path+".rangeFailuresPerHourMax", r.RangeFailuresPerHourMax, 0, dcvv2.RangeFailuresPerHourMax)
	if _, err := dcvv2.ProfileByName(r.Profile); err != nil {
		f.add(path+".profile", "%v", err)
	}
	checkAction(f, path+".onNoMatch", r.OnNoMatch, dcvv2.NoMatch)
	checkAction(f, path+".onMissing", r.OnMissing, dcvv2.ShouldBePresent)
	checkAction(f, path+".onNotParticipating", r.OnNotParticipating, dcvv2.NotParticipating)
	checkAction(f, path+".onNotProcessed", r.OnNotProcessed, dcvv2.NotProcessed)
}

func checkAction(f *Faults, path string, a dcvv2.Action, r dcvv2.Result) {
	if actions := dcvv2.ActionsFor(r); !slices.Contains(actions, a) {
		f.add(path, "must be one of %v, not %q", actions, a)
	}
}

func checkWhole(f *Faults, path string, n, least, most int) {
	if n < least || n > most {
		f.add(path, "must be %d to %d, not %d", least, most, n)
	}
}

// Registry is the account ranges of all issuers.
func (g *Gateway) Registry() (*dcvv2.Registry, error) {
	var all []dcvv2.Registration
	for _, issuer := range g.Issuers {
		for _, r := range issuer.Ranges {
			accounts, err := card.ParseRange(r.Range)
			if err != nil {
				return nil, err
			}
			all = append(all, dcvv2.Registration{Range: accounts, Issuer: issuer.Name, Schedule: dcvv2.Always(r.Policy())})
		}
	}
	return dcvv2.NewRegistry(all...)
}
