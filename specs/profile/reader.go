package profile

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583/prefix"

	"github.com/firsttap/firsttap/specs"
)

// reader turns the tree into fields, and notes faults.
type reader struct {
	faults *Faults
	ours   map[string]Field // of visa-style, by path
}

func (r reader) padding(path string, o *object) {
	value, has := o.values["padding"]
	if !has {
		return
	}
	p, ok := value.(*object)
	if ok && r.text(join(path, "padding"), p, "type") == "None" {
		return
	}
	what := "padding strips characters that belong to the value"
	if ok && p.values["pad"] == "0" {
		what = "padding with 0 strips zeros that belong to the value, trace 000123 would become 123"
	}
	r.faults.add(join(path, "padding"), "%s: leave it out", what)
}

func (r reader) prefix(path string, o *object, key string) prefix.Prefixer {
	name := r.text(path, o, key)
	pref, ok := prefixes[name]
	if !ok {
		r.faults.add(join(path, key), "%q is not one of %s", name, names(prefixes))
		return nil
	}
	length, _ := o.values["length"].(json.Number)
	if n, err := strconv.Atoi(length.String()); err == nil && prefixMax[name] > 0 && n > prefixMax[name] && key == "prefix" {
		r.faults.add(join(path, key), "%s counts to %d, the length is %d", name, prefixMax[name], n)
	}
	return pref
}

func (r reader) length(path string, o *object) int {
	number, ok := o.values["length"].(json.Number)
	n, err := strconv.Atoi(number.String())
	switch {
	case !ok || err != nil || n < 1:
		r.faults.add(join(path, "length"), "must be a whole number from 1 to %d", specs.FrameBytesMax)
	case n > specs.FrameBytesMax:
		r.faults.add(join(path, "length"), "%d is more than a frame has, %d bytes", n, specs.FrameBytesMax)
	}
	return n
}

func (r reader) text(path string, o *object, key string) string {
	value, has := o.values[key]
	text, ok := value.(string)
	if has && !ok {
		r.faults.add(join(path, key), "must be text")
	}
	return text
}

func (r reader) flag(path string, o *object, key string) bool {
	value, has := o.values[key]
	flag, ok := value.(bool)
	if has && !ok {
		r.faults.add(join(path, key), "must be true or false")
	}
	return flag
}

func (r reader) only(path string, o *object, known ...string) {
	for _, key := range o.keys {
		if !slices.Contains(known, key) {
			r.faults.add(join(path, key), "there is no such key; known are %s", strings.Join(known, ", "))
		}
	}
}
