// Package config reads the settings of firsttap's parts from strict YAML: an
// unknown key is refused, all faults are reported at once with their paths,
// and what is left out has a default that works on one machine.
//
// It holds no secrets: those are in files that settings name. Start at
// LoadGateway and its siblings.
package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/firsttap/firsttap/internal/files"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

// Faults is every fault of a file, one a line.
type Faults []string

// Error is the faults, each "PATH: what must be".
func (f Faults) Error() string { return strings.Join(f, "\n") }

func (f *Faults) add(path, problem string, args ...any) {
	*f = append(*f, path+": "+fmt.Sprintf(problem, args...))
}

// checked is settings that can say what is wrong with them.
type checked interface{ check(f *Faults) }

// load reads path over the defaults that are in settings already; an empty
// path keeps them.
func load(path string, settings checked) error {
	var faults Faults
	if path != "" {
		raw, err := files.Read(path, fileBytesMax)
		if err != nil {
			return fmt.Errorf("reading settings: %w", err)
		}
		if err := decode(raw, settings, &faults); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	structural := len(faults)
	settings.check(&faults)
	faults = faults.withoutConsequences(structural)
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// withoutConsequences drops what only follows from one of the first n faults:
// a list is missed because something in it could not be read.
func (f Faults) withoutConsequences(n int) Faults {
	kept := f[:n:n]
	for _, later := range f[n:] {
		path, _, _ := strings.Cut(later, ": ")
		if !slices.ContainsFunc(f[:n], func(first string) bool {
			return strings.HasPrefix(first, path+"[") || strings.HasPrefix(first, path+".") || strings.HasPrefix(first, path+":")
		}) {
			kept = append(kept, later)
		}
	}
	return kept
}

// fileBytesMax bounds a settings file; one with a hundred issuers has about
// 40 KiB (ours).
const fileBytesMax = 1 << 20

// Print writes settings as a file that load reads.
func Print(w io.Writer, settings any) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(settings); err != nil {
		return err
	}
	return encoder.Close()
}

// DataDir is the user's folder for a part's data: XDG_DATA_HOME, or
// .local/share in the home folder.
func DataDir(part string) string {
	base := os.Getenv("XDG_DATA_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "."
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "firsttap", part)
}

// checkListen wants an address to listen at.
func checkListen(f *Faults, path, address string) {
	if _, _, ok := split(address); !ok {
		f.add(path, "must be host:port, such as 127.0.0.1:8583; port 0 lets the system choose")
	}
}

// checkPeer wants an address to dial.
func checkPeer(f *Faults, path, address string) {
	if host, port, ok := split(address); !ok || host == "" || port == 0 {
		f.add(path, "must be host:port of the other side, such as 127.0.0.1:8583")
	}
}

func split(address string) (host string, port uint64, ok bool) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.ParseUint(digits, 10, 16)
	return host, port, err == nil
}

// checkURL wants an address with one of the schemes, the usual one first.
func checkURL(f *Faults, path, address string, schemes ...string) {
	if u, err := url.Parse(address); err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		f.add(path, "must be an address that begins with %s://, such as %s://127.0.0.1:8580", strings.Join(schemes, ":// or "), schemes[0])
	}
}

func checkDigits(f *Faults, path, digits string, least, most int) {
	if len(digits) < least || len(digits) > most || strings.Trim(digits, "0123456789") != "" {
		if least == most {
			f.add(path, "must have %d digits", least)
			return
		}
		f.add(path, "must have %d to %d digits", least, most)
	}
}

// Wire says how to speak to a peer.
type Wire struct {
	Spec    string `yaml:"spec"`    // of the messages: a name, or a file with a description
	Framing string `yaml:"framing"` // around them
	Station uint32 `yaml:"station"` // the peer's number in the header, six digits

	codec *specs.Codec // of Spec, read by check
	sum   string       // of the file that Spec names
}

// check adds faults with paths that begin with prefix, such as "stations[0].".
func (w *Wire) check(f *Faults, prefix string) {
	p, sum, err := readSpec(w.Spec)
	var faults profile.Faults
	switch {
	case errors.As(err, &faults):
		for _, fault := range faults {
			f.add(prefix+"spec", "%s: %v", w.Spec, fault)
		}
	case err != nil:
		f.add(prefix+"spec", "%v", err)
	default:
		w.codec, w.sum = p.Codec, sum
	}
	if _, err := specs.FramingByName(w.Framing); err != nil || w.Framing == specs.FramingNone {
		f.add(prefix+"framing", "must be one of vap, binary2, ascii4")
	}
	if w.Station > specs.StationMax {
		f.add(prefix+"station", "must have at most six digits")
	}
}

// Codec is the codec of Spec; check has made sure of it.
func (w Wire) Codec() *specs.Codec {
	if w.codec != nil {
		return w.codec
	}
	codec, _ := specs.SpecByName(w.Spec) // a default, which no check has seen
	return codec
}

// Sum is the SHA-256 of the file that Spec names, in hexadecimal; "" for a name.
// Codecs of equal Spec and Sum are alike.
func (w Wire) Sum() string { return w.sum }

// Frames is the framing that Framing names; check has made sure of it.
func (w Wire) Frames() specs.Framing {
	framing, _ := specs.FramingByName(w.Framing)
	return framing
}

func defaultWire(station uint32) Wire {
	return Wire{Spec: specs.NameVisaStyle, Framing: specs.FramingVAP, Station: station}
}
