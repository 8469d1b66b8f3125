package vaulttest

import (
	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var conclusionTests = []test{
	{"a transaction is concluded once", concludeOnce},
	{"a code that was given back can be spent again", concludeRelease},
	{"a token number or reference is given out once", concludeTaken},
	{"a notice of no token concludes nothing", concludeUnknownNotice},
	{"unfinished transactions, oldest first", unfinishedOrder},
}

func concludeOnce(b *bench) {
	end := vault.Conclusion{Key: "key", At: noon, Outcome: approved("")}
	if err := b.store.Conclude(b.ctx, end); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("of an unknown key: %v", err)
	}
	b.claim(activation("key", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, end))
	end.Outcome = declined(token.ReasonIssuerDeclined)
	if err := b.store.Conclude(b.ctx, end); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("for the second time: %v", err)
	}
	if got := b.claim(activation("key", 1), vault.Answered); !got.Recorded.Outcome.Approved() {
		b.Error("the second outcome took the place of the first")
	}
}

func concludeRelease(b *bench) {
	b.claim(spending("first", 1), vault.Won)
	b.claim(spending("another account", 2), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "first", At: noon, Release: true, Outcome: declined(token.ReasonIssuerDeclined)}))
	b.claim(spending("second", 1), vault.Won)
	b.claim(spending("third", 1), vault.Used)
	b.claim(spending("the other account's code", 2), vault.Used)

	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "second", At: noon, Outcome: approved("")}))
	b.claim(spending("after success", 1), vault.Used)
	b.claim(activation("spent nothing", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "spent nothing", At: noon, Release: true, Outcome: approved("")}))
	b.claim(spending("after giving back nothing", 1), vault.Used)
}

func concludeTaken(b *bench) {
	old := b.mint(1)
	sameNumber, sameReference := Token(2), Token(2)
	sameNumber.Number, sameReference.Reference = old.Number, old.Reference
	b.claim(guess("guess", 2), vault.Won)
	b.claim(spending("key", 2), vault.Won)
	before := b.trail()

	for _, minted := range []token.Token{sameNumber, sameReference} {
		notice := token.Notice{Reason: token.NoticeCreated, TransactionID: minted.TransactionID, Reference: minted.Reference}
		err := b.store.Conclude(b.ctx, vault.Conclusion{
			Key: "key", At: noon, Outcome: approved(minted.Reference), Token: &minted, Notices: []token.Notice{notice},
			PAN: minted.PAN, Succeeded: true, Release: true,
		})
		if !errors.Is(err, vault.ErrTaken) {
			b.Fatalf("got %v", err)
		}
		b.unfinished("key")
		b.attempts(PAN(2), noon, dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1})
		b.claim(spending("somebody else", 2), vault.Used)
		if due := b.due(noon); len(due) != 0 {
			b.Errorf("notices were queued: %+v", due)
		}
		if diff := cmp.Diff(before, b.trail()); diff != "" {
			b.Errorf("the trail changed:\n%s", diff)
		}
	}
	b.sameToken(old)

	fresh := Token(2)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved(fresh.Reference), Token: &fresh}))
	b.sameToken(fresh)
}

func concludeUnknownNotice(b *bench) {
	b.claim(activation("key", 1), vault.Won)
	err := b.store.Conclude(b.ctx, vault.Conclusion{
		Key: "key", At: noon, Outcome: approved(""),
		Notices: []token.Notice{{Reason: token.NoticeCreated, TransactionID: "1", Reference: "no such token"}},
	})
	if !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("got %v", err)
	}
	b.unfinished("key")
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved("")}))
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

func unfinishedOrder(b *bench) {
	for _, key := range []string{"c", "a", "b", "d"} {
		b.claim(activation(key, 1), vault.Won)
	}
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "a", At: noon, Outcome: approved("")}))
	b.unfinished("c", "b", "d")
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	want := vault.Transaction{Key: "c", Kind: vault.KindActivation, TransactionID: "000000000000001", At: noon}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}
