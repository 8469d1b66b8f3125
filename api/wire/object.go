package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/firsttap/firsttap/internal/secret"
)

// Object is a JSON object written as pairs. Members that share the front of
// their paths share objects; all stand in the order given. It marshals in
// clear and shows no value under fmt.
type Object []Pair

// Pair is one JSON member by its path: see Text, Integer, Bool and List.
type Pair struct {
	path string
	json secret.Text
}

// Text is a member that is a string.
func Text(path, value string) Pair {
	encoded, err := json.Marshal(value)
	if err != nil { // no string fails to marshal
		encoded = []byte(`""`)
	}
	return Pair{path, secret.New(string(encoded))}
}

// Integer is a member that is a number.
func Integer[T ~int | ~int64 | ~uint16](path string, value T) Pair {
	return Pair{path, secret.New(strconv.FormatInt(int64(value), 10))}
}

// Bool is a member that is true or false.
func Bool(path string, value bool) Pair {
	return Pair{path, secret.New(strconv.FormatBool(value))}
}

// List is a member that is a list of objects.
func List(path string, items []Object) Pair {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		item.write(&b, "")
	}
	b.WriteByte(']')
	return Pair{path, secret.New(b.String())}
}

// MarshalJSON nests the pairs.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	o.write(&b, "")
	return b.Bytes(), nil
}

// write writes the members below front, each group at its first member.
func (o Object) write(b *bytes.Buffer, front string) {
	written := map[string]bool{}
	b.WriteByte('{')
	for _, pair := range o {
		below, ok := strings.CutPrefix(pair.path, front)
		name, _, nested := strings.Cut(below, ".")
		if !ok || written[name] {
			continue
		}
		if len(written) > 0 {
			b.WriteByte(',')
		}
		written[name] = true
		b.WriteString(strconv.Quote(name) + ":")
		if nested {
			o.write(b, front+name+".")
		} else {
			b.WriteString(pair.json.Reveal())
		}
	}
	b.WriteByte('}')
}
