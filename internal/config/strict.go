package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads one document over the settings. What is no YAML is an error;
// unknown keys and values of a wrong type are faults, and the rest is read.
func decode(raw []byte, settings any, f *Faults) error {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	err := decoder.Decode(settings)
	var wrong *yaml.TypeError
	switch {
	case errors.As(err, &wrong):
		f.addWrong(raw, wrong.Errors)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("this is no YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	f.addFractions(raw, settings)
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("a settings file has one document only; what follows the line --- is another")
	}
	return nil
}

// The faults that the YAML library finds, as it words them.
var (
	wrongKey   = regexp.MustCompile(`^line (\d+): field (.+) not found in type`)
	wrongAgain = regexp.MustCompile(`^line (\d+): (?:mapping key "(.+)" already defined at line \d+|field (.+) already set in type .+)$`)
	wrongType  = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal (!!\\w+)(?: `(.*)`)? into (.+)$")
)

// addWrong adds what the YAML library found, with paths in place of Go types.
func (f *Faults) addWrong(raw []byte, found []string) {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		document = yaml.Node{}
	}
	for _, text := range found {
		if m := wrongKey.FindStringSubmatch(text); m != nil {
			f.add(pathTo(&document, keyAt(m[1], m[2])), "there is no such key (line %s)", m[1])
		} else if m := wrongAgain.FindStringSubmatch(text); m != nil {
			f.add(pathTo(&document, keyAt(m[1], m[2]+m[3])), "stands there twice (line %s)", m[1])
		} else if m := wrongType.FindStringSubmatch(text); m != nil {
			f.add(pathTo(&document, valueAt(m[1], m[2], m[3])), "must be %s, not %s (line %s)", typeWords(m[4]), valueWords(m[2], m[3]), m[1])
		} else {
			*f = append(*f, text)
		}
	}
}

// addFractions adds what the YAML library would cut to a whole number.
func (f *Faults) addFractions(raw []byte, settings any) {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return
	}
	whole := make(map[string]bool)
	wholeKeys(reflect.TypeOf(settings), whole)
	var found []*yaml.Node
	isFraction := func(key, value *yaml.Node) bool {
		if key != nil && whole[key.Value] && value.ShortTag() == "!!float" && !slices.Contains(found, value) {
			found = append(found, value)
			return true
		}
		return false
	}
	for range fractionsMax {
		path := pathTo(&document, isFraction)
		if path == wholeFile {
			return
		}
		value := found[len(found)-1]
		f.add(path, "must be a whole number, not %q (line %d)", value.Value, value.Line)
	}
}

// fractionsMax is how many fractions are said at once (ours).
const fractionsMax = 16

// wholeKeys collects the keys of fields that hold whole numbers.
func wholeKeys(t reflect.Type, keys map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		wholeKeys(t.Elem(), keys)
	case reflect.Struct:
		for field := range t.Fields() {
			if kind := field.Type.Kind(); kind == reflect.Int || kind == reflect.Uint32 {
				keys[field.Tag.Get("yaml")] = true
			}
			wholeKeys(field.Type, keys)
		}
	}
}

// A place is asked of each key and value of a document whether it is the one.
type place func(key, value *yaml.Node) bool

func keyAt(line, name string) place {
	return func(key, _ *yaml.Node) bool { return key != nil && strconv.Itoa(key.Line) == line && key.Value == name }
}

// valueAt finds a value by its line, tag and text, which the library shortens.
func valueAt(line, tag, text string) place {
	begin := strings.TrimSuffix(text, "...")
	return func(_, value *yaml.Node) bool {
		return strconv.Itoa(value.Line) == line && value.ShortTag() == tag && strings.HasPrefix(value.Value, begin)
	}
}

// pathTo is the path of the first key or value that is at the place, or
// wholeFile.
func pathTo(document *yaml.Node, at place) string {
	for _, top := range document.Content {
		if path, ok := search(top, "", at); ok {
			return path
		}
	}
	return wholeFile
}

// wholeFile is the path of a fault that is in no key.
const wholeFile = "settings"

func search(n *yaml.Node, prefix string, at place) (string, bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			path := strings.TrimPrefix(prefix+"."+key.Value, ".")
			if at(key, value) {
				return path, true
			}
			if deeper, ok := search(value, path, at); ok {
				return deeper, true
			}
		}
	case yaml.SequenceNode:
		for i, value := range n.Content {
			path := fmt.Sprintf("%s[%d]", prefix, i)
			if at(nil, value) {
				return path, true
			}
			if deeper, ok := search(value, path, at); ok {
				return deeper, true
			}
		}
	}
	return "", false
}

// typeWords says what a Go type is to a person.
func typeWords(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case goType == "bool":
		return "true or false"
	case goType == "string":
		return "text"
	}
	return "keys with values"
}

// valueWords says what stands in the file.
func valueWords(tag, text string) string {
	switch {
	case tag == "!!seq":
		return "a list"
	case tag == "!!map":
		return "keys with values"
	}
	return strconv.Quote(text)
}
