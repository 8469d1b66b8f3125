package metrics

import (
	"context"

	"github.com/firsttap/firsttap/vault"
)

// Store counts what a store says of claims: alarms, scopes that throttle, and
// accounts that are blocked. All else passes as it is.
func (m *Metrics) Store(s vault.Store) vault.Store { return counting{s, m} }

type counting struct {
	vault.Store
	metrics *Metrics
}

// Claim claims and counts; see vault.Store.
func (c counting) Claim(ctx context.Context, claim vault.Claim) (vault.ClaimResult, error) {
	result, err := c.Store.Claim(ctx, claim)
	if err != nil {
		return result, err
	}
	for _, scope := range result.Alarms {
		c.metrics.alarms.WithLabelValues(scopeLabel(scope)).Inc()
	}
	switch {
	case result.State == vault.Throttled:
		c.metrics.throttled.WithLabelValues(scopeLabel(result.Scope)).Inc()
	case result.State == vault.Blocked && claim.Limits.Locked(result.Attempts):
		c.metrics.blocked.WithLabelValues("row").Inc()
	case result.State == vault.Blocked:
		c.metrics.blocked.WithLabelValues("day").Inc()
	}
	return result, nil
}
