package vaulttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var adviceTests = []test{
	{"an advice waits until it is acknowledged", adviceWaits},
	{"an advice is queued once", adviceOnce},
	{"a postponed advice comes back", advicePostponed},
	{"what was not sent is no try", adviceUnsent},
	{"oldest first, and no more than asked for", adviceOrder},
	{"unknown and ill-formed advices", adviceUnknown},
	{"the trail tells of advices", adviceTrail},
	{"advices that have ended are forgotten", advicePruned},
	{"advices of what does not hold are not queued", adviceUndone},
	{"advices and questions are kept over a restart, sealed", adviceRests},
}

// question is what was asked about the n-th account; no two of its fields are
// equal.
func question(n int) vault.Question {
	return vault.Question{
		Issuer: "first bank", PAN: PAN(n), Sequence: 2, Expiry: card.MustExpiry("3112"), Amount: 12_345_678_901,
		Currency: "978", Category: "5812", EntryMode: "0710", Condition: "59", STAN: "000123", Transmitted: "1122123456",
		RRN: "632612000123", Acquirer: "400001", Terminal: "TERM0001", Acceptor: "WEBSHOP00000001",
	}
}

// advice is the n-th advice of a kind.
func advice(kind vault.AdviceKind, n int) vault.Advice {
	return vault.Advice{
		Kind: kind, About: vault.KindOnline, TransactionID: fmt.Sprintf("%015d", n), Question: question(n),
		Outcome: token.Outcome{
			Response: token.Approved, AnsweredBy: token.ByNetwork, Reference: Token(n).Reference,
			Method: token.ByPasscode, StandIn: token.StandInTimeout, Reason: token.ReasonStoodIn,
		},
	}
}

// online is an open claim about the n-th account, with its question.
func online(key string, n int) vault.Claim {
	return vault.Claim{
		Key: key, Content: []byte("content"), Kind: vault.KindOnline, TransactionID: fmt.Sprintf("%015d", n), At: noon,
		Question: new(question(n)),
	}
}

// advised claims a decided request that queues advices.
func (b *bench) advised(key string, list ...vault.Advice) {
	b.Helper()
	c := online(key, 1)
	c.Outcome, c.Advices = new(approved("")), list
	b.claim(c, vault.Won)
}

func (b *bench) dueAdvices(at time.Time, want ...vault.Advice) []vault.QueuedAdvice {
	b.Helper()
	list, err := b.store.DueAdvices(b.ctx, at, vault.ListMax)
	b.must(err)
	var got []vault.Advice
	for _, q := range list {
		got = append(got, q.Advice)
	}
	if diff := cmp.Diff(want, got, plain); diff != "" {
		b.Fatalf("due advices (-want +got):\n%s", diff)
	}
	return list
}

func adviceWaits(b *bench) {
	standIn := advice(vault.AdviceStandIn, 1)
	b.claim(online("key", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved(""), Advices: []vault.Advice{standIn}}))
	b.dueAdvices(noon.Add(-1))
	due := b.dueAdvices(noon, standIn)
	if due[0].ID == 0 || due[0].Tries != 0 || !due[0].Queued.Equal(noon) {
		b.Errorf("due is %+v", due[0])
	}
	for range 2 { // the second time is nothing
		b.must(b.store.AcknowledgeAdvices(b.ctx, []int64{due[0].ID}, noon))
	}
	b.must(b.store.PostponeAdvice(b.ctx, due[0].ID, noon, true))
	b.dueAdvices(noon.Add(time.Hour))
	if n := b.told(vault.EventAdviceAcknowledged); n != 1 {
		b.Errorf("the trail tells of %d acknowledgements", n)
	}
}

// told counts the entries of an event.
func (b *bench) told(event string) (n int) {
	b.Helper()
	for _, e := range b.trail() {
		if e.Event == event {
			n++
		}
	}
	return n
}

func adviceOnce(b *bench) {
	first, other := advice(vault.AdviceStandIn, 1), advice(vault.AdviceReversal, 1)
	b.advised("first", first, first)
	second := first
	second.Outcome.Response = token.DoNotHonour
	b.advised("second", second, other)
	due := b.dueAdvices(noon, first, other)
	for _, q := range due {
		b.must(b.store.AcknowledgeAdvices(b.ctx, []int64{q.ID}, noon))
	}
	b.advised("third", first, other)
	b.dueAdvices(noon)
	if n := b.told(vault.EventAdviceQueued); n != 2 {
		b.Errorf("the trail tells of %d queued advices", n)
	}
}

func advicePostponed(b *bench) {
	one := advice(vault.AdviceReversal, 1)
	b.advised("key", one)
	id := b.dueAdvices(noon, one)[0].ID
	for try := 1; try <= 3; try++ {
		until := noon.Add(time.Duration(try) * time.Minute)
		b.must(b.store.PostponeAdvice(b.ctx, id, until, true))
		b.dueAdvices(until.Add(-1))
		if due := b.dueAdvices(until, one); due[0].Tries != try || !due[0].Queued.Equal(noon) {
			b.Errorf("try %d: due is %+v", try, due[0])
		}
	}
}

// A line that was down is no try: the advice waits, and stays a first one.
func adviceUnsent(b *bench) {
	one := advice(vault.AdviceReversal, 1)
	b.advised("decided", one)
	b.must(b.store.PostponeAdvice(b.ctx, b.dueAdvices(noon, one)[0].ID, noon.Add(time.Minute), false))
	b.dueAdvices(noon.Add(time.Minute - 1))
	if due := b.dueAdvices(noon.Add(time.Minute), one); due[0].Tries != 0 {
		b.Errorf("due is %+v", due[0])
	}
}

func adviceOrder(b *bench) {
	for n := range 4 {
		b.advised(fmt.Sprint(n), advice(vault.AdviceStandIn, n))
	}
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, 3: 3, 10: 4} {
		list, err := b.store.DueAdvices(b.ctx, noon, limit)
		b.must(err)
		inOrder := slices.IsSortedFunc(list, func(x, y vault.QueuedAdvice) int {
			return strings.Compare(x.Advice.TransactionID, y.Advice.TransactionID)
		})
		if len(list) != want || !inOrder {
			b.Errorf("limit %d gives %d advices, in order %t", limit, len(list), inOrder)
		}
	}
}

func adviceUnknown(b *bench) {
	if err := b.store.PostponeAdvice(b.ctx, 99, noon, true); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("postponing: %v", err)
	}
	if err := b.store.AcknowledgeAdvices(b.ctx, []int64{99}, noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("acknowledging: %v", err)
	}
	b.claim(online("key", 1), vault.Won)
	nobody := advice(vault.AdviceStandIn, 1)
	nobody.Question.Issuer = ""
	err := b.store.Conclude(b.ctx, vault.Conclusion{Key: "key", At: noon, Outcome: approved(""), Advices: []vault.Advice{nobody}})
	if !errors.Is(err, vault.ErrAdvice) {
		b.Errorf("concluding with an advice to nobody: %v", err)
	}
	b.unfinished("key")
	b.dueAdvices(noon)
}

func adviceTrail(b *bench) {
	b.advised("key", advice(vault.AdviceStandIn, 7))
	b.must(b.store.AcknowledgeAdvices(b.ctx, []int64{b.dueAdvices(noon, advice(vault.AdviceStandIn, 7))[0].ID}, noon))
	b.explained("000000000000007",
		"advice queued, of "+PAN(7).Masked()+": stand-in, for first bank",
		"advice acknowledged, of "+PAN(7).Masked()+": stand-in, for first bank")
}

// explained wants what the trail says of a transaction.
func (b *bench) explained(transactionID string, want ...string) {
	b.Helper()
	list, err := b.store.Explain(b.ctx, transactionID)
	b.must(err)
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprintf("%s, of %s: %s", e.Event, e.Subject, e.Detail))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("transaction %s (-want +got):\n%s", transactionID, diff)
	}
}

func advicePruned(b *bench) {
	ended, waits := advice(vault.AdviceStandIn, 1), advice(vault.AdviceReversal, 1)
	b.advised("key", ended, waits)
	b.prune(noon.Add(1), 1) // the transaction
	later := noon.Add(time.Minute)
	b.must(b.store.AcknowledgeAdvices(b.ctx, []int64{b.dueAdvices(noon, ended, waits)[0].ID}, later))
	b.prune(later, 0)
	b.prune(later.Add(1), 1)
	b.dueAdvices(noon, waits)
	b.prune(noon.Add(age), 0)
	b.dueAdvices(noon, waits)
	b.advised("again", ended) // it is not known any more
	b.dueAdvices(noon, waits, ended)
}

func adviceUndone(b *bench) {
	one := b.mint(1)
	c := tap("tap", one.Reference, 0)
	c.Advices = []vault.Advice{advice(vault.AdviceStandIn, 1)}
	b.claim(c, vault.Stale)
	b.claim(online("key", 1), vault.Won)
	unknown := []token.Notice{{Reason: token.NoticeCreated, TransactionID: "1", Reference: "no such token"}}
	end := vault.Conclusion{Key: "key", At: noon, Outcome: approved(""), Notices: unknown, Advices: c.Advices}
	if err := b.store.Conclude(b.ctx, end); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("got %v", err)
	}
	b.dueAdvices(noon)
}

func adviceRests(b *bench) {
	one := advice(vault.AdviceReversal, 1)
	b.advised("decided", one)
	b.claim(online("under way", 2), vault.Won)
	b.must(b.store.PostponeAdvice(b.ctx, b.dueAdvices(noon, one)[0].ID, noon.Add(time.Minute), true))
	b.reopen()
	b.dueAdvices(noon)
	if due := b.dueAdvices(noon.Add(time.Minute), one); due[0].Tries != 1 {
		b.Errorf("due is %+v", due[0])
	}
	list, err := b.store.Unfinished(b.ctx)
	b.must(err)
	want := vault.Transaction{Key: "under way", Kind: vault.KindOnline, TransactionID: "000000000000002", At: noon, Question: new(question(2))}
	if diff := cmp.Diff([]vault.Transaction{want}, list, plain); diff != "" {
		b.Errorf("unfinished (-want +got):\n%s", diff)
	}
	b.restsWithout(PAN(1).Reveal(), PAN(2).Reveal())
}
