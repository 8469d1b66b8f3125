package network

import (
	"context"
	"time"

	"github.com/rs/zerolog"
)

// How often the store is pruned, and how long that may take at once; what is
// left then goes the next time (ours).
const (
	pruneEvery   = time.Hour
	pruneTimeout = 5 * time.Minute
)

// pruner forgets what the store need not keep any more.
type pruner struct {
	store interface {
		Prune(ctx context.Context, before time.Time) (int, error)
	}
	now  func() time.Time
	keep time.Duration
	log  zerolog.Logger
}

// run prunes at once and then every pruneEvery, until ctx ends. A store that
// does not let it is no reason to stop: it is logged, and tried again.
func (p pruner) run(ctx context.Context) {
	look := time.NewTicker(pruneEvery)
	defer look.Stop()
	for {
		p.prune(ctx)
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p pruner) prune(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, pruneTimeout)
	defer cancel()
	before := p.now().Add(-p.keep)
	n, err := p.store.Prune(bounded, before)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.log.Warn().Err(err).Int("forgotten", n).Msg("the store could not be pruned: tried again in an hour")
	default:
		p.log.Debug().Int("forgotten", n).Time("before", before).Msg("the store was pruned")
	}
}
