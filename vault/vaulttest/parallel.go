package vaulttest

import (
	"fmt"
	"sync"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// callers is how many goroutines these tests start.
const callers = 200

var parallelTests = []test{
	{"guesses cannot outrun the limit", parallelGuesses},
	{"one caller spends a code", parallelSpends},
	{"one tap has a counter", parallelTaps},
	{"one repeat wins", parallelRepeats},
	{"one conclusion counts", parallelConclusions},
	{"one step is taken", parallelSteps},
	{"one change that fails leaves its neighbours whole", parallelNeighbours},
	{"guesses spread over accounts cannot outrun the limit", parallelScopes},
	{"one of many equal requests is done", requestsParallel},
	{"one of many unequal requests is done", conflictsParallel},
	{"one of many changes of a range is made", rangesParallel},
	{"many records are pruned while others work", pruneMany},
	{"one of many reversals of a transaction wins", parallelReversals},
	{"a conclusion meets a reversal", parallelRaces},
	{"passcodes cannot be tried more often than the limit", parallelPasscodes},
	{"a right passcode among wrong ones", parallelRightPasscodes},
	{"a lent key is used no more often than the limit", parallelLentTaps},
	{"no key is lent twice", parallelLending},
	{"closing waits for changes under way", closeDrains},
}

// together calls all callers at once and counts the states they saw.
func (b *bench) together(claim func(n int) vault.Claim) map[vault.ClaimState]int {
	b.Helper()
	states := make([]vault.ClaimState, callers)
	b.atOnce(func(n int) error {
		result, err := b.store.Claim(b.ctx, claim(n))
		states[n] = result.State
		return err
	})
	count := map[vault.ClaimState]int{}
	for _, s := range states {
		count[s]++
	}
	return count
}

func (b *bench) atOnce(call func(n int) error) {
	b.Helper()
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for n := range callers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			if err := call(n); err != nil {
				b.Errorf("caller %d: %v", n, err)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// parallelGuesses mixes wrong codes with the right one: however they fall, no
// more failures are counted than the limit, and the code is spent at most once.
func parallelGuesses(b *bench) {
	limits := dcvv2.DefaultPolicy()
	states := b.together(func(n int) vault.Claim {
		if n%10 == 0 {
			return spending(fmt.Sprint("right ", n), 1)
		}
		return guess(fmt.Sprint("wrong ", n), 1)
	})
	b.attempts(PAN(1), noon, dcvv2.Attempts{FailuresInDay: limits.FailuresPerDayMax, FailuresInRow: limits.FailuresPerDayMax})
	spent := states[vault.Won] - limits.FailuresPerDayMax
	if spent < 0 || spent > 1 {
		b.Errorf("the code was spent %d times: %v", spent, states)
	}
	if states[vault.Won]+states[vault.Blocked]+states[vault.Used] != callers {
		b.Errorf("states are %v", states)
	}
}

func parallelSpends(b *bench) {
	states := b.together(func(n int) vault.Claim { return spending(fmt.Sprint("caller ", n), 1) })
	if states[vault.Won] != 1 || states[vault.Used] != callers-1 {
		b.Errorf("states are %v", states)
	}
}

func parallelTaps(b *bench) {
	one := b.mint(1)
	states := b.together(func(n int) vault.Claim { return tap(fmt.Sprint("caller ", n), one.Reference, 7) })
	if states[vault.Won] != 1 || states[vault.Stale] != callers-1 {
		b.Errorf("states are %v", states)
	}
	one.ATC = 7
	b.sameToken(one)
}

func parallelRepeats(b *bench) {
	states := b.together(func(int) vault.Claim { return activation("key", 1) })
	if states[vault.Won] != 1 || states[vault.Busy] != callers-1 {
		b.Errorf("states are %v", states)
	}
	b.unfinished("key")
}

func parallelConclusions(b *bench) {
	b.claim(activation("key", 1), vault.Won)
	won := make([]bool, callers)
	b.atOnce(func(n int) error {
		one := Token(n)
		won[n] = b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved(one.Reference), Token: &one}) == nil
		return nil
	})
	winner := b.only(won)
	got := b.claim(activation("key", 1), vault.Answered)
	if got.Recorded.Outcome.Reference != Token(winner).Reference {
		b.Errorf("the outcome is not the winner's")
	}
	for n := range callers {
		_, err := b.store.TokenByReference(b.ctx, Token(n).Reference)
		if (err == nil) != (n == winner) {
			b.Errorf("token %d: %v", n, err)
		}
	}
}

func parallelSteps(b *bench) {
	one := b.mint(1)
	won := make([]bool, callers)
	b.atOnce(func(n int) error {
		_, err := b.store.Step(b.ctx, step(one.Reference, token.Suspend), noon)
		won[n] = err == nil
		return nil
	})
	b.only(won)
}

// only gives the index of the one true value.
func (b *bench) only(won []bool) (winner int) {
	b.Helper()
	count := 0
	for n, w := range won {
		if w {
			count, winner = count+1, n
		}
	}
	if count != 1 {
		b.Fatalf("%d callers won", count)
	}
	return winner
}

// parallelNeighbours lets every second caller's conclusion fail in the middle.
func parallelNeighbours(b *bench) {
	taken := b.mint(callers + 1)
	states := b.together(func(n int) vault.Claim { return activation(fmt.Sprint("caller ", n), n) })
	if states[vault.Won] != callers {
		b.Fatalf("states are %v", states)
	}
	b.atOnce(func(n int) error {
		one := Token(n)
		if n%2 == 0 {
			one.Number = taken.Number
		}
		err := b.store.Conclude(b.ctx, vault.Conclusion{Key: fmt.Sprint("caller ", n), At: noon, Outcome: approved(one.Reference), Token: &one})
		if (err == nil) != (n%2 == 1) {
			return fmt.Errorf("concluding: %w", err)
		}
		return nil
	})
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	if len(list) != callers/2 {
		b.Errorf("%d transactions are unfinished", len(list))
	}
	for n := 1; n < callers; n += 2 {
		b.sameToken(Token(n))
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}
