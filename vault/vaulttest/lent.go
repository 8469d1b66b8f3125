package vaulttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var lentTests = []test{
	{"a replay is told from a clone", markReplay},
	{"keys are lent in the order of their counters", lendInOrder},
	{"an hour has a hundred keys", lendAll},
	{"a lent key is used so many times", lentUses},
	{"a key that was not lent is of no use", lentUnknown},
	{"lent keys are kept over a restart, and the mark only as a hash", lentRests},
	{"lent keys are forgotten", lentPruned},
	{"the trail tells of lent keys", lentTrail},
}

// marked is a tap with a mark.
func marked(key, reference string, atc uint16, mark string) vault.Claim {
	c := tap(key, reference, atc)
	c.Mark = []byte(mark)
	return c
}

func markReplay(b *bench) {
	one, other := b.mint(1), b.mint(2)
	b.claim(marked("first", one.Reference, 5, "cryptogram"), vault.Won)
	b.claim(marked("other token", other.Reference, 5, "cryptogram of another"), vault.Won)
	b.claim(tap("without a mark", one.Reference, 6), vault.Won)
	b.claim(marked("third", one.Reference, 9, "another cryptogram"), vault.Won)
	for _, c := range []struct {
		name, reference string
		atc             uint16
		mark            string
		want            bool
	}{
		{"the same again", one.Reference, 5, "cryptogram", true},
		{"the last again", one.Reference, 9, "another cryptogram", true},
		{"a clone: the counter with another cryptogram", one.Reference, 5, "cryptogram of a clone", false},
		{"a clone: a counter never seen", one.Reference, 4, "cryptogram", false},
		{"the cryptogram of another counter", one.Reference, 9, "cryptogram", false},
		{"the cryptogram of another token", one.Reference, 5, "cryptogram of another", false},
		{"a counter that came without a mark", one.Reference, 6, "cryptogram", false},
		{"no mark", one.Reference, 5, "", false},
	} {
		for range 2 { // a lost claim leaves no mark of its own
			if got := b.claim(marked(c.name, c.reference, c.atc, c.mark), vault.Stale); got.Replayed != c.want {
				b.Errorf("%s: replayed is %t", c.name, got.Replayed)
			}
		}
	}
}

func (b *bench) lend(reference string, at time.Time, want string) string {
	b.Helper()
	got, err := b.store.LendKey(b.ctx, reference, at)
	b.must(err)
	if got != want {
		b.Fatalf("lent is %s, not %s", got, want)
	}
	return got
}

func lendInOrder(b *bench) {
	one, other := b.mint(1), b.mint(2)
	b.lend(one.Reference, noon, "6781300")
	b.lend(one.Reference, noon.Add(time.Minute), "6781301")
	b.lend(other.Reference, noon, "6781300")
	next := noon.Truncate(time.Hour).Add(time.Hour)
	b.lend(one.Reference, next.Add(-1), "6781302")
	b.lend(one.Reference, next, "6781400")
	b.lend(one.Reference, noon, "6781303") // a clock that went back
	if _, err := b.store.LendKey(b.ctx, Token(3).Reference, noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("for an unknown token: %v", err)
	}
}

func lendAll(b *bench) {
	one := b.mint(1)
	for counter := range emv.IndexCounterMax + 1 {
		b.lend(one.Reference, noon, emv.LimitedUseIndexAt(noon, counter))
	}
	if got, err := b.store.LendKey(b.ctx, one.Reference, noon); !errors.Is(err, vault.ErrNoKey) || got != "" {
		b.Errorf("one more: %s, %v", got, err)
	}
	next := noon.Add(time.Hour)
	b.lend(one.Reference, next, emv.LimitedUseIndexAt(next, 0))
}

// lentTap is a tap made with a lent key.
func lentTap(key, reference string, atc uint16, index string) vault.Claim {
	c := tap(key, reference, atc)
	c.LentKey, c.LentUsesMax = index, token.LentUsesMax
	return c
}

func lentUses(b *bench) {
	one := b.mint(1)
	first := b.lend(one.Reference, noon, "6781300")
	second := b.lend(one.Reference, noon, "6781301")
	atc := uint16(0)
	for range token.LentUsesMax {
		atc++
		b.claim(lentTap(fmt.Sprint("tap ", atc), one.Reference, atc, first), vault.Won)
		b.claim(lentTap("a stale one counts no use", one.Reference, atc, first), vault.Stale)
		b.claim(lentTap(fmt.Sprint("tap ", atc), one.Reference, atc, first), vault.Busy)
	}
	b.claim(lentTap("one more", one.Reference, atc+1, first), vault.Worn)
	more := lentTap("with one more allowed", one.Reference, atc+1, first)
	more.LentUsesMax++
	b.claim(more, vault.Won) // the lost tap raised no counter
	b.claim(lentTap("the second key", one.Reference, atc+2, second), vault.Won)
}

func lentUnknown(b *bench) {
	one, other := b.mint(1), b.mint(2)
	index := b.lend(one.Reference, noon, "6781300")
	b.claim(lentTap("never lent", one.Reference, 1, "6781301"), vault.Unlent)
	b.claim(lentTap("lent to another", other.Reference, 1, index), vault.Unlent)
	b.claim(lentTap("lent", one.Reference, 1, index), vault.Won)
}

func lentRests(b *bench) {
	one := b.mint(1)
	index := b.lend(one.Reference, noon, "6781300")
	const secret = "a cryptogram in clear"
	for n := range token.LentUsesMax - 1 {
		c := lentTap(fmt.Sprint("tap ", n), one.Reference, uint16(n+1), index)
		c.Mark = []byte(secret)
		b.claim(c, vault.Won)
	}
	b.reopen()
	again := marked("again", one.Reference, 1, secret)
	if got := b.claim(again, vault.Stale); !got.Replayed {
		b.Error("the mark was forgotten")
	}
	b.claim(lentTap("the last use", one.Reference, 100, index), vault.Won)
	b.claim(lentTap("one more", one.Reference, 101, index), vault.Worn)
	b.lend(one.Reference, noon, "6781301")
	b.restsWithout(secret)
}

func lentPruned(b *bench) {
	one := b.mint(1)
	b.prune(noon.Add(1), 1) // the activation
	index := b.lend(one.Reference, noon, "6781300")
	later := b.lend(one.Reference, noon.Add(time.Minute), "6781301")
	b.prune(noon.Add(2*token.LentKeyFor-1), 0)
	b.claim(lentTap("kept", one.Reference, 1, index), vault.Won)
	b.prune(noon.Add(2*token.LentKeyFor), 1)
	b.claim(lentTap("forgotten", one.Reference, 2, index), vault.Unlent)
	b.claim(lentTap("kept, too", one.Reference, 2, later), vault.Won)
	b.lend(one.Reference, noon, "6781302") // not one that was lent before
}

func lentTrail(b *bench) {
	one := b.mint(1)
	b.lend(one.Reference, noon, "6781300")
	trail := b.trail()
	last := trail[len(trail)-1]
	if last.Event != vault.EventKeyLent || last.Subject != one.Reference || last.Detail != "index 6781300" {
		b.Errorf("the trail says %+v", last)
	}
}

func parallelLending(b *bench) {
	one := b.mint(1)
	indexes := make([]string, callers)
	b.atOnce(func(n int) error {
		index, err := b.store.LendKey(b.ctx, one.Reference, noon)
		if err != nil && !errors.Is(err, vault.ErrNoKey) {
			return err
		}
		indexes[n] = index
		return nil
	})
	times := map[string]int{}
	for _, index := range indexes {
		times[index]++
	}
	if len(times) != emv.IndexCounterMax+2 || times[""] != callers-emv.IndexCounterMax-1 {
		b.Errorf("%d keys were lent, %d callers got none", len(times)-1, times[""])
	}
}

// parallelLentTaps uses one key from many terminals, each with a counter of
// its own: those that come out of order are stale.
func parallelLentTaps(b *bench) {
	one := b.mint(1)
	index := b.lend(one.Reference, noon, "6781300")
	states := b.together(func(n int) vault.Claim { return lentTap(fmt.Sprint("tap ", n), one.Reference, uint16(n+1), index) })
	if n := states[vault.Won]; n < 1 || n > token.LentUsesMax {
		b.Errorf("the key was used %d times", n)
	}
	if states[vault.Won]+states[vault.Worn]+states[vault.Stale] != callers {
		b.Errorf("states are %v", states)
	}
	for n := states[vault.Won]; n < token.LentUsesMax; n++ { // what is left of it
		b.claim(lentTap(fmt.Sprint("later ", n), one.Reference, uint16(callers+1+n), index), vault.Won)
	}
	b.claim(lentTap("one more", one.Reference, callers*2, index), vault.Worn)
}
