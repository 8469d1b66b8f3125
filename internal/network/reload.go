package network

import (
	"bytes"
	"context"
	"errors"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/config"
)

// ErrNoFile is given when there is no settings file to read anew.
var ErrNoFile = errors.New("the gateway runs on default settings: start it with --config, and change that file")

// Reload reads the settings file anew, checks it as a start would, and brings
// its stations, issuers and newly said ranges into force. Connections of what
// did not change live on. All faults are given at once, and then nothing has
// changed. restart says that the file changes more, which a start takes up.
func (n *Network) Reload(ctx context.Context) (restart bool, err error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	if n.file == "" {
		return false, ErrNoFile
	}
	loaded, err := Load(n.file, n.dir)
	if err != nil {
		return false, err
	}
	settings := n.settings
	settings.Stations, settings.Issuers = loaded.Stations, loaded.Issuers
	if err := n.bring(ctx, settings); err != nil {
		return false, err
	}
	restart = differ(settings, loaded)
	n.log.Info().Str("file", n.file).Int("stations", len(settings.Stations)).Int("issuers", len(settings.Issuers)).
		Bool("restart", restart).Msg("settings read anew: stations and issuers are in force")
	return restart, nil
}

// bring brings stations, issuers and ranges into force, or nothing of them.
func (n *Network) bring(ctx context.Context, settings config.Gateway) error {
	if err := certify(settings, n.dir); err != nil {
		return err
	}
	list, err := n.stationsOf(settings)
	if err != nil {
		return err
	}
	stated, err := statedIn(settings, n.chance.Now())
	if err != nil {
		return err
	}
	issuers := issuersIn(settings)
	refused := n.ranges.Check(ctx, stated, issuers)
	change, err := n.gateway.PrepareStations(list)
	if err != nil {
		return errors.Join(refused, err)
	}
	if refused == nil {
		refused = n.ranges.Restate(ctx, stated, issuers)
	}
	if refused != nil {
		change.Abort()
		return refused
	}
	change.Commit()
	return nil
}

// differ reports whether two settings print differently.
func differ(a, b config.Gateway) bool {
	var printed [2]bytes.Buffer
	return config.Print(&printed[0], a) != nil || config.Print(&printed[1], b) != nil || !bytes.Equal(printed[0].Bytes(), printed[1].Bytes())
}

// operated shows and reloads the stations as the operators' door has it.
type operated struct{ n *Network }

// Reload is the network's. A reload that was begun is ended, whether or not the
// caller waits for it.
func (o operated) Reload(ctx context.Context) (bool, error) {
	return o.n.Reload(context.WithoutCancel(ctx))
}

// List tells how the stations stand.
func (o operated) List() []api.Station {
	var list []api.Station
	for _, s := range o.n.gateway.Stations() {
		one := api.Station{
			Name: s.Name, Role: string(s.Role), Address: s.Address, Dialled: s.Dialled,
			Connections: s.Connections, SignedOn: s.SignedOn,
			Spec: s.Spec, Framing: s.Framing.Name(), TLS: string(s.Security),
		}
		if s.Security == "" {
			one.TLS = string(stations.Plain)
		}
		list = append(list, one)
	}
	return list
}
