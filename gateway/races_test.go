package gateway_test

import (
	"context"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// racers is how many connections race, one request on each.
const racers = 100

// race sends one request on each of many connections at the same moment, and
// gives the answers' response codes.
func (w *world) race(door string, ask func(n int) messages.Message) map[string]int {
	w.Helper()
	type racer struct {
		by *station
		m  *specs.Message
	}
	var all []racer
	for n := range racers {
		all = append(all, racer{w.dial(door), encode(w, ask(n))})
	}
	answers := make([]*specs.Message, racers)
	var running sync.WaitGroup
	start := make(chan struct{})
	for n, one := range all {
		running.Go(func() {
			<-start
			var err error
			if answers[n], err = one.by.conn.Ask(w.Context(), one.m); err != nil {
				w.Errorf("racer %d: %v", n, err)
			}
		})
	}
	close(start)
	running.Wait()
	if w.Failed() {
		w.FailNow()
	}
	seen := make(map[string]int)
	for _, a := range answers {
		seen[a.Text(specs.P(39))]++
	}
	return seen
}

// TestRacingWrongPasscodes holds that no more are looked at than may be tried.
func TestRacingWrongPasscodes(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	right := w.untilTold(token.NoticePasscode, 1).Code
	wrong := w.wrong(right)
	seen := w.race(wallets, func(int) messages.Message { return w.try(p, wrong) })
	if seen["6P"] != token.PasscodeTriesMax || seen["75"] != racers-token.PasscodeTriesMax {
		t.Errorf("answers %v", seen)
	}
	if is := w.tokenOf(p.Reference); is.Status != token.Inactive || is.Passcode.Tries != token.PasscodeTriesMax {
		t.Errorf("the token is %+v", is)
	}
	w.updated(w.wallet, w.try(p, right), token.TriesExceeded)
}

// TestRacingPasscodes holds that a token becomes active once, whoever else
// guesses.
func TestRacingPasscodes(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	right := w.untilTold(token.NoticePasscode, 1).Code
	seen := w.race(wallets, func(int) messages.Message { return w.try(p, right) })
	if seen["00"] != 1 || seen["12"] != racers-1 {
		t.Errorf("answers %v", seen)
	}
	w.wantAllSent()
	w.untilTold(token.NoticeTried, 1)
	w.wantTap(p, token.Approved)
}

// TestRacingDraws holds that no more passcodes are drawn than may be.
func TestRacingDraws(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	seen := w.race(wallets, func(int) messages.Message { return w.wish(p.Reference, token.NoticePasscode) })
	if seen["00"] != token.PasscodesMax-1 || seen["75"] != racers-token.PasscodesMax+1 {
		t.Errorf("answers %v", seen)
	}
	if is := w.tokenOf(p.Reference); is.Passcode.Number != token.PasscodesMax {
		t.Errorf("the token is %+v", is)
	}
}

// TestRacingReversals holds that an original is undone once.
func TestRacingReversals(t *testing.T) {
	w := newWorld(t)
	activation := goodActivation(w)
	a := w.wallet.activate(activation)
	seen := w.race(wallets, func(int) messages.Message { return w.reversalOf(activation) })
	if seen["00"] != racers {
		t.Errorf("answers %v", seen)
	}
	w.wantAllSent()
	w.untilReversed(1)
	w.untilTold(token.NoticeDeactivated, 1)
	if n := len(w.trail(vault.EventTransactionReversed)); n != 1 {
		t.Errorf("it was reversed %d times", n)
	}
	if n := len(w.trail(vault.EventReversalDone)); n != racers {
		t.Errorf("%d of %d reversals are recorded, each with its answer", n, racers)
	}
	if is := w.tokenOf(a.Token.Reference); is.Status != token.Deactivated {
		t.Errorf("the token is %s", is.Status.Word())
	}
}

// TestRacingReversalsOfATap is the same where no token's state keeps order.
func TestRacingReversalsOfATap(t *testing.T) {
	w := newWorld(t)
	tap := w.tapOf(w.activated())
	w.merchant.tap(tap)
	if seen := w.race(merchants, func(int) messages.Message { return w.reversalOf(tap) }); seen["00"] != racers {
		t.Errorf("answers %v", seen)
	}
	w.wantAllSent()
	w.untilReversed(1)
	if n := len(w.trail(vault.EventTransactionReversed)); n != 1 {
		t.Errorf("it was reversed %d times", n)
	}
}

// meanwhile is a store in which something happens between the reading of a
// transaction and the claim on it, once.
type meanwhile struct {
	vault.Store
	once sync.Once
	do   func(read vault.Transaction)
}

func (m *meanwhile) Transaction(ctx context.Context, key string) (vault.Transaction, error) {
	read, err := m.Store.Transaction(ctx, key)
	if err == nil {
		m.once.Do(func() { m.do(read) })
	}
	return read, err
}

// TestReversedInTheSameMoment holds that who comes second does nothing.
func TestReversedInTheSameMoment(t *testing.T) {
	m := new(meanwhile)
	w := newWorld(t, func(s *settings) {
		s.wrap = func(store vault.Store) vault.Store { m.Store = store; return m }
	})
	m.do = func(read vault.Transaction) {
		result, err := m.Claim(context.Background(), vault.Claim{
			Key: "faster", Kind: vault.KindReversal, TransactionID: read.TransactionID, At: w.clock.Now(),
			Reverses: read.Key, Outcome: &token.Outcome{Response: token.Approved, AnsweredBy: token.ByNetwork},
		})
		if err != nil || result.State != vault.Won {
			t.Errorf("the faster one is %s, %v", result.State, err)
		}
	}
	tap := w.tapOf(w.activated())
	w.merchant.tap(tap)
	a := w.reversed(w.merchant, w.reversalOf(tap), token.Approved)
	w.wantReason(a.TransactionID, token.ReasonReversedBefore)
	w.wantAllSent()
	if n := len(w.trail(vault.EventTransactionReversed)); n != 1 {
		t.Errorf("it was reversed %d times", n)
	}
	if undone := len(saw[*messages.Reversal](w.issuer)); undone != 0 {
		t.Errorf("who came second told the issuer %d times", undone)
	}
}

// TestReversalsRaceConclusions lets reversals meet the issuer's answers: each
// activation ends with no active token, and each question is undone once.
func TestReversalsRaceConclusions(t *testing.T) {
	w := newWorld(t)
	const rounds = racers / 2
	requests := make([]*messages.ActivationRequest, rounds)
	for n := range requests {
		requests[n] = goodActivation(w)
	}
	type pair struct{ one, two *station }
	var doors []pair
	for range rounds {
		doors = append(doors, pair{w.dial(wallets), w.dial(wallets)})
	}
	s, questions, release := held()
	defer release()
	w.issuer.follow(s)
	answers := make([]<-chan asked, rounds)
	for n, r := range requests {
		answers[n] = doors[n].one.asking(r)
		got(t, questions, "the issuer's question")
	}
	reversals := make([]<-chan asked, rounds)
	start := make(chan struct{})
	var running sync.WaitGroup
	for n, r := range requests {
		reversal := w.reversalOf(r)
		running.Go(func() {
			<-start
			reversals[n] = doors[n].two.asking(reversal)
		})
	}
	running.Go(func() { <-start; release() })
	close(start)
	running.Wait()
	for n := range requests {
		a, r := got(t, answers[n], "the answer"), got(t, reversals[n], "the reversal's answer")
		w.must(a.err)
		w.must(r.err)
		if code := r.answer.Text(specs.P(39)); code != "00" {
			t.Errorf("reversal %d gets %s", n, code)
		}
		if code := a.answer.Text(specs.P(39)); code != "00" && code != "05" {
			t.Errorf("activation %d gets %s", n, code)
		}
	}
	w.wantNothingUnfinished()
	w.wantAllSent()
	undone := make(map[string]int)
	for _, r := range saw[*messages.Reversal](w.issuer) {
		undone[r.TransactionID]++
	}
	for id, times := range undone {
		if times != 1 {
			t.Errorf("transaction %s is undone %d times", id, times)
		}
	}
	if len(undone) != rounds {
		t.Errorf("%d of %d questions are undone", len(undone), rounds)
	}
	for _, r := range requests {
		list, err := w.store.TokensOf(w.Context(), r.Activation.PAN)
		w.must(err)
		if len(list) != 0 {
			t.Errorf("an account keeps a token that is %s", list[0].Status.Word())
		}
	}
}

// TestReversalsRaceTheLifeCycle lets reversals meet what requestors and issuers
// want of the same tokens: each ends deactivated, and the issuer is told once.
func TestReversalsRaceTheLifeCycle(t *testing.T) {
	w := newWorld(t)
	const rounds = racers / 4
	var requests []*messages.ActivationRequest
	var tokens []*messages.TokenData
	for range rounds {
		r := goodActivation(w)
		requests, tokens = append(requests, r), append(tokens, w.wallet.activate(r).Token)
	}
	reversing, wishing := w.dial(wallets), w.dial(wallets)
	var reversals, wishes []<-chan asked
	for n := range rounds {
		reason := []token.NoticeReason{token.NoticeSuspended, token.NoticeDeactivated}[n%2]
		wishes = append(wishes, wishing.asking(w.wish(tokens[n].Reference, reason)))
		reversals = append(reversals, reversing.asking(w.reversalOf(requests[n])))
	}
	for n := range rounds {
		r, wish := got(t, reversals[n], "the reversal's answer"), got(t, wishes[n], "the wish's answer")
		w.must(r.err)
		w.must(wish.err)
		if code := r.answer.Text(specs.P(39)); code != "00" {
			t.Errorf("reversal %d gets %s", n, code)
		}
		if code := wish.answer.Text(specs.P(39)); code != "00" && code != "46" {
			t.Errorf("wish %d gets %s", n, code)
		}
		if is := w.tokenOf(tokens[n].Reference); is.Status != token.Deactivated {
			t.Errorf("token %d is %s", n, is.Status.Word())
		}
	}
	w.wantAllSent()
	w.untilReversed(rounds)
	w.untilTold(token.NoticeDeactivated, rounds)
}

// TestRacingWithOneLentKey holds that a lent key is used as often as it may be,
// with as many different counters.
func TestRacingWithOneLentKey(t *testing.T) {
	w := newWorld(t)
	p := w.activatedAs(token.Cloud)
	index := w.lent(p)
	seen := w.race(merchants, func(int) messages.Message { return w.lentTap(p, index) })
	approved := seen["00"]
	if approved < 1 || approved > token.LentUsesMax || approved+seen["54"]+seen["59"] != racers {
		t.Errorf("answers %v", seen)
	}
	if asked := len(saw[*messages.TapRequest](w.issuer)); asked != approved {
		t.Errorf("the issuer was asked %d times", asked)
	}
	w.wantNothingUnfinished()
}

// TestRacingSuspensions holds that a token is suspended once, and told of once.
func TestRacingSuspensions(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	seen := w.race(wallets, func(int) messages.Message { return w.wish(p.Reference, token.NoticeSuspended) })
	if seen["00"] != 1 || seen["12"] != racers-1 {
		t.Errorf("answers %v", seen)
	}
	w.wantAllSent()
	w.untilTold(token.NoticeSuspended, 1)
}
