package sqlite

import (
	"context"
	"time"

	"github.com/firsttap/firsttap/vault"
)

// failuresSince is the time after which a failure counts.
func failuresSince(at time.Time) int64 { return nanoseconds(at.Add(-vault.FailuresFor)) }

// failuresKeptSince is the time after which a failure is kept: twice as long as
// it counts, because the clocks of requests may disagree.
func failuresKeptSince(at time.Time) int64 { return nanoseconds(at.Add(-2 * vault.FailuresFor)) }

// countFailure records a failed attempt of a request, and forgets those of
// the account that are not kept any more.
func (t *turn) countFailure(reference, key string, at time.Time) error {
	if err := t.do(`INSERT INTO failures (pan_ref, failed_at, key) VALUES (?, ?, ?)`, reference, nanoseconds(at), key); err != nil {
		return err
	}
	if err := t.do(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, 1)
		ON CONFLICT (pan_ref) DO UPDATE SET in_row = in_row + 1`, reference); err != nil {
		return err
	}
	return t.do(`DELETE FROM failures WHERE pan_ref = ? AND failed_at <= ?`, reference, failuresKeptSince(at))
}

// heedScopes ends a claim at the first scope that is at its limit.
func (t *turn) heedScopes(c *claiming) (vault.ClaimResult, error) {
	for _, scope := range c.Scopes {
		if scope.FailuresMax == 0 {
			continue
		}
		failures, err := t.scopeFailures(scope.Name, c.At)
		if err != nil {
			return vault.ClaimResult{}, err
		}
		if failures >= scope.FailuresMax {
			return vault.ClaimResult{State: vault.Throttled, Scope: scope.Name}, nil
		}
	}
	return won, nil
}

// selectScopeFailures counts the failures of a scope in an hour. Limits go up
// to 100000, so that it adds minutes and looks at single failures only where
// the hour begins.
const selectScopeFailures = `
	SELECT (SELECT coalesce(sum(failures), 0) FROM scope_minutes WHERE scope = ?1 AND minute > ?2)
		+ (SELECT count(*) FROM scope_failures WHERE scope = ?1 AND failed_at > ?3 AND failed_at < ?4)`

// scopeHour is what selectScopeFailures takes for the hour up to at.
func scopeHour(scope string, at time.Time) []any {
	since := nanoseconds(at.Add(-vault.ScopeFailuresFor))
	first := minuteOf(since)
	return []any{scope, first, since, (first + 1) * int64(time.Minute)}
}

// ScopeFailures counts the failures of a scope; see vault.Store.
func (s *store) ScopeFailures(ctx context.Context, scope string, at time.Time) (int, error) {
	return only(ctx, s, scanInt, selectScopeFailures, scopeHour(scope, at)...)
}

func scanInt(r row) (n int, err error) {
	err = r.Scan(&n)
	return n, err
}

func (t *turn) scopeFailures(scope string, at time.Time) (failures int, err error) {
	err = t.one(selectScopeFailures, scopeHour(scope, at), &failures)
	return failures, err
}

// minuteOf is the minute since 1970 of a stored time.
func minuteOf(stored int64) int64 {
	minute := stored / int64(time.Minute)
	if stored%int64(time.Minute) < 0 {
		minute--
	}
	return minute
}

// countOnScopes counts a failed claim on its scopes and gives those that it
// brought to their alarm.
func (t *turn) countOnScopes(c *claiming) (alarms []string, err error) {
	for _, scope := range c.Scopes {
		if err := t.countOnScope(scope.Name, c.Key, c.At); err != nil {
			return nil, err
		}
		if scope.AlarmAt == 0 {
			continue
		}
		failures, err := t.scopeFailures(scope.Name, c.At)
		if err != nil {
			return nil, err
		}
		if failures == scope.AlarmAt {
			alarms = append(alarms, scope.Name)
		}
	}
	return alarms, nil
}

// scopeFailuresPruned is how many old failures of a scope go when a new one
// comes: more than one, so that what has gathered does not stay.
const scopeFailuresPruned = 4

// scopeKeptSince is the time after which a failure on a scope is kept: twice as
// long as it counts, as with failuresKeptSince.
func scopeKeptSince(at time.Time) int64 { return nanoseconds(at.Add(-2 * vault.ScopeFailuresFor)) }

// countOnScope records a failure on a scope, and forgets some of those that
// are not kept any more.
func (t *turn) countOnScope(scope, key string, at time.Time) error {
	failed, old := nanoseconds(at), scopeKeptSince(at)
	if err := t.do(`INSERT INTO scope_failures (scope, failed_at, key) VALUES (?, ?, ?)`, scope, failed, key); err != nil {
		return err
	}
	if err := t.do(`INSERT INTO scope_minutes (scope, minute, failures) VALUES (?, ?, 1)
		ON CONFLICT (scope, minute) DO UPDATE SET failures = failures + 1`, scope, minuteOf(failed)); err != nil {
		return err
	}
	if err := t.do(`DELETE FROM scope_failures WHERE (scope, failed_at, key) IN
		(SELECT scope, failed_at, key FROM scope_failures WHERE scope = ? AND failed_at <= ? ORDER BY failed_at LIMIT ?)`,
		scope, old, scopeFailuresPruned); err != nil {
		return err
	}
	return t.do(`DELETE FROM scope_minutes WHERE scope = ? AND minute < ?`, scope, minuteOf(old))
}
