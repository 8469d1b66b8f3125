package phone

import (
	"math"

	"github.com/firsttap/firsttap/emv"
)

// wish is one data object that the phone asks of the terminal.
type wish struct {
	tag    emv.Tag
	length int
}

// wishes is the phone's PDOL (tag 9F38): all that the cryptogram covers, after
// the terminal's qualifiers, in the order that Visa-style cards ask for it.
var wishes = []wish{
	{emv.TagTTQ, 4},
	{emv.TagAmount, 6},
	{emv.TagAmountOther, 6},
	{emv.TagCountry, 2},
	{emv.TagTVR, 5},
	{emv.TagCurrency, 2},
	{emv.TagDate, 3},
	{emv.TagType, 1},
	{emv.TagUnpredictable, 4},
}

func pdol() []byte {
	var list []byte
	for _, w := range wishes {
		if w.tag > math.MaxUint8 {
			list = append(list, byte(w.tag>>8))
		}
		list = append(list, byte(w.tag), byte(w.length))
	}
	return list
}

// readTerminalData takes the data of GET PROCESSING OPTIONS, the command
// template 83, apart by the PDOL.
func readTerminalData(data []byte) (emv.Input, Status) {
	want := 0
	for _, w := range wishes {
		want += w.length
	}
	if len(data) != want+2 {
		return emv.Input{}, statusWrongLength
	}
	if data[0] != byte(emv.TagCommand) || int(data[1]) != want {
		return emv.Input{}, statusWrongData
	}
	var in emv.Input
	rest, ok := data[2:], true
	for _, w := range wishes {
		ok = take(&in, w.tag, rest[:w.length]) && ok
		rest = rest[w.length:]
	}
	if !ok {
		return emv.Input{}, statusWrongData
	}
	return in, statusOK
}

// take puts one value into in. It reports whether the value has its format.
func take(in *emv.Input, tag emv.Tag, value []byte) bool {
	number, decimal := unpackNumber(value)
	switch tag {
	case emv.TagAmount:
		in.AmountAuthorised = number
	case emv.TagAmountOther:
		in.AmountOther = number
	case emv.TagCountry:
		in.Country = uint16(number)
	case emv.TagCurrency:
		in.Currency = uint16(number)
	case emv.TagDate:
		in.Date = [3]byte(value)
	case emv.TagTVR:
		in.TVR, decimal = [5]byte(value), true
	case emv.TagUnpredictable:
		in.Unpredictable, decimal = [4]byte(value), true
	case emv.TagType:
		in.Type = value[0]
	default:
		decimal = true
	}
	return decimal
}

// unpackNumber reads packed decimal digits. It reports whether all are digits.
func unpackNumber(b []byte) (uint64, bool) {
	n := uint64(0)
	for _, x := range b {
		if x>>4 > 9 || x&0x0F > 9 {
			return 0, false
		}
		n = n*100 + uint64(x>>4)*10 + uint64(x&0x0F)
	}
	return n, true
}

// Lengths of issuer authentication data (EMV Book 2 8.2): an ARPC of method 1
// with the response code that it covers, or one of method 2 with the card
// status update.
const (
	arcBytes    = 2
	csuBytes    = 4
	objectBytes = 2 // tag 91 and its length, where the data come as an object
)

// externalAuthenticate checks the issuer's answer (EMV Book 3 6.5.4) against
// the last cryptogram. It may come bare or as the data object 91, and once for
// each transaction. A cloud token awaits none.
func (p *Phone) externalAuthenticate(c apdu) Status {
	app := p.selected
	switch {
	case c.p1 != 0 || c.p2 != 0:
		return statusWrongParameters
	case app == nil || app.pending.arqc.IsZero():
		return statusWrongOrder
	}
	want := app.authenticationBytes()
	data := c.data
	if len(data) == objectBytes+want && data[0] == byte(emv.TagIssuerAuthentication) && int(data[1]) == want {
		data = data[objectBytes:]
	}
	if len(data) != want {
		return statusWrongLength
	}
	return app.authenticate(data)
}

func (a *application) authenticationBytes() int {
	if a.version == emv.Version18 {
		return emv.ARPC2Bytes + csuBytes
	}
	return emv.ARPC1Bytes + arcBytes
}

func (a *application) authenticate(data []byte) Status {
	last := a.pending
	a.pending, a.answer = pending{}, Refused
	if !a.verify(last, data) {
		return statusAuthFailed
	}
	a.answer = Accepted
	return statusOK
}

func (a *application) verify(last pending, data []byte) bool {
	key := a.material.CardKey
	if a.version == emv.Version18 {
		arpc, err := emv.NewCryptogram(data[:emv.ARPC2Bytes])
		csu := [csuBytes]byte(data[emv.ARPC2Bytes:])
		return err == nil && emv.VerifyTapARPC2(key, last.atc, last.arqc, csu, arpc)
	}
	arpc, err := emv.NewCryptogram(data[:emv.ARPC1Bytes])
	return err == nil && emv.VerifyARPC1(key, last.arqc, [arcBytes]byte(data[emv.ARPC1Bytes:]), arpc)
}
