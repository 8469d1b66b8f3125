package client

import (
	"context"
	"net/http"

	"github.com/firsttap/firsttap/api/wire"
)

// CodeSettings is a settings file that does not hold, 409: the detail names all
// faults, and nothing was changed.
const CodeSettings = wire.CodeSettings

// Station is a station as operators see it.
type Station = wire.Station

// stationConnectionsMax is more than any station may have.
const stationConnectionsMax = 1 << 20

// Stations lists the stations of the ISO 8583 side, in the order of the
// gateway's settings.
func (o Operator) Stations(ctx context.Context) ([]Station, error) {
	doc, err := o.door().call(ctx, http.MethodGet, wire.StationsPath, nil)
	if err != nil {
		return nil, err
	}
	a := &answer{doc: doc}
	return a.stations()
}

// ReloadStations lets the gateway read its settings file anew, and lists the
// stations that are in force then. restart says that the file changes more, which
// only a start takes up. What is wrong with the file gives a *Problem with
// CodeSettings.
func (o Operator) ReloadStations(ctx context.Context) (list []Station, restart bool, err error) {
	doc, err := o.door().call(ctx, http.MethodPost, wire.StationsReloadPath, nil)
	if err != nil {
		return nil, false, err
	}
	a := &answer{doc: doc}
	restart = a.bool(wire.StationRestart)
	list, err = a.stations()
	return list, restart, err
}

func (a *answer) stations() ([]Station, error) {
	items, ok := a.doc.List(wire.StationList)
	if !ok {
		a.wrong(wire.StationList, "a list")
	}
	list := make([]Station, 0, len(items))
	for _, item := range items {
		one := &answer{doc: item}
		list = append(list, one.station())
		if one.fault != nil {
			return nil, one.fault
		}
	}
	return list, a.fault
}

func (a *answer) station() Station {
	return Station{
		Name: a.text(wire.StationName), Role: a.text(wire.StationRole), Address: a.text(wire.StationAddress),
		Dialled:     a.bool(wire.StationDialled),
		Connections: int(a.number(wire.StationConnections, 0, stationConnectionsMax)),
		SignedOn:    int(a.number(wire.StationSignedOn, 0, stationConnectionsMax)),
		Spec:        a.text(wire.StationSpec), Framing: a.text(wire.StationFraming), TLS: a.text(wire.StationTLS),
	}
}
