package vaulttest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

var requestTests = []test{
	{"a repeat gets the first answer", requestRepeated},
	{"the same id with other content is a conflict", requestConflict},
	{"requests are remembered for 24 hours", requestsExpire},
	{"clients do not share their ids", requestsApart},
	{"a request without an id is not remembered", requestWithoutID},
	{"an account that must be enrolled", requestMustBeEnrolled},
	{"accounts enrolled by default", requestByDefault},
	{"unlocking forgets failures", requestUnlocks},
	{"unlocking forgets all failures", requestUnlocksAll},
	{"ill-formed requests are refused", requestIllFormed},
	{"the trail tells of changes and names the client", requestTrail},
	{"requests outlive the store", requestsReopen},
}

func (b *bench) serve(r vault.AccountRequest, want vault.AnswerState) vault.AccountAnswer {
	b.Helper()
	got, err := b.store.ServeAccount(b.ctx, r)
	b.must(err)
	if got.State != want {
		b.Fatalf("request %q is %s, not %s", r.ID, got.State, want)
	}
	return got
}

func (b *bench) same(want, got vault.AccountAnswer) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("answer (-want +got):\n%s", diff)
	}
}

// changing is a request that is remembered.
func changing(id string, change vault.AccountChange, n int) vault.AccountRequest {
	r := asking(id, n)
	r.Change = change
	return r
}

// enrolledAt is an account without failures.
func enrolledAt(generation uint16, since time.Time) vault.Account {
	return vault.Account{Enrolment: dcvv2.Enrolment{Enrolled: true, Generation: generation, Since: since}}
}

func requestRepeated(b *bench) {
	first := b.serve(changing("id", vault.ChangeEnrol, 1), vault.AnswerNew)
	want := vault.AccountAnswer{State: vault.AnswerNew, At: noon, Account: enrolledAt(0, noon)}
	b.same(want, first)

	b.change(vault.ChangeUnenrol, 1, noon.Add(time.Minute))
	b.claim(guess("guess", 1), vault.Won)
	again := changing("id", vault.ChangeEnrol, 1)
	again.At = noon.Add(time.Hour)
	want.State = vault.AnswerRepeated
	b.same(want, b.serve(again, vault.AnswerRepeated))
	if b.account(PAN(1), noon).Enrolment.Enrolled {
		b.Error("the repeat enrolled anew")
	}

	question := b.serve(asking("question", 1), vault.AnswerNew)
	question.State = vault.AnswerRepeated
	b.change(vault.ChangeEnrol, 1, noon.Add(time.Hour))
	b.same(question, b.serve(asking("question", 1), vault.AnswerRepeated))
	if a := question.Account; a.Enrolment.Enrolled || a.Attempts != (dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1}) {
		b.Errorf("the question was answered with %+v", a)
	}
}

func requestConflict(b *bench) {
	b.serve(changing("id", vault.ChangeEnrol, 1), vault.AnswerNew)
	before := b.trail()
	other := changing("id", vault.ChangeUnenrol, 1)
	other.Content = []byte("other content")
	b.same(vault.AccountAnswer{State: vault.AnswerConflict}, b.serve(other, vault.AnswerConflict))
	if b.account(PAN(1), noon) != enrolledAt(0, noon) || len(b.trail()) != len(before) {
		b.Error("a conflict changed something")
	}
	b.serve(changing("id", vault.ChangeEnrol, 1), vault.AnswerRepeated)
}

func requestsExpire(b *bench) {
	r := asking("id", 1)
	b.serve(r, vault.AnswerNew)
	r.At = noon.Add(vault.RequestsFor - 1)
	b.serve(r, vault.AnswerRepeated)
	r.At, r.Content = noon.Add(vault.RequestsFor), []byte("other content")
	if got := b.serve(r, vault.AnswerNew); !got.At.Equal(r.At) { // exactly a day old is forgotten
		b.Errorf("it is of %s", got.At)
	}
	r.At = r.At.Add(vault.RequestsFor - 1) // counted from the new one
	b.serve(r, vault.AnswerRepeated)
}

func requestsApart(b *bench) {
	r := asking("id", 1)
	b.serve(r, vault.AnswerNew)
	for _, other := range [][2]string{{"bluebank", "id"}, {"greenbanki", "d"}, {"greenban", "kid"}, {"greenbank", "id "}} {
		r.Client, r.ID, r.Content = other[0], other[1], []byte("other content")
		b.serve(r, vault.AnswerNew)
	}
}

func requestWithoutID(b *bench) {
	b.serve(changing("", vault.ChangeEnrol, 1), vault.AnswerNew)
	other := changing("", vault.ChangeUnenrol, 1)
	other.Content = []byte("other content")
	b.serve(other, vault.AnswerNew)
	if b.serve(asking("", 1), vault.AnswerNew).Account.Enrolment.Enrolled {
		b.Error("it was not unenrolled")
	}
}

func requestMustBeEnrolled(b *bench) {
	r := asking("id", 1)
	r.MustBeEnrolled = true
	if got := b.serve(r, vault.AnswerNew); got.Account.Enrolment.Enrolled {
		b.Errorf("got %+v", got)
	}
	other := r
	other.Content = []byte("other content")
	b.serve(other, vault.AnswerNew) // nothing is remembered yet
	b.change(vault.ChangeEnrol, 1, noon)
	b.serve(r, vault.AnswerNew)
	b.change(vault.ChangeUnenrol, 1, noon)
	b.same(vault.AccountAnswer{State: vault.AnswerRepeated, At: noon, Account: enrolledAt(0, noon)}, b.serve(r, vault.AnswerRepeated))
	b.serve(other, vault.AnswerConflict)
}

func requestByDefault(b *bench) {
	by := func(id string, change vault.AccountChange, n, hours int) vault.Account {
		r := changing(id, change, n)
		r.ByDefault, r.At = true, noon.Add(time.Duration(hours)*time.Hour)
		r.MustBeEnrolled = change == vault.NoChange
		return b.serve(r, vault.AnswerNew).Account
	}
	if got := by("question", vault.NoChange, 1, 0); got != enrolledAt(0, time.Time{}) {
		b.Errorf("never seen: %+v", got)
	}
	if got := b.account(PAN(1), noon); got != (vault.Account{}) || got.Under(dcvv2.Policy{EnrolByDefault: true}) != enrolledAt(0, time.Time{}) {
		b.Errorf("the question was recorded: %+v", got)
	}
	r := asking("question", 1)
	r.ByDefault, r.MustBeEnrolled = true, true
	b.serve(r, vault.AnswerRepeated)
	if got, want := by("", vault.ChangeUnenrol, 1, 1), (dcvv2.Enrolment{Since: noon.Add(time.Hour)}); got.Enrolment != want {
		b.Errorf("unenrolled: %+v", got)
	}
	if got := by("", vault.NoChange, 1, 2); got.Enrolment.Enrolled {
		b.Errorf("after its end: %+v", got)
	}
	if got := by("", vault.ChangeEnrol, 1, 3); got != enrolledAt(1, noon.Add(3*time.Hour)) {
		b.Errorf("enrolled: %+v", got)
	}
	if got := by("", vault.ChangeEnrol, 2, 4); got != enrolledAt(0, noon.Add(4*time.Hour)) {
		b.Errorf("enrolled, never seen: %+v", got)
	}
}

func requestUnlocks(b *bench) {
	for n := 1; n <= 2; n++ {
		for i := range dcvv2.FailuresPerDayDefault {
			b.claim(guess(fmt.Sprintf("guess %d at account %d", i, n), n), vault.Won)
		}
	}
	b.claim(spending("blocked", 1), vault.Blocked)
	if got := b.serve(changing("id", vault.ChangeUnlock, 1), vault.AnswerNew); got.Account != (vault.Account{}) {
		b.Errorf("got %+v", got.Account)
	}
	b.attempts(PAN(1), noon, dcvv2.Attempts{})
	b.attempts(PAN(2), noon, dcvv2.Attempts{FailuresInDay: 5, FailuresInRow: 5})
	b.claim(guess("one guess", 1), vault.Won)
	b.serve(changing("id", vault.ChangeUnlock, 1), vault.AnswerRepeated)
	b.attempts(PAN(1), noon, dcvv2.Attempts{FailuresInDay: 1, FailuresInRow: 1}) // a repeat unlocks nothing
	b.claim(spending("the right code", 1), vault.Won)
}

// requestUnlocksAll: failures that are no more in a row are forgotten too, and
// so are those too old to count, because a later request's clock may be behind.
func requestUnlocksAll(b *bench) {
	b.claim(guess("guess", 1), vault.Won)
	b.claim(spending("the right code", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "the right code", At: noon, Outcome: declined(""), PAN: PAN(1), Succeeded: true}))
	b.attempts(PAN(1), noon, dcvv2.Attempts{FailuresInDay: 1})
	b.change(vault.ChangeUnlock, 1, noon)
	b.attempts(PAN(1), noon, dcvv2.Attempts{})
	if list := b.trail(); list[len(list)-1].Event != vault.EventUnlocked {
		b.Errorf("the trail ends with %q", list[len(list)-1].Event)
	}
	b.claim(guess("another guess", 1), vault.Won)
	b.change(vault.ChangeUnlock, 1, noon.Add(vault.FailuresFor))
	b.attempts(PAN(1), noon, dcvv2.Attempts{})
}

func requestIllFormed(b *bench) {
	for _, bad := range []struct {
		name   string
		change func(*vault.AccountRequest)
	}{
		{"no client", func(r *vault.AccountRequest) { r.Client = "" }},
		{"client one byte too long", func(r *vault.AccountRequest) { r.Client = strings.Repeat("c", vault.KeyBytesMax+1) }},
		{"id one byte too long", func(r *vault.AccountRequest) { r.ID = strings.Repeat("i", vault.KeyBytesMax+1) }},
		{"no account", func(r *vault.AccountRequest) { r.PAN = card.PAN{} }},
		{"an unknown change", func(r *vault.AccountRequest) { r.Change = "close" }},
		{"a change of what must be enrolled", func(r *vault.AccountRequest) { r.Change, r.MustBeEnrolled = vault.ChangeEnrol, true }},
	} {
		r := asking("id", 1)
		bad.change(&r)
		if _, err := b.store.ServeAccount(b.ctx, r); !errors.Is(err, vault.ErrRequest) {
			b.Errorf("%s: %v", bad.name, err)
		}
	}
	longest := asking(strings.Repeat("i", vault.KeyBytesMax), 1)
	longest.Client = strings.Repeat("c", vault.KeyBytesMax)
	b.serve(longest, vault.AnswerNew)
}

func requestTrail(b *bench) {
	for range 2 { // each change again changes nothing
		b.change(vault.ChangeEnrol, 1, noon)
	}
	b.claim(guess("guess", 1), vault.Won)
	for _, change := range []vault.AccountChange{vault.ChangeUnlock, vault.ChangeUnenrol} {
		for range 2 {
			b.change(change, 1, noon)
		}
	}
	b.serve(asking("id", 1), vault.AnswerNew)
	b.change(vault.ChangeEnrol, 1, noon)
	want := []string{
		"account enrolled: generation 0, by greenbank",
		"account unlocked: 1 failures in a row, 1 in the day, by greenbank",
		"account unenrolled: generation 0, by greenbank",
		"account enrolled: generation 1, by greenbank",
	}
	var got []string
	for _, e := range b.trail() {
		if strings.HasPrefix(e.Event, "account ") {
			got = append(got, e.Event+": "+e.Detail)
			if e.Subject != PAN(1).Masked() || !e.At.Equal(noon) {
				b.Errorf("entry %d is about %s at %s", e.Number, e.Subject, e.At)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}

// requestsParallel unenrols and enrols an account many times under few ids.
func requestsParallel(b *bench) {
	b.change(vault.ChangeEnrol, 1, noon)
	b.change(vault.ChangeUnenrol, 1, noon)
	answers := make([]vault.AccountAnswer, callers)
	b.atOnce(func(n int) (err error) {
		r := changing("id", vault.ChangeEnrol, 1)
		r.At = noon.Add(time.Duration(n) * time.Second)
		answers[n], err = b.store.ServeAccount(b.ctx, r)
		return err
	})
	done := make([]bool, callers)
	for n, a := range answers {
		done[n] = a.State == vault.AnswerNew
	}
	first := answers[b.only(done)]
	for n, a := range answers {
		if !done[n] {
			want := first
			want.State = vault.AnswerRepeated
			b.same(want, a)
		}
	}
	if got := b.account(PAN(1), noon); got != first.Account || got.Enrolment.Generation != 1 {
		b.Errorf("the account is %+v", got)
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}

func conflictsParallel(b *bench) {
	done := make([]bool, callers)
	b.atOnce(func(n int) error {
		r := changing("id", vault.ChangeEnrol, n)
		r.Content = fmt.Append(nil, "content ", n)
		a, err := b.store.ServeAccount(b.ctx, r)
		done[n] = a.State == vault.AnswerNew
		return err
	})
	winner := b.only(done)
	for n := range callers {
		if b.account(PAN(n), noon).Enrolment.Enrolled != (n == winner) {
			b.Errorf("account %d: the winner is %d", n, winner)
		}
	}
}

func requestsReopen(b *bench) {
	first := b.serve(changing("id", vault.ChangeEnrol, 1), vault.AnswerNew)
	b.change(vault.ChangeUnenrol, 1, noon)
	b.reopen()
	first.State = vault.AnswerRepeated
	b.same(first, b.serve(changing("id", vault.ChangeEnrol, 1), vault.AnswerRepeated))
	other := changing("id", vault.ChangeEnrol, 1)
	other.Content = nil
	b.serve(other, vault.AnswerConflict)
}
