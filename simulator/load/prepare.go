package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/token"
)

// Supply says where accounts, codes and tokens come from. A mix of echoes alone
// needs none.
type Supply struct {
	Issuer    client.Issuer // enrols accounts and gets codes
	Range     card.Range    // that accounts are drawn from
	Phones    string        // base URL of the phones' door
	HTTP      *http.Client  // trusts that door
	Requestor string        // token requestor id, 11 digits
	Accounts  int           // with a code each, 1 to AccountsMax; tokens take some of them
	Tokens    int           // for taps, 1 to TokensMax; as many as requests in flight when 0
	// ReuseCodes uses accounts and their codes again when all are used, for a
	// range that allows it (oncePerWindow: false). Without it the load ends.
	ReuseCodes bool
}

// panDigits is how many digits the drawn accounts have.
const panDigits = 16

// preparers is how many accounts or tokens are prepared at once: as many
// requests as a door of ours takes of one client at a time (ours).
const preparers = 16

// oneCodeFor is the longest load for which one code is enough: the shortest
// grace that a code outlives its window by default, less the time to prepare.
const oneCodeFor = dcvv2.GraceDefault / 2

func (s Supply) check(p Plan) error {
	coded, taps := p.Mix.Has(Activation) || p.Mix.Has(Verify) || p.Mix.Has(Tap), p.Mix.Has(Tap)
	switch {
	case coded && (s.Accounts < 1 || s.Accounts > AccountsMax):
		return fmt.Errorf("%w: accounts are 1 to %d, not %d", ErrPlan, AccountsMax, s.Accounts)
	case taps && (s.Tokens < 0 || s.Tokens > TokensMax):
		return fmt.Errorf("%w: tokens are 1 to %d, not %d", ErrPlan, TokensMax, s.Tokens)
	case coded && len(s.Requestor) != token.RequestorDigits:
		return fmt.Errorf("%w: a token requestor id has %d digits", ErrPlan, token.RequestorDigits)
	case coded && s.Range.IsZero():
		return fmt.Errorf("%w: there is no range to draw accounts from", ErrPlan)
	}
	return nil
}

// tokens is how many tokens are prepared.
func (r *run) tokens() int {
	switch {
	case !r.Mix.Has(Tap):
		return 0
	case r.Supply.Tokens > 0:
		return r.Supply.Tokens
	}
	return r.InFlight
}

// accounts is how many accounts are prepared: those for the load, and one for
// each token where codes are used once.
func (r *run) accounts() int {
	n := 0
	if r.Mix.Has(Activation) || r.Mix.Has(Verify) {
		n = r.Supply.Accounts
	}
	if r.Supply.ReuseCodes {
		return max(n, min(r.tokens(), r.Supply.Accounts))
	}
	return n + r.tokens()
}

// prepare enrols accounts, gets their codes, and provisions tokens.
func (r *run) prepare(ctx context.Context) error {
	t := &r.traffic
	t.requestor, t.reuse = r.Supply.Requestor, r.Supply.ReuseCodes
	if r.OwnIssuer {
		t.authorization = Authorization
	}
	if n := r.accounts(); n > 0 {
		if err := r.enrol(ctx, n); err != nil {
			return err
		}
	}
	n := r.tokens()
	t.payers = make(chan *payer, n)
	t.left.Store(int64(n))
	return r.each(ctx, PhaseTokens, n, func(ctx context.Context, _ int) error {
		p, err := r.provision(ctx)
		if err == nil {
			t.payers <- p
		}
		return err
	})
}

// each does something n times, some at once, and tells how far it is. The first
// error ends it.
func (r *run) each(ctx context.Context, phase string, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var workers, telling sync.WaitGroup
	began := time.Now()
	over, end := context.WithCancel(ctx)
	telling.Go(func() {
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		for over.Err() == nil {
			select {
			case <-ticker.C:
				r.say(Progress{Phase: phase, Took: time.Since(began), Done: done.Load(), Of: int64(n)})
			case <-over.Done():
			}
		}
	})
	for range min(preparers, n) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(ctx, int(i)); err != nil {
					cancel(err)
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	end()
	telling.Wait()
	if n > 0 && ctx.Err() == nil {
		r.say(Progress{Phase: phase, Took: time.Since(began), Done: int64(n), Of: int64(n)})
	}
	return context.Cause(ctx)
}

// enrol draws accounts, enrols them and gets their codes.
func (r *run) enrol(ctx context.Context, n int) error {
	drawn, err := drawAccounts(r.Random, r.Supply.Range, n, time.Now())
	if err != nil {
		return err
	}
	r.traffic.accounts = drawn
	return r.each(ctx, PhaseAccounts, n, func(ctx context.Context, i int) error {
		return patiently(ctx, func() error { return r.codes(ctx, &drawn[i]) })
	})
}

// drawsMax is how often in a row a number may be drawn that is taken: the range
// is full then.
const drawsMax = 100

// yearsGood is how long the accounts are good, in years.
const yearsGood = 3

func drawAccounts(random io.Reader, from card.Range, n int, now time.Time) ([]account, error) {
	taken := make(map[card.PAN]bool, n)
	accounts := make([]account, 0, n)
	for misses := 0; len(accounts) < n; {
		pan, err := card.DrawPAN(random, from, panDigits)
		switch {
		case err != nil:
			return nil, fmt.Errorf("drawing accounts: %w", err)
		case taken[pan]:
			if misses++; misses == drawsMax {
				return nil, fmt.Errorf("%w: the range %s has hardly room for %d accounts", ErrPlan, from, n)
			}
			continue
		}
		misses, taken[pan] = 0, true
		accounts = append(accounts, account{pan: pan, expiry: card.ExpiryAfter(now, yearsGood)})
	}
	return accounts, nil
}

// codes enrols an account and gets the codes that a load needs.
func (r *run) codes(ctx context.Context, a *account) error {
	if _, err := r.Supply.Issuer.Enroll(ctx, client.AccountRequest{PAN: a.pan}); err != nil {
		return fmt.Errorf("enrolling an account: %w", err)
	}
	count := 1
	if r.Duration > oneCodeFor {
		count = 2
	}
	got, err := r.Supply.Issuer.Generate(ctx, client.GenerateRequest{PAN: a.pan, Sequence: a.sequence, Expiry: a.expiry, Count: count})
	if err != nil {
		return fmt.Errorf("getting an account's codes: %w", err)
	}
	a.codes = got.Codes
	return nil
}

// patienceWait is how long is waited when a door says that its client asks too
// fast (429): a fraction of what it takes in a second.
const patienceWait = 100 * time.Millisecond

// patiently does something again for as long as a door asks to slow down.
func patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		var problem *client.Problem
		if !errors.As(err, &problem) || problem.Code != client.CodeTooManyRequests {
			return err
		}
		timer := time.NewTimer(patienceWait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// provision gets a token by an activation, and its key by the phones' door.
func (r *run) provision(ctx context.Context) (*payer, error) {
	account, err := r.traffic.account()
	if err != nil {
		return nil, err
	}
	held, err := phone.New(r.Random)
	if err != nil {
		return nil, err
	}
	channel := client.Phone{BaseURL: r.Supply.Phones, HTTP: r.Supply.HTTP, Key: held.Key()}
	data, err := r.activate(ctx, account, channel.DeviceID())
	if err != nil {
		return nil, err
	}
	var key emv.Key
	err = patiently(ctx, func() error {
		key, err = r.loadKey(ctx, channel, held, data)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newPayer(ctx, held.Card(), key, time.Now())
}

// activate asks for the token of a device, and gives its reference.
func (r *run) activate(ctx context.Context, a *account, device string) (reference string, err error) {
	c := r.conns[Activation][0]
	now := time.Now()
	code, err := a.code(now)
	if err != nil {
		return "", err
	}
	q := &Question{Kind: Activation, Number: a.pan, Currency: currency, Trace: c.trace(now), answer: make(chan Answer, 1)}
	timer := stoppedTimer()
	defer timer.Stop()
	request := r.traffic.activation(q, a, dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code}, device, now)
	answer, err := c.ask(ctx, q, request, timer, r.Timeout)
	if err != nil {
		return "", fmt.Errorf("provisioning a token for taps: %w", err)
	}
	found, _ := read(answer.Typed)
	if v := q.Check(answer, r.given); v.Wrong != "" || v.Response != token.Approved {
		return "", fmt.Errorf("provisioning a token for taps: response %s %s: does an issuer answer the gateway that knows these accounts?", v.Response, v.Wrong)
	}
	return found.reference, nil
}

// loadKey puts a token's key on its phone and tells the network so.
func (r *run) loadKey(ctx context.Context, channel client.Phone, held *phone.Phone, reference string) (emv.Key, error) {
	m, err := channel.FetchKey(ctx, reference)
	if err != nil {
		return emv.Key{}, fmt.Errorf("fetching a token's key: %w", err)
	}
	err = held.Load(phone.Material{
		Number: m.Number, Sequence: m.Sequence, Expiry: m.Expiry, CardKey: m.CardKey,
		Reference: reference, Requestor: r.Supply.Requestor, AID: m.AID, Version: m.CryptogramVersion,
		KeyIndex: m.KeyIndex, ServiceCode: m.ServiceCode, Discretionary: m.Discretionary,
	})
	if err != nil {
		return emv.Key{}, fmt.Errorf("loading a token on a phone: %w", err)
	}
	return m.CardKey, channel.Report(ctx, reference, client.ResultSuccess)
}
