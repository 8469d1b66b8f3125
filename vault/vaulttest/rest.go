package vaulttest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var restTests = []test{
	{"a store opened again holds all it held", reopenKeepsAll},
	{"a store opened again goes on", reopenGoesOn},
	{"no PAN or token number rests in clear", restsSealed},
}

// remembered is all that can be read of the story.
type remembered struct {
	Accounts   []vault.Account
	Tokens     []token.Token
	Unfinished []vault.Transaction
	Answered   vault.ClaimResult
	Due        []vault.QueuedNotice
	Trail      []vault.Entry
}

func (b *bench) remember() (r remembered) {
	b.Helper()
	for n := range 3 {
		r.Accounts = append(r.Accounts, b.account(PAN(n), noon))
	}
	one, err := b.store.TokenByReference(b.ctx, Token(1).Reference)
	b.must(err)
	r.Tokens = append(r.Tokens, one)
	r.Unfinished, err = b.store.Unfinished(b.ctx)
	b.must(err)
	r.Answered = b.claim(guess("wrong code", 1), vault.Answered)
	r.Due, r.Trail = b.due(noon), b.trail()
	return r
}

func reopenKeepsAll(b *bench) {
	b.story()
	b.claim(activation("under way", 2), vault.Won)
	before := b.remember()
	if len(before.Unfinished) != 1 || len(before.Due) != 1 || before.Accounts[1].Attempts.FailuresInDay != 1 {
		b.Fatalf("the story is thin: %+v", before)
	}
	b.reopen()
	if diff := cmp.Diff(before, b.remember(), plain); diff != "" {
		b.Errorf("(-before +after):\n%s", diff)
	}
}

func reopenGoesOn(b *bench) {
	b.story()
	b.claim(activation("under way", 2), vault.Won)
	b.reopen()
	b.claim(spending("the code of before", 1), vault.Used)
	b.claim(tap("the counter of before", Token(1).Reference, 1), vault.Stale)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "under way", At: noon, Outcome: declined(token.ReasonRestarted)}))
	b.acknowledge(b.due(noon)...)
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

func restsSealed(b *bench) {
	b.story()
	b.claim(activation("under way", 2), vault.Won)
	careless := asking("about "+PAN(3).Reveal(), 3)
	careless.Content = []byte(PAN(3).Reveal())
	b.serve(careless, vault.AnswerNew)
	b.restsWithout(PAN(1).Reveal(), PAN(2).Reveal(), PAN(3).Reveal(), Number(1).Reveal())
}

// restsWithout searches what is at rest for clear values of 12 characters or
// more, and for their parts, before and after the store is closed.
func (b *bench) restsWithout(secrets ...string) {
	b.Helper()
	for _, when := range []string{"open", "closed"} {
		if when == "closed" {
			b.must(b.store.Close())
		}
		rest, err := b.place.AtRest()
		b.must(err)
		if !bytes.Contains(rest, []byte("000000000000001")) {
			b.Fatalf("%s: what is at rest does not even hold a transaction identifier", when)
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, secret[:12], secret[4:]} {
				if bytes.Contains(rest, []byte(form)) {
					b.Errorf("%s: a clear value is at rest (%s)", when, strings.Repeat("*", len(form)))
				}
			}
		}
	}
}

// closeDrains closes while callers are at work: each gets a durable change or
// an error, and the error means that nothing was changed.
func closeDrains(b *bench) {
	done := make([]error, callers)
	b.atOnce(func(n int) error {
		if n == callers/2 {
			return b.store.Close()
		}
		c := activation(fmt.Sprint("caller ", n), n)
		_, done[n] = b.store.Claim(b.ctx, c)
		return nil
	})
	b.open()
	list, err := b.store.Unfinished(context.Background())
	b.must(err)
	kept := map[string]bool{}
	for _, one := range list {
		kept[one.Key] = true
	}
	for n, err := range done {
		if n != callers/2 && kept[fmt.Sprint("caller ", n)] != (err == nil) {
			b.Errorf("caller %d got %v; kept is %t", n, err, kept[fmt.Sprint("caller ", n)])
		}
	}
}
