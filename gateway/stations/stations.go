// Package stations is the live table of those who speak ISO 8583 with the
// gateway: doors where stations dial in, and lines to issuers that are dialled.
//
// It opens, changes and closes doors and lines while the gateway runs, and
// leaves the connections alone of what did not change. What a message of a
// station means, and whether it is served, is the gateway's to say: here stands
// only which kinds a role may send. The package reads no settings file. Start at
// New and Apply.
package stations

import (
	"crypto/tls"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Role is what a station is to the network. Ours.
type Role string

// Roles.
const (
	Requestor Role = "requestor" // asks for tokens
	Provider  Role = "provider"  // asks for tokens in others' name
	Merchant  Role = "merchant"  // takes payments by token
	Issuer    Role = "issuer"    // is asked about its account ranges
	Operator  Role = "operator"  // manages tokens
)

// Roles are all roles.
func Roles() []Role { return []Role{Requestor, Provider, Merchant, Issuer, Operator} }

// Kind is a kind of message that stations send on their own account.
type Kind string

// Kinds.
const (
	Network    Kind = "network management"
	Activation Kind = "activation"
	Tap        Kind = "tap"
	Remote     Kind = "remote payment"
	Reversal   Kind = "reversal"
	FileUpdate Kind = "file update"
)

// may lists what each role may send. Ours.
var may = map[Role][]Kind{
	Requestor: {Network, Activation, Reversal, FileUpdate},
	Provider:  {Network, Activation, Reversal, FileUpdate},
	Merchant:  {Network, Tap, Remote, Reversal},
	Issuer:    {Network, FileUpdate},
	Operator:  {Network, FileUpdate},
}

// May reports whether a station of the role may send a message of the kind.
func (r Role) May(k Kind) bool { return slices.Contains(may[r], k) }

// WhoMay lists the roles that may send a message of a kind, as a log says it:
// "requestor, provider".
func WhoMay(k Kind) string {
	var list []string
	for _, r := range Roles() {
		if r.May(k) {
			list = append(list, string(r))
		}
	}
	return strings.Join(list, ", ")
}

// Mints says who makes the numbers of a requestor's tokens.
type Mints string

// Who makes token numbers.
const (
	ByGateway Mints = "gateway"
	ByStation Mints = "station"
)

// Security is how a station's connections are protected.
type Security string

// Kinds of protection.
const (
	Plain  Security = "off"     // TCP
	OneWay Security = "one-way" // TLS: the side that listens shows a certificate
	TwoWay Security = "two-way" // TLS: both sides do
)

// Limits of a station; each zero is package link's default, and no limit of
// RequestsPerSecond.
type Limits struct {
	Connections       int // at once, of a door
	InFlight          int // requests of a connection handled at once
	RequestsPerSecond int // of all connections together

	NeverHeldBack bool // see link.Options
}

// Timeouts of a station; each zero is package link's default.
type Timeouts struct {
	Idle   time.Duration // without a byte from the station
	Answer time.Duration // that a request of the station may take; of an issuer, that its answer is waited for
}

// Station is what the gateway knows of a peer while it handles its messages.
type Station struct {
	Name   string
	Role   Role
	Number uint32 // six digits, the station in headers

	Spec    string // names Codec to people
	SpecSum string // of a description in a file, what it says: codecs of equal Spec and SpecSum are alike
	Codec   *specs.Codec
	Framing specs.Framing

	Security Security    // "" is Plain
	TLS      *tls.Config // of a door, or of a line, where Security is not Plain; settings of one Security are taken to be alike
	SignOn   bool        // demanded before any other request; of a line, the gateway signs on

	Mints           Mints         // "" is ByGateway
	TokenRange      card.Range    // that its token numbers are drawn from; zero is the gateway's
	TokenKeyVersion int           // of its new tokens; 0 is the gateway's
	RequestorID     string        // 11 digits: the only token requestor id it may use; "" is any
	StandIn         token.StandIn // of an issuer

	Limits   Limits
	Timeouts Timeouts
}

// Settings are a station with where it is met: it listens or is dialled.
type Settings struct {
	Station
	Listen      string // host:port where the station dials in; port 0 lets the system choose
	Address     string // host:port where it is dialled; issuers only
	Connections int    // lines to an Address; 0 is 1
}

// wire is all that a station's connections hang on. What else changes is taken
// up with the next message, and leaves them alone.
type wire struct {
	name            string
	role            Role
	number          uint32
	spec, sum       string
	codec           *specs.Codec // of a station without Spec
	framing         string
	security        Security
	lineSignOn      bool
	listen, address string
	connections     int
	limits          Limits
	timeouts        Timeouts
}

func (s Settings) wire() wire {
	w := wire{
		name: s.Name, role: s.Role, number: s.Number, spec: s.Spec, sum: s.SpecSum,
		security: s.Security, listen: s.Listen, address: s.Address, connections: s.Connections,
		limits: s.Limits, timeouts: s.Timeouts,
		lineSignOn: s.Role == Issuer && s.SignOn,
	}
	if s.Spec == "" {
		w.codec = s.Codec
	}
	if s.Framing != nil {
		w.framing = s.Framing.Name()
	}
	return w
}

// Status is how a station stands.
type Status struct {
	Station
	Address     string // where it is met, the port filled in
	Dialled     bool
	Connections int
	SignedOn    int // connections
}
