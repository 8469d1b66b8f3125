package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/keys"
)

// office is a gateway that runs, and its operators' door.
type office struct {
	*testing.T
	dir      string
	settings config.Gateway
	now      atomic.Int64 // Unix seconds
	network  *network.Network
	stop     func()
}

func openOffice(t *testing.T, change ...func(*config.Gateway)) *office {
	t.Helper()
	o := &office{T: t, dir: t.TempDir(), settings: anyPorts("127.0.0.1:1")}
	o.settings.TLS.Operators = config.Off
	o.now.Store(time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC).Unix())
	for _, c := range change {
		c(&o.settings)
	}
	o.start()
	t.Cleanup(func() { o.stop() })
	return o
}

func (o *office) start() {
	o.Helper()
	chance := network.Chance{
		Now:    func() time.Time { return time.Unix(o.now.Load(), 0).UTC() },
		Random: rand.Reader, Keys: rand.Reader,
	}
	var err error
	if o.network, err = network.Open(o.Context(), network.Options{Settings: o.settings, Dir: o.dir, Chance: chance, Log: zerolog.Nop()}); err != nil {
		o.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.network.Run(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			o.Errorf("the network ended with %v", err)
		}
		o.stop = func() {}
	}
}

// asks runs a command against the gateway, and gives what it prints and how it
// ends.
func (o *office) asks(args ...string) (string, error) {
	command := root()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs(append(args, "--gateway", "http://"+o.network.Address(network.Operators)))
	err := command.ExecuteContext(o.Context())
	return out.String(), err
}

func (o *office) says(want string, args ...string) {
	o.Helper()
	got, err := o.asks(args...)
	if err != nil || got != want {
		o.Errorf("%v: %v\n%s\nwant\n%s", args, err, got, want)
	}
}

func (o *office) refuses(code, says string, args ...string) {
	o.Helper()
	_, err := o.asks(args...)
	var wrongUse usageError
	if err == nil || !strings.Contains(err.Error(), says) || errors.As(err, &wrongUse) != (code == "2") {
		o.Errorf("%v: %v", args, err)
	}
}

func TestRangesAreSetWhileTheGatewayRuns(t *testing.T) {
	o := openOffice(t)
	o.says(`4761739 of harbour
  windowHours 1 -> 5
  keyVersion 1 -> 2
in force from 2026-11-23T13:00:00Z, because codes may have been given out until then; --void takes effect at 2026-11-22T13:00:00Z and voids them
`, "ranges", "set", "4761739", "--window-hours", "5", "--key-version", "2")
	o.says("4761739 is so already: nothing changed\n", "ranges", "set", "4761739", "--key-version", "2")
	o.says("400000 of harbour is registered and in force\n", "ranges", "set", "400000", "--issuer", "harbour", "--profile", "aes-cmac", "--enrol-by-default")
	o.says(`RANGE    ISSUER   STATE     WINDOW  PROFILE   KEY  ENROLS  SINCE          NEXT
400000   harbour  in force  1 h     aes-cmac  1    all     the beginning  -
4761739  harbour  in force  1 h     cvv-hour  1    asked   the beginning  2026-11-23T13:00:00Z: windowHours 1 -> 5, keyVersion 1 -> 2
`, "ranges", "list")
	o.says(`400000 of harbour
  graceSeconds 900 -> 60
  onNoMatch decline -> ask
in force from 2026-11-22T14:00:00Z, the first end of a window after --from
`, "ranges", "set", "400000", "--grace", "1m", "--on-no-match", "ask", "--from", "2026-11-22T13:30:00Z")
	o.says(`400000 of harbour
  keyVersion 1 -> 9
in force from 2026-11-22T15:00:00Z; codes that were given out may be void
`, "ranges", "set", "400000", "--key-version", "9", "--from", "2026-11-22T15:00:00Z", "--void")

	o.now.Store(time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC).Unix())
	o.says(`400000 of harbour, in force, revision 3

past, from the beginning to 2026-11-22T14:00:00Z
`+whole("aes-cmac", "900", "decline")+`
in force since 2026-11-22T14:00:00Z
`+whole("aes-cmac", "60", "ask")+`
planned from 2026-11-22T15:00:00Z
  keyVersion 1 -> 9
`, "ranges", "show", "400000")
	o.says("400000 is taken back, in force now; codes that were given out are void\n", "ranges", "remove", "400000", "--void")

	ring, err := keys.Open(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		accounts string
		version  int
	}{{"4761739", 1}, {"4761739", 2}, {"400000", 1}, {"400000", 9}} {
		if _, err := ring.CodeMaster(want.accounts, want.version); err != nil {
			t.Errorf("every version has its key: %v", err)
		}
	}
}

func whole(profile, grace, onNoMatch string) string {
	return `  windowHours              1
  profile                  ` + profile + `
  keyVersion               1
  graceSeconds             ` + grace + `
  codesMax                 24
  oncePerWindow            true
  enrolByDefault           true
  failuresPerDayMax        5
  failuresInRowMax         10
  rangeFailuresPerHourMax  100
  onNoMatch                ` + onNoMatch + `
  onMissing                ask
  onNotParticipating       ask
  onNotProcessed           decline
`
}

func TestWhatRangesRefuse(t *testing.T) {
	o := openOffice(t)
	o.refuses("2", "6 to 11 leading digits", "ranges", "show", "47617")
	o.refuses("2", "takes one range", "ranges", "set")
	o.refuses("2", "--from must be", "ranges", "set", "4761739", "--from", "tomorrow")
	o.refuses("2", "whole seconds", "ranges", "set", "4761739", "--grace", "1500ms")
	o.refuses("2", "windowHours must be an integer from 1 to 18; codesMax", "ranges", "set", "4761739", "--window-hours", "19", "--codes-max", "25")
	o.refuses("2", "issuer-unknown", "ranges", "set", "400000")
	o.refuses("1", "range-overlaps", "ranges", "set", "489537", "--issuer", "harbour")
	o.refuses("1", "codes-outstanding", "ranges", "remove", "4761739")
	o.refuses("1", "range-not-found", "ranges", "show", "400000")
	o.refuses("1", "give the range another key version", "ranges", "set", "4761739", "--profile", "aes-cmac")
	o.stop()
	o.refuses("1", "is `firsttap gateway` running", "ranges", "list")
}

func TestRangesAsJSON(t *testing.T) {
	o := openOffice(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{`"ranges": [`, []string{"list"}},
		{`"dormant": false,`, []string{"show", "4761739"}},
		{`"changed": true,`, []string{"set", "4761739", "--codes-max", "3"}},
		{`"removed": true`, []string{"remove", "4761739", "--void"}},
	} {
		got, err := o.asks(append(append([]string{"ranges"}, c.args...), "--json")...)
		if err != nil || !strings.Contains(got, c.want) || !strings.HasPrefix(got, "{\n") {
			t.Errorf("%v: %v\n%s", c.args, err, got)
		}
	}
	got, err := o.asks("ranges", "list")
	if err != nil || !strings.Contains(got, "no range is registered") {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestRangesOutliveARestart holds the rule about the settings file on the
// whole: the old file undoes nothing, and another one is another statement.
func TestRangesOutliveARestart(t *testing.T) {
	o := openOffice(t)
	o.asks("ranges", "set", "4761739", "--codes-max", "3")
	o.asks("ranges", "set", "400000", "--issuer", "harbour")
	restart := func() []client.Range {
		t.Helper()
		o.stop()
		o.now.Add(int64((48 * time.Hour).Seconds()))
		o.start()
		operator := client.Operator{BaseURL: "http://" + o.network.Address(network.Operators)}
		list, err := operator.Ranges(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := restart(); len(list) != 2 || list[1].Versions[0].Policy.CodesMax != 3 {
		t.Errorf("got %+v", list)
	}
	o.settings.Issuers[0].Ranges[0].CodesMax = 7
	list := restart()
	if v := list[1].Versions; len(v) != 2 || v[1].State != client.StatePlanned || v[1].Policy.CodesMax != 7 {
		t.Errorf("got %+v", list)
	}
	o.settings.Issuers[0].Name = "haven"
	o.settings.Issuers[0].Ranges[0].Range = "400001"
	list = restart()
	if len(list) != 3 || !list[0].Dormant || list[0].Range != card.MustRange("400000") || list[1].Dormant || !list[2].Dormant {
		t.Errorf("ranges of an issuer without a station are dormant: %+v", list)
	}
	o.says(`RANGE    ISSUER   STATE     WINDOW  PROFILE   KEY  ENROLS  SINCE                 NEXT
400000   harbour  dormant   1 h     cvv-hour  1    asked   the beginning         -
400001   haven    in force  1 h     cvv-hour  1    asked   the beginning         -
4761739  harbour  dormant   1 h     cvv-hour  1    asked   2026-11-26T13:00:00Z  -
`, "ranges", "list")
}

func TestTheTabKeyOffersRanges(t *testing.T) {
	o := openOffice(t)
	command := root()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs([]string{"__complete", "ranges", "show", "--gateway", "http://" + o.network.Address(network.Operators), ""})
	if err := command.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "4761739\tharbour") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
