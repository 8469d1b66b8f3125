package network

import (
	"crypto/rand"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
)

// anyPorts are settings of a gateway at loopback ports that the system chooses.
func anyPorts() config.Gateway {
	g := config.DefaultGateway()
	for _, listen := range []*string{
		&g.Stations[0].Listen, &g.Stations[1].Listen, &g.HTTP.Issuers, &g.HTTP.Phones, &g.HTTP.Operators,
	} {
		*listen = "127.0.0.1:0"
	}
	g.Issuers[0].Address = "127.0.0.1:1"
	return g
}

func openTest(t *testing.T, settings config.Gateway, dir string) (*Network, error) {
	t.Helper()
	return Open(t.Context(), Options{
		Settings: settings, Dir: dir, Log: zerolog.Nop(),
		Chance: Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
}

// TestDoorInUse holds that an address that another program has ends the opening
// with an error that names the door, and closes what was open.
func TestDoorInUse(t *testing.T) {
	settings, dir := anyPorts(), t.TempDir()
	other, err := net.Listen("tcp", settings.HTTP.Operators)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	settings.HTTP.Operators = other.Addr().String()
	_, err = openTest(t, settings, dir)
	if err == nil || !strings.Contains(err.Error(), string(Operators)) {
		t.Fatalf("the error is %v", err)
	}
	n, err := openTest(t, anyPorts(), dir)
	if err != nil {
		t.Fatalf("the store is held still: %v", err)
	}
	n.Close()
}

// TestProductionMakesNoCodeKeys holds that a mistyped key version makes no key
// in production, and that one which was made on purpose is taken.
func TestProductionMakesNoCodeKeys(t *testing.T) {
	n, err := openTest(t, anyPorts(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.settings.Mode = config.ModeProduction
	open := func() error {
		_, err := n.openRanges(t.Context(), card.MustRange(n.settings.TokenRange))
		return err
	}
	if err := open(); err != nil {
		t.Fatalf("the key is there: %v", err)
	}
	n.settings.Issuers[0].Ranges = append(n.settings.Issuers[0].Ranges, config.DefaultRange("400000"))
	if err := open(); err == nil || !strings.Contains(err.Error(), "firsttap keys generate") {
		t.Fatalf("got %v", err)
	}
	if err := n.keys.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: "400000", Version: 1}); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
}
