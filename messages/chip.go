package messages

import (
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/specs"
)

// chipNeeded are the tags of field 55 without which a cryptogram cannot be
// checked. 9F27 may be missing; emv.ChipData holds it to an ARQC when it is
// there.
var chipNeeded = []emv.Tag{
	emv.TagARQC, emv.TagIAD, emv.TagUnpredictable, emv.TagATC, emv.TagTVR, emv.TagDate, emv.TagType,
	emv.TagAmount, emv.TagCurrency, emv.TagAIP, emv.TagCountry, emv.TagAmountOther,
}

func chipPath(tag emv.Tag) specs.Path { return specs.P(fieldChip, chipSet, int(tag)) }

// chip is field 55 of a request: the data of an application cryptogram.
func (b *binding) chip(in *emv.Input, arqc *emv.Cryptogram) {
	switch {
	case b.err != nil:
	case b.notes != nil:
		for _, tag := range chipNeeded {
			b.notes.add(chipPath(tag), mandatory)
		}
	case b.decoding:
		b.readChip(in, arqc)
	case arqc.IsZero():
		b.absent(chipPath(emv.TagARQC), mandatory)
	default:
		b.writeChip(*in, *arqc)
	}
}

func (b *binding) readChip(in *emv.Input, arqc *emv.Cryptogram) {
	if !b.message.HasField(fieldChip) {
		b.absent(specs.P(fieldChip), mandatory)
		return
	}
	for _, tag := range chipNeeded {
		if !b.message.Has(chipPath(tag)) {
			b.absent(chipPath(tag), mandatory)
			return
		}
	}
	var err error
	if *in, *arqc, err = emv.ChipData(b.chipTags()); err != nil {
		b.fail(specs.P(fieldChip), "%v", err)
	}
}

func (b *binding) writeChip(in emv.Input, arqc emv.Cryptogram) {
	if err := in.Validate(); errors.Is(err, emv.ErrInput) {
		b.fail(specs.P(fieldChip), "%v", err)
		return
	}
	list, err := emv.ChipElements(in, arqc)
	if err != nil {
		b.fail(specs.P(fieldChip), "%v", err)
		return
	}
	var room [chipBytesGuess]byte
	values := room[:0]
	for _, e := range list {
		values = append(values, e.Value...)
	}
	text := string(values) // one for all: each value is a part of it
	for _, e := range list {
		b.message.Set(chipPath(e.Tag), text[:len(e.Value)])
		text = text[len(e.Value):]
	}
}

// chipTags are the elements of field 55, whose values share one room.
func (b *binding) chipTags() []emv.TLV {
	list, values := make([]emv.TLV, 0, len(chipNeeded)+1), make([]byte, 0, chipBytesGuess)
	for p, text := range b.message.All() {
		if p.Field() == fieldChip && p.Sub() == chipSet {
			start := len(values)
			values = append(values, text...)
			list = append(list, emv.TLV{Tag: emv.Tag(p.Tag()), Value: values[start:]})
		}
	}
	return list
}

// chipBytesGuess is room made for the values of field 55: those of chipNeeded
// have 74 bytes at most.
const chipBytesGuess = 96

// Bytes of tag 91: an ARPC and what it covers. By method 1 that is the
// response code (EMV Book 2 8.2.1), by method 2, without proprietary data, the
// card status update (8.2.2).
const (
	authentication1Bytes = emv.CryptogramBytesMax + 2
	authentication2Bytes = emv.ARPC2Bytes + 4
)

// authentication is tag 91 of field 55.
type authentication struct {
	arpc emv.Cryptogram
	csu  [4]byte
	arc  [2]byte
}

// authentication moves tag 91, which is absent where there is no ARPC.
func (b *binding) authentication(a *TapAnswer) {
	v := authentication{a.ARPC, a.CSU, a.ARC}
	value(b, chipPath(emv.TagIssuerAuthentication), &v, optional, readAuthentication, authentication.show)
	if b.decoding {
		a.ARPC, a.CSU, a.ARC = v.arpc, v.csu, v.arc
	}
}

func readAuthentication(s string) (v authentication, err error) {
	switch len(s) {
	case authentication1Bytes:
		v.arc = [2]byte([]byte(s[emv.CryptogramBytesMax:]))
		v.arpc, err = emv.NewCryptogram([]byte(s[:emv.CryptogramBytesMax]))
	case authentication2Bytes:
		v.csu = [4]byte([]byte(s[emv.ARPC2Bytes:]))
		v.arpc, err = emv.NewCryptogram([]byte(s[:emv.ARPC2Bytes]))
	default:
		err = fmt.Errorf("must have %d or %d bytes", authentication2Bytes, authentication1Bytes)
	}
	return v, err
}

// show gives what read refuses for a length that no method has, and for
// something covered without an ARPC.
func (v authentication) show() string {
	arpc := v.arpc.Reveal()
	switch {
	case v == authentication{}:
		return ""
	case len(arpc) == emv.CryptogramBytesMax:
		return string(append(arpc, v.arc[:]...))
	default:
		return string(append(arpc, v.csu[:]...))
	}
}
