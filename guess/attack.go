package guess

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// errUnforeseen says that a guess was neither checked nor held up by a limit.
var errUnforeseen = errors.New("the gateway did with a guess what no policy says")

// outcome is what came of one attack.
type outcome struct {
	failures      int  // guesses that were checked and wrong
	firstFailures int  // those of them within Kind.First
	hits          int  // guesses that got M
	first         bool // the first hit came within Kind.First
}

// checked is how many guesses were held against the account's codes.
func (o outcome) checked() int { return o.failures + o.hits }

// attack is one attacker with account range, accounts and requestors of its
// own, so that attacks beside it change nothing for it.
type attack struct {
	kind     Kind
	setup    Setup
	screener screening.Screener
	number   int // among the attacks of a measurement
	chance   *rand.Rand

	at   time.Time // the virtual clock
	sent int
	outcome
}

var expiry = card.MustExpiry("3112")

func (a *attack) play(ctx context.Context) error {
	a.at = a.setup.next(begin)
	switch {
	case a.kind == Parallel:
		return a.atOnce(ctx)
	case a.kind.wide():
		return a.spread(ctx)
	default:
		return a.insist(ctx)
	}
}

// insist guesses on one account, never the same twice, and waits when it must.
func (a *attack) insist(ctx context.Context) error {
	pan, err := a.account(0)
	if err != nil {
		return err
	}
	for _, n := range a.chance.Perm(codeCount) {
		if more, err := a.persist(ctx, pan, n, a.requestor(0)); err != nil || !more {
			return err
		}
	}
	return nil
}

// spread guesses once on each of many accounts, by its requestors in turn.
func (a *attack) spread(ctx context.Context) error {
	requestors := 1
	if a.kind == Spread {
		requestors = a.setup.Requestors
	}
	for n := range a.setup.PANs {
		pan, err := a.account(n)
		if err != nil {
			return err
		}
		if more, err := a.persist(ctx, pan, a.chance.IntN(codeCount), a.requestor(n%requestors)); err != nil || !more {
			return err
		}
	}
	return nil
}

// persist sends a guess until it is checked. It reports false when the attack
// is over: by a hit, a lock or the end of its days.
func (a *attack) persist(ctx context.Context, pan card.PAN, code int, requestor string) (more bool, err error) {
	for a.at.Before(a.setup.end()) {
		a.sent++
		found, err := a.guess(ctx, a.sent, pan, code, requestor)
		if err != nil {
			return false, err
		}
		wait, err := a.note(found)
		switch {
		case err != nil || a.hits > 0:
			return false, err
		case found.Tried():
			return true, nil
		case found.Reason == token.ReasonLocked:
			return false, nil
		}
		a.at = a.setup.next(a.at.Add(wait))
	}
	return false, nil
}

// note counts what was found of a guess, and says how long the limit lasts
// that held it up.
func (a *attack) note(found token.Screening) (wait time.Duration, err error) {
	first := a.at.Before(a.setup.next(begin).Add(a.kind.First()))
	switch {
	case found.CVV2 == dcvv2.Match:
		a.first = a.first || first
		a.hits++
	case found.Failed():
		a.failures++
		if first {
			a.firstFailures++
		}
	case found.Reason == token.ReasonLocked:
	case found.Reason == token.ReasonDayLimit:
		wait = vault.FailuresFor
	case found.Reason == token.ReasonRangeLimit, found.Reason == token.ReasonRequestorLimit:
		wait = vault.ScopeFailuresFor
	default:
		err = fmt.Errorf("%w: %s, %s", errUnforeseen, found.CVV2, found.Reason)
	}
	return wait, err
}

// atOnce sends distinct guesses on one account at the same moment.
func (a *attack) atOnce(ctx context.Context) error {
	pan, err := a.account(0)
	if err != nil {
		return err
	}
	found := make([]token.Screening, a.setup.Callers)
	faults := make([]error, a.setup.Callers)
	var callers sync.WaitGroup
	start := make(chan struct{})
	codes := a.chance.Perm(codeCount)
	for n := range a.setup.Callers {
		callers.Go(func() {
			<-start
			found[n], faults[n] = a.guess(ctx, n, pan, codes[n], a.requestor(0))
		})
	}
	close(start)
	callers.Wait()
	for n := range found {
		if faults[n] == nil {
			_, faults[n] = a.note(found[n])
		}
	}
	return errors.Join(faults...)
}

// guess asks the gateway's screening, and gives what it claimed in the store.
func (a *attack) guess(ctx context.Context, sent int, pan card.PAN, code int, requestor string) (token.Screening, error) {
	guessed, err := dcvv2.ParseCode(fmt.Sprintf("%03d", code))
	if err != nil {
		return token.Screening{}, err
	}
	return ask(ctx, a.screener, fmt.Sprintf("%d/%d", a.number, sent), pan, guessed, requestor, a.at)
}

// ask screens and claims an activation with a code.
func ask(ctx context.Context, s screening.Screener, key string, pan card.PAN, code dcvv2.Code, requestor string, at time.Time) (token.Screening, error) {
	found, err := s.Screen(ctx, screening.Request{
		Key: key, Content: []byte(key), Kind: vault.KindActivation, At: at,
		Activation: token.Activation{
			PAN: pan, Expiry: expiry, CVV2: dcvv2.Presented{Presence: dcvv2.PresenceDynamic, Code: code},
			Requestor: requestor, Type: token.SecureElement,
		},
	})
	if err == nil && found.Result.State != vault.Won {
		err = fmt.Errorf("%w: its claim is %s", errUnforeseen, found.Result.State)
	}
	return found.Screening, err
}

// account is the n-th account of the attack's range, which has 10,000 of them.
func (a *attack) account(n int) (card.PAN, error) {
	return card.CompletePAN(fmt.Sprintf("%s%04d", rangeDigits(a.number), n))
}

// requestor is the n-th requestor of the attack: no two attacks share one.
func (a *attack) requestor(n int) string {
	return fmt.Sprintf("4001%07d", a.number*RequestorsMax+n)
}

// rangeDigits are the 11 digits of the n-th attack's account range, n below
// AttacksMax.
func rangeDigits(n int) string { return fmt.Sprintf("400000%05d", n) }
