package config

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/internal/files"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

// ReadSpec is the message profile of a name, or of a file with a description
// in moov's JSON form, which has a slash in its path or ends in .json. What is
// wrong with a description is profile.Faults.
func ReadSpec(nameOrFile string) (*profile.Profile, error) {
	p, _, err := readSpec(nameOrFile)
	return p, err
}

// readSpec gives the sum of a file too, see Wire.Sum.
func readSpec(nameOrFile string) (p *profile.Profile, sum string, err error) {
	if !IsSpecFile(nameOrFile) {
		p, err := profile.ByName(nameOrFile)
		if err != nil {
			return nil, "", fmt.Errorf("%w, or a file such as ./my-spec.json", err)
		}
		return p, "", nil
	}
	raw, err := files.Read(nameOrFile, fileBytesMax)
	if err != nil {
		return nil, "", fmt.Errorf("%w: name one of %s, or a file with a description", err, strings.Join(specs.SpecNames(), ", "))
	}
	p, err = profile.Import(bytes.NewReader(raw), specNeeds())
	return p, fmt.Sprintf("%x", sha256.Sum256(raw)), err
}

// IsSpecFile reports whether a spec is a file and no name.
func IsSpecFile(spec string) bool {
	return strings.ContainsAny(spec, `/\`) || strings.HasSuffix(spec, ".json")
}

// specNeeds is what the messages of the family need of a description.
func specNeeds() []profile.Need {
	var needs []profile.Need
	for _, form := range messages.Forms() {
		for _, f := range form.Fields {
			needs = append(needs, profile.Need{
				Path: f.Path, Message: form.Types[0] + " " + form.Name,
				Mandatory: f.Presence != messages.Optional,
			})
		}
	}
	return needs
}
