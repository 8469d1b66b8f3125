package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
)

// board is stations that are reloaded as a test says.
type board struct {
	list    []api.Station
	restart bool
	err     error
	reloads int
}

func (b *board) List() []api.Station { return b.list }

func (b *board) Reload(context.Context) (bool, error) {
	b.reloads++
	return b.restart, b.err
}

func newBoard(t *testing.T) (*office, *board) {
	o := newOffice(t)
	b := &board{list: []api.Station{
		{Name: "wallets", Role: "requestor", Address: "127.0.0.1:8583", Connections: 2, SignedOn: 1, Spec: "visa-style", Framing: "vap", TLS: "off"},
		{Name: "harbour", Role: "issuer", Address: "127.0.0.1:8600", Dialled: true, Connections: 3, SignedOn: 3, Spec: "./own.json", Framing: "ascii4", TLS: "two-way"},
	}}
	options := o.options
	options.Stations = b
	o.open(options)
	return o, b
}

func TestOperatorsSeeStations(t *testing.T) {
	o, b := newBoard(t)
	operator := client.Operator{BaseURL: o.door.URL}
	list, err := operator.Stations(t.Context())
	if diff := cmp.Diff(b.list, list); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	b.list = nil
	if list, err := operator.Stations(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("none: %v, %v", list, err)
	}
}

func TestOperatorsReloadStations(t *testing.T) {
	o, b := newBoard(t)
	operator := client.Operator{BaseURL: o.door.URL}
	for _, restart := range []bool{false, true} {
		b.restart = restart
		list, got, err := operator.ReloadStations(t.Context())
		if err != nil || got != restart || len(list) != 2 {
			t.Errorf("got %v, %v, %v", list, got, err)
		}
	}
	b.err = errors.New("stations[0].role: is none\nstations[1].listen: is taken")
	_, _, err := operator.ReloadStations(t.Context())
	wantClientProblem(t, err, http.StatusConflict, client.CodeSettings)
	if text := err.Error(); !strings.Contains(text, "nothing was changed: stations[0].role: is none; stations[1].listen: is taken") {
		t.Errorf("it says %s", text)
	}
	before := b.reloads
	wantProblem(t, send(t, http.MethodPost, o.door.URL+wire.StationsReloadPath, "application/json", "{}"), 400, wire.CodeBodyNotEmpty, "")
	if a := send(t, http.MethodGet, o.door.URL+wire.StationsReloadPath, "", ""); a.status != http.StatusMethodNotAllowed {
		t.Errorf("looking reloads: %d", a.status)
	}
	if b.reloads != before {
		t.Error("a request that is refused reloads")
	}
}

func TestADoorWithoutStations(t *testing.T) {
	o := newOffice(t)
	wantProblem(t, send(t, http.MethodGet, o.door.URL+wire.StationsPath, "", ""), 404, wire.CodePathUnknown, "")
	wantProblem(t, send(t, http.MethodPost, o.door.URL+wire.StationsReloadPath, "", ""), 404, wire.CodePathUnknown, "")
}
