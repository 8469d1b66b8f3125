package vaulttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var pruneTests = []test{
	{"concluded transactions are forgotten", pruneTransactions},
	{"a mark stays while its code could be accepted", pruneMarks},
	{"notices that have ended are forgotten", pruneNotices},
	{"what is not over stays", pruneKeeps},
	{"failures that count no more are forgotten", pruneFailures},
	{"failures of many scopes are forgotten", pruneScopes},
	{"requests of clients are forgotten", pruneRequests},
}

// age is how long after noon the tests of this file prune: as long as the
// failures of noon are kept.
const age = 2*vault.FailuresFor - 1

func (b *bench) prune(before time.Time, want int) {
	b.Helper()
	got, err := b.store.Prune(b.ctx, before)
	b.must(err)
	if got != want {
		b.Errorf("pruning what is older than %s forgot %d records, not %d", before, got, want)
	}
}

func pruneTransactions(b *bench) {
	decided := guess("decided", 1)
	b.claim(decided, vault.Won)
	b.claim(activation("concluded", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "concluded", At: noon.Add(time.Minute), Outcome: approved("")}))
	b.claim(activation("under way", 1), vault.Won)

	b.prune(noon, 0) // not older than its moment
	b.claim(decided, vault.Answered)
	b.prune(noon.Add(1), 1)
	b.prune(noon.Add(time.Minute), 0)
	b.claim(activation("concluded", 1), vault.Answered)
	b.prune(noon.Add(time.Minute+1), 1)
	b.prune(noon.Add(age), 0)
	b.unfinished("under way")
	decided.At, decided.Content = noon.Add(age), []byte("other content")
	b.claim(decided, vault.Won)
}

func pruneMarks(b *bench) {
	b.claim(spending("approved", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "approved", At: noon, Outcome: approved("")}))
	b.claim(spending("under way", 2), vault.Won)
	over := dcvv2.WindowAt(noon, 1).End().Add(dcvv2.GraceMax)

	b.prune(over.Add(-1), 0)
	b.claim(spending("too early", 1), vault.Used)
	b.claim(spending("approved", 1), vault.Answered)
	b.prune(over, 2) // the transaction and its mark
	b.claim(spending("long after", 1), vault.Won)
	b.claim(spending("under way", 2), vault.Busy)
	b.claim(spending("the other's code", 2), vault.Used)
}

func pruneNotices(b *bench) {
	b.mint(1, created(1))
	two := b.mint(2, created(2))
	b.prune(noon.Add(1), 2) // both transactions
	b.acknowledge(b.due(noon)[0])
	b.prune(noon, 0)
	b.prune(noon.Add(1), 1)
	if due := b.due(noon); len(due) != 1 || due[0].Notice != created(2) {
		b.Errorf("due are %+v", due)
	}
	b.must(b.store.Notify(b.ctx, created(1), noon)) // it is not known any more
	if due := b.due(noon); len(due) != 2 {
		b.Errorf("due are %+v", due)
	}
	for _, event := range []token.Event{token.Suspend, token.Resume, token.Suspend} {
		b.step(two, event)
	}
	b.prune(noon.Add(age), 1) // the first suspension, which the second took the place of
	if due := b.due(noon); len(due) != 4 {
		b.Errorf("due are %+v", due)
	}
}

func pruneKeeps(b *bench) {
	b.story()
	b.put(rangeRecord(1))
	account, trail := b.account(PAN(1), noon), b.trail()
	one, err := b.store.Token(b.ctx, Number(1))
	b.must(err)
	if _, err := b.store.Prune(b.ctx, noon.Add(age)); err != nil {
		b.Fatal(err)
	}
	if got := b.account(PAN(1), noon); got != account {
		b.Errorf("the account became %+v", got)
	}
	if len(b.trail()) < len(trail) {
		b.Error("the trail became shorter")
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
	b.sameToken(one)
	if list, err := b.store.Ranges(b.ctx); err != nil || len(list) != 1 {
		b.Errorf("%d ranges, %v", len(list), err)
	}
	b.claim(tap("an old counter", one.Reference, one.ATC), vault.Stale)
}

// pruneFailures looks at failures on both sides of the limits, of an account
// and of a scope.
func pruneFailures(b *bench) {
	for i, at := range []time.Time{noon, noon.Add(time.Minute)} {
		b.claim(limited(guessAt(fmt.Sprint("guess ", i), 1, at), 0), vault.Won)
	}
	b.prune(noon.Add(2*vault.ScopeFailuresFor-1), 2) // both transactions
	b.scopeFailures(rangeScope, noon.Add(vault.ScopeFailuresFor-1), 2)
	b.prune(noon.Add(2*vault.ScopeFailuresFor), 1)
	b.scopeFailures(rangeScope, noon.Add(vault.ScopeFailuresFor), 1)
	b.prune(noon.Add(2*vault.ScopeFailuresFor+time.Minute-1), 0)
	b.scopeFailures(rangeScope, noon.Add(vault.ScopeFailuresFor), 1)
	b.prune(noon.Add(2*vault.ScopeFailuresFor+2*time.Minute), 1)
	b.scopeFailures(rangeScope, noon.Add(vault.ScopeFailuresFor-1), 0)

	b.prune(noon.Add(2*vault.FailuresFor-1), 0)
	b.attempts(PAN(1), noon.Add(vault.FailuresFor-1), dcvv2.Attempts{FailuresInDay: 2, FailuresInRow: 2})
	b.prune(noon.Add(2*vault.FailuresFor), 1)
	b.attempts(PAN(1), noon.Add(vault.FailuresFor-1), dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 2})
	b.prune(noon.Add(2*vault.FailuresFor+time.Minute-1), 0)
	b.prune(noon.Add(2*vault.FailuresFor+time.Minute), 1)
	b.attempts(PAN(1), noon.Add(vault.FailuresFor-1), dcvv2.Attempts{FailuresInRow: 2}) // a row has no end
}

// pruneScopes makes more scopes up than any batch holds, each named once.
func pruneScopes(b *bench) {
	scope := func(n, i int) string { return fmt.Sprintf("requestor/%d", n*vault.ScopesMax+i) }
	b.atOnce(func(n int) error {
		c := guess(fmt.Sprint("guess ", n), n)
		for i := range vault.ScopesMax {
			c.Scopes = append(c.Scopes, vault.Scope{Name: scope(n, i)})
		}
		_, err := b.store.Claim(b.ctx, c)
		return err
	})
	fresh := noon.Add(2 * vault.ScopeFailuresFor)
	b.claim(limited(guessAt("fresh", callers, fresh), 0), vault.Won)
	b.prune(fresh.Add(time.Minute), callers*(vault.ScopesMax+1)+1) // with all transactions
	for _, n := range []int{0, callers / 2, callers - 1} {
		for i := range vault.ScopesMax {
			b.scopeFailures(scope(n, i), noon, 0)
		}
	}
	b.scopeFailures(rangeScope, fresh, 1)
	b.prune(noon.Add(2*vault.FailuresFor), callers+1) // with that one
	b.attempts(PAN(callers), fresh, dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1})
}

func guessAt(key string, n int, at time.Time) vault.Claim {
	c := guess(key, n)
	c.At = at
	return c
}

func pruneRequests(b *bench) {
	const many = callers + 1 // than any batch holds
	b.atOnce(func(n int) error {
		r := asking("id", n)
		r.Client = fmt.Sprint("client ", n)
		_, err := b.store.ServeAccount(b.ctx, r)
		return err
	})
	b.serve(asking("id", 1), vault.AnswerNew)
	b.prune(noon.Add(vault.RequestsFor-1), 0)
	late := asking("id", 1)
	late.At = noon.Add(vault.RequestsFor - 1)
	b.serve(late, vault.AnswerRepeated)
	b.prune(noon.Add(vault.RequestsFor), many)
	b.serve(asking("id", 1), vault.AnswerNew)
}

// pruneMany prunes more than any batch holds, while claims go on.
func pruneMany(b *bench) {
	b.atOnce(func(n int) error {
		for i := range 4 {
			c := activation(fmt.Sprintf("request %d of %d", i, n), n)
			if i > 0 {
				c.Outcome = new(approved(""))
			}
			if _, err := b.store.Claim(b.ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	pruned := make([]int, callers)
	b.atOnce(func(n int) (err error) {
		if n < 2 {
			pruned[n], err = b.store.Prune(b.ctx, noon.Add(1))
			return err
		}
		result, err := b.store.Claim(b.ctx, activation(fmt.Sprint("during ", n), n))
		if err == nil && result.State != vault.Won {
			err = errors.New(string(result.State))
		}
		return err
	})
	if got := pruned[0] + pruned[1]; got != 3*callers {
		b.Errorf("%d records were forgotten, not %d", got, 3*callers)
	}
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	if len(list) != callers+callers-2 {
		b.Errorf("%d transactions are unfinished", len(list))
	}
}
