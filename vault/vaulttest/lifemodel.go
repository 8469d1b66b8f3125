package vaulttest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// lifeModel is what a store must say of one token and of the transactions
// about its account, kept the plain way.
type lifeModel struct {
	run      int // makes a token and keys of its own
	steps    int
	token    token.Token
	requests []*lifeRequest
	lent     []int // uses of the keys, by their counters
	marks    map[string]bool
	advised  map[string]bool
}

// lifeRequest is a transaction that may be reversed.
type lifeRequest struct {
	key                 string
	concluded, reversed bool
}

func followsLifeModel(b *bench) {
	run := 0
	rapid.Check(b.T, func(t *rapid.T) {
		run++
		m := &lifeModel{run: run, marks: map[string]bool{}, advised: map[string]bool{}}
		m.token = b.stored(inactive(run))
		for range rapid.IntRange(1, modelSteps).Draw(t, "steps") {
			m.steps++
			switch rapid.SampledFrom([]string{"ask", "claim", "claim", "claim", "conclude", "lend", "step"}).Draw(t, "step") {
			case "ask":
				m.ask(b, t)
			case "claim":
				m.claim(b, t)
			case "conclude":
				m.conclude(b, t)
			case "lend":
				m.lend(b, t)
			case "step":
				m.step(b, t)
			}
			m.compare(b, t)
		}
	})
	for _, q := range b.allAdvices() {
		b.must(b.store.AcknowledgeAdvices(b.ctx, []int64{q.ID}, noon))
	}
}

// allAdvices lists the advices that are due, however many.
func (b *bench) allAdvices() []vault.QueuedAdvice {
	b.Helper()
	list, err := b.store.DueAdvices(b.ctx, noon, vault.ListMax)
	b.must(err)
	return list
}

func (m *lifeModel) key() string { return fmt.Sprintf("life %d, step %d", m.run, m.steps) }

// ask claims a request about the account that goes on.
func (m *lifeModel) ask(b *bench, t *rapid.T) {
	c := online(m.key(), m.run)
	if got, err := b.store.Claim(b.ctx, c); err != nil || got.State != vault.Won {
		t.Fatalf("asking: %s, %v", got.State, err)
	}
	m.requests = append(m.requests, &lifeRequest{key: c.Key})
}

// drawRequest gives a request, or one that never was.
func (m *lifeModel) drawRequest(t *rapid.T) *lifeRequest {
	n := rapid.IntRange(-1, len(m.requests)-1).Draw(t, "request")
	if n < 0 {
		return &lifeRequest{key: "life of nobody"}
	}
	return m.requests[n]
}

// claim claims with any of the conditions at once.
func (m *lifeModel) claim(b *bench, t *rapid.T) {
	c := vault.Claim{Key: m.key(), Kind: vault.KindReversal, TransactionID: fmt.Sprintf("%015d", m.run), At: noon, Outcome: new(approved(""))}
	var original *lifeRequest
	if rapid.Bool().Draw(t, "reverses") {
		original = m.drawRequest(t)
		c.Reverses, c.ReversesOpen = original.key, rapid.Bool().Draw(t, "open")
		if n := rapid.IntRange(0, 4).Draw(t, "account"); n > 0 {
			c.PAN = PAN(m.run + n/4) // mostly the right one
		}
	}
	if rapid.Bool().Draw(t, "taps") {
		c.Reference, c.ATC = m.token.Reference, uint16(rapid.IntRange(0, 6).Draw(t, "counter"))
		c.Mark = rapid.SampledFrom([][]byte{nil, []byte("one"), []byte("two")}).Draw(t, "mark")
		if rapid.Bool().Draw(t, "with a lent key") {
			c.LentKey, c.LentUsesMax = emv.LimitedUseIndexAt(noon, rapid.IntRange(0, 2).Draw(t, "key")), 2
		}
	}
	if rapid.Bool().Draw(t, "changes") {
		c.Change = m.drawChange(t)
	}
	if rapid.Bool().Draw(t, "advises") {
		c.Advices = []vault.Advice{advice(vault.AdviceReversal, m.run)}
	}
	want := m.decide(c, original)
	got, err := b.store.Claim(b.ctx, c)
	if diff := cmp.Diff(want, got, plain); err != nil || diff != "" {
		t.Fatalf("claim %+v: %v, (-model +store):\n%s", c, err, diff)
	}
}

func (m *lifeModel) drawChange(t *rapid.T) *token.Change {
	c := step(m.token.Reference, rapid.SampledFrom(token.Events).Draw(t, "event"))
	c.By = rapid.SampledFrom(token.Parties).Draw(t, "by")
	if c.Event == token.FailPasscode || c.Event == token.Activate {
		c.PasscodeNumber = rapid.IntRange(1, token.PasscodesMax).Draw(t, "passcode")
	}
	c.PAN = PAN(m.run) // its account stays, but not how it is sealed
	return &c
}

// decide is what must become of a claim, and does it.
func (m *lifeModel) decide(c vault.Claim, original *lifeRequest) vault.ClaimResult {
	if original != nil {
		known := slices.Contains(m.requests, original)
		switch {
		case !known || !c.PAN.IsZero() && c.PAN != PAN(m.run):
			return vault.ClaimResult{State: vault.Missing}
		case original.reversed:
			return vault.ClaimResult{State: vault.Reversed}
		case c.ReversesOpen == original.concluded:
			return vault.ClaimResult{State: vault.Overtaken}
		}
	}
	mark := fmt.Sprintf("%d %s", c.ATC, c.Mark)
	if c.Reference != "" && c.ATC <= m.token.ATC {
		return vault.ClaimResult{State: vault.Stale, Replayed: m.marks[mark]}
	}
	lent := -1
	if c.LentKey != "" {
		lent = slices.IndexFunc(m.lentIndexes(), func(index string) bool { return index == c.LentKey })
		switch {
		case lent < 0:
			return vault.ClaimResult{State: vault.Unlent}
		case m.lent[lent] >= c.LentUsesMax:
			return vault.ClaimResult{State: vault.Worn}
		}
	}
	return m.do(c, original, mark, lent)
}

// do changes the model as a claim of which all but the Change holds would.
func (m *lifeModel) do(c vault.Claim, original *lifeRequest, mark string, lent int) vault.ClaimResult {
	is := m.token
	if c.Reference != "" {
		is.ATC = c.ATC
	}
	result := vault.ClaimResult{State: vault.Won}
	if c.Change != nil {
		var err error
		if is, err = is.Apply(*c.Change); err != nil {
			return vault.ClaimResult{State: vault.Overtaken}
		}
		result.Token = is
	}
	m.token = is
	if original != nil {
		original.reversed = true
	}
	if len(c.Mark) > 0 {
		m.marks[mark] = true
	}
	if lent >= 0 {
		m.lent[lent]++
	}
	for _, a := range c.Advices {
		m.advised[a.TransactionID] = true
	}
	return result
}

func (m *lifeModel) lentIndexes() (all []string) {
	for counter := range m.lent {
		all = append(all, emv.LimitedUseIndexAt(noon, counter))
	}
	return all
}

func (m *lifeModel) lend(b *bench, t *rapid.T) {
	got, err := b.store.LendKey(b.ctx, m.token.Reference, noon)
	if want := emv.LimitedUseIndexAt(noon, len(m.lent)); err != nil || got != want {
		t.Fatalf("lent is %s, not %s; %v", got, want, err)
	}
	m.lent = append(m.lent, 0)
}

func (m *lifeModel) conclude(b *bench, t *rapid.T) {
	request := m.drawRequest(t)
	end := vault.Conclusion{Key: request.key, At: noon, Outcome: approved(""), Undone: rapid.Bool().Draw(t, "undone")}
	var want error
	switch {
	case !slices.Contains(m.requests, request) || request.concluded:
		want = vault.ErrNotFound
	case request.reversed && !end.Undone:
		want = vault.ErrReversed
	default:
		request.concluded = true
	}
	if err := b.store.Conclude(b.ctx, end); !errors.Is(err, want) {
		t.Fatalf("concluding %+v: %v, not %v", request, err, want)
	}
}

func (m *lifeModel) step(b *bench, t *rapid.T) {
	c := m.drawChange(t)
	want, refused := m.token.Apply(*c)
	got, err := b.store.Step(b.ctx, *c, noon)
	if (err == nil) != (refused == nil) || err == nil && got != want {
		t.Fatalf("%s by %s: %+v, %v; want %+v, %v", c.Event, c.By, got, err, want, refused)
	}
	m.token = want
}

func (m *lifeModel) compare(b *bench, t *rapid.T) {
	got, err := b.store.TokenByReference(b.ctx, m.token.Reference)
	if err != nil || got != m.token {
		t.Fatalf("the token is %+v, not %+v; %v", got, m.token, err)
	}
	for _, one := range m.requests {
		is, err := b.store.Transaction(b.ctx, one.key)
		if err != nil || is.Reversed != one.reversed || (is.Outcome != nil) != one.concluded || *is.Question != question(m.run) {
			t.Fatalf("%+v is %+v, %v", one, is, err)
		}
	}
	waits := slices.ContainsFunc(b.allAdvices(), func(q vault.QueuedAdvice) bool { return m.advised[q.Advice.TransactionID] })
	if waits != (len(m.advised) > 0) {
		t.Fatalf("an advice waits: %t", waits)
	}
}
