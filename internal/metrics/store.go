package metrics

import (
	"context"
	"time"

	"github.com/firsttap/firsttap/vault"
)

// Store counts the alarms that a store tells of with claims, and how long claims
// and conclusions take. All else passes as it is.
func (m *Metrics) Store(s vault.Store) vault.Store { return counting{s, m} }

type counting struct {
	vault.Store
	metrics *Metrics
}

// Claim claims and counts; see vault.Store.
func (c counting) Claim(ctx context.Context, claim vault.Claim) (vault.ClaimResult, error) {
	began := time.Now()
	result, err := c.Store.Claim(ctx, claim)
	c.took("claim", began)
	if err != nil {
		return result, err
	}
	for _, scope := range result.Alarms {
		c.metrics.alarms.WithLabelValues(scopeLabel(scope)).Inc()
	}
	return result, nil
}

// Conclude concludes and counts; see vault.Store.
func (c counting) Conclude(ctx context.Context, conclusion vault.Conclusion) error {
	defer c.took("conclude", time.Now())
	return c.Store.Conclude(ctx, conclusion)
}

func (c counting) took(change string, began time.Time) {
	c.metrics.changes.of(change).Observe(time.Since(began).Seconds())
}
