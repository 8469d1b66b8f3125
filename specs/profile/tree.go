package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of a description (ours): the longest of firsttap's has about 40 KiB
// and six levels.
const (
	bytesMax = 1 << 20
	depthMax = 24
)

// object is a JSON object whose members keep their order.
type object struct {
	keys   []string
	values map[string]any
}

// tree reads one JSON document. Twice the same name in an object is a fault,
// for which one counts would be anybody's guess.
func tree(r io.Reader, faults *Faults) (*object, error) {
	raw, err := io.ReadAll(io.LimitReader(r, bytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	if len(raw) > bytesMax {
		faults.add("", "the description has more than %d bytes", bytesMax)
		return nil, *faults
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	value, err := node(decoder, "", 0, faults)
	if err == nil && decoder.More() {
		err = errors.New("something follows the document")
	}
	if err != nil {
		faults.add("", "it is no JSON: byte %d: %v", decoder.InputOffset(), err)
		return nil, *faults
	}
	top, ok := value.(*object)
	if !ok {
		faults.add("", `it must be an object with "name" and "fields"`)
		return nil, *faults
	}
	return top, nil
}

func node(d *json.Decoder, path string, depth int, faults *Faults) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, plain(err)
	}
	if depth > depthMax {
		return nil, fmt.Errorf("more than %d levels", depthMax)
	}
	switch token {
	case json.Delim('{'):
		return members(d, path, depth, faults)
	case json.Delim('['):
		var list []any
		for d.More() {
			item, err := node(d, path, depth+1, faults)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.Token()
		return list, plain(err)
	}
	return token, nil
}

func members(d *json.Decoder, path string, depth int, faults *Faults) (any, error) {
	o := &object{values: map[string]any{}}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, plain(err)
		}
		key := token.(string) // the decoder gives nothing else before a colon
		at := join(path, key)
		value, err := node(d, at, depth+1, faults)
		if err != nil {
			return nil, err
		}
		if _, twice := o.values[key]; twice {
			faults.add(at, "it is there twice")
			continue
		}
		o.keys = append(o.keys, key)
		o.values[key] = value
	}
	_, err := d.Token()
	return o, plain(err)
}

// plain says that the text ends too early in words.
func plain(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it ends too early")
	}
	return err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
