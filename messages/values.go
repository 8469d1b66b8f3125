package messages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// when is the presence of a field that some messages of a type must have.
func when(must bool) presence { return presence(must) }

// check holds a message to a rule that is more than one field's form.
func (b *binding) check(p specs.Path, holds bool, problem string) {
	if b.notes == nil && !holds {
		b.fail(p, "%s", problem)
	}
}

// none is a field that a message of this kind must not have.
func (b *binding) none(p specs.Path, absent bool, where string) {
	if b.decoding {
		absent = !b.message.Has(p)
	}
	b.check(p, absent, "must be absent "+where)
}

// oneOf is a named text of which only some are known.
func oneOf[T ~string](b *binding, p specs.Path, v *T, need presence, known []T) {
	value(b, p, v, need, func(s string) (T, error) {
		if !slices.Contains(known, T(s)) {
			return "", fmt.Errorf("must be one of %s", listed(known))
		}
		return T(s), nil
	}, func(v T) string { return string(v) })
}

func listed[T ~string](known []T) string {
	words := make([]string, len(known))
	for i, one := range known {
		words[i] = string(one)
	}
	return strings.Join(words, ", ")
}

// method is 123.01.0D.
func (b *binding) method(v *token.Method) {
	oneOf(b, fieldTokenMethod, v, optional, token.Methods)
}

// activation is 63.3 of a message that may be about an activation.
func (b *binding) activation(v *bool) {
	value(b, fieldReason, v, optional, func(s string) (bool, error) {
		if s != string(reasonActivation) {
			return false, fmt.Errorf("must be %s, or absent", reasonActivation)
		}
		return true, nil
	}, func(v bool) string {
		if v {
			return string(reasonActivation)
		}
		return ""
	})
}

// sequenceOf is field 23 where it comes with another PAN only: 00 is absent.
func (b *binding) sequenceOf(v *card.Sequence) {
	value(b, fieldSequence, v, optional, card.ParseSequence, func(s card.Sequence) string {
		if s == 0 {
			return ""
		}
		return "0" + s.Digits()
	})
}

// code is a passcode, 123.01.0B.
func (b *binding) code(v *token.ActivationCode, need presence) {
	value(b, fieldTokenCode, v, need, token.ParseActivationCode, token.ActivationCode.Reveal)
}

// remote is 126.9, the cryptogram of a payment without a terminal.
func (b *binding) remote(v *emv.Remote) {
	value(b, fieldRemote, v, optional, func(s string) (emv.Remote, error) { return emv.ParseRemote([]byte(s)) },
		func(r emv.Remote) string { return string(r.Append(nil)) })
}

// moment is a time in whole seconds of a year from 2000 to 2099. The part of a
// second that a written time has is cut.
func (b *binding) moment(p specs.Path, v *time.Time) {
	cut := v.UTC().Truncate(time.Second)
	value(b, p, &cut, optional, readMoment, showMoment)
	if b.decoding {
		*v = cut
	}
}

const (
	momentForm    = "20060102150405" // YYYYMMDDhhmmss
	momentCentury = "20"             // is not written
)

func readMoment(s string) (time.Time, error) {
	t, err := time.ParseInLocation(momentForm, momentCentury+s, time.UTC)
	if err != nil || showMoment(t) != s {
		return time.Time{}, fmt.Errorf("must be a time, YYMMDDhhmmss") // without err, which quotes s
	}
	return t, nil
}

func showMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strings.TrimPrefix(t.Format(momentForm), momentCentury)
}
