package messages

import (
	"strconv"

	"github.com/firsttap/firsttap/token"
)

// NetworkCode is what a network management message asks for (field 70).
type NetworkCode string

// Network management codes (ISO 8583:1987).
const (
	SignOn  NetworkCode = "001"
	SignOff NetworkCode = "002"
	Echo    NetworkCode = "301"
)

// Known reports whether c is one of the codes that firsttap serves.
func (c NetworkCode) Known() bool { return c == SignOn || c == SignOff || c == Echo }

// Word says c in English.
func (c NetworkCode) Word() string {
	switch c {
	case SignOn:
		return "sign-on"
	case SignOff:
		return "sign-off"
	case Echo:
		return "echo"
	}
	return "network management " + strconv.Quote(string(c))
}

// NetworkRequest is sign-on, sign-off or echo (0800).
type NetworkRequest struct {
	Transmitted string // field 7, MMDDhhmmss UTC
	STAN        string // field 11, 6 digits
	RRN         string // field 37, 12 characters, optional
	Code        NetworkCode
}

// MTI is 0800.
func (*NetworkRequest) MTI() string { return "0800" }

func (r *NetworkRequest) bind(b *binding) { r.fields(b, mandatory) }

func (r *NetworkRequest) fields(b *binding, need presence) {
	b.text(fieldTransmitted, &r.Transmitted, need)
	b.text(fieldSTAN, &r.STAN, mandatory)
	b.text(fieldRRN, &r.RRN, optional)
	named(b, fieldNetworkCode, &r.Code, need)
}

// NetworkAnswer answers a NetworkRequest (0810).
type NetworkAnswer struct {
	NetworkRequest
	Response token.Response // field 39
}

// MTI is 0810.
func (*NetworkAnswer) MTI() string { return "0810" }

func (a *NetworkAnswer) bind(b *binding) {
	named(b, fieldResponse, &a.Response, mandatory)
	a.fields(b, unlessDeclined(a.Response))
}

// Answer is the answer to r.
func (r *NetworkRequest) Answer(response token.Response) *NetworkAnswer {
	return &NetworkAnswer{NetworkRequest: *r, Response: response}
}
