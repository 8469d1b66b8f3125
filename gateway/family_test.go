package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// The whole family: beside an issuer, wallets and merchants, a second issuer
// with a range of its own, a provider that mints and an operator.

const (
	providerRequestor = "50120834693" // the only requestor id of the provider
	providerRange     = "489537002"   // of the numbers that it mints
	walletRequestor   = "40010030273" // of the tokens that wallets ask for
)

// whole is a world with the whole family.
func whole(s *settings) { s.family = true }

func (w *world) familyStations(s func(name string, role stations.Role, number uint32) stations.Settings) []stations.Settings {
	other := s(otherIssuer, stations.Issuer, 200002)
	other.Address, other.SignOn = w.other.addr, true
	provider := s(providers, stations.Provider, 100003)
	provider.Mints, provider.TokenRange, provider.RequestorID = stations.ByStation, card.MustRange(providerRange), providerRequestor
	return []stations.Settings{other, provider, s(operators, stations.Operator, 300001)}
}

// inBothProfiles runs a test in a world of each profile.
func inBothProfiles(t *testing.T, test func(t *testing.T, profile func(*settings))) {
	t.Helper()
	for _, name := range []string{specs.NameVisaStyle, specs.NameASCII87} {
		t.Run(name, func(t *testing.T) {
			profile, err := specs.SpecByName(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, func(s *settings) { s.profile = profile })
		})
	}
}

// asker sends requests to the gateway, as whoever it is.
type asker interface {
	ask(m messages.Message) messages.Message
}

// ask sends a request of the issuer's own on the line that the gateway asks on.
func (i *issuer) ask(m messages.Message) messages.Message {
	i.t.Helper()
	typed, err := messages.Decode(i.askRaw(encode(i.t, m)))
	if err != nil {
		i.t.Fatal(err)
	}
	return typed
}

func (i *issuer) askRaw(m *specs.Message) *specs.Message {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	i.mu.Lock()
	lines := i.server.Connections()
	i.mu.Unlock()
	if len(lines) == 0 {
		i.t.Fatal("the issuer has no line")
	}
	answer, err := lines[0].Ask(ctx, m)
	if err != nil {
		i.t.Fatal(err)
	}
	return answer
}

// say sends an answer that nobody has asked for.
func (i *issuer) say(answer *specs.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), issuerTimeout)
	defer cancel()
	i.mu.Lock()
	lines := i.server.Connections()
	i.mu.Unlock()
	_, _ = lines[0].Ask(ctx, answer) // which has no answer
}

// wish is a 0302 that wants something done about a token.
func (w *world) wish(reference string, reason token.NoticeReason) *messages.FileUpdate {
	return &messages.FileUpdate{
		Trace: w.newTrace(), Action: messages.FileChange, Reason: reason, Reference: reference, Requestor: walletRequestor,
	}
}

func (w *world) inquiry(reference string) *messages.FileUpdate {
	r := w.wish(reference, "")
	r.Action = messages.FileInquiry
	return r
}

// updated asks for an update and wants a response.
func (w *world) updated(by asker, r *messages.FileUpdate, want token.Response) *messages.FileUpdateAnswer {
	w.Helper()
	a := as[*messages.FileUpdateAnswer](w, by.ask(r))
	if a.Response != want {
		w.Errorf("%s gets 39=%s, not %s", r.Reason, a.Response, want)
	}
	return a
}

// notices lists what the issuer was told for a reason.
func (i *issuer) notices(reason token.NoticeReason) []*messages.Notification {
	var list []*messages.Notification
	for _, n := range saw[*messages.Notification](i) {
		if n.Reason == reason {
			list = append(list, n)
		}
	}
	return list
}

// untilTold waits until the issuer was told for a reason, n times in all.
func (w *world) untilTold(reason token.NoticeReason, n int) *messages.Notification {
	w.Helper()
	w.until("the issuer is told "+string(reason), func() bool { return len(w.issuer.notices(reason)) >= n })
	seen := w.issuer.notices(reason)
	if len(seen) != n {
		w.Errorf("the issuer was told %s %d times, not %d", reason, len(seen), n)
	}
	return seen[n-1]
}

// untilReversed waits until the issuer got a 0420, n in all.
func (w *world) untilReversed(n int) *messages.Reversal {
	w.Helper()
	w.until("the issuer gets a 0420", func() bool { return len(saw[*messages.Reversal](w.issuer)) >= n })
	seen := saw[*messages.Reversal](w.issuer)
	if len(seen) != n {
		w.Errorf("the issuer got %d reversals, not %d", len(seen), n)
	}
	return seen[n-1]
}

// untilAdvised waits until the issuer got a 0120, n in all.
func (w *world) untilAdvised(n int) *messages.Advice {
	w.Helper()
	w.until("the issuer gets a 0120", func() bool { return len(saw[*messages.Advice](w.issuer)) >= n })
	seen := saw[*messages.Advice](w.issuer)
	if len(seen) != n {
		w.Errorf("the issuer got %d advices, not %d", len(seen), n)
	}
	return seen[n-1]
}

// wantAllSent wants every notice and every advice to be acknowledged.
func (w *world) wantAllSent() {
	w.Helper()
	w.until("all notices and advices are acknowledged", func() bool {
		advices, err := w.store.DueAdvices(context.Background(), w.clock.Now().Add(never), vault.ListMax)
		w.must(err)
		return len(advices) == 0 && len(w.due(w.clock.Now().Add(never))) == 0
	})
}

// untilAllSent is wantAllSent after a time in which tries failed: it lets the
// clock run to the next ones.
func (w *world) untilAllSent() {
	w.Helper()
	w.until("all notices and advices are acknowledged at last", func() bool {
		w.clock.forward(firstBackOff)
		w.gateway.WakeNotices()
		advices, err := w.store.DueAdvices(context.Background(), w.clock.Now().Add(never), vault.ListMax)
		w.must(err)
		return len(advices) == 0 && len(w.due(w.clock.Now().Add(never))) == 0
	})
}

// firstBackOff is how long the second try waits.
const firstBackOff = 2 * time.Second

// tokenOf is a token as the store has it.
func (w *world) tokenOf(reference string) token.Token {
	w.Helper()
	t, err := w.store.TokenByReference(context.Background(), reference)
	w.must(err)
	return t
}

// steppingUp answers an activation with 85 and a method, and all else with 00.
func steppingUp(method token.Method) script {
	return func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		q, ok := question.(*messages.ActivationRequest)
		if !ok {
			return responding(token.Approved)(ctx, question, raw)
		}
		answer, err := messages.Encode(q.Answer(q.TransactionID, token.Outcome{
			Response: token.StepUp, AnsweredBy: token.ByIssuer, Method: method,
		}, nil))
		if err != nil {
			return messages.Refusal(raw, string(token.Malfunction))
		}
		return answer
	}
}
