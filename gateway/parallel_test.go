package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

const (
	together    = 200 // requests at once
	connections = 4   // that they come over
)

// atOnce sends requests at once over several connections to a door and gives
// their answers in the order of the requests.
func atOnce(w *world, door string, requests []messages.Message) []messages.Message {
	w.Helper()
	var stations []*station
	for range connections {
		stations = append(stations, w.dial(door))
	}
	answers := make([]messages.Message, len(requests))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		question, conn := encode(w, r), stations[i%connections].conn
		all.Go(func() {
			<-start
			answer, err := conn.Ask(ctx, question)
			if err == nil {
				answers[i], err = messages.Decode(answer)
			}
			if err != nil {
				w.Errorf("request %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
	if w.Failed() {
		w.FailNow()
	}
	return answers
}

// outside is what a requestor sees of an activation's answer.
type outside struct {
	messages.Outcome
	token bool
}

// outsides counts answers by what is seen of them.
func outsides(t testing.TB, answers []messages.Message) map[outside]int {
	seen := make(map[outside]int)
	for _, m := range answers {
		a := as[*messages.ActivationAnswer](t, m)
		seen[outside{a.Outcome, a.Token != nil}]++
	}
	return seen
}

// refusedCode is what the outside sees of every code that is not accepted.
var refusedCode = outside{Outcome: messages.Outcome{
	Response:   token.CVV2Failed,
	Additional: messages.Additional{AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch},
}}

// reasons counts the reasons of declined activations in the trail.
func (w *world) reasons() map[string]int {
	w.Helper()
	counted := make(map[string]int)
	for _, e := range w.trail(vault.EventActivationDeclined) {
		_, reason, _ := strings.Cut(e.Detail, ": ")
		counted[reason]++
	}
	return counted
}

func TestOneCodeManyActivations(t *testing.T) {
	w := newWorld(t)
	pan := w.enrolled()
	code := w.code(pan, 0)
	var requests []messages.Message
	for range together {
		requests = append(requests, w.activation(pan, code))
	}
	seen := outsides(t, atOnce(w, wallets, requests))
	approved := outside{messages.Outcome{
		AuthorizationID: authorizationID, Response: token.Approved,
		Additional: messages.Additional{AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match},
	}, true}
	if len(seen) != 2 || seen[approved] != 1 || seen[refusedCode] != together-1 {
		t.Errorf("answers %v", seen)
	}
	w.wantTokens(1)
	w.wantNothingUnfinished()
	if asked := len(saw[*messages.ActivationRequest](w.issuer)); asked != 1 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

func TestManyGuesses(t *testing.T) {
	w := newWorld(t)
	pan := w.enrolled()
	wrong := w.codeThatIs(dcvv2.Wrong, pan)
	var requests []messages.Message
	for range together {
		requests = append(requests, w.activation(pan, wrong))
	}
	if seen := outsides(t, atOnce(w, wallets, requests)); len(seen) != 1 || seen[refusedCode] != together {
		t.Errorf("the outside can tell guesses apart: %v", seen)
	}
	account, err := w.store.Account(t.Context(), pan, w.clock.Now())
	w.must(err)
	if want := (dcvv2.Attempts{FailuresInDay: policy.FailuresPerDayMax, FailuresInRow: policy.FailuresPerDayMax}); account.Attempts != want {
		t.Errorf("counted %+v, not %+v", account.Attempts, want)
	}
	counted := w.reasons()
	if counted[string(token.ReasonWrongCode)] != policy.FailuresPerDayMax ||
		counted[string(token.ReasonDayLimit)] != together-policy.FailuresPerDayMax {
		t.Errorf("the trail says %v", counted)
	}
}

// faster is a store that lets guesses of other requests in between the reading
// of an account and the claim on it.
type faster struct {
	vault.Store
	guesses []vault.Claim
}

func (f *faster) Account(ctx context.Context, pan card.PAN, at time.Time) (vault.Account, error) {
	account, err := f.Store.Account(ctx, pan, at)
	for _, guess := range f.guesses {
		guess.PAN, guess.At = pan, at
		if _, err := f.Store.Claim(ctx, guess); err != nil {
			return account, err
		}
	}
	return account, err
}

// TestGuessesBeforeTheRightCode holds that the right code is one try too many
// after the last failure, also where a code may make many tokens.
func TestGuessesBeforeTheRightCode(t *testing.T) {
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprintf("once per window %t", once), func(t *testing.T) {
			before := new(faster)
			for n := range policy.FailuresPerDayMax {
				before.guesses = append(before.guesses, vault.Claim{
					Key: fmt.Sprint("guess ", n), Kind: vault.KindActivation, Limits: policy, Failed: true, Outcome: &token.Outcome{Response: token.CVV2Failed},
				})
			}
			w := newWorld(t, func(s *settings) {
				s.policy.OncePerWindow = once
				s.wrap = func(store vault.Store) vault.Store { before.Store = store; return before }
			})
			pan := w.enrolled()
			answer := w.wallet.activate(w.activation(pan, w.code(pan, 0)))
			if got := (outside{answer.Outcome, answer.Token != nil}); got != refusedCode {
				t.Errorf("the right code got %+v", got)
			}
			if counted := w.reasons(); counted[string(token.ReasonDayLimit)] != 1 {
				t.Errorf("the trail says %v", counted)
			}
		})
	}
}

// TestOneTraceManyTimes holds that many copies of one request make one token,
// and that each copy that is answered is answered alike.
func TestOneTraceManyTimes(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	first := w.wallet.activate(r)
	var requests []messages.Message
	for n := range together {
		again := *r
		again.Repeat = true
		again.Transmitted = messages.Stamp(w.clock.Now().AddDate(0, 0, n)) // the key on the link
		requests = append(requests, &again)
	}
	for _, m := range atOnce(w, wallets, requests) {
		if a := as[*messages.ActivationAnswer](t, m); a.Token == nil || *a.Token != *first.Token {
			t.Fatalf("a repeat is answered with %+v", a.Token)
		}
	}
	w.wantTokens(1)
}

func TestOneCounterManyTaps(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	p.atc++
	var requests []messages.Message
	for range together {
		requests = append(requests, w.tapWith(p, p.atc))
	}
	seen := make(map[token.Response]int)
	for _, m := range atOnce(w, merchants, requests) {
		a := as[*messages.TapAnswer](t, m)
		seen[a.Outcome.Response]++
		if a.ARPC.IsZero() == (a.Outcome.Response == token.Approved) {
			t.Errorf("39=%s, ARPC %v", a.Outcome.Response, !a.ARPC.IsZero())
		}
	}
	if seen[token.Approved] != 1 || seen[token.SuspectedFraud] != together-1 {
		t.Errorf("answers %v", seen)
	}
	if asked := len(saw[*messages.TapRequest](w.issuer)); asked != 1 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}
