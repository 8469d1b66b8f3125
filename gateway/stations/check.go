package stations

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/firsttap/firsttap/internal/link"
)

// check gives everything that is wrong with a list, nil for nothing.
func check(list []Settings) error {
	var faults []error
	names, numbers, places := map[string]bool{}, map[uint32]string{}, map[string]string{}
	for _, s := range list {
		if err := s.check(); err != nil {
			faults = append(faults, err)
		}
		if names[s.Name] {
			faults = append(faults, fmt.Errorf("station %q stands there twice", s.Name))
		}
		names[s.Name] = true
		if other, taken := numbers[s.Number]; taken {
			faults = append(faults, fmt.Errorf("station %q has the number of %q, %06d", s.Name, other, s.Number))
		}
		numbers[s.Number] = s.Name
		if place := s.place(); place != "" {
			if other, taken := places[place]; taken {
				faults = append(faults, fmt.Errorf("station %q listens where %q does, at %s", s.Name, other, s.Listen))
			}
			places[place] = s.Name
		}
	}
	return errors.Join(faults...)
}

func (s Settings) check() error {
	wrong := func(what string) error { return fmt.Errorf("station %q: %s", s.Name, what) }
	switch {
	case s.Name == "":
		return errors.New("a station has no name")
	case !slices.Contains(Roles(), s.Role):
		return wrong("its role is none")
	case s.Codec == nil || s.Framing == nil:
		return wrong("Codec and Framing are required")
	case (s.Listen == "") == (s.Address == ""):
		return wrong("it listens or is dialled: one of the two")
	case s.Address != "" && s.Role != Issuer:
		return wrong("only issuers are dialled")
	case s.Connections < 0 || s.Connections > link.ConnectionsMax:
		return wrong(fmt.Sprintf("it has at most %d connections", link.ConnectionsMax))
	case !slices.Contains([]Security{"", Plain, OneWay, TwoWay}, s.Security):
		return wrong("its protection is none")
	case s.secured() && s.TLS == nil:
		return wrong("it has no TLS settings")
	}
	return nil
}

func (s Station) secured() bool { return s.Security == OneWay || s.Security == TwoWay }

// place names a door among all doors: its address, and its station's name too
// when the system chooses the port. "" is no door.
func (s Settings) place() string {
	if _, port, err := net.SplitHostPort(s.Listen); err == nil && port == "0" {
		return s.Name + "@" + s.Listen
	}
	return s.Listen
}
