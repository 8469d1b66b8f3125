package messages

import (
	"errors"

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
	list, err := emv.ParseTLV(emv.AppendChipData(nil, in, arqc))
	if err == nil {
		_, _, err = emv.ChipData(list)
	}
	if err != nil {
		b.fail(specs.P(fieldChip), "%v", err)
		return
	}
	for _, tlv := range list {
		b.message.SetBytes(chipPath(tlv.Tag), tlv.Value)
	}
}

func (b *binding) chipTags() []emv.TLV {
	var list []emv.TLV
	for _, p := range b.message.Paths() {
		if p.Field() == fieldChip && p.Sub() == chipSet {
			list = append(list, emv.TLV{Tag: emv.Tag(p.Tag()), Value: b.message.Bytes(p)})
		}
	}
	return list
}

// Bytes of tag 91 by method 2 without proprietary data: an ARPC and the card
// status update that it covers (EMV Book 2 8.2.2).
const (
	arpcBytes           = 4
	authenticationBytes = 8
)

// authentication is tag 91 of field 55, or nothing where arpc is none.
func (b *binding) authentication(arpc *emv.Cryptogram, csu *[4]byte) {
	p := chipPath(emv.TagIssuerAuthentication)
	var data []byte
	switch {
	case b.notes != nil:
		b.notes.add(p, optional)
		return
	case b.err != nil || !b.decoding && arpc.IsZero():
		return
	case b.decoding:
		data = b.message.Bytes(p)
	default:
		data = append(arpc.Reveal(), csu[:]...)
	}
	switch {
	case data == nil:
	case len(data) != authenticationBytes:
		b.fail(p, "must have %d bytes", authenticationBytes)
	case b.decoding:
		*arpc, _ = emv.NewCryptogram(data[:arpcBytes])
		copy(csu[:], data[arpcBytes:])
	default:
		b.message.SetBytes(p, data)
	}
}
