package vaulttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var claimTests = []test{
	{"a claim with its outcome is answered again from the record", claimDecided},
	{"a claim under way is busy, then answered", claimUnderWay},
	{"the same key with other content is a conflict", claimConflict},
	{"a code is spent once in its window", claimUsed},
	{"limits per day block", claimBlockedByDay},
	{"limits in a row block for ever", claimBlockedByRow},
	{"a counter only rises", claimStale},
	{"conditions are looked at in their order", claimOrder},
	{"a claim that is not won changes nothing", claimLost},
	{"a counter of no token is an error", claimUnknownToken},
	{"ill-formed claims are refused", claimIllFormed},
	{"a context that has ended changes nothing", claimCancelled},
	{"a closed store says so", closedStore},
}

func claimDecided(b *bench) {
	c := guess("key", 1)
	c.Outcome = new(approved("0123"))
	b.claim(c, vault.Won)
	again := b.claim(c, vault.Answered)
	want := vault.Transaction{Key: "key", Kind: vault.KindActivation, TransactionID: c.TransactionID, At: noon, Outcome: c.Outcome}
	if diff := cmp.Diff(want, again.Recorded); diff != "" {
		b.Errorf("recorded (-want +got):\n%s", diff)
	}
	b.unfinished()
	if err := b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon}); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("concluding it: %v", err)
	}
}

func claimUnderWay(b *bench) {
	c := activation("key", 1)
	b.claim(c, vault.Won)
	c.At, c.TransactionID = noon.Add(time.Second), "000000000000009" // a repeat draws its own
	busy := b.claim(c, vault.Busy)
	want := vault.Transaction{Key: "key", Kind: vault.KindActivation, TransactionID: "000000000000001", At: noon}
	if diff := cmp.Diff(want, busy.Recorded); diff != "" {
		b.Errorf("recorded (-want +got):\n%s", diff)
	}
	outcome := declined(token.ReasonIssuerDeclined)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: outcome}))
	want.Outcome = &outcome
	if diff := cmp.Diff(want, b.claim(c, vault.Answered).Recorded); diff != "" {
		b.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func claimConflict(b *bench) {
	c := activation("key", 1)
	b.claim(c, vault.Won)
	c.Content = []byte("other content")
	if got := b.claim(c, vault.Conflict); got.Recorded != (vault.Transaction{}) {
		b.Errorf("a conflict gives away %+v", got.Recorded)
	}
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved("")}))
	b.claim(c, vault.Conflict)
}

func claimUsed(b *bench) {
	b.claim(spending("first", 1), vault.Won)
	b.claim(spending("second", 1), vault.Used)
	b.claim(spending("another account", 2), vault.Won)

	next := spending("next window", 1)
	next.Spend = next.Spend.Shift(1)
	b.claim(next, vault.Won)

	longer := spending("same index, longer windows", 1)
	longer.Spend.Hours = 7
	b.claim(longer, vault.Won)
}

func claimBlockedByDay(b *bench) {
	limits := dcvv2.DefaultPolicy()
	for i := range limits.FailuresPerDayMax {
		b.claim(guess(fmt.Sprint("guess ", i), 1), vault.Won)
	}
	want := dcvv2.Attempts{FailuresInDay: limits.FailuresPerDayMax, FailuresInRow: limits.FailuresPerDayMax}
	for _, c := range []vault.Claim{guess("one more", 1), spending("the right code", 1), activation("a code for many tokens", 1)} {
		if got := b.claim(c, vault.Blocked); got.Attempts != want {
			b.Errorf("%s: attempts are %+v, not %+v", c.Key, got.Attempts, want)
		}
	}
	b.attempts(PAN(1), noon, want)
	none := activation("no attempt at all", 1)
	none.Limits = dcvv2.Policy{}
	b.claim(none, vault.Won)

	later := spending("a day later", 1)
	later.At = noon.Add(vault.FailuresFor)
	b.claim(later, vault.Won)
}

func claimBlockedByRow(b *bench) {
	limits := dcvv2.DefaultPolicy()
	at := noon
	for i := range limits.FailuresInRowMax {
		c := guess(fmt.Sprint("guess ", i), 1)
		c.At = at
		b.claim(c, vault.Won)
		at = at.Add(vault.FailuresFor / 2)
	}
	locked := spending("long after", 1)
	locked.At = at.Add(30 * vault.FailuresFor)
	got := b.claim(locked, vault.Blocked)
	if want := (dcvv2.Attempts{FailuresInRow: limits.FailuresInRowMax}); got.Attempts != want {
		b.Errorf("attempts are %+v, not %+v", got.Attempts, want)
	}
}

func claimStale(b *bench) {
	one := b.mint(1)
	for i, step := range []struct {
		atc  uint16
		want vault.ClaimState
	}{
		{0, vault.Stale},
		{1, vault.Won},
		{1, vault.Stale},
		{0, vault.Stale},
		{300, vault.Won},
		{299, vault.Stale},
		{65535, vault.Won},
		{65535, vault.Stale},
	} {
		b.claim(tap(fmt.Sprint("tap ", i), one.Reference, step.atc), step.want)
	}
	got, err := b.store.TokenByReference(b.ctx, one.Reference)
	b.must(err)
	if got.ATC != 65535 {
		b.Errorf("the counter is %d", got.ATC)
	}
}

// claimOrder lets several conditions fail at once.
func claimOrder(b *bench) {
	limits := dcvv2.DefaultPolicy()
	one := b.mint(1)
	b.claim(spending("spent", 1), vault.Won)
	b.claim(spending("spent, too", 2), vault.Won)
	for i := range limits.FailuresPerDayMax {
		b.claim(guess(fmt.Sprint("guess ", i), 1), vault.Won)
	}
	b.claim(limited(guess("a failure on the scope", 4), 0), vault.Won)
	all := limited(spending("guess 0", 1), 1)
	all.Reference, all.ATC = one.Reference, 0
	all.LentKey, all.LentUsesMax = "6781300", 1
	all.Change = new(step(one.Reference, token.Resume))
	all.Reverses = "no such key"
	b.claim(all, vault.Answered)
	for _, next := range []struct {
		holds func() // makes the condition hold that did not
		want  vault.ClaimState
	}{
		{func() { all.Key = "a claim of its own" }, vault.Missing},
		{func() { all.Reverses, all.ReversesOpen = "guess 0", true }, vault.Overtaken},
		{func() { all.ReversesOpen = false }, vault.Blocked},
		{func() { all.PAN, all.Reverses = PAN(2), "" }, vault.Throttled},
		{func() { all.Scopes = nil }, vault.Used},
		{func() { all.PAN = PAN(3) }, vault.Stale},
		{func() { all.ATC = 1 }, vault.Unlent},
		{func() { b.lend(one.Reference, noon, all.LentKey) }, vault.Overtaken},
		{func() { all.Change = new(step(one.Reference, token.Suspend)) }, vault.Won},
	} {
		next.holds()
		b.claim(all, next.want)
	}
	all.Key, all.ATC, all.Change = "another", 2, new(step(one.Reference, token.Suspend))
	all.Spend = dcvv2.Window{}
	b.claim(all, vault.Worn) // and the token cannot be suspended again
}

func claimLost(b *bench) {
	limits := dcvv2.DefaultPolicy()
	one := b.mint(1)
	b.claim(spending("spent", 2), vault.Won)
	for i := range limits.FailuresPerDayMax {
		b.claim(guess(fmt.Sprint("guess ", i), 3), vault.Won)
	}
	before := b.trail()

	used := spending("key", 2)
	used.Reference, used.ATC = one.Reference, 9
	b.claim(used, vault.Used)
	blocked := guess("key", 3)
	blocked.Reference, blocked.ATC = one.Reference, 9
	b.claim(blocked, vault.Blocked)
	stale := spending("key", 4)
	stale.Reference, stale.ATC = one.Reference, 0
	b.claim(stale, vault.Stale)

	if after := b.trail(); len(after) != len(before) {
		b.Errorf("the trail grew by %d entries", len(after)-len(before))
	}
	b.unfinished("spent")
	b.attempts(PAN(2), noon, dcvv2.Attempts{})
	stale.ATC = 9 // the key, the code and the counter are all still free
	b.claim(stale, vault.Won)
}

func claimUnknownToken(b *bench) {
	if got, err := b.store.Claim(b.ctx, tap("key", "no such token", 1)); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("got %+v, %v", got, err)
	}
	b.unfinished()
}

func claimIllFormed(b *bench) {
	for _, bad := range []struct {
		name   string
		change func(*vault.Claim)
	}{
		{"no key", func(c *vault.Claim) { c.Key = "" }},
		{"key one byte too long", func(c *vault.Claim) { c.Key = strings.Repeat("k", vault.KeyBytesMax+1) }},
		{"no kind", func(c *vault.Claim) { c.Kind = "" }},
		{"a failure of nobody", func(c *vault.Claim) { c.Failed, c.PAN = true, card.PAN{} }},
		{"a code of nobody", func(c *vault.Claim) { c.Spend, c.PAN = dcvv2.WindowAt(noon, 1), card.PAN{} }},
	} {
		c := activation("key", 1)
		bad.change(&c)
		if _, err := b.store.Claim(b.ctx, c); !errors.Is(err, vault.ErrClaim) {
			b.Errorf("%s: %v", bad.name, err)
		}
	}
	b.claim(activation(strings.Repeat("k", vault.KeyBytesMax), 1), vault.Won)
}

func claimCancelled(b *bench) {
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err := b.store.Claim(ended, activation("key", 1)); !errors.Is(err, context.Canceled) {
		b.Errorf("got %v", err)
	}
	b.unfinished()
	b.claim(activation("key", 1), vault.Won)
}

// closedStore asks every method of a closed store.
func closedStore(b *bench) {
	s := b.store
	b.must(s.Close())
	b.must(s.Close()) // twice is once
	calls := map[string]func() error{
		"ServeAccount":       func() error { _, err := s.ServeAccount(b.ctx, asking("id", 1)); return err },
		"a question":         func() error { _, err := s.ServeAccount(b.ctx, asking("", 1)); return err },
		"Ranges":             func() error { _, err := s.Ranges(b.ctx); return err },
		"PutRange":           func() error { return s.PutRange(b.ctx, rangeRecord(1), "ops", "", noon) },
		"Account":            func() error { _, err := s.Account(b.ctx, PAN(1), noon); return err },
		"Claim":              func() error { _, err := s.Claim(b.ctx, activation("key", 1)); return err },
		"Conclude":           func() error { return s.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon}) },
		"Unfinished":         func() error { _, err := s.Unfinished(b.ctx); return err },
		"Token":              func() error { _, err := s.Token(b.ctx, Number(1)); return err },
		"TokenByReference":   func() error { _, err := s.TokenByReference(b.ctx, "x"); return err },
		"Step":               func() error { _, err := s.Step(b.ctx, step("x", token.Suspend), noon); return err },
		"LendKey":            func() error { _, err := s.LendKey(b.ctx, "x", noon); return err },
		"Transaction":        func() error { _, err := s.Transaction(b.ctx, "x"); return err },
		"TokensOf":           func() error { _, err := s.TokensOf(b.ctx, PAN(1)); return err },
		"DueAdvices":         func() error { _, err := s.DueAdvices(b.ctx, noon, 1); return err },
		"PostponeAdvice":     func() error { return s.PostponeAdvice(b.ctx, 1, noon, true) },
		"AcknowledgeAdvices": func() error { return s.AcknowledgeAdvices(b.ctx, []int64{1}, noon) },
		"Notify":             func() error { return s.Notify(b.ctx, token.Notice{}, noon) },
		"Due":                func() error { _, err := s.Due(b.ctx, noon, 0, 1); return err },
		"Postpone":           func() error { return s.Postpone(b.ctx, 1, noon, true) },
		"Acknowledge":        func() error { return s.Acknowledge(b.ctx, []int64{1}, noon) },
		"Prune":              func() error { _, err := s.Prune(b.ctx, noon); return err },
		"Audit":              func() error { _, err := s.Audit(b.ctx, 0, 1); return err },
		"Explain":            func() error { _, err := s.Explain(b.ctx, "1"); return err },
	}
	var names []string
	for name := range calls {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := calls[name](); !errors.Is(err, vault.ErrClosed) {
			b.Errorf("%s: %v", name, err)
		}
	}
}
