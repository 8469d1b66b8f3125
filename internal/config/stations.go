package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// Station is a door for one station that dials in over TCP.
type Station struct {
	Name   string `yaml:"name"`
	Role   string `yaml:"role"`
	Listen string `yaml:"listen"`
	Wire   `yaml:",inline"`
	TLS    string `yaml:"tls"`    // off, one-way or two-way
	SignOn bool   `yaml:"signOn"` // demanded before any other request

	Mints           string `yaml:"mints"`                     // who makes token numbers: gateway or station
	TokenRange      string `yaml:"tokenRange,omitempty"`      // that its token numbers are drawn from; "" is the gateway's
	TokenKeyVersion int    `yaml:"tokenKeyVersion,omitempty"` // of its new tokens; 0 is the gateway's
	RequestorID     string `yaml:"requestorId,omitempty"`     // the only one it may use; "" is any

	Limits   StationLimits   `yaml:"limits"`
	Timeouts StationTimeouts `yaml:"timeouts"`
}

// StationLimits bound what a station may do.
type StationLimits struct {
	Connections       int `yaml:"connections"`       // at once
	InFlight          int `yaml:"inFlight"`          // requests of a connection handled at once
	RequestsPerSecond int `yaml:"requestsPerSecond"` // of all connections together; 0 is without end

	NeverHeldBack bool `yaml:"neverHeldBack"` // not even while it floods and others are served
}

// StationTimeouts say how long is waited for a station, and by it.
type StationTimeouts struct {
	IdleSeconds   int `yaml:"idleSeconds"`   // without a byte from it
	AnswerSeconds int `yaml:"answerSeconds"` // that its request may take
}

// LinkLimits bound what an issuer may ask on its connections.
type LinkLimits struct {
	InFlight          int `yaml:"inFlight"`
	RequestsPerSecond int `yaml:"requestsPerSecond"`

	NeverHeldBack bool `yaml:"neverHeldBack"`
}

// LinkTimeouts say how long is waited for an issuer.
type LinkTimeouts struct {
	IdleSeconds   int `yaml:"idleSeconds"`
	AnswerSeconds int `yaml:"answerSeconds"` // for its answer; 0 is issuerTimeoutSeconds
}

// StandIn is what the network decides in an issuer's place when no connection
// of it answers.
type StandIn struct {
	Activations  string `yaml:"activations"`  // decline, step-up or approve
	Taps         string `yaml:"taps"`         // decline or approve
	TapAmountMax int    `yaml:"tapAmountMax"` // of an approved tap, in minor units of its currency
}

// Roles of stations, see gateway/stations.
const (
	RoleRequestor = "requestor"
	RoleProvider  = "provider"
	RoleMerchant  = "merchant"
	RoleOperator  = "operator"
)

// stationRoles are the roles of stations, each with the number that one without
// has. Issuers stand in a list of their own.
var stationRoles = []struct {
	role   string
	number uint32
}{{RoleRequestor, 100001}, {RoleMerchant, 100002}, {RoleProvider, 100003}, {RoleOperator, 100004}}

// OneWay is TLS where only the side that listens shows a certificate.
const OneWay = "one-way"

// Who makes token numbers, and what is decided in an issuer's place.
const (
	MintsGateway = "gateway"
	MintsStation = "station"

	StandInDecline = string(token.StandInDecline)
	StandInStepUp  = string(token.StandInStepUp)
	StandInApprove = string(token.StandInApprove)
)

// Limits of stations' settings, and what they are when left out. All are ours;
// the defaults are those of internal/link.
const (
	connectionsDefault, connectionsMax = 128, 4096
	inFlightDefault, inFlightMax       = 256, 4096
	requestsPerSecondMax               = 100_000
	idleSecondsDefault, idleSecondsMax = 600, 86_400
	answerSecondsDefault               = 30
	answerSecondsMax                   = issuerTimeoutSecondsMax
	linesMax                           = 16              // connections of an issuer, see link.ConnectionsMax
	tokenKeyVersionMax                 = 99              // as of key blocks: two digits
	tapAmountMaxMax                    = 999_999_999_999 // field 4 has twelve digits
)

func defaultStation() Station {
	return Station{
		Wire: defaultWire(0), TLS: Off, Mints: MintsGateway,
		Limits:   StationLimits{Connections: connectionsDefault, InFlight: inFlightDefault},
		Timeouts: StationTimeouts{IdleSeconds: idleSecondsDefault, AnswerSeconds: answerSecondsDefault},
	}
}

func stationAt(name, role, listen string) Station {
	s := defaultStation()
	s.Name, s.Role, s.Listen = name, role, listen
	s.numbered()
	return s
}

func defaultStations() []Station {
	return []Station{
		stationAt("wallets", RoleRequestor, "127.0.0.1:8583"),
		stationAt("merchants", RoleMerchant, "127.0.0.1:8584"),
	}
}

// numbered gives a station without a number that of its role.
func (s *Station) numbered() {
	for _, r := range stationRoles {
		if s.Station == 0 && s.Role == r.role {
			s.Station = r.number
		}
	}
}

// UnmarshalYAML starts from the defaults, so that a station may say only what
// differs.
func (s *Station) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Station
	p := plain(defaultStation())
	err := unmarshal(&p)
	*s = Station(p)
	s.numbered()
	return err
}

// UnmarshalYAML starts from the defaults of an issuer.
func (i *Issuer) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Issuer
	p := plain(defaultIssuer())
	err := unmarshal(&p)
	*i = Issuer(p)
	return err
}

func defaultIssuer() Issuer {
	return Issuer{
		Wire: defaultWire(200001), Connections: 1, TLS: Off, SignOn: true,
		StandIn:  StandIn{Activations: StandInDecline, Taps: StandInDecline},
		Limits:   LinkLimits{InFlight: inFlightDefault},
		Timeouts: LinkTimeouts{IdleSeconds: idleSecondsDefault},
	}
}

func (s *Station) checkAt(f *Faults, path string) {
	checkIssuerName(f, path+".name", s.Name)
	roles := make([]string, 0, len(stationRoles))
	for _, r := range stationRoles {
		roles = append(roles, r.role)
	}
	checkOneOf(f, path+".role", s.Role, roles...)
	checkListen(f, path+".listen", s.Listen)
	s.Wire.check(f, path+".")
	checkOneOf(f, path+".tls", s.TLS, Off, OneWay, TwoWay)
	checkOneOf(f, path+".mints", s.Mints, MintsGateway, MintsStation)
	if _, err := s.Tokens(); err != nil {
		f.add(path+".tokenRange", "%v", err)
	}
	checkWhole(f, path+".tokenKeyVersion", s.TokenKeyVersion, 0, tokenKeyVersionMax)
	if s.RequestorID != "" {
		checkDigits(f, path+".requestorId", s.RequestorID, token.RequestorDigits, token.RequestorDigits)
	}
	checkWhole(f, path+".limits.connections", s.Limits.Connections, 1, connectionsMax)
	checkWhole(f, path+".limits.inFlight", s.Limits.InFlight, 1, inFlightMax)
	checkWhole(f, path+".limits.requestsPerSecond", s.Limits.RequestsPerSecond, 0, requestsPerSecondMax)
	checkWhole(f, path+".timeouts.idleSeconds", s.Timeouts.IdleSeconds, 1, idleSecondsMax)
	checkWhole(f, path+".timeouts.answerSeconds", s.Timeouts.AnswerSeconds, 1, answerSecondsMax)
}

func (i *Issuer) checkAt(f *Faults, path string) {
	checkIssuerName(f, path+".name", i.Name)
	switch {
	case i.Listen == "":
		checkPeer(f, path+".address", i.Address)
	case i.Address == "":
		checkListen(f, path+".listen", i.Listen)
	default:
		f.add(path+".listen", "belongs to an issuer that dials in, and address to one that is dialled: take one of them")
	}
	i.Wire.check(f, path+".")
	checkWhole(f, path+".connections", i.Connections, 1, linesMax)
	checkOneOf(f, path+".tls", i.TLS, Off, OneWay, TwoWay)
	checkOneOf(f, path+".standIn.activations", i.StandIn.Activations, StandInDecline, StandInStepUp, StandInApprove)
	checkOneOf(f, path+".standIn.taps", i.StandIn.Taps, StandInDecline, StandInApprove)
	checkWhole(f, path+".standIn.tapAmountMax", i.StandIn.TapAmountMax, 0, tapAmountMaxMax)
	checkWhole(f, path+".limits.inFlight", i.Limits.InFlight, 1, inFlightMax)
	checkWhole(f, path+".limits.requestsPerSecond", i.Limits.RequestsPerSecond, 0, requestsPerSecondMax)
	checkWhole(f, path+".timeouts.idleSeconds", i.Timeouts.IdleSeconds, 1, idleSecondsMax)
	checkWhole(f, path+".timeouts.answerSeconds", i.Timeouts.AnswerSeconds, 0, answerSecondsMax)
	if len(i.Ranges) == 0 {
		f.add(path+".ranges", "must have at least one range")
	}
	for j, r := range i.Ranges {
		r.checkAt(f, fmt.Sprintf("%s.ranges[%d]", path, j))
	}
}

func checkOneOf(f *Faults, path, value string, known ...string) {
	if !slices.Contains(known, value) {
		last := len(known) - 1
		f.add(path, "must be %s or %s, not %q", strings.Join(known[:last], ", "), known[last], value)
	}
}

// Tokens is the range of TokenRange, the zero range for "".
func (s Station) Tokens() (card.Range, error) {
	if s.TokenRange == "" {
		return card.Range{}, nil
	}
	return card.ParseRange(s.TokenRange)
}

// Idle and Answer are the time-outs as times.
func (t StationTimeouts) Idle() time.Duration { return time.Duration(t.IdleSeconds) * time.Second }

// Answer is how long a request may take.
func (t StationTimeouts) Answer() time.Duration { return time.Duration(t.AnswerSeconds) * time.Second }

// checkUnique finds names, numbers and addresses that two stations share.
func (g *Gateway) checkUnique(f *Faults) {
	names, numbers, places := map[string]bool{}, map[uint32]string{}, map[string]string{}
	look := func(path, whose, name, listen string, number uint32) {
		if names[name] {
			f.add(path+".name", "%q is the name of another %s", name, whose)
		}
		names[name] = true
		if other, taken := numbers[number]; taken {
			f.add(path+".station", "%06d is the number of %s too", number, other)
		}
		numbers[number] = name
		if _, port, _ := split(listen); listen == "" || port == 0 {
			return
		}
		if other, taken := places[listen]; taken {
			f.add(path+".listen", "%s listens there too", other)
		}
		places[listen] = name
	}
	for i, s := range g.Stations {
		look(fmt.Sprintf("stations[%d]", i), "station", s.Name, s.Listen, s.Station)
	}
	for i, s := range g.Issuers {
		look(fmt.Sprintf("issuers[%d]", i), g.whose(s.Name), s.Name, s.Listen, s.Station)
	}
}

// whose says what has a name already.
func (g *Gateway) whose(name string) string {
	if slices.ContainsFunc(g.Stations, func(s Station) bool { return s.Name == name }) {
		return "station"
	}
	return "issuer"
}

// checkTokenRanges keeps cards and tokens apart.
func (g *Gateway) checkTokenRanges(f *Faults, path string, cards card.Range) {
	tokens, _ := card.ParseRange(g.TokenRange)
	if cards.Overlaps(tokens) {
		f.add(path, "shares numbers with tokenRange: a number must be a card or a token")
	}
	for i, s := range g.Stations {
		if own, _ := s.Tokens(); !own.IsZero() && cards.Overlaps(own) {
			f.add(path, "shares numbers with stations[%d].tokenRange: a number must be a card or a token", i)
		}
	}
}
