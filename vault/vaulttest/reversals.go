package vaulttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var reversalTests = []test{
	{"a transaction is found by its key", findTransaction},
	{"a transaction is reversed once", reverseOnce},
	{"a reversal that read too early is overtaken", reverseOvertaken},
	{"a reversal of nothing, or of another's transaction", reverseMissing},
	{"what is reversed before it is concluded is undone", reverseOpen},
	{"a reversal suspends, advises and counts as one", reverseWhole},
	{"a reversal that does not hold changes nothing", reverseLost},
	{"reversals are kept over a restart", reverseRests},
}

// reversal is a decided claim that reverses a transaction which was concluded.
func reversal(key, original string) vault.Claim {
	return vault.Claim{
		Key: key, Content: []byte("content"), Kind: vault.KindReversal, TransactionID: "000000000000099", At: noon,
		Reverses: original, Outcome: new(approved("")),
	}
}

func (b *bench) transaction(key string) vault.Transaction {
	b.Helper()
	got, err := b.store.Transaction(b.ctx, key)
	b.must(err)
	return got
}

// concluded claims and concludes a request about the n-th account.
func (b *bench) concluded(key string, n int) {
	b.Helper()
	b.claim(online(key, n), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: key, At: noon, Outcome: approved("")}))
}

func findTransaction(b *bench) {
	if _, err := b.store.Transaction(b.ctx, "key"); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("an unknown one: %v", err)
	}
	b.claim(online("key", 1), vault.Won)
	want := vault.Transaction{Key: "key", Kind: vault.KindOnline, TransactionID: "000000000000001", At: noon, Question: new(question(1))}
	if diff := cmp.Diff(want, b.transaction("key"), plain); diff != "" {
		b.Errorf("under way (-want +got):\n%s", diff)
	}
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved("0123")}))
	b.claim(reversal("reversal", "key"), vault.Won)
	want.Outcome, want.Reversed = new(approved("0123")), true
	if diff := cmp.Diff(want, b.transaction("key"), plain); diff != "" {
		b.Errorf("concluded and reversed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, b.claim(online("key", 1), vault.Answered).Recorded, plain); diff != "" {
		b.Errorf("its repeat (-want +got):\n%s", diff)
	}
}

func reverseOnce(b *bench) {
	b.concluded("key", 1)
	b.concluded("another", 1)
	b.claim(reversal("reversal", "key"), vault.Won)
	b.claim(reversal("reversal", "key"), vault.Answered)
	b.claim(reversal("another reversal", "key"), vault.Reversed)
	if b.transaction("another").Reversed || b.transaction("reversal").Reversed || !b.transaction("key").Reversed {
		b.Error("another transaction was reversed")
	}
	b.claim(reversal("another reversal", "another"), vault.Won)
}

func reverseOvertaken(b *bench) {
	b.claim(online("key", 1), vault.Won)
	b.claim(reversal("reversal", "key"), vault.Overtaken) // read when it was concluded, as it seems
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved("")}))
	early := reversal("reversal", "key")
	early.ReversesOpen = true
	b.claim(early, vault.Overtaken)
	b.claim(reversal("reversal", "key"), vault.Won)
}

// reverseMissing looks at every way in which a transaction has its account.
func reverseMissing(b *bench) {
	b.claim(reversal("reversal", "key"), vault.Missing)
	one := b.mint(1)
	withPAN := activation("with PAN", 1)
	withToken := tap("with token", one.Reference, 1)
	decided := vault.Claim{Key: "decided", Kind: vault.KindTap, At: noon, Outcome: new(approved(one.Reference))}
	changed := vault.Claim{Key: "changed", Kind: vault.KindLifeCycle, At: noon, Change: new(step(one.Reference, token.Suspend))}
	for _, c := range []vault.Claim{online("with question", 1), withPAN, withToken, decided, changed} {
		b.claim(c, vault.Won)
		r := reversal("reversal of "+c.Key, c.Key)
		r.ReversesOpen = c.Outcome == nil
		r.PAN = PAN(2)
		b.claim(r, vault.Missing)
		r.PAN = PAN(1)
		b.claim(r, vault.Won)
	}
	b.claim(vault.Claim{Key: "of nobody", Kind: vault.KindLifeCycle, At: noon}, vault.Won)
	nobody := reversal("reversal of nobody's", "of nobody")
	nobody.ReversesOpen, nobody.PAN = true, PAN(1)
	b.claim(nobody, vault.Missing)
	nobody.PAN = card.PAN{}
	b.claim(nobody, vault.Won)
}

func reverseOpen(b *bench) {
	b.claim(spending("key", 1), vault.Won)
	r := reversal("reversal", "key")
	r.ReversesOpen = true
	b.claim(r, vault.Won)
	b.unfinished("key")
	before := b.trail()

	one := Token(1)
	end := vault.Conclusion{
		Key: "key", At: noon, Outcome: approved(one.Reference), Token: &one, Notices: []token.Notice{created(1)},
		Advices: []vault.Advice{advice(vault.AdviceStandIn, 1)}, PAN: PAN(1), Succeeded: true, Release: true,
	}
	for range 2 {
		if err := b.store.Conclude(b.ctx, end); !errors.Is(err, vault.ErrReversed) {
			b.Fatalf("got %v", err)
		}
	}
	b.unfinished("key")
	if diff := cmp.Diff(before, b.trail()); diff != "" || len(b.due(noon)) != 0 {
		b.Errorf("something changed:\n%s", diff)
	}
	b.dueAdvices(noon)
	b.claim(spending("another request", 1), vault.Used)

	undo := advice(vault.AdviceReversal, 1)
	undone := vault.Conclusion{Key: "key", At: noon, Outcome: declined(token.ReasonReversed), Advices: []vault.Advice{undo}, Undone: true}
	b.must(b.store.Conclude(b.ctx, undone))
	b.dueAdvices(noon, undo)
	if err := b.store.Conclude(b.ctx, undone); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("concluding it again: %v", err)
	}
	if got := b.transaction("key"); got.Outcome.Reason != token.ReasonReversed || !got.Reversed {
		b.Errorf("it became %+v", got)
	}
	b.unfinished()
}

func reverseWhole(b *bench) {
	one := b.mint(1)
	b.claim(reversal("early", "activation of token 1"), vault.Won)
	c := tap("tap", one.Reference, 1)
	c.Question, c.Outcome = new(question(1)), new(approved(one.Reference))
	b.claim(c, vault.Won)

	r := reversal("reversal", "tap")
	r.PAN, r.Change = PAN(1), new(step(one.Reference, token.Deactivate))
	r.Change.By = token.Network
	undo := advice(vault.AdviceReversal, 2)
	r.Advices, r.Detail = []vault.Advice{undo}, "found by its elements"
	got := b.claim(r, vault.Won)
	if got.Token.Status != token.Deactivated {
		b.Errorf("the token is %s", got.Token.Status.Word())
	}
	b.dueAdvices(noon, undo)
	if due := b.due(noon); len(due) != 1 || due[0].Notice.Reason != token.NoticeDeactivated {
		b.Errorf("due are %+v", due)
	}
	b.explained("000000000000099",
		"reversal done, of : response 00: issuer approved",
		"reversal checked, of "+PAN(1).Masked()+": found by its elements",
		"reversal done, of "+PAN(1).Masked()+": response 00: issuer approved")
	b.explained("000000000000002",
		"tap accepted, of "+one.Reference+": response 00: issuer approved",
		"transaction reversed, of "+one.Reference+": by transaction 000000000000099",
		"advice queued, of "+PAN(2).Masked()+": reversal, for first bank")
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

// reverseLost lets a later condition fail.
func reverseLost(b *bench) {
	one := b.mint(1)
	b.concluded("key", 1)
	before := b.trail()
	r := reversal("reversal", "key")
	r.Change, r.Advices = new(step(one.Reference, token.Resume)), []vault.Advice{advice(vault.AdviceReversal, 1)}
	b.claim(r, vault.Overtaken)
	if diff := cmp.Diff(before, b.trail()); diff != "" || b.transaction("key").Reversed {
		b.Errorf("it is reversed %t; the trail:\n%s", b.transaction("key").Reversed, diff)
	}
	if _, err := b.store.Transaction(b.ctx, "reversal"); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("the reversal: %v", err)
	}
	b.dueAdvices(noon)
	r.Change = nil
	b.claim(r, vault.Won)
}

func reverseRests(b *bench) {
	b.claim(online("open", 1), vault.Won)
	b.concluded("concluded", 2)
	open := reversal("reversal of open", "open")
	open.ReversesOpen = true
	b.claim(open, vault.Won)
	b.claim(reversal("reversal", "concluded"), vault.Won)
	b.reopen()
	b.claim(reversal("another", "concluded"), vault.Reversed)
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	if len(list) != 1 || !list[0].Reversed {
		b.Errorf("unfinished are %+v", list)
	}
	end := vault.Conclusion{Key: "open", At: noon.Add(time.Minute), Outcome: approved("")}
	if err := b.store.Conclude(b.ctx, end); !errors.Is(err, vault.ErrReversed) {
		b.Errorf("concluding: %v", err)
	}
}

// parallelReversals lets 50 requests reverse one transaction.
func parallelReversals(b *bench) {
	b.concluded("key", 1)
	const reversals = 50
	states := b.together(func(n int) vault.Claim {
		if n < reversals {
			return reversal(fmt.Sprint("reversal ", n), "key")
		}
		return activation(fmt.Sprint("neighbour ", n), n)
	})
	if states[vault.Won] != 1+callers-reversals || states[vault.Reversed] != reversals-1 {
		b.Errorf("states are %v", states)
	}
	if n := b.told(vault.EventTransactionReversed); n != 1 {
		b.Errorf("the trail tells of %d reversals", n)
	}
}

// parallelRaces lets a reversal meet the conclusion of its original, often:
// either the conclusion hears of it, or the reversal is to read anew.
func parallelRaces(b *bench) {
	key := func(n int) string { return fmt.Sprint("original ", n/2) }
	for n := 0; n < callers; n += 2 {
		b.claim(online(key(n), n), vault.Won)
	}
	states, ends := make([]vault.ClaimState, callers), make([]error, callers)
	b.atOnce(func(n int) error {
		if n%2 == 0 {
			ends[n] = b.store.Conclude(b.ctx, vault.Conclusion{Key: key(n), At: noon, Outcome: approved("")})
			return nil
		}
		r := reversal(fmt.Sprint("reversal ", n), key(n))
		r.ReversesOpen = true
		got, err := b.store.Claim(b.ctx, r)
		states[n] = got.State
		return err
	})
	for n := 0; n < callers; n += 2 {
		original := b.transaction(key(n))
		reversedFirst := states[n+1] == vault.Won && errors.Is(ends[n], vault.ErrReversed) && original.Reversed && original.Outcome == nil
		concludedFirst := states[n+1] == vault.Overtaken && ends[n] == nil && !original.Reversed && original.Outcome != nil
		if reversedFirst == concludedFirst {
			b.Errorf("%s: the reversal is %s, the conclusion %v, it %+v", key(n), states[n+1], ends[n], original)
		}
	}
}
