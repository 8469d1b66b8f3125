package network

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/token"
)

// ErrStranger is given for a certificate that is not the station's own.
var ErrStranger = errors.New("the certificate is not this station's")

// stationsOf are the stations and issuers of the settings.
func (n *Network) stationsOf(settings config.Gateway) ([]stations.Settings, error) {
	var list []stations.Settings
	var faults []error
	for _, s := range settings.Stations {
		one := dialsIn(s)
		faults = append(faults, n.secureDoor(&one))
		list = append(list, one)
	}
	for _, i := range settings.Issuers {
		one := issuerOf(i)
		if i.Listen != "" {
			faults = append(faults, n.secureDoor(&one))
		} else {
			faults = append(faults, n.secureLine(&one))
		}
		list = append(list, one)
	}
	return list, errors.Join(faults...)
}

func stationOf(name string, role stations.Role, w config.Wire) stations.Station {
	return stations.Station{
		Name: name, Role: role, Number: w.Station, Spec: w.Spec, SpecSum: w.Sum(), Codec: w.Codec(), Framing: w.Frames(),
	}
}

// dialsIn is a station with a door; check has made sure of its settings.
func dialsIn(s config.Station) stations.Settings {
	one := stations.Settings{Station: stationOf(s.Name, stations.Role(s.Role), s.Wire), Listen: s.Listen}
	one.Security, one.SignOn = stations.Security(s.TLS), s.SignOn
	one.Mints, one.TokenKeyVersion, one.RequestorID = stations.Mints(s.Mints), s.TokenKeyVersion, s.RequestorID
	one.TokenRange, _ = s.Tokens()
	one.Limits = stations.Limits(s.Limits)
	one.Timeouts = stations.Timeouts{Idle: s.Timeouts.Idle(), Answer: s.Timeouts.Answer()}
	return one
}

func issuerOf(i config.Issuer) stations.Settings {
	one := stations.Settings{
		Station: stationOf(i.Name, stations.Issuer, i.Wire), Listen: i.Listen, Address: i.Address, Connections: i.Connections,
	}
	one.Security, one.SignOn = stations.Security(i.TLS), i.SignOn
	one.StandIn = token.StandIn{
		Activations: token.StandInAction(i.StandIn.Activations), Taps: token.StandInAction(i.StandIn.Taps),
		TapAmountMax: uint64(i.StandIn.TapAmountMax),
	}
	one.Limits = stations.Limits{
		InFlight: i.Limits.InFlight, RequestsPerSecond: i.Limits.RequestsPerSecond, NeverHeldBack: i.Limits.NeverHeldBack,
	}
	if i.Listen != "" {
		one.Limits.Connections, one.Connections = i.Connections, 0
	}
	one.Timeouts = stations.Timeouts{
		Idle:   time.Duration(i.Timeouts.IdleSeconds) * time.Second,
		Answer: time.Duration(i.Timeouts.AnswerSeconds) * time.Second,
	}
	return one
}

// security is what TLS settings of stations hang on.
type security struct {
	how  stations.Security
	line string // name of an issuer that is dialled; "" is a door
}

// secureDoor gives a station that dials in the gateway's certificate to meet.
func (n *Network) secureDoor(s *stations.Settings) error {
	return n.secure(s, security{how: s.Security}, func() (*tls.Config, error) {
		return certs.Server(n.settings.TLS.Files(n.dir), certs.Terms{
			Minimum: n.settings.TLS.MinimumVersion(), TwoWay: s.Security == stations.TwoWay,
			Complain: func(err error) { n.log.Warn().Str("door", "stations").Err(err).Msg("certificates") },
		})
	})
}

// secureLine lets the gateway meet an issuer that it dials, who must show its
// own certificate. With two-way TLS the gateway shows one too.
func (n *Network) secureLine(s *stations.Settings) error {
	name := s.Name
	return n.secure(s, security{how: s.Security, line: name}, func() (*tls.Config, error) {
		files := n.settings.TLS.Files(n.dir)
		if s.Security == stations.TwoWay {
			files = certs.LineFiles(n.settings.TLS.Dir(n.dir), files)
		} else {
			files.CertificateFile, files.PrivateKeyFile = "", ""
		}
		return certs.Peer(files, func(c *x509.Certificate) error {
			return n.isStation(stations.Station{Name: name, Role: stations.Issuer}, c)
		})
	})
}

// secure makes TLS settings once: they look at their files themselves.
func (n *Network) secure(s *stations.Settings, key security, build func() (*tls.Config, error)) error {
	if key.how == stations.Plain {
		return nil
	}
	if n.secured[key] == nil {
		made, err := build()
		if err != nil {
			return fmt.Errorf("station %s has no TLS: %w; `firsttap certs` makes certificates for tests", s.Name, err)
		}
		n.secured[key] = made
	}
	s.TLS = n.secured[key]
	return nil
}

// admit lets in who shows a certificate of the station's role and name.
func (n *Network) admit(s stations.Station, state tls.ConnectionState) error {
	if len(state.VerifiedChains) == 0 {
		return fmt.Errorf("%w: none was shown", ErrStranger)
	}
	return n.isStation(s, state.VerifiedChains[0][0])
}

func (n *Network) isStation(s stations.Station, c *x509.Certificate) error {
	who, err := n.settings.TLS.Known().Identify(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStranger, err)
	}
	if want := (certs.Identity{Role: certs.Role(s.Role), Name: s.Name}); who != want {
		return fmt.Errorf("%w: it names %s, and the station is %s", ErrStranger, who, want)
	}
	return nil
}

// stationCertificates are what the stations need of a folder of certificates:
// those that show one, the gateway where it does, and where it is met by TLS.
func stationCertificates(settings config.Gateway) (clients []certs.Identity, addresses []string) {
	for _, s := range settings.Stations {
		if s.TLS == config.TwoWay {
			clients = append(clients, certs.Identity{Role: certs.Role(s.Role), Name: s.Name})
		}
		if s.TLS != config.Off {
			addresses = append(addresses, s.Listen)
		}
	}
	for _, i := range settings.Issuers {
		switch {
		case i.TLS == config.Off:
		case i.Listen != "":
			addresses = append(addresses, i.Listen)
		case i.TLS == config.TwoWay:
			clients = append(clients, certs.GatewayClient)
		}
	}
	return clients, addresses
}

// statedIn is what the settings say of account ranges.
func statedIn(settings config.Gateway, at time.Time) ([]ranges.Stated, error) {
	registry, err := settings.Registry()
	if err != nil {
		return nil, err
	}
	var stated []ranges.Stated
	for _, r := range registry.All() {
		stated = append(stated, ranges.Stated{Range: r.Range, Issuer: r.Issuer, Policy: r.Schedule.At(at)})
	}
	return stated, nil
}

func issuersIn(settings config.Gateway) (names []string) {
	for _, issuer := range settings.Issuers {
		names = append(names, issuer.Name)
	}
	return names
}
