// Package secret holds values that must never be printed by accident.
//
// A Text keeps its characters behind a unique.Handle. The handle prints as a
// pointer even where fmt reaches it through unexported fields of another
// struct, where no Format method is called; where methods are called, a Text
// shows Mask. The only way to the characters is Reveal, so every place that
// handles a clear value can be found by searching for that word.
//
// The package never decides what is secret: card, dcvv2 and emv wrap Text in
// types of their own with better masks.
package secret

import (
	"fmt"
	"unique"
)

// Mask is what a secret shows wherever it is printed, logged or marshalled.
const Mask = "[secret]"

// Text is an unprintable string. The zero value is the empty secret. Two
// Texts are equal under == when their characters are equal.
type Text struct {
	handle unique.Handle[string]
}

// New hides s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{handle: unique.Make(s)}
}

// Reveal gives the clear characters. Callers must not print, log or store them.
func (t Text) Reveal() string {
	if t.IsZero() {
		return ""
	}
	return t.handle.Value()
}

// IsZero reports whether t is the empty secret.
func (t Text) IsZero() bool { return t == Text{} }

// String is Mask.
func (t Text) String() string { return Mask }

// Format writes Mask for every verb.
func (t Text) Format(f fmt.State, _ rune) { fmt.Fprint(f, Mask) }

// MarshalText is Mask, so JSON, YAML and zerolog show no more than fmt does.
func (t Text) MarshalText() ([]byte, error) { return []byte(Mask), nil }
