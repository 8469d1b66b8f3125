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

var changeTests = []test{
	{"every change with a claim is as a step", claimChanges},
	{"a change that may not be is overtaken, and nothing happens", changeOvertaken},
	{"a change of no token is an error", changeUnknown},
	{"ill-formed changes are refused", changeIllFormed},
	{"a suspension by one with more say stays", changeSay},
	{"passcodes are drawn and tried so many times", passcodes},
	{"another PAN is found and sealed", replacePAN},
	{"the tokens of an account, newest first", tokensOf},
	{"no more tokens than the limit", tokensOfMany},
	{"the trail tells what changed and who did it", changeTrail},
	{"passcodes and changes are kept over a restart", changeRests},
}

// inactive is the n-th token, which waits for its first passcode.
func inactive(n int) token.Token {
	one := Token(n)
	one.Status = token.Inactive
	one.Passcode = token.Passcode{Number: 1, Expires: noon.Add(token.PasscodeFor)}
	return one
}

// stepping is a decided claim with a change.
func stepping(key string, c token.Change) vault.Claim {
	return vault.Claim{
		Key: key, Content: []byte("content"), Kind: vault.KindLifeCycle, TransactionID: "000000000000077", At: noon,
		Change: &c, Outcome: new(approved(c.Reference)),
	}
}

// try is a change that judges a passcode.
func try(reference string, number int, right bool) token.Change {
	c := token.Change{Reference: reference, Event: token.FailPasscode, By: token.Requestor, PasscodeNumber: number}
	if right {
		c.Event = token.Activate
	}
	return c
}

// claimChanges takes token.Token.Apply and Change.Notice as the truth.
func claimChanges(b *bench) {
	n := 0
	for _, from := range token.Statuses {
		for _, event := range token.Events {
			n++
			one := Token(n)
			if one.Status = from; from == token.Inactive {
				one = inactive(n)
			}
			b.stored(one)
			c := step(one.Reference, event)
			want, refused := one.Apply(c)
			state := vault.Won
			if refused != nil {
				state, want = vault.Overtaken, one
			}
			got := b.claim(stepping(fmt.Sprint(n), c), state)
			b.sameToken(want)
			due := b.due(noon)
			switch {
			case refused == nil && (got.Token != want || len(due) != 1 || due[0].Notice != c.Notice(want) || due[0].Token != want):
				b.Errorf("%s, %s: %+v, due are %+v", from.Word(), event, got.Token, due)
			case refused != nil && (got.Token != token.Token{} || len(due) != 0):
				b.Errorf("%s, %s: %+v, due are %+v", from.Word(), event, got.Token, due)
			}
			b.acknowledge(due...)
		}
	}
}

func changeOvertaken(b *bench) {
	one := b.mint(1)
	before := b.trail()
	c := stepping("key", step(one.Reference, token.Resume))
	c.Advices = []vault.Advice{advice(vault.AdviceReversal, 1)}
	b.claim(c, vault.Overtaken)
	if diff := cmp.Diff(before, b.trail()); diff != "" || len(b.due(noon)) != 0 {
		b.Errorf("something changed:\n%s", diff)
	}
	b.dueAdvices(noon)
	b.sameToken(one)
	c.Change = new(step(one.Reference, token.Suspend))
	b.claim(c, vault.Won)
	b.claim(c, vault.Answered) // and is not suspended again
	if n := b.told("token suspended"); n != 1 {
		b.Errorf("it was suspended %d times", n)
	}
}

func changeUnknown(b *bench) {
	if got, err := b.store.Claim(b.ctx, stepping("key", step("no such token", token.Suspend))); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("got %+v, %v", got, err)
	}
	b.unfinished()
}

func changeIllFormed(b *bench) {
	one := b.mint(1)
	for name, c := range map[string]token.Change{
		"no token":                      {Event: token.Suspend},
		"no event":                      {Reference: one.Reference},
		"an event of nobody's":          {Reference: one.Reference, Event: "delete"},
		"no new PAN":                    {Reference: one.Reference, Event: token.ReplacePAN, PANExpiry: card.MustExpiry("3112")},
		"no expiry date of the new PAN": {Reference: one.Reference, Event: token.ReplacePAN, PAN: PAN(2)},
		"no new expiry date":            {Reference: one.Reference, Event: token.UpdateExpiry},
	} {
		if _, err := b.store.Step(b.ctx, c, noon); !errors.Is(err, vault.ErrChange) {
			b.Errorf("a step with %s: %v", name, err)
		}
		if _, err := b.store.Claim(b.ctx, stepping("key", c)); !errors.Is(err, vault.ErrChange) || !errors.Is(err, vault.ErrClaim) {
			b.Errorf("a claim with %s: %v", name, err)
		}
	}
	b.sameToken(one)
}

func changeSay(b *bench) {
	one := b.mint(1)
	by := func(event token.Event, by token.Party) token.Change {
		return token.Change{Reference: one.Reference, Event: event, By: by}
	}
	b.claim(stepping("suspend", by(token.Suspend, token.Issuer)), vault.Won)
	b.claim(stepping("resume", by(token.Resume, token.Requestor)), vault.Overtaken)
	b.reopen()
	b.claim(stepping("resume", by(token.Resume, token.Requestor)), vault.Overtaken)
	if got := b.claim(stepping("resume", by(token.Resume, token.Issuer)), vault.Won); got.Token != one {
		b.Errorf("the token is %+v", got.Token)
	}
}

// passcodes goes through all tries of all passcodes.
func passcodes(b *bench) {
	one := b.stored(inactive(1))
	for number := 1; number <= token.PasscodesMax; number++ {
		for i := range token.PasscodeTriesMax {
			got := b.claim(stepping(fmt.Sprintf("try %d of %d", i, number), try(one.Reference, number, false)), vault.Won)
			if got.Token.Passcode.Tries != i+1 || got.Token.Passcode.Number != number {
				b.Errorf("try %d of passcode %d: %+v", i, number, got.Token.Passcode)
			}
		}
		b.claim(stepping("one more", try(one.Reference, number, false)), vault.Overtaken)
		b.claim(stepping("the right one, too late", try(one.Reference, number, true)), vault.Overtaken)
		state := vault.Won
		if number == token.PasscodesMax {
			state = vault.Overtaken
		}
		b.claim(stepping(fmt.Sprint("draw after ", number), step(one.Reference, token.DrawPasscode)), state)
		b.claim(stepping("a later one", try(one.Reference, number+2, true)), vault.Overtaken)
		if number > 1 {
			b.claim(stepping("an earlier one", try(one.Reference, number-1, true)), vault.Overtaken)
		}
	}
	for reason, want := range map[token.NoticeReason]token.Notice{
		token.NoticeTried:    {Result: token.PasscodesTried},
		token.NoticePasscode: {Passcode: token.PasscodesMax},
	} {
		want.Reason, want.TransactionID, want.Reference = reason, one.TransactionID, one.Reference
		found := 0
		for _, q := range b.due(noon) {
			if q.Notice == want {
				found++
			}
		}
		if found != 1 || len(b.due(noon)) != 2 {
			b.Errorf("reason %s: due are %+v", reason, b.due(noon))
		}
	}
}

func replacePAN(b *bench) {
	one := b.mint(1)
	c := token.Change{Reference: one.Reference, Event: token.ReplacePAN, By: token.Issuer, PAN: PAN(5), PANSequence: 7, PANExpiry: card.MustExpiry("3401")}
	b.claim(stepping("key", c), vault.Won)
	one.PAN, one.PANSequence, one.PANExpiry = PAN(5), 7, card.MustExpiry("3401")
	for _, when := range []string{"open", "opened again"} {
		b.sameToken(one)
		b.tokensOf(PAN(1))
		b.tokensOf(PAN(5), one)
		if when == "open" {
			b.reopen()
		}
	}
	b.restsWithout(PAN(1).Reveal(), PAN(5).Reveal())
}

func (b *bench) tokensOf(pan card.PAN, want ...token.Token) {
	b.Helper()
	got, err := b.store.TokensOf(b.ctx, pan)
	b.must(err)
	if diff := cmp.Diff(want, got, plain); diff != "" {
		b.Errorf("the tokens of %s (-want +got):\n%s", pan, diff)
	}
}

func tokensOf(b *bench) {
	b.tokensOf(PAN(1))
	var all []token.Token
	for n, age := range []time.Duration{time.Hour, 0, 2 * time.Hour, 0} {
		one := Token(n + 1)
		one.PAN, one.Created = PAN(1), noon.Add(-age)
		all = append(all, b.stored(one))
	}
	b.mint(5)
	b.tokensOf(PAN(1), all[3], all[1], all[0], all[2])
	b.step(all[1], token.Deactivate)
	b.step(all[0], token.Suspend)
	all[0].Status, all[0].SuspendedBy = token.Suspended, token.Operator
	b.tokensOf(PAN(1), all[3], all[0], all[2])
}

func tokensOfMany(b *bench) {
	for n := range vault.TokensMax + 1 {
		one := Token(n)
		one.PAN, one.Created = PAN(1), noon.Add(time.Duration(n))
		b.stored(one)
		list, err := b.store.TokensOf(b.ctx, PAN(1))
		b.must(err)
		if len(list) != min(n+1, vault.TokensMax) || list[0] != one {
			b.Fatalf("%d of %d tokens, the first is %s", len(list), n+1, list[0].Reference)
		}
	}
}

func changeTrail(b *bench) {
	one := b.stored(inactive(1))
	for i, c := range []token.Change{
		try(one.Reference, 1, false), try(one.Reference, 1, false),
		{Reference: one.Reference, Event: token.DrawPasscode, By: token.Requestor, Expires: noon.Add(token.PasscodeFor)},
		try(one.Reference, 2, true),
		{Reference: one.Reference, Event: token.UpdateExpiry, By: token.Issuer, PANExpiry: card.MustExpiry("3306")},
		{Reference: one.Reference, Event: token.ReplacePAN, By: token.Issuer, PAN: PAN(2), PANExpiry: card.MustExpiry("3306")},
		{Reference: one.Reference, Event: token.Suspend, By: token.Issuer},
		{Reference: one.Reference, Event: token.Deactivate, By: token.Network},
	} {
		b.claim(stepping(fmt.Sprint(i), c), vault.Won)
	}
	want := []string{
		"token changed: passcode failed, 1 of 3, by requestor",
		"token changed: passcode failed, 2 of 3, by requestor",
		"token changed: passcode drawn, 2 of 3, by requestor",
		"token active: was inactive, by requestor",
		"token changed: expiry date updated, by issuer",
		"token changed: PAN replaced by " + PAN(2).Masked() + ", by issuer",
		"token suspended: was active, by issuer",
		"token deactivated: was suspended, by network",
	}
	var got []string
	for _, e := range b.trail() {
		if e.Subject == one.Reference && e.Transaction == one.TransactionID && e.Event != vault.EventTokenCreated && e.Event != vault.EventActivationApproved {
			got = append(got, e.Event+": "+e.Detail)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
	if n := b.told(vault.EventLifeCycleDone); n != len(want) {
		b.Errorf("%d requests are told of", n)
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

func changeRests(b *bench) {
	one := b.stored(inactive(1))
	for i := range token.PasscodeTriesMax - 1 {
		b.claim(stepping(fmt.Sprint(i), try(one.Reference, 1, false)), vault.Won)
	}
	b.reopen()
	one.Passcode.Tries = token.PasscodeTriesMax - 1
	b.sameToken(one)
	b.claim(stepping("the last", try(one.Reference, 1, false)), vault.Won)
	b.reopen()
	b.claim(stepping("one more", try(one.Reference, 1, true)), vault.Overtaken)
}

// parallelPasscodes guesses a passcode from everywhere.
func parallelPasscodes(b *bench) {
	one := b.stored(inactive(1))
	states := b.together(func(n int) vault.Claim { return stepping(fmt.Sprint("caller ", n), try(one.Reference, 1, false)) })
	if states[vault.Won] != token.PasscodeTriesMax || states[vault.Overtaken] != callers-token.PasscodeTriesMax {
		b.Errorf("states are %v", states)
	}
	one.Passcode.Tries = token.PasscodeTriesMax
	b.sameToken(one)
}

// parallelRightPasscodes mixes the right passcode in: the token becomes active
// at most once, and never after the last try.
func parallelRightPasscodes(b *bench) {
	one := b.stored(inactive(1))
	states := b.together(func(n int) vault.Claim {
		return stepping(fmt.Sprint("caller ", n), try(one.Reference, 1, n%5 == 0))
	})
	got, err := b.store.TokenByReference(b.ctx, one.Reference)
	b.must(err)
	tries := b.told(vault.EventTokenChanged)
	active := b.told(vault.TokenEvent(token.Active))
	if active > 1 || tries > token.PasscodeTriesMax || tries+active != states[vault.Won] || (got.Status == token.Active) != (active == 1) {
		b.Errorf("%d tries, %d activations, %v, the token is %s", tries, active, states, got.Status.Word())
	}
}
