package gateway_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// changingWorld is a world whose ranges change while the gateway runs. Every
// range has a key of its own for each version.
type changingWorld struct {
	*world
	register *ranges.Register
}

// versionedKeys draws each code key from its name.
type versionedKeys struct{ *keyring }

// CodeMaster gives a key of every range and version.
func (versionedKeys) CodeMaster(accountRange string, version int) (dcvv2.Master, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", accountRange, version))
	return dcvv2.NewMasterKey(sum[:16])
}

func newChangingWorld(t testing.TB, change func(*dcvv2.Policy)) *changingWorld {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	w := &changingWorld{world: &world{
		TB: t, clock: &clock{now: halfPast}, keys: newKeyring(t), log: new(logbook), doors: make(map[string]string),
	}}
	w.store = openStore(t, t.TempDir())
	t.Cleanup(func() { _ = w.store.Close() })
	stated := ranges.Stated{Range: card.MustRange(cardRange), Issuer: issuerName, Policy: policy}
	change(&stated.Policy)
	var err error
	w.register, err = ranges.Open(context.Background(), w.store, w.clock.Now, []ranges.Stated{stated}, ranges.Options{
		Issuers: []string{issuerName}, TokenRange: card.MustRange(tokenRange),
	})
	w.must(err)
	w.issuer = newIssuer(t)
	w.gateway, err = gateway.New(gateway.Options{
		Store: w.store, Keys: versionedKeys{w.keys}, Registry: w.register,
		Stations:   w.stations(),
		TokenRange: card.MustRange(tokenRange), TokenKeyVersion: 1, Institution: "400000", IssuerTimeout: patience,
		Now: w.clock.Now, Random: newChance(7), Log: w.logger(), Passcodes: newPasscodeKey(t),
	})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	w.doors[wallets] = w.gateway.Address(wallets)
	go func() { done <- w.gateway.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		w.must(got(t, done, "the gateway's end"))
	})
	w.waitIssuer()
	w.wallet = w.dial(wallets)
	return w
}

// set changes the policy of a range, or registers it.
func (w *changingWorld) set(accounts string, void bool, edit func(*dcvv2.Policy)) ranges.Applied {
	w.Helper()
	done, err := w.register.Put(context.Background(), ranges.Change{
		Range: card.MustRange(accounts), Issuer: issuerName, By: "ada", Void: void,
		Edit: func(p dcvv2.Policy) dcvv2.Policy { edit(&p); return p },
	})
	w.must(err)
	return done
}

// issued are codes for an account, given out now as the issuers' door does.
func (w *changingWorld) issued(pan card.PAN, count int, minRemaining time.Duration) []dcvv2.Issued {
	w.Helper()
	registration, ok := w.register.Find(pan)
	if !ok {
		w.Fatal("no range")
	}
	masters := func(version int) (dcvv2.Master, error) {
		return versionedKeys{}.CodeMaster(registration.Range.String(), version)
	}
	codes, err := dcvv2.Generate(registration.Schedule, masters, dcvv2.Account{PAN: pan, Expiry: expiry}, w.clock.Now(), count, minRemaining)
	w.must(err)
	return codes
}

// wantResult wants a code to be answered so at the present time.
func (w *changingWorld) wantResult(pan card.PAN, code dcvv2.Code, response token.Response, result dcvv2.Result) {
	w.Helper()
	a := w.wallet.activate(w.activation(pan, code))
	if a.Outcome.Response != response || a.Outcome.Additional.CVV2 != result {
		w.Errorf("at %v: 39=%s 44.10=%s, not %s and %s", w.clock.Now(), a.Outcome.Response, a.Outcome.Additional.CVV2, response, result)
	}
}

// wantOnce wants a code to make one token and no second.
func (w *changingWorld) wantOnce(pan card.PAN, code dcvv2.Code) {
	w.Helper()
	w.wantResult(pan, code, token.Approved, dcvv2.Match)
	w.wantResult(pan, code, token.CVV2Failed, dcvv2.NoMatch)
}

// TestRotationLosesNoCode rotates the key and goes from windows of one hour to
// windows of five while the gateway runs. Codes that were given out before are
// good to their end, those that follow come from the new key, one window ends
// where the next begins, and each code makes one token.
func TestRotationLosesNoCode(t *testing.T) {
	w := newChangingWorld(t, func(p *dcvv2.Policy) { p.FailuresPerDayMax = dcvv2.FailuresMax })
	early, last, across := w.enrolled(), w.enrolled(), w.enrolled()
	before := w.issued(early, dcvv2.CodesMax, 0)
	furthest := w.issued(last, dcvv2.CodesMax, 45*time.Minute)[dcvv2.CodesMax-1]

	done := w.set(cardRange, false, func(p *dcvv2.Policy) { p.KeyVersion, p.WindowHours = 2, 5 })
	rotation := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	if !done.Effective.Equal(rotation) || !furthest.End.Equal(rotation) {
		t.Fatalf("the new key comes when the last code is over, at %v, not %v", furthest.End, done.Effective)
	}
	again := w.issued(early, dcvv2.CodesMax, 0)
	for i, one := range before {
		if again[i] != one {
			t.Errorf("code %d is another after the change was made", i)
		}
		w.clock.set(middle(one))
		w.wantOnce(early, one.Code)
	}
	w.clock.set(rotation.Add(-90 * time.Minute))
	after := w.issued(across, dcvv2.CodesMax, 0)
	for i, one := range after {
		if i > 0 && !one.Start.Equal(after[i-1].End) {
			t.Errorf("code %d begins at %v, not at the end of the one before, %v", i, one.Start, after[i-1].End)
		}
		if isNew := !one.Start.Before(rotation); (one.Policy.KeyVersion == 2) != isNew || (one.Window.Hours == 5) != isNew {
			t.Errorf("code %d, from %v, is of key %d and %d h", i, one.Start, one.Policy.KeyVersion, one.Window.Hours)
		}
		w.clock.set(middle(one))
		w.wantOnce(across, one.Code)
		if one.End.Equal(rotation) {
			w.clock.set(rotation.Add(policy.Grace - time.Minute))
			w.wantOnce(last, furthest.Code)
		}
	}
	w.wantTokens(len(before) + len(after) + 1)
	w.wantNothingUnfinished()
}

func middle(one dcvv2.Issued) time.Time { return one.Start.Add(one.End.Sub(one.Start) / 2) }

// TestAKeyIsVoidedOnPurpose is the other way: what was given out is no good
// from the next window on.
func TestAKeyIsVoidedOnPurpose(t *testing.T) {
	w := newChangingWorld(t, func(*dcvv2.Policy) {})
	pan := w.enrolled()
	codes := w.issued(pan, 3, 0)
	w.set(cardRange, true, func(p *dcvv2.Policy) { p.KeyVersion = 2 })
	w.wantResult(pan, codes[0].Code, token.Approved, dcvv2.Match)
	w.clock.set(middle(codes[1]))
	w.wantResult(pan, codes[1].Code, token.CVV2Failed, dcvv2.NoMatch)
	w.wantResult(pan, w.issued(pan, 1, 0)[0].Code, token.Approved, dcvv2.Match)
}

func TestARangeEnrolsByDefault(t *testing.T) {
	w := newChangingWorld(t, func(*dcvv2.Policy) {})
	never, ended := w.account(cardRange), w.enrolled()
	w.change(ended, vault.ChangeUnenrol)
	w.wantResult(never, w.issued(never, 1, 0)[0].Code, token.Approved, dcvv2.NotParticipating)

	done := w.set(cardRange, false, func(p *dcvv2.Policy) { p.EnrolByDefault = true })
	w.wantResult(never, w.issued(never, 1, 0)[0].Code, token.Approved, dcvv2.NotParticipating)
	w.clock.set(done.Effective.Add(30 * time.Minute))
	w.wantOnce(never, w.issued(never, 1, 0)[0].Code)
	w.wantResult(ended, w.issued(ended, 1, 0)[0].Code, token.Approved, dcvv2.NotParticipating)
}

func TestTheNarrowestRangeWinsAtOnce(t *testing.T) {
	w := newChangingWorld(t, func(*dcvv2.Policy) {})
	narrow := cardRange + "0000"
	pan, outside := w.enrolled(), w.account(cardRange+"1")
	if !card.MustRange(narrow).Contains(pan) {
		t.Fatal("the account must lie in the narrow range")
	}
	w.enrol(outside)
	wide := w.issued(pan, 1, 0)[0].Code
	w.set(narrow, true, func(p *dcvv2.Policy) { p.WindowHours, p.OncePerWindow = 6, false })
	w.wantResult(pan, wide, token.CVV2Failed, dcvv2.NoMatch)
	code := w.issued(pan, 1, 0)[0].Code
	w.wantResult(pan, code, token.Approved, dcvv2.Match)
	w.wantResult(pan, code, token.Approved, dcvv2.Match)
	w.wantOnce(outside, w.issued(outside, 1, 0)[0].Code)

	w.must(w.register.Remove(context.Background(), card.MustRange(narrow), true, "ada"))
	w.wantResult(pan, code, token.CVV2Failed, dcvv2.NoMatch)
	w.wantOnce(pan, wide)

	w.must(w.register.Remove(context.Background(), card.MustRange(cardRange), true, "ada"))
	w.wantResult(pan, wide, token.UnknownIssuer, dcvv2.NotParticipating)
	w.set("400000", false, func(p *dcvv2.Policy) { p.EnrolByDefault = true })
	added := w.account("400000")
	w.wantOnce(added, w.issued(added, 1, 0)[0].Code)
}
