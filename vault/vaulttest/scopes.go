package vaulttest

import (
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

var scopeTests = []test{
	{"failures of many accounts throttle", scopeThrottles},
	{"failures count for an hour on a scope", scopeExpires},
	{"the hour is exact wherever it begins", scopeExact},
	{"the first scope at its limit is named", scopeNamed},
	{"scopes come after limits and before codes", scopeOrder},
	{"a failure that reaches it is an alarm", scopeAlarms},
	{"unlocking an account frees no scope", scopeUnlock},
	{"scopes outlive the store", scopesReopen},
	{"ill-formed scopes and details are refused", scopeIllFormed},
	{"the trail tells what was checked", detailTrail},
}

const (
	requestorScope = "requestor/40010030273"
	rangeScope     = "range/4761739"
)

// limited is a claim with one scope.
func limited(c vault.Claim, most int) vault.Claim {
	c.Scopes = []vault.Scope{{Name: rangeScope, FailuresMax: most}}
	return c
}

func scopeThrottles(b *bench) {
	for n := range 3 {
		b.claim(limited(guess(fmt.Sprint("guess ", n), n), 3), vault.Won)
	}
	b.scopeFailures(rangeScope, noon, 3)
	b.scopeFailures(requestorScope, noon, 0)
	before := b.trail()
	for _, c := range []vault.Claim{guess("one more", 9), spending("the right code", 9), activation("no code", 9)} {
		if got := b.claim(limited(c, 3), vault.Throttled); got.Scope != rangeScope || got.Alarms != nil {
			b.Errorf("%s: got %+v", c.Key, got)
		}
	}
	if len(b.trail()) != len(before) {
		b.Error("a throttled claim is in the trail")
	}
	b.attempts(PAN(9), noon, dcvv2.Attempts{})
	b.unfinished()

	again := limited(spending("the right code", 9), 0) // with its outcome, and no limit
	again.Spend, again.Outcome = dcvv2.Window{}, new(declined(token.ReasonWrongCode))
	b.claim(again, vault.Won)
	b.claim(limited(guess("right after", 9), 4), vault.Won) // it counted no failure
	b.claim(limited(guess("counted", 9), 4), vault.Throttled)
}

func scopeExpires(b *bench) {
	for i := range 3 {
		c := limited(guess(fmt.Sprint("guess ", i), i), 3)
		c.At = noon.Add(time.Duration(i) * time.Minute)
		b.claim(c, vault.Won)
	}
	late := limited(guess("late", 9), 3)
	late.At = noon.Add(vault.ScopeFailuresFor - 1)
	b.claim(late, vault.Throttled)
	late.At = noon.Add(vault.ScopeFailuresFor) // exactly an hour old counts no more
	b.claim(late, vault.Won)
	late.Key = "later"
	b.claim(late, vault.Throttled)
}

// scopeExact looks at failures on both sides of a minute's end.
func scopeExact(b *bench) {
	minute := noon.Truncate(time.Minute)
	failed := []time.Time{minute.Add(-1), minute, minute.Add(1), minute.Add(time.Minute - 1), minute.Add(time.Minute)}
	for i, at := range failed {
		c := guess(fmt.Sprint("guess ", i), i)
		c.At, c.Scopes = at, []vault.Scope{{Name: rangeScope}}
		b.claim(c, vault.Won)
	}
	for i, at := range failed {
		for _, moment := range []struct {
			at   time.Time
			want int
		}{
			{at.Add(vault.ScopeFailuresFor - 1), len(failed) - i},
			{at.Add(vault.ScopeFailuresFor), len(failed) - i - 1},
		} {
			c := limited(activation(fmt.Sprint("at the limit ", i, moment.want), 9), moment.want)
			c.At = moment.at
			b.scopeFailures(c.Scopes[0].Name, c.At, moment.want)
			if moment.want > 0 {
				b.claim(c, vault.Throttled)
			}
			c.Scopes[0].FailuresMax = moment.want + 1
			b.claim(c, vault.Won)
		}
	}
}

func scopeNamed(b *bench) {
	c := guess("guess", 1)
	c.Scopes = []vault.Scope{{Name: requestorScope}, {Name: rangeScope}, {Name: "other"}}
	b.claim(c, vault.Won)
	for _, limits := range []struct {
		most []int
		want string
	}{
		{[]int{1, 1, 1}, requestorScope},
		{[]int{2, 1, 1}, rangeScope},
		{[]int{0, 2, 1}, "other"},
	} {
		c := guess("one more", 2)
		c.Scopes = []vault.Scope{
			{Name: requestorScope, FailuresMax: limits.most[0]},
			{Name: rangeScope, FailuresMax: limits.most[1]},
			{Name: "other", FailuresMax: limits.most[2]},
			{Name: "never heard of", FailuresMax: 1},
		}
		if got := b.claim(c, vault.Throttled); got.Scope != limits.want {
			b.Errorf("limits %v: %s", limits.most, got.Scope)
		}
	}
}

func scopeOrder(b *bench) {
	b.claim(spending("spent", 1), vault.Won)
	for i := range dcvv2.FailuresPerDayDefault {
		b.claim(limited(guess(fmt.Sprint("guess ", i), 2), 0), vault.Won)
	}
	b.claim(limited(guess("guess 0", 2), 1), vault.Answered)
	b.claim(limited(spending("blocked and throttled", 2), 1), vault.Blocked)
	b.claim(limited(spending("throttled and used", 1), 1), vault.Throttled)
	b.claim(limited(spending("used", 1), 0), vault.Used)
}

func scopeAlarms(b *bench) {
	for i := range 5 {
		c := guess(fmt.Sprint("guess ", i), i)
		c.Scopes = []vault.Scope{{Name: requestorScope, AlarmAt: 2}, {Name: rangeScope, FailuresMax: 9, AlarmAt: 4}, {Name: "quiet"}}
		var want []string
		switch i + 1 {
		case 2:
			want = []string{requestorScope}
		case 4:
			want = []string{rangeScope}
		}
		if got := b.claim(c, vault.Won).Alarms; !slices.Equal(got, want) {
			b.Errorf("failure %d: alarms are %q", i+1, got)
		}
		if got := b.claim(c, vault.Answered).Alarms; got != nil {
			b.Errorf("the repeat of failure %d: alarms are %q", i+1, got)
		}
	}
	good := activation("no failure", 9)
	good.Scopes = []vault.Scope{{Name: rangeScope, AlarmAt: 5}}
	if got := b.claim(good, vault.Won).Alarms; got != nil {
		b.Errorf("alarms of no failure: %q", got)
	}
	later := guess("an hour later", 9)
	later.At, later.Scopes = noon.Add(vault.ScopeFailuresFor), []vault.Scope{{Name: requestorScope, AlarmAt: 1}}
	b.claim(later, vault.Won)
	var alarms []string
	for _, e := range b.trail() {
		if e.Event == vault.EventFailuresAlarm {
			alarms = append(alarms, e.Detail+" "+e.Subject)
		}
	}
	want := []string{
		requestorScope + " " + PAN(1).Masked(), rangeScope + " " + PAN(3).Masked(), requestorScope + " " + PAN(9).Masked(),
	}
	if diff := cmp.Diff(want, alarms); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}

func scopeUnlock(b *bench) {
	b.claim(limited(guess("guess", 1), 1), vault.Won)
	b.change(vault.ChangeUnlock, 1, noon)
	b.claim(limited(guess("one more", 1), 1), vault.Throttled)
}

func scopesReopen(b *bench) {
	b.claim(limited(guess("guess", 1), 2), vault.Won)
	b.reopen()
	b.claim(limited(guess("one more", 2), 2), vault.Won)
	b.claim(limited(guess("too many", 3), 2), vault.Throttled)
}

func scopeIllFormed(b *bench) {
	most := func(n int) (list []vault.Scope) {
		for i := range n {
			list = append(list, vault.Scope{Name: fmt.Sprint(i)})
		}
		return list
	}
	for _, bad := range []struct {
		name   string
		change func(*vault.Claim)
	}{
		{"one scope too many", func(c *vault.Claim) { c.Scopes = most(vault.ScopesMax + 1) }},
		{"no name", func(c *vault.Claim) { c.Scopes[0].Name = "" }},
		{"name one byte too long", func(c *vault.Claim) { c.Scopes[0].Name = strings.Repeat("n", vault.KeyBytesMax+1) }},
		{"the same twice", func(c *vault.Claim) { c.Scopes = append(c.Scopes, c.Scopes[0]) }},
		{"a limit below zero", func(c *vault.Claim) { c.Scopes[0].FailuresMax = -1 }},
		{"an alarm below zero", func(c *vault.Claim) { c.Scopes[0].AlarmAt = -1 }},
		{"detail one byte too long", func(c *vault.Claim) { c.Detail = strings.Repeat("d", vault.DetailBytesMax+1) }},
		{"failures of nobody", func(c *vault.Claim) { c.Failed, c.PAN, c.Limits = true, card.PAN{}, dcvv2.Policy{} }},
	} {
		c := limited(activation("key", 1), 1)
		bad.change(&c)
		if _, err := b.store.Claim(b.ctx, c); !errors.Is(err, vault.ErrClaim) {
			b.Errorf("%s: %v", bad.name, err)
		}
	}
	longest := activation("key", 1)
	longest.Scopes, longest.Detail = most(vault.ScopesMax), strings.Repeat("d", vault.DetailBytesMax)
	longest.Scopes[0].Name = strings.Repeat("n", vault.KeyBytesMax)
	b.claim(longest, vault.Won)
}

func detailTrail(b *bench) {
	c := spending("activation", 1)
	c.Detail = "result M"
	b.claim(c, vault.Won)
	c = tap("tap", "", 0)
	c.Detail, c.Outcome = "counter 7", new(approved("reference"))
	b.claim(c, vault.Won)
	var got []string
	for _, e := range b.trail() {
		got = append(got, strings.Join([]string{e.Event, e.Transaction, e.Detail}, "|"))
	}
	want := []string{
		"activation claimed|000000000000001|", "code checked|000000000000001|result M",
		"code used|000000000000001|window 498708 of 1 h",
		"tap checked|000000000000002|counter 7", "tap accepted|000000000000002|response 00: issuer approved",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}

// parallelScopes spreads guesses so that no account reaches its own limit.
func parallelScopes(b *bench) {
	const accounts, most, alarmAt = 40, 25, 20
	results := make([]vault.ClaimResult, callers)
	b.atOnce(func(n int) (err error) {
		c := guess(fmt.Sprint("caller ", n), n%accounts)
		c.Scopes = []vault.Scope{{Name: rangeScope, FailuresMax: most, AlarmAt: alarmAt}, {Name: requestorScope, AlarmAt: most}}
		results[n], err = b.store.Claim(b.ctx, c)
		return err
	})
	count, alarms, failures := map[vault.ClaimState]int{}, map[string]int{}, 0
	for _, r := range results {
		count[r.State]++
		for _, scope := range r.Alarms {
			alarms[scope]++
		}
	}
	for n := range accounts {
		failures += b.account(PAN(n), noon).Attempts.FailuresInRow
	}
	if count[vault.Won] != most || count[vault.Throttled] != callers-most || failures != most {
		b.Errorf("states are %v, failures %d", count, failures)
	}
	if diff := cmp.Diff(map[string]int{rangeScope: 1, requestorScope: 1}, alarms); diff != "" {
		b.Errorf("alarms (-want +got):\n%s", diff)
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}
