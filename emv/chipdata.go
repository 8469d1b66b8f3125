package emv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrChipData is what ChipData wraps; the text names the tag.
var ErrChipData = errors.New("chip data is incomplete")

// cidTypeMask selects the type of cryptogram in tag 9F27 (EMV Book 3 table 15).
const cidTypeMask = 0xC0

// AppendChipData writes the elements of an authorization request in the order
// 9F26 9F27 9F10 9F37 9F36 95 9A 9C 9F02 5F2A 82 9F1A 9F03, with 9F27 = 80. It
// takes what Validate accepts; a number that is too large is written as nines,
// which no cryptogram covers.
func AppendChipData(dst []byte, in Input, c Cryptogram) []byte {
	for _, e := range elements(in, c) {
		dst = AppendTLV(dst, e.Tag, e.Value)
	}
	return dst
}

// ChipElements are the elements of an authorization request, as AppendChipData
// writes them. The error is what ChipData says of them.
func ChipElements(in Input, c Cryptogram) ([]TLV, error) {
	list := elements(in, c)
	r := reader{list: list}
	r.read()
	return list, r.err
}

func elements(in Input, c Cryptogram) []TLV {
	b := builder{list: make([]TLV, 0, chipElements), values: make([]byte, 0, chipBytesMax)}
	b.add(TagARQC, append(b.values, c.bytes.Reveal()...))
	b.add(TagCID, append(b.values, CIDRequest))
	b.add(TagIAD, append(b.values, in.IAD...))
	b.add(TagUnpredictable, append(b.values, in.Unpredictable[:]...))
	b.add(TagATC, binary.BigEndian.AppendUint16(b.values, in.ATC))
	b.add(TagTVR, append(b.values, in.TVR[:]...))
	b.add(TagDate, append(b.values, in.Date[:]...))
	b.add(TagType, append(b.values, in.Type))
	b.add(TagAmount, appendAmount(b.values, in.AmountAuthorised))
	b.add(TagCurrency, appendCode(b.values, in.Currency))
	b.add(TagAIP, append(b.values, in.AIP[:]...))
	b.add(TagCountry, appendCode(b.values, in.Country))
	b.add(TagAmountOther, appendAmount(b.values, in.AmountOther))
	return b.list
}

const (
	chipElements = 13
	chipBytesMax = 80 // of their values: 42 and 9F10
)

// builder makes a list of elements whose values share one room.
type builder struct {
	list   []TLV
	values []byte
}

// add adds an element: its value is what longer has more than b.values.
func (b *builder) add(tag Tag, longer []byte) {
	b.list = append(b.list, TLV{Tag: tag, Value: longer[len(b.values):len(longer):len(longer)]})
	b.values = longer
}

func appendAmount(dst []byte, n uint64) []byte { return appendBCDNumber(dst, min(n, AmountMax), 6) }

func appendCode(dst []byte, n uint16) []byte {
	if n > CodeMax {
		n = 9999
	}
	return appendBCDNumber(dst, uint64(n), 2)
}

// ChipData reads the elements of an authorization request; list is the top
// level of ParseTLV's answer and templates in it are not searched. All tags of
// AppendChipData must be there in their lengths, but for 9F27, which must say
// ARQC if it is there. Other tags are passed over. The IAD is a copy.
func ChipData(list []TLV) (Input, Cryptogram, error) {
	r := reader{list: list}
	in, arqc := r.read()
	if r.err != nil {
		return Input{}, Cryptogram{}, r.err
	}
	in.IAD = bytes.Clone(in.IAD)
	return in, mustCryptogram(arqc), nil
}

// reader takes elements out of a list and keeps the first fault. After a fault
// it gives zeros of the right length. What it gives is not to be changed.
type reader struct {
	list []TLV
	err  error
}

// read reads all; 9F10 and 9F26 are parts of the list.
func (r *reader) read() (in Input, arqc []byte) {
	in = Input{
		AmountAuthorised: r.number(TagAmount, 6, AmountMax), AmountOther: r.number(TagAmountOther, 6, AmountMax),
		Country: uint16(r.number(TagCountry, 2, CodeMax)), Currency: uint16(r.number(TagCurrency, 2, CodeMax)),
		ATC: binary.BigEndian.Uint16(r.take(TagATC, 2, 2)),
		IAD: r.take(TagIAD, 1, IADBytesMax), Type: r.take(TagType, 1, 1)[0],
	}
	copy(in.TVR[:], r.take(TagTVR, len(in.TVR), len(in.TVR)))
	copy(in.Date[:], r.take(TagDate, len(in.Date), len(in.Date)))
	copy(in.Unpredictable[:], r.take(TagUnpredictable, len(in.Unpredictable), len(in.Unpredictable)))
	copy(in.AIP[:], r.take(TagAIP, len(in.AIP), len(in.AIP)))
	arqc = r.take(TagARQC, CryptogramBytesMax, CryptogramBytesMax)
	r.wantRequest()
	return in, arqc
}

func (r *reader) fail(tag Tag, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: tag %s %s", ErrChipData, tag, fmt.Sprintf(format, args...))
	}
}

func (r *reader) top(tag Tag) ([]byte, bool) {
	for i := range r.list {
		if r.list[i].Tag == tag {
			return r.list[i].Value, true
		}
	}
	return nil, false
}

func (r *reader) take(tag Tag, least, most int) []byte {
	v, ok := r.top(tag)
	switch {
	case !ok:
		r.fail(tag, "is missing")
	case len(v) < least || len(v) > most:
		r.fail(tag, "has %d bytes, not %d to %d", len(v), least, most)
	default:
		return v
	}
	return make([]byte, least)
}

func (r *reader) number(tag Tag, size int, most uint64) uint64 {
	n, ok := parseBCD(r.take(tag, size, size))
	if !ok || n > most {
		r.fail(tag, "is not a number of packed digits up to %d", most)
	}
	return n
}

func (r *reader) wantRequest() {
	v, ok := r.top(TagCID)
	if ok && (len(v) != 1 || v[0]&cidTypeMask != CIDRequest) {
		r.fail(TagCID, "does not say that the cryptogram is an ARQC")
	}
}
