package gateway

import (
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Observed is what Options.Observe hears of one answered request of a wallet or
// merchant.
type Observed struct {
	Kind     vault.Kind
	Result   dcvv2.Result // of an activation's code; 0 for none
	Response token.Response
	Took     time.Duration
	Refused  token.Reason // a limit because of which an activation's code was not checked
}

func (g *Gateway) observe(e event) {
	if g.Observe != nil && e.kind != "" {
		g.Observe(Observed{Kind: e.kind, Result: e.outcome.CVV2, Response: e.outcome.Response, Took: time.Since(e.started), Refused: e.refused})
	}
}

// LinesUp tells of each issuer, by name, whether its line is connected and
// signed on.
func (g *Gateway) LinesUp() map[string]bool {
	up := make(map[string]bool, len(g.issuers))
	for name, line := range g.issuers {
		up[name] = line.IsUp()
	}
	return up
}
