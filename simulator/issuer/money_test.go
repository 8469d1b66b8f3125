package issuer_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/token"
)

// transactionID is the 62.2 of the i-th request of a test, 0 to 999.
func transactionID(i int) string { return fmt.Sprintf("532612000124%03d", i) }

// remote is a payment of 100 by card number with a code that matched.
func remote(t *testing.T, change func(*messages.RemoteRequest)) *messages.RemoteRequest {
	t.Helper()
	r := &messages.RemoteRequest{
		Trace: trace, Place: place, Number: pan(t, good), Amount: 100, Expiry: card.MustExpiry("2912"),
		TransactionID: "532612000123456", Checked: messages.Additional{CVV2: dcvv2.Match},
	}
	r.Condition = messages.ECommercePayment
	if change != nil {
		change(r)
	}
	return r
}

// byToken makes a payment one by a token of a type.
func byToken(kind token.Type, found token.Authentication) func(*messages.RemoteRequest) {
	return func(r *messages.RemoteRequest) {
		data := tokenData()
		data.Type = kind
		r.Token, r.Checked = &data, messages.Additional{Authentication: found}
	}
}

func wantHeld(t *testing.T, h *issuer.Host, want uint64) {
	t.Helper()
	if a, _ := h.Book.Find(pan(t, good)); a.Balance != want {
		t.Errorf("the account holds %d, want %d", a.Balance, want)
	}
}

func TestPaymentsWithoutATerminal(t *testing.T) {
	verification := func(r *messages.RemoteRequest) { r.Condition, r.Amount = messages.AccountVerification, 0 }
	checked := func(found dcvv2.Result) func(*messages.RemoteRequest) {
		return func(r *messages.RemoteRequest) { r.Checked.CVV2 = found }
	}
	of := func(digits string) func(*messages.RemoteRequest) {
		return func(r *messages.RemoteRequest) { r.Number = pan(t, digits) }
	}
	amount := func(n uint64) func(*messages.RemoteRequest) { return func(r *messages.RemoteRequest) { r.Amount = n } }
	dated := func(r *messages.RemoteRequest) { r.Expiry = card.MustExpiry("2911") }
	tests := []struct {
		name    string
		changes []func(*messages.RemoteRequest)
		want    token.Response
		spent   uint64
	}{
		{"a code that matched", nil, token.Approved, 100},
		{"all that the account holds", f(amount(5000)), token.Approved, 5000},
		{"one cent more", f(amount(5001)), token.InsufficientFunds, 0},
		{"a code that did not match", f(checked(dcvv2.NoMatch)), token.DoNotHonour, 0},
		{"a code that was not checked", f(checked(dcvv2.NotProcessed)), token.DoNotHonour, 0},
		{"no code", f(checked(0)), token.DoNotHonour, 0},
		{"a number that was never issued", f(of(unknown)), token.BadNumber, 0},
		{"a blocked card", f(of(blocked)), token.RestrictedCard, 0},
		{"another expiry date", f(dated), token.CardExpired, 0},
		{"a good account", f(verification), token.Approved, 0},
		{"a blocked account", f(verification, of(blocked)), token.RestrictedCard, 0},
		{"an account verified with a wrong code", f(verification, checked(dcvv2.NoMatch)), token.DoNotHonour, 0},
		{"a token with its cryptogram", f(byToken(token.ECommerce, token.ARQCVerified)), token.Approved, 100},
		{"a token whose cryptogram failed", f(byToken(token.ECommerce, token.ARQCFailed)), token.CardAuthentication, 0},
		{"a token without cryptogram", f(byToken(token.ECommerce, token.NotAuthenticated)), token.CardAuthentication, 0},
		{"a phone's token without cryptogram", f(byToken(token.SecureElement, token.NotAuthenticated)), token.CardAuthentication, 0},
		{"a token on file", f(byToken(token.CardOnFile, token.NotAuthenticated)), token.Approved, 100},
		{"a token on file, all of the balance", f(byToken(token.CardOnFile, token.NotAuthenticated), amount(5000)), token.Approved, 5000},
		{"a token on file, one cent more", f(byToken(token.CardOnFile, token.NotAuthenticated), amount(5001)), token.InsufficientFunds, 0},
		{"a token on file whose cryptogram failed", f(byToken(token.CardOnFile, token.ARQCFailed)), token.CardAuthentication, 0},
		{"a token and a code that matched", f(byToken(token.ECommerce, token.NotAuthenticated), checked(dcvv2.Match)), token.CardAuthentication, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			r := remote(t, nil)
			for _, change := range test.changes {
				change(r)
			}
			answer, ok := ask(t, h, r).(*messages.RemoteAnswer)
			if !ok {
				t.Fatal("the answer is of another type")
			}
			wantOutcome(t, answer.Outcome, test.want)
			wantHeld(t, h, 5000-test.spent)
		})
	}
}

func f(changes ...func(*messages.RemoteRequest)) []func(*messages.RemoteRequest) { return changes }

// A request that comes again, with a later trace and marked as a repeat, gets
// the answer of the first time and takes nothing; another one with its 62.2 is
// refused.
func TestRequestsAreDoneOnce(t *testing.T) {
	h := newHost(t)
	request := tap(t, pan(t, good), 100, token.ARQCVerified)
	first := ask(t, h, request).(*messages.TapAnswer)
	request.Repeat, request.STAN = true, "000124"
	again := ask(t, h, request).(*messages.TapAnswer)
	if again.Outcome != first.Outcome || again.Outcome.Response != token.Approved {
		t.Errorf("the repeat is answered %+v, the original %+v", again.Outcome, first.Outcome)
	}
	wantHeld(t, h, 4900)
	request.Tap.Amount = 101
	if other := ask(t, h, request).(*messages.TapAnswer); other.Outcome.Response != token.DuplicateTrace {
		t.Errorf("another amount with the same 62.2 is answered %s", other.Outcome.Response)
	}
	wantHeld(t, h, 4900)
	request.Tap.Amount, request.TransactionID = 100, ""
	for range 2 {
		ask(t, h, request)
	}
	wantHeld(t, h, 4700) // without 62.2 each is the first
}

func TestRepeatsAtOnceTakeMoneyOnce(t *testing.T) {
	h := newHost(t)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() { ask(t, h, remote(t, nil)) })
	}
	asking.Wait()
	wantHeld(t, h, 4900)
}

// An activation that comes again is answered by the persona of the first time.
func TestARepeatIsNotDecidedAnew(t *testing.T) {
	h := newHost(t)
	h.Follow(issuer.Persona{Decides: issuer.Yellow, Method: token.ByIssuerApp})
	request := activation(pan(t, good), "2912", dcvv2.Match)
	ask(t, h, request)
	h.Follow(issuer.Persona{Decides: issuer.Red})
	request.Repeat = true
	again := ask(t, h, request).(*messages.ActivationAnswer)
	if again.Outcome.Response != token.StepUp || again.Method != token.ByIssuerApp {
		t.Errorf("the repeat is answered %s by %q", again.Outcome.Response, again.Method)
	}
}

func reversal(t *testing.T, amount uint64, change func(*messages.Reversal)) *messages.Reversal {
	t.Helper()
	r := &messages.Reversal{
		Trace: trace, Setting: place.Setting(), Number: pan(t, good), Amount: amount,
		Original: messages.OriginalOf("0100", trace), TransactionID: "532612000123456",
	}
	if change != nil {
		change(r)
	}
	return r
}

func wantReversed(t *testing.T, h *issuer.Host, r *messages.Reversal, want token.Response) {
	t.Helper()
	answer, ok := ask(t, h, r).(*messages.ReversalAnswer)
	if !ok || answer.Response != want || answer.TransactionID != r.TransactionID || answer.Advice != r.Advice {
		t.Errorf("the %s is answered by %+v, want %s", r.MTI(), answer, want)
	}
}

func TestReversalsGiveMoneyBackOnce(t *testing.T) {
	kinds := []struct {
		mti    string
		change func(*messages.Reversal)
	}{
		{"0400", func(*messages.Reversal) {}},
		{"0401", func(r *messages.Reversal) { r.Repeat = true }},
		{"0420", func(r *messages.Reversal) { r.Advice = true }},
		{"0421", func(r *messages.Reversal) { r.Advice, r.Repeat = true, true }},
	}
	originals := map[string]messages.Message{
		"tap": tap(t, pan(t, good), 100, token.ARQCVerified), "payment without a terminal": remote(t, nil),
	}
	for name, original := range originals {
		for _, kind := range kinds {
			t.Run(name+" "+kind.mti, func(t *testing.T) {
				h := newHost(t)
				ask(t, h, original)
				wantHeld(t, h, 4900)
				r := reversal(t, 100, kind.change)
				if r.MTI() != kind.mti {
					t.Fatalf("the reversal is a %s", r.MTI())
				}
				for range 3 {
					wantReversed(t, h, r, token.Approved)
					wantHeld(t, h, 5000)
				}
			})
		}
	}
}

func TestReversalsFindTheirOriginal(t *testing.T) {
	tests := []struct {
		name   string
		change func(*messages.Reversal)
		want   token.Response
		held   uint64
	}{
		{"its own", nil, token.Approved, 5000},
		{"another 62.2", func(r *messages.Reversal) { r.TransactionID = transactionID(1) }, token.RecordNotFound, 4900},
		{"no 62.2", func(r *messages.Reversal) { r.TransactionID = "" }, token.RecordNotFound, 4900},
		{"another account", func(r *messages.Reversal) { r.Number = pan(t, blocked) }, token.RecordNotFound, 4900},
		{"another amount", func(r *messages.Reversal) { r.Amount = 99 }, token.RecordNotFound, 4900},
		{"an activation of that 62.2", func(r *messages.Reversal) { r.Activation, r.Amount = true, 0 }, token.RecordNotFound, 4900},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified))
			wantReversed(t, h, reversal(t, 100, test.change), test.want)
			wantHeld(t, h, test.held)
		})
	}
}

func TestReversingADeclineGivesNothing(t *testing.T) {
	h := newHost(t)
	ask(t, h, tap(t, pan(t, good), 5001, token.ARQCVerified))
	wantReversed(t, h, reversal(t, 5001, nil), token.Approved)
	wantHeld(t, h, 5000)
}

// A reversal may overtake its original, which is then declined.
func TestAReversalThatComesFirst(t *testing.T) {
	h := newHost(t)
	wantReversed(t, h, reversal(t, 100, nil), token.RecordNotFound)
	answer := ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified)).(*messages.TapAnswer)
	wantOutcome(t, answer.Outcome, token.DoNotHonour)
	wantReversed(t, h, reversal(t, 100, nil), token.Approved)
	wantHeld(t, h, 5000)
}

func advice(t *testing.T, amount uint64, response token.Response, reason token.StandInReason) *messages.Advice {
	t.Helper()
	return &messages.Advice{
		Trace: trace, Setting: place.Setting(), PAN: pan(t, good), Amount: amount, Expiry: card.MustExpiry("2912"),
		Outcome: messages.Outcome{Response: response}, TransactionID: "532612000123456", StandIn: reason,
	}
}

func wantAdvised(t *testing.T, h *issuer.Host, a *messages.Advice, count int) {
	t.Helper()
	answer, ok := ask(t, h, a).(*messages.AdviceAnswer)
	if !ok || answer.Response != token.Approved || answer.TransactionID != a.TransactionID || h.Advices() != count {
		t.Errorf("the advice is answered by %+v; there are %d", answer, h.Advices())
	}
}

func TestAdvicesTakeWhatWasGrantedOnce(t *testing.T) {
	request := func(amount uint64) messages.Message { return tap(t, pan(t, good), amount, token.ARQCVerified) }
	tests := []struct {
		name     string
		before   messages.Message // the request itself, if it came
		amount   uint64
		response token.Response
		reason   token.StandInReason
		held     uint64
		owed     uint64
	}{
		{"approved, the request never came", nil, 100, token.Approved, token.StandInDown, 4900, 0},
		{"approved, the request came", request(100), 100, token.Approved, token.StandInTimeout, 4900, 0},
		{"approved, the request came and was declined", request(5001), 5001, token.Approved, token.StandInTimeout, 0, 1},
		{"approved above the balance", nil, 5001, token.Approved, token.StandInDown, 0, 1},
		{"declined", nil, 100, token.CVV2Failed, token.ToldOnly, 5000, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			if test.before != nil {
				ask(t, h, test.before)
			}
			told := advice(t, test.amount, test.response, test.reason)
			for _, told.Repeat = range []bool{false, true, true} {
				wantAdvised(t, h, told, 1)
				wantHeld(t, h, test.held)
			}
			if a, _ := h.Book.Find(pan(t, good)); a.Owed != test.owed {
				t.Errorf("the account owes %d, want %d", a.Owed, test.owed)
			}
		})
	}
}

// The request of a tap that was granted in the issuer's place may come after all.
func TestTheRequestComesAfterItsAdvice(t *testing.T) {
	h := newHost(t)
	wantAdvised(t, h, advice(t, 100, token.Approved, token.StandInTimeout), 1)
	answer := ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified)).(*messages.TapAnswer)
	wantOutcome(t, answer.Outcome, token.Approved)
	wantHeld(t, h, 4900)
	wantReversed(t, h, reversal(t, 100, func(r *messages.Reversal) { r.Advice = true }), token.Approved)
	wantHeld(t, h, 5000)
}

// A reversal may overtake the advice of what it reverses: the money is not taken.
func TestTheAdviceComesAfterItsReversal(t *testing.T) {
	h := newHost(t)
	undo := reversal(t, 100, func(r *messages.Reversal) { r.Advice = true })
	wantReversed(t, h, undo, token.RecordNotFound)
	wantAdvised(t, h, advice(t, 100, token.Approved, token.StandInDown), 1)
	wantHeld(t, h, 5000)
	wantReversed(t, h, undo, token.Approved)
	wantHeld(t, h, 5000)
}

func TestAnAdviceAboutAStrangersCardIsTaken(t *testing.T) {
	h := newHost(t)
	told := advice(t, 100, token.Approved, token.StandInDown)
	told.PAN = pan(t, unknown)
	wantAdvised(t, h, told, 1)
	wantHeld(t, h, 5000)
}

// At the limit the oldest request is known again, past it no more.
func TestWhatIsRemembered(t *testing.T) {
	h := newHost(t)
	told := advice(t, 0, token.DoNotHonour, token.ToldOnly)
	ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified))
	for i := range issuer.RememberedMax - 1 {
		told.TransactionID = fmt.Sprintf("6%014d", i)
		h.Tell(told)
	}
	wantReversed(t, h, reversal(t, 99, nil), token.RecordNotFound) // it is there, of another amount
	ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified))
	wantHeld(t, h, 4900)
	told.TransactionID = "700000000000000"
	h.Tell(told)
	ask(t, h, tap(t, pan(t, good), 100, token.ARQCVerified))
	wantHeld(t, h, 4800)
}
