package vaulttest

import (
	"errors"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var tokenTests = []test{
	{"a token is found by number and by reference", findToken},
	{"an unknown token is not found", unknownToken},
	{"every step from every state", everyStep},
	{"a step queues its notice", stepNotice},
	{"a second suspension is told of again", stepAgain},
}

func (b *bench) sameToken(want token.Token) {
	b.Helper()
	byNumber, err := b.store.Token(b.ctx, want.Number)
	b.must(err)
	byReference, err := b.store.TokenByReference(b.ctx, want.Reference)
	b.must(err)
	if byNumber != want || byReference != want {
		b.Errorf("want %+v\nby number %+v\nby reference %+v", want, byNumber, byReference)
	}
}

func findToken(b *bench) {
	b.sameToken(b.mint(1))
	b.sameToken(b.mint(2))
}

func unknownToken(b *bench) {
	b.mint(1)
	if _, err := b.store.Token(b.ctx, Number(2)); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("by number: %v", err)
	}
	if _, err := b.store.TokenByReference(b.ctx, Token(2).Reference); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("by reference: %v", err)
	}
	if _, err := b.store.Step(b.ctx, step(Token(2).Reference, token.Suspend), noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("a step: %v", err)
	}
	if _, err := b.store.Token(b.ctx, PAN(1)); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("by the PAN behind it: %v", err)
	}
}

// step is a change by an operator, with what goes with its event.
func step(reference string, event token.Event) token.Change {
	c := token.Change{Reference: reference, Event: event, By: token.Operator}
	switch event {
	case token.DrawPasscode:
		c.Expires = noon.Add(token.PasscodeFor)
	case token.FailPasscode:
		c.PasscodeNumber = 1
	case token.UpdateExpiry:
		c.PANExpiry = card.MustExpiry("3306")
	case token.ReplacePAN:
		c.PAN, c.PANSequence, c.PANExpiry = PAN(990), 4, card.MustExpiry("3407")
	}
	return c
}

// stored stores a token as it is.
func (b *bench) stored(t token.Token) token.Token {
	b.Helper()
	key := "activation of " + t.Reference
	b.claim(vault.Claim{Key: key, Kind: vault.KindActivation, TransactionID: t.TransactionID, At: noon}, vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: key, At: noon, Token: &t, Outcome: approved(t.Reference)}))
	return t
}

// everyStep takes token.Token.Apply as the truth.
func everyStep(b *bench) {
	n := 0
	for _, from := range token.Statuses {
		for _, event := range token.Events {
			n++
			one := Token(n)
			one.Status = from
			if from == token.Inactive {
				one.Passcode = token.Passcode{Number: 1, Expires: noon.Add(time.Minute), Tries: 1}
			}
			b.stored(one)
			want, refused := one.Apply(step(one.Reference, event))
			got, err := b.store.Step(b.ctx, step(one.Reference, event), noon)
			var fault *token.StepError
			switch {
			case refused != nil && (!errors.As(err, &fault) || *fault != token.StepError{From: from, Event: event}):
				b.Errorf("%s, %s: %v", from.Word(), event, err)
			case refused == nil && (err != nil || got != want):
				b.Errorf("%s, %s: %+v, %v", from.Word(), event, got, err)
			}
			b.sameToken(want)
		}
	}
}

func stepNotice(b *bench) {
	one := b.mint(1)
	later := noon.Add(time.Minute)
	got, err := b.store.Step(b.ctx, step(one.Reference, token.Suspend), later)
	b.must(err)
	want := vault.QueuedNotice{
		Notice: token.Notice{Reason: token.NoticeSuspended, TransactionID: one.TransactionID, Reference: one.Reference},
		Token:  got, Queued: later,
	}
	due := b.due(later)
	if len(due) != 1 || due[0].ID == 0 {
		b.Fatalf("due are %+v", due)
	}
	want.ID = due[0].ID
	if due[0] != want {
		b.Errorf("want %+v\ngot  %+v", want, due[0])
	}
	if _, err := b.store.Step(b.ctx, step(one.Reference, token.Suspend), later); err == nil {
		b.Fatal("suspended twice")
	}
	if due := b.due(later); len(due) != 1 {
		b.Errorf("a refused step queued a notice: %+v", due)
	}
}

// stepAgain suspends, resumes and suspends: the issuer must hear last that the
// token is suspended, whether it had taken the first notice or not.
func stepAgain(b *bench) {
	for n, taken := range []bool{false, true} {
		one := b.mint(n + 1)
		b.step(one, token.Suspend)
		if taken {
			b.acknowledge(b.due(noon)...)
		}
		b.step(one, token.Resume)
		b.step(one, token.Suspend)
		due := b.due(noon)
		if len(due) != 2 || due[0].Notice.Reason != token.NoticeResumed || due[1].Notice.Reason != token.NoticeSuspended {
			b.Errorf("first notice taken %t: due are %+v", taken, due)
		}
		b.acknowledge(due...)
	}
}

func (b *bench) step(t token.Token, event token.Event) {
	b.Helper()
	_, err := b.store.Step(b.ctx, step(t.Reference, event), noon)
	b.must(err)
}
