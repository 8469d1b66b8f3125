package vaulttest

import (
	"fmt"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var accountTests = []test{
	{"an account never seen is zero", accountNeverSeen},
	{"enrolling and unenrolling", enrolling},
	{"accounts do not touch each other", accountsApart},
	{"failures count for 24 hours", failuresExpire},
	{"only a success ends a row", successEndsRow},
}

func accountNeverSeen(b *bench) {
	if got := b.account(PAN(1), noon); got != (vault.Account{}) {
		b.Errorf("got %+v", got)
	}
	for _, change := range []vault.AccountChange{vault.NoChange, vault.ChangeUnenrol, vault.ChangeUnlock} {
		if got := b.change(change, 1, noon); got != (vault.Account{}) {
			b.Errorf("%q of it: %+v", change, got)
		}
	}
	if trail := b.trail(); len(trail) != 0 {
		b.Errorf("a change of nothing is in the trail: %v", trail)
	}
}

func enrolling(b *bench) {
	for i, step := range []struct {
		enrol bool
		want  dcvv2.Enrolment
	}{
		{true, dcvv2.Enrolment{Enrolled: true, Generation: 0, Since: noon}},
		{true, dcvv2.Enrolment{Enrolled: true, Generation: 0, Since: noon}}, // stays
		{false, dcvv2.Enrolment{Enrolled: false, Generation: 0, Since: noon.Add(2 * time.Hour)}},
		{false, dcvv2.Enrolment{Enrolled: false, Generation: 0, Since: noon.Add(2 * time.Hour)}}, // stays
		{true, dcvv2.Enrolment{Enrolled: true, Generation: 1, Since: noon.Add(4 * time.Hour)}},
		{false, dcvv2.Enrolment{Enrolled: false, Generation: 1, Since: noon.Add(5 * time.Hour)}},
		{true, dcvv2.Enrolment{Enrolled: true, Generation: 2, Since: noon.Add(6 * time.Hour)}},
	} {
		change := vault.ChangeUnenrol
		if step.enrol {
			change = vault.ChangeEnrol
		}
		got := b.change(change, 1, noon.Add(time.Duration(i)*time.Hour)).Enrolment
		if got != step.want {
			b.Errorf("step %d gives %+v, not %+v", i, got, step.want)
		}
		if read := b.account(PAN(1), noon).Enrolment; read != step.want {
			b.Errorf("step %d reads %+v, not %+v", i, read, step.want)
		}
	}
}

func accountsApart(b *bench) {
	b.change(vault.ChangeEnrol, 1, noon)
	b.claim(guess("guess", 1), vault.Won)
	if got := b.account(PAN(2), noon); got != (vault.Account{}) {
		b.Errorf("account 2 became %+v", got)
	}
}

func failuresExpire(b *bench) {
	for i := range 3 {
		c := guess(fmt.Sprint("guess ", i), 1)
		c.At = noon.Add(time.Duration(i) * time.Hour)
		b.claim(c, vault.Won)
	}
	for _, moment := range []struct {
		after time.Duration
		inDay int
	}{
		{2 * time.Hour, 3},
		{vault.FailuresFor - 1, 3},
		{vault.FailuresFor, 2}, // exactly a day old counts no more
		{vault.FailuresFor + time.Hour, 1},
		{vault.FailuresFor + 2*time.Hour, 0},
	} {
		b.attempts(PAN(1), noon.Add(moment.after), dcvv2.Attempts{FailuresInDay: moment.inDay, FailuresInRow: 3})
	}
}

func successEndsRow(b *bench) {
	b.claim(guess("guess 1", 1), vault.Won)
	b.claim(guess("guess 2", 1), vault.Won)

	b.claim(spending("declined by the issuer", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "declined by the issuer", At: noon, PAN: PAN(1), Release: true, Outcome: declined(token.ReasonIssuerDeclined)}))
	b.attempts(PAN(1), noon, dcvv2.Attempts{FailuresInDay: 2, FailuresInRow: 2})

	b.claim(spending("approved", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "approved", At: noon, PAN: PAN(1), Succeeded: true, Outcome: approved("")}))
	b.attempts(PAN(1), noon, dcvv2.Attempts{FailuresInDay: 2, FailuresInRow: 0})
}
