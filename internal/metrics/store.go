package metrics

import (
	"context"

	"github.com/firsttap/firsttap/vault"
)

// Store counts the alarms that a store tells of with claims. All else passes as
// it is.
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
	return result, nil
}
