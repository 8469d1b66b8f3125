package network

import (
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/token"
)

// observing counts what stations send.
func observing(m *metrics.Metrics) func(gateway.Observed) {
	return func(o gateway.Observed) {
		kind := string(o.Kind)
		if !o.Answered {
			m.Message(o.Station, kind, "", o.Took)
			return
		}
		m.Message(o.Station, kind, o.Response, o.Took)
		if o.Kind == stations.Activation {
			m.Activation(o.Result, o.Response)
			m.Refused(o.Refused)
		}
		if o.Response != token.Approved && o.Response != token.StepUp {
			m.Declined(kind, o.Reason)
		}
	}
}

// asked counts what issuers are asked.
func asked(m *metrics.Metrics) func(gateway.Asked) {
	return func(a gateway.Asked) { m.Asked(a.Issuer, string(a.Ending), a.Took) }
}

// connections are those of each station as it stands.
func (n *Network) connections() map[string]metrics.Connections {
	all := make(map[string]metrics.Connections)
	for _, s := range n.gateway.Stations() {
		all[s.Name] = metrics.Connections{Open: s.Connections, SignedOn: s.SignedOn}
	}
	return all
}
