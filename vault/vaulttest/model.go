package vaulttest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var modelTests = []test{
	{"attempts, scopes and unlocking follow the model", followsModel},
	{"reversals, changes, counters and lent keys follow the model", followsLifeModel},
}

// modelSteps is the most steps of one run.
const modelSteps = 20

// modelLimits are low, so that runs reach them.
func modelLimits() dcvv2.Policy {
	p := dcvv2.DefaultPolicy()
	p.FailuresPerDayMax, p.FailuresInRowMax = 3, 4
	return p
}

// model is what a store must say, kept the plain way.
type model struct {
	run    int // makes accounts and scopes of its own
	steps  int
	at     time.Time
	failed map[int][]time.Time    // by account
	inRow  map[int]int            // by account
	scopes map[string][]time.Time // by name
}

func followsModel(b *bench) {
	run := 0
	rapid.Check(b.T, func(t *rapid.T) {
		run++
		m := &model{run: run, at: noon, failed: map[int][]time.Time{}, inRow: map[int]int{}, scopes: map[string][]time.Time{}}
		for range rapid.IntRange(1, modelSteps).Draw(t, "steps") {
			m.steps++
			m.at = m.at.Add(drawPause(t))
			switch rapid.SampledFrom([]string{"claim", "claim", "claim", "claim", "unlock", "succeed"}).Draw(t, "step") {
			case "claim":
				m.claim(b, t)
			case "unlock":
				m.unlock(b, t)
			case "succeed":
				m.succeed(b, t)
			}
		}
	})
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

// drawPause is a time between steps: mostly short, often at a limit, and now
// and then backwards, as when requests overtake each other.
func drawPause(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{
		0, 0, 1, time.Second, 17*time.Minute + 3, 30 * time.Minute, -time.Second,
		vault.ScopeFailuresFor - 1, vault.ScopeFailuresFor, vault.FailuresFor - 1, vault.FailuresFor,
	}).Draw(t, "pause")
}

func (m *model) pan(n int) card.PAN { return PAN(m.run*100 + n) }

func drawAccount(t *rapid.T) int { return rapid.IntRange(1, 3).Draw(t, "account") }

func (m *model) attempts(account int) dcvv2.Attempts {
	return dcvv2.Attempts{
		FailuresInDay: countAfter(m.failed[account], m.at.Add(-vault.FailuresFor)),
		FailuresInRow: m.inRow[account],
	}
}

func countAfter(times []time.Time, since time.Time) (n int) {
	for _, at := range times {
		if at.After(since) {
			n++
		}
	}
	return n
}

func (m *model) inHour(scope string) int {
	return countAfter(m.scopes[scope], m.at.Add(-vault.ScopeFailuresFor))
}

func (m *model) claim(b *bench, t *rapid.T) {
	account := drawAccount(t)
	c := vault.Claim{
		Key: fmt.Sprintf("model %d, step %d", m.run, m.steps), Kind: vault.KindActivation, At: m.at, PAN: m.pan(account),
		Failed: rapid.Bool().Draw(t, "failed"),
	}
	if rapid.Bool().Draw(t, "limits") {
		c.Limits = modelLimits()
	}
	outcome := declined(token.ReasonWrongCode)
	c.Outcome = &outcome
	for _, name := range []string{"one", "two"} {
		if rapid.Bool().Draw(t, name) {
			c.Scopes = append(c.Scopes, vault.Scope{
				Name:        fmt.Sprintf("model %d/%s", m.run, name),
				FailuresMax: rapid.IntRange(0, 4).Draw(t, "most"), AlarmAt: rapid.IntRange(0, 3).Draw(t, "alarm"),
			})
		}
	}
	got, err := b.store.Claim(b.ctx, c)
	if diff := cmp.Diff(m.decide(c, account), got, plain); err != nil || diff != "" {
		t.Fatalf("claim %+v: %v, (-model +store):\n%s", c, err, diff)
	}
	m.compare(b, t, account)
}

// decide is what must become of a claim, and counts it.
func (m *model) decide(c vault.Claim, account int) vault.ClaimResult {
	attempts, policy := m.attempts(account), modelLimits()
	if c.Limits == policy && (policy.Locked(attempts) || policy.DayExhausted(attempts)) {
		return vault.ClaimResult{State: vault.Blocked, Attempts: attempts}
	}
	full := func(s vault.Scope) bool { return s.FailuresMax > 0 && m.inHour(s.Name) >= s.FailuresMax }
	if i := slices.IndexFunc(c.Scopes, full); i >= 0 {
		return vault.ClaimResult{State: vault.Throttled, Scope: c.Scopes[i].Name}
	}
	result := vault.ClaimResult{State: vault.Won}
	if !c.Failed {
		return result
	}
	m.failed[account] = append(m.failed[account], m.at)
	m.inRow[account]++
	for _, s := range c.Scopes {
		m.scopes[s.Name] = append(m.scopes[s.Name], m.at)
		if s.AlarmAt > 0 && m.inHour(s.Name) == s.AlarmAt {
			result.Alarms = append(result.Alarms, s.Name)
		}
	}
	return result
}

func (m *model) unlock(b *bench, t *rapid.T) {
	account := drawAccount(t)
	r := vault.AccountRequest{Client: "greenbank", Change: vault.ChangeUnlock, PAN: m.pan(account), At: m.at}
	if _, err := b.store.ServeAccount(b.ctx, r); err != nil {
		t.Fatal(err)
	}
	m.failed[account], m.inRow[account] = nil, 0
	m.compare(b, t, account)
}

func (m *model) succeed(b *bench, t *rapid.T) {
	account := drawAccount(t)
	key := fmt.Sprintf("model %d, step %d", m.run, m.steps)
	claim := vault.Claim{Key: key, Kind: vault.KindActivation, At: m.at, PAN: m.pan(account)}
	if got, err := b.store.Claim(b.ctx, claim); err != nil || got.State != vault.Won {
		t.Fatalf("claiming: %s, %v", got.State, err)
	}
	end := vault.Conclusion{Key: key, At: m.at, PAN: m.pan(account), Succeeded: true, Outcome: approved("")}
	if err := b.store.Conclude(b.ctx, end); err != nil {
		t.Fatal(err)
	}
	m.inRow[account] = 0
	m.compare(b, t, account)
}

func (m *model) compare(b *bench, t *rapid.T, account int) {
	got, err := b.store.Account(b.ctx, m.pan(account), m.at)
	if want := m.attempts(account); err != nil || got.Attempts != want {
		t.Fatalf("account %d has %+v, not %+v; %v", account, got.Attempts, want, err)
	}
	for scope := range m.scopes {
		if n, err := b.store.ScopeFailures(b.ctx, scope, m.at); err != nil || n != m.inHour(scope) {
			t.Fatalf("%s has %d failures, not %d; %v", scope, n, m.inHour(scope), err)
		}
	}
}
