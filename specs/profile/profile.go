// Package profile reads, writes and lists descriptions of message profiles in
// the JSON form of moov-io/iso8583, so that a user can bring his own.
//
// The form is moov's as its specs.ImportJSON reads it, with a few more names
// for what moov does not have (see names.go): a description that uses none of
// them works with moov as it comes. Import is stricter than moov: it tells
// every fault at once with its path, and refuses what would lose or change
// values, such as padding that strips zeros.
//
// The package reads and writes no files and sends nothing. Start at Import.
package profile

import (
	"fmt"
	"strings"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/specs"
)

// A Profile is a description that was found good.
type Profile struct {
	Name        string // what the description calls itself; it may be empty
	Description *iso8583.MessageSpec
	Codec       *specs.Codec
	Notes       []string // what is left out that a message may have, one a line
}

// ByName is a profile that comes with firsttap. The error lists those.
func ByName(name string) (*Profile, error) {
	codec, err := specs.SpecByName(name)
	if err != nil {
		return nil, err
	}
	ms, err := specs.Describe(name)
	return &Profile{Name: name, Description: ms, Codec: codec}, err
}

// A Need is a value that messages have.
type Need struct {
	Path      specs.Path
	Message   string // which message, such as "0100 activation"
	Mandatory bool   // the message is nothing without it
}

// A Fault is one thing that is wrong with a description.
type Fault struct {
	Path    string `json:"path"`    // in the JSON, "fields.55.subfields.01.tag.enc"; "" is the whole
	Problem string `json:"problem"` // what is wrong and what to do
}

// Faults is everything that is wrong with a description.
type Faults []Fault

// Error is the faults, each "PATH: problem" on a line of its own.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// String is "PATH: problem".
func (f Fault) String() string {
	if f.Path == "" {
		return f.Problem
	}
	return f.Path + ": " + f.Problem
}

func (f *Faults) add(path, problem string, args ...any) {
	*f = append(*f, Fault{path, fmt.Sprintf(problem, args...)})
}
