package gateway

import (
	"cmp"
	"context"
	"time"
)

// drainSpare is what an orderly end may take beside the longest wait for an
// issuer: to screen, conclude and write (ours).
const drainSpare = 5 * time.Second

// noteEnding is why requests are refused while the gateway drains.
const noteEnding = "the gateway is about to end"

// Drain ends the gateway's work in order: nobody is let in, requests that come
// are refused with 91, those under way are answered, notices being sent are
// sent, and then the issuers are left. It takes as long as the slowest issuer
// may, and 5 s, at most; what is under way still is cut off by the end of Run's
// ctx, which the caller brings about after it. It does nothing before Run.
func (g *Gateway) Drain(ctx context.Context) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, g.longestAnswer()+drainSpare)
	defer cancel()
	g.Log.Info().Msg("draining: no new connections, and what is under way ends")
	g.draining.Store(true)
	g.stations.DrainDoors(ctx)
	g.notices.finish(ctx)
	g.stations.DrainIssuers(ctx)
	log := g.Log.Info()
	if ctx.Err() != nil {
		log = g.Log.Warn().Err(ctx.Err())
	}
	log.Dur("took_ms", time.Since(began)).Msg("drained")
}

// longestAnswer is the longest that an issuer is waited for.
func (g *Gateway) longestAnswer() time.Duration {
	longest := g.IssuerTimeout
	for _, s := range g.stations.List() {
		longest = max(longest, cmp.Or(s.Timeouts.Answer, g.IssuerTimeout))
	}
	return longest
}
