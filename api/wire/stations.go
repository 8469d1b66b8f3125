package wire

import "encoding/json"

// Station is a station as operators see it. It marshals as it stands in answers.
type Station struct {
	Name        string
	Role        string // requestor, provider, merchant, issuer or operator
	Address     string // host:port where it dials in, or is dialled
	Dialled     bool
	Connections int
	SignedOn    int    // connections
	Spec        string // of its messages: a name, or the path of a description
	Framing     string
	TLS         string // off, one-way or two-way
}

// Members are the members of a station in a list.
func (s Station) Members() Object {
	return Object{
		Text(StationName, s.Name), Text(StationRole, s.Role), Text(StationAddress, s.Address), Bool(StationDialled, s.Dialled),
		Integer(StationConnections, s.Connections), Integer(StationSignedOn, s.SignedOn),
		Text(StationSpec, s.Spec), Text(StationFraming, s.Framing), Text(StationTLS, s.TLS),
	}
}

// MarshalJSON is the station as it stands in a list.
func (s Station) MarshalJSON() ([]byte, error) { return json.Marshal(s.Members()) }
