package messages

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/specs"
)

// presence says whether a message may go without a field.
type presence bool

const (
	mandatory presence = true
	optional  presence = false
)

// binding walks the fields of a typed message in either direction. After the
// first error it does nothing more.
type binding struct {
	message  *specs.Message
	decoding bool
	err      error
	notes    *notes // instead of both directions, see Forms
}

func (b *binding) fail(p specs.Path, format string, args ...any) {
	if b.err == nil {
		b.err = &FieldError{Path: p.String(), Problem: fmt.Sprintf(format, args...)}
	}
}

// value moves one field between the message and a typed value by its two
// conversions. show gives "" for a value that is absent. What read would not
// give back is not written either.
func value[T comparable](b *binding, p specs.Path, v *T, need presence, read func(string) (T, error), show func(T) string) {
	if b.notes != nil {
		b.notes.add(p, need)
		return
	}
	if b.err != nil {
		return
	}
	text := show(*v)
	if b.decoding {
		text = b.message.Text(p)
	}
	if text == "" {
		b.absent(p, need)
		return
	}
	got, err := read(text)
	switch {
	case err != nil:
		b.err = &FieldError{Path: p.String(), Problem: err.Error(), Err: err}
	case b.decoding:
		*v = got
	case got != *v:
		b.fail(p, "cannot hold the value")
	default:
		b.message.Set(p, text)
	}
}

// parsed is value for a type of which there is no value but what read has given:
// what is written need not be read again.
func parsed[T comparable](b *binding, p specs.Path, v *T, need presence, read func(string) (T, error), show func(T) string) {
	if b.notes != nil || b.decoding || b.err != nil {
		value(b, p, v, need, read, show)
		return
	}
	if text := show(*v); text != "" {
		b.message.Set(p, text)
		return
	}
	b.absent(p, need)
}

func (b *binding) absent(p specs.Path, need presence) {
	if need == mandatory {
		b.fail(p, "is mandatory in a %s", b.message.MTI())
	}
}

func (b *binding) text(p specs.Path, s *string, need presence) {
	value(b, p, s, need, same, func(s string) string { return s })
}

// named is a text with a type of its own, such as a response code.
func named[T ~string](b *binding, p specs.Path, v *T, need presence) {
	value(b, p, v, need, func(s string) (T, error) { return T(s), nil }, func(v T) string { return string(v) })
}

// constant must hold exactly want. An optional one is written, and not looked
// at when it is read.
func (b *binding) constant(p specs.Path, want string, need presence) {
	got := want
	b.text(p, &got, need)
	if need == mandatory && b.err == nil && got != want {
		b.fail(p, "must be %s", want)
	}
}

func (b *binding) pan(p specs.Path, v *card.PAN, need presence) {
	parsed(b, p, v, need, card.ParsePAN, card.PAN.Reveal)
}

func (b *binding) expiry(p specs.Path, v *card.Expiry, need presence) {
	parsed(b, p, v, need, card.ParseExpiry, func(e card.Expiry) string {
		if e.IsZero() {
			return ""
		}
		return e.YYMM()
	})
}

// sequence is always written; where it is absent it is 00 (ours), for who
// types a card in does not know it.
func (b *binding) sequence(p specs.Path, v *card.Sequence) {
	value(b, p, v, optional, card.ParseSequence, func(s card.Sequence) string { return "0" + s.Digits() })
}

// amount is 12 digits in minor units of the currency.
func (b *binding) amount(p specs.Path, v *uint64, need presence) {
	value(b, p, v, need, readAmount, showAmount)
}

const amountDigits = 12

func readAmount(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || len(s) != amountDigits {
		return 0, fmt.Errorf("must be %d digits", amountDigits) // without err, which quotes s
	}
	return n, nil
}

func showAmount(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	return noAmount[min(len(digits), amountDigits):] + digits
}

// presented is 126.10: presence, response type, blank, and three digits which
// are right-justified; left-justified ones are accepted too. A checked code is
// blanked on its way to the issuer.
func (b *binding) presented(v *dcvv2.Presented) {
	value(b, fieldCVV2, v, optional, readPresented, func(v dcvv2.Presented) string {
		switch {
		case v.Presence == 0:
			return ""
		case v.Code.IsZero():
			return string(v.Presence) + "1    "
		default:
			return string(v.Presence) + "1 " + v.Code.Reveal()
		}
	})
}

func readPresented(s string) (dcvv2.Presented, error) {
	if len(s) != cvv2Characters || !strings.Contains("01239", s[:1]) {
		return dcvv2.Presented{}, fmt.Errorf("must be six characters that begin with 0, 1, 2, 3 or 9")
	}
	v := dcvv2.Presented{Presence: s[0]}
	digits := strings.TrimSpace(s[2:])
	if digits == "" {
		return v, nil
	}
	code, err := dcvv2.ParseCode(digits)
	v.Code = code
	return v, err
}

const cvv2Characters = 6

func same(s string) (string, error) { return s, nil }
