package wire

import (
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/internal/secret"
)

type kind int

const (
	text kind = iota
	number
	object // an empty one
	list   // of objects
	truth  // true or false
	other  // null, or a list of anything else
)

type leaf struct {
	kind  kind
	value secret.Text
	items []Document
}

// Document is one JSON object that was read, by the paths of its leaves. Its
// values show nowhere.
type Document struct {
	leaves map[string]leaf
}

// Only refuses members that are not among paths. Errors are *Problem.
func (d Document) Only(paths ...string) error {
	for _, have := range d.Paths() {
		if slices.Contains(paths, have) {
			continue
		}
		for _, known := range paths {
			if strings.HasPrefix(known, have+".") {
				return Fault(CodeFieldType, shown(have), "send an object with members here")
			}
			if strings.HasPrefix(have, known+".") {
				return Fault(CodeFieldType, shown(known), "send a value here, not an object")
			}
		}
		return Fault(CodeFieldUnknown, shown(have), "remove the member: it is not part of this request")
	}
	return nil
}

// Paths lists the leaves in order.
func (d Document) Paths() []string {
	paths := make([]string, 0, len(d.leaves))
	for path := range d.leaves {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// Text gives a string; there is none where the member is absent or no string.
func (d Document) Text(path string) (secret.Text, bool) {
	l, ok := d.leaves[path]
	return l.value, ok && l.kind == text
}

// Number gives the characters of a number as they were sent.
func (d Document) Number(path string) (secret.Text, bool) {
	l, ok := d.leaves[path]
	return l.value, ok && l.kind == number
}

// Bool gives true or false.
func (d Document) Bool(path string) (value, ok bool) {
	l, ok := d.leaves[path]
	return l.value.Reveal() == "true", ok && l.kind == truth
}

// List gives a list of objects.
func (d Document) List(path string) ([]Document, bool) {
	l, ok := d.leaves[path]
	return l.items, ok && l.kind == list
}

// Has reports whether the member was sent.
func (d Document) Has(path string) bool {
	_, ok := d.leaves[path]
	return ok
}

// shown is a path as errors and logs may show it: cut, and runs of 13 or more
// digits masked, because a client can send a PAN anywhere.
func shown(s string) string {
	var b strings.Builder
	run := 0
	flush := func(end int) {
		if run >= 13 {
			b.WriteString(strings.Repeat("*", run))
		} else {
			b.WriteString(s[end-run : end])
		}
		run = 0
	}
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			run++
			continue
		}
		flush(i)
		b.WriteByte(s[i])
	}
	flush(len(s))
	cut := b.String()
	if len(cut) > nameMax {
		cut = strings.ToValidUTF8(cut[:nameMax], "") + "…"
	}
	return cut
}

// Hash writes the document's meaning into h: names and values in order, so
// that blanks, order and a number in quotes make no difference.
func (d Document) Hash(h hash.Hash) {
	for _, path := range d.Paths() {
		l := d.leaves[path]
		value := l.value.Reveal()
		fmt.Fprintf(h, "%d:%s%d:%s%d:", len(path), path, len(value), value, len(l.items))
		for _, item := range l.items {
			item.Hash(h)
		}
	}
}
