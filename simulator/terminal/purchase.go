package terminal

import (
	"encoding/hex"
	"fmt"

	"github.com/firsttap/firsttap/emv"
)

// qualifiers is tag 9F66: chip card over contactless, online capable, online
// cryptogram required, the phone may verify its owner (EMV Book C-3 5.7).
var qualifiers = [4]byte{0x32, 0xA0, 0x40, 0x00}

const terminalType = 0x22 // tag 9F35: attended, online with offline, EMV Book 4 A1

// input is the terminal's part of what a cryptogram covers.
func (p Purchase) input() emv.Input {
	return emv.Input{
		AmountAuthorised: p.Amount, Country: p.Country, Currency: p.Currency,
		Date: [3]byte(digits(uint64(dateNumber(p)), 3)), Type: p.Type, Unpredictable: p.Unpredictable,
	}
}

func dateNumber(p Purchase) int {
	year, month, day := p.Date.Date()
	return (year%100*100+int(month))*100 + day
}

// values are the data objects that a terminal has.
func (p Purchase) values() map[emv.Tag][]byte {
	in := p.input()
	return map[emv.Tag][]byte{
		emv.TagTTQ:           qualifiers[:],
		emv.TagAmount:        digits(p.Amount, 6),
		emv.TagAmountOther:   digits(0, 6),
		emv.TagCountry:       digits(uint64(p.Country), 2),
		emv.TagTVR:           in.TVR[:],
		emv.TagCurrency:      digits(uint64(p.Currency), 2),
		emv.TagDate:          in.Date[:],
		emv.TagType:          {p.Type},
		emv.TagUnpredictable: p.Unpredictable[:],
		emv.TagTerminalType:  {terminalType},
	}
}

// numeric names the objects of values that are numbers: they are cut and
// filled on the left, all others on the right (EMV Book 3 5.4).
var numeric = map[emv.Tag]bool{
	emv.TagAmount: true, emv.TagAmountOther: true, emv.TagCountry: true,
	emv.TagCurrency: true, emv.TagDate: true, emv.TagType: true, emv.TagTerminalType: true,
}

// dataFor builds the data a card asked for by its list of tags and lengths.
// What the terminal does not know is sent as zeros (EMV Book 3 5.4).
func (p Purchase) dataFor(list []byte) ([]byte, error) {
	values := p.values()
	var data []byte
	for len(list) > 0 {
		tag, length, rest, ok := nextWish(list)
		if !ok {
			return nil, fmt.Errorf("%w: the list of wanted data ends within an entry", ErrAnswer)
		}
		list = rest
		data = append(data, fit(values[tag], length, numeric[tag])...)
	}
	if len(data) > dataMax-2 {
		return nil, fmt.Errorf("%w: the card wants %d bytes, more than one command holds", ErrAnswer, len(data))
	}
	return data, nil
}

// nextWish reads one tag of one or two bytes and its length.
func nextWish(list []byte) (tag emv.Tag, length int, rest []byte, ok bool) {
	tag, list = emv.Tag(list[0]), list[1:]
	if tag&0x1F == 0x1F {
		if len(list) == 0 || list[0]&0x80 != 0 {
			return 0, 0, nil, false
		}
		tag, list = tag<<8|emv.Tag(list[0]), list[1:]
	}
	if len(list) == 0 {
		return 0, 0, nil, false
	}
	return tag, int(list[0]), list[1:], true
}

func fit(value []byte, length int, left bool) []byte {
	out := make([]byte, length)
	switch {
	case !left:
		copy(out, value)
	case len(value) > length:
		copy(out, value[len(value)-length:])
	default:
		copy(out[length-len(value):], value)
	}
	return out
}

// digits packs n as decimal digits into size bytes.
func digits(n uint64, size int) []byte {
	packed, err := hex.DecodeString(fmt.Sprintf("%0*d", size*2, n))
	if err != nil || len(packed) != size {
		return make([]byte, size)
	}
	return packed
}
