// Package vaulttest is the conformance suite of vault.Store: what every engine
// must do, written once. An engine's own tests call Run and add only what is
// particular to it.
//
// It uses test card numbers and fixed keys only, and never looks behind the
// interface but for Place.AtRest. Start at Run.
package vaulttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Place is where one test's store rests; it is empty at first.
type Place struct {
	// Open opens the store of this place. After a Close it is opened again,
	// and must hold all it held.
	Open func(c *vault.Cipher) (vault.Store, error)
	// AtRest gives all that the engine has written, to search it for clear
	// values.
	AtRest func() ([]byte, error)
}

// Run runs the suite. place gives a new place for each test; tests run at once.
func Run(t *testing.T, place func(t *testing.T) Place) {
	t.Helper()
	run(t, place, []chapter{
		{"accounts", accountTests},
		{"requests", requestTests},
		{"claims", claimTests},
		{"scopes", scopeTests},
		{"conclusions", conclusionTests},
		{"tokens", tokenTests},
		{"changes", changeTests},
		{"reversals", reversalTests},
		{"marks and lent keys", lentTests},
		{"notices", noticeTests},
		{"advices", adviceTests},
		{"model", modelTests},
		{"ranges", rangeTests},
		{"trail", trailTests},
		{"pruning", pruneTests},
		{"many at once", parallelTests},
		{"at rest", restTests},
	})
}

// RunManyAtOnce runs the chapter of the suite in which callers meet: for an
// engine that takes their changes together or one by one, which no other
// chapter can tell apart.
func RunManyAtOnce(t *testing.T, place func(t *testing.T) Place) {
	t.Helper()
	run(t, place, []chapter{{"many at once", parallelTests}})
}

type chapter struct {
	name  string
	tests []test
}

func run(t *testing.T, place func(t *testing.T) Place, chapters []chapter) {
	t.Helper()
	for _, one := range chapters {
		t.Run(one.name, func(t *testing.T) {
			for _, one := range one.tests {
				t.Run(one.name, func(t *testing.T) {
					t.Parallel() // most of a test is waiting for the disk
					one.run(newBench(t, place(t)))
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(*bench)
}

// noon is the instant most tests happen at.
var noon = time.Date(2026, 11, 22, 12, 34, 56, 789, time.UTC)

// Cipher is the cipher of all tests.
func Cipher(tb testing.TB) *vault.Cipher {
	tb.Helper()
	c, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// PAN is the n-th test account.
func PAN(n int) card.PAN { return complete(fmt.Sprintf("4761739%08d", n)) }

// Number is the n-th test token number.
func Number(n int) card.PAN { return complete(fmt.Sprintf("489537%09d", n)) }

func complete(digits string) card.PAN {
	pan, err := card.CompletePAN(digits)
	if err != nil {
		panic(err)
	}
	return pan
}

// Token is the n-th test token; no two of its fields are equal.
func Token(n int) token.Token {
	return token.Token{
		Number: Number(n), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Reference: fmt.Sprintf("%032x", n), Status: token.Active, Type: token.Cloud,
		Requestor: "40010030273", DeviceID: fmt.Sprintf("%048x", n+1000),
		PAN: PAN(n), PANSequence: 2, PANExpiry: card.MustExpiry("3112"), Issuer: "first bank",
		TransactionID: fmt.Sprintf("%015d", n), KeyVersion: 3, Created: noon,
		Version: emv.Version22, Merchant: "WEBSHOP00000001",
	}
}

// plain compares what holds card numbers by ==, and shows nothing of them.
var plain = cmp.Options{
	cmp.Comparer(func(x, y token.Token) bool { return x == y }),
	cmp.Comparer(func(x, y vault.Question) bool { return x == y }),
}

// bench is an open store with the words that tests use.
type bench struct {
	*testing.T
	place Place
	store vault.Store
	ctx   context.Context
}

func newBench(t *testing.T, p Place) *bench {
	b := &bench{T: t, place: p, ctx: t.Context()}
	b.open()
	t.Cleanup(func() {
		if err := b.store.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return b
}

func (b *bench) open() {
	b.Helper()
	var err error
	b.store, err = b.place.Open(Cipher(b))
	b.must(err)
}

func (b *bench) reopen() {
	b.Helper()
	b.must(b.store.Close())
	b.open()
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// claim claims and wants a state.
func (b *bench) claim(c vault.Claim, want vault.ClaimState) vault.ClaimResult {
	b.Helper()
	got, err := b.store.Claim(b.ctx, c)
	b.must(err)
	if got.State != want {
		b.Fatalf("claim %s is %s, not %s", c.Key, got.State, want)
	}
	return got
}

func (b *bench) account(pan card.PAN, at time.Time) vault.Account {
	b.Helper()
	a, err := b.store.Account(b.ctx, pan, at)
	b.must(err)
	return a
}

func (b *bench) attempts(pan card.PAN, at time.Time, want dcvv2.Attempts) {
	b.Helper()
	if got := b.account(pan, at).Attempts; got != want {
		b.Errorf("attempts are %+v, not %+v", got, want)
	}
}

func (b *bench) scopeFailures(scope string, at time.Time, want int) {
	b.Helper()
	got, err := b.store.ScopeFailures(b.ctx, scope, at)
	if b.must(err); got != want {
		b.Errorf("%s has %d failures at %s, not %d", scope, got, at, want)
	}
}

func (b *bench) trail() []vault.Entry {
	b.Helper()
	entries, err := b.store.Audit(b.ctx, 0, vault.ListMax)
	b.must(err)
	return entries
}

func (b *bench) unfinished(want ...string) {
	b.Helper()
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	var got []string
	for _, one := range list {
		got = append(got, one.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("unfinished are %v, not %v", got, want)
	}
}

// mint claims an activation and concludes it with the n-th token.
func (b *bench) mint(n int, notices ...token.Notice) token.Token {
	b.Helper()
	one := Token(n)
	key := fmt.Sprintf("activation of token %d", n)
	b.claim(vault.Claim{Key: key, Kind: vault.KindActivation, TransactionID: one.TransactionID, At: noon, PAN: one.PAN}, vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{
		Key: key, At: noon, Outcome: approved(one.Reference), Token: &one, Notices: notices, PAN: one.PAN, Succeeded: true,
	}))
	return one
}

// asking is a question of the client greenbank about the n-th account.
func asking(id string, n int) vault.AccountRequest {
	return vault.AccountRequest{Client: "greenbank", ID: id, Content: []byte("content"), PAN: PAN(n), At: noon}
}

// change changes the n-th account by a request that is not remembered.
func (b *bench) change(change vault.AccountChange, n int, at time.Time) vault.Account {
	b.Helper()
	r := asking("", n)
	r.Change, r.At = change, at
	answer, err := b.store.ServeAccount(b.ctx, r)
	b.must(err)
	return answer.Account
}

// activation is a claim with the n-th account.
func activation(key string, n int) vault.Claim {
	return vault.Claim{
		Key: key, Content: []byte("content"), Kind: vault.KindActivation, TransactionID: "000000000000001",
		At: noon, PAN: PAN(n), Limits: dcvv2.DefaultPolicy(),
	}
}

// guess is a claim of a wrong code, already declined.
func guess(key string, n int) vault.Claim {
	c := activation(key, n)
	c.Failed, c.Outcome = true, new(declined(token.ReasonWrongCode))
	return c
}

// spending is a claim of a right code.
func spending(key string, n int) vault.Claim {
	c := activation(key, n)
	c.Spend = dcvv2.WindowAt(noon, 1)
	return c
}

// tap is a claim that raises a token's counter.
func tap(key string, reference string, atc uint16) vault.Claim {
	return vault.Claim{Key: key, Kind: vault.KindTap, TransactionID: "000000000000002", At: noon, Reference: reference, ATC: atc}
}

func approved(reference string) token.Outcome {
	return token.Outcome{
		Response: token.Approved, AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match, Authentication: token.ARQCVerified,
		AuthorizationID: "A1B2C3", Reference: reference, CSU: [4]byte{0, 0x80, 1, 0xFF}, Reason: token.ReasonIssuerApproved,
	}
}

func declined(reason token.Reason) token.Outcome {
	return token.Outcome{Response: token.CVV2Failed, AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch, Reason: reason}
}
