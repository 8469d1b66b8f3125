package gateway

import (
	"context"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Screener is the part of an activation that comes before the issuer: facts,
// screening and claim. It is all that stands between a guess and a token, and
// needs no socket, so that guessing can be measured on the real thing. It may
// be used by many goroutines.
type Screener struct {
	Store  vault.Store
	Keys   Keys
	Ranges dcvv2.Ranges
	Random io.Reader      // of transaction ids
	Log    zerolog.Logger // the zero value logs nothing
}

// Screened is an activation that was screened and claimed.
type Screened struct {
	// Screening is what was found; when another request was faster with the
	// code or with the last attempt, that.
	token.Screening
	Facts token.ActivationFacts
	Claim vault.Claim // as it was made last
	// Result is what became of Claim: Won, or the state of a repeat (Answered,
	// Busy, Conflict). The screening counts only when it is Won.
	Result vault.ClaimResult
}

// Screen checks the code of an activation and claims what it found. key names
// the request and content is its meaning: see vault.Claim. An error means that
// nothing was claimed and that the code is not processed.
func (s Screener) Screen(ctx context.Context, key string, content []byte, a token.Activation, at time.Time) (Screened, error) {
	facts, err := s.facts(ctx, a, at)
	if err != nil {
		return Screened{}, err
	}
	found := Screened{Screening: token.Screen(a, facts, at), Facts: facts}
	transactionID, err := token.DrawTransactionID(s.Random)
	if err != nil {
		return found, err
	}
	found.Claim = vault.Claim{
		Key: key, Content: content, Kind: vault.KindActivation,
		TransactionID: transactionID, At: at, PAN: a.PAN,
	}
	return s.claim(ctx, found)
}

func (s Screener) facts(ctx context.Context, a token.Activation, at time.Time) (token.ActivationFacts, error) {
	var facts token.ActivationFacts
	registration, ok := s.Ranges.Find(a.PAN)
	if !ok {
		return facts, nil
	}
	account, err := s.Store.Account(ctx, a.PAN, at)
	if err != nil {
		return facts, err
	}
	facts.Registration, facts.Enrolment, facts.Attempts = registration, account.Enrolment, account.Attempts
	facts.Keys = func(version int) (dcvv2.Master, error) {
		key, err := s.Keys.CodeMaster(registration.Range.String(), version)
		if err != nil {
			s.Log.Error().Err(err).Stringer("range", registration.Range).Int("version", version).Msg("no key for codes of this range")
		}
		return key, err
	}
	return facts, nil
}

// claim claims what the screening found. Every code that was tried, right or
// wrong, is held to the limits as they stand now. When another request was
// faster with the code or with the last attempt, that is the new finding, and
// it is claimed in its place.
func (s Screener) claim(ctx context.Context, found Screened) (Screened, error) {
	policy := found.Facts.Registration.Schedule.At(found.Claim.At)
	for {
		c := &found.Claim
		c.Limits, c.Spend, c.Failed, c.Outcome = dcvv2.Policy{}, dcvv2.Window{}, found.Failed(), nil
		if found.Failed() || found.CVV2 == dcvv2.Match {
			c.Limits = policy
		}
		if found.Ask() {
			c.Spend = spendable(policy, found.Screening)
		} else {
			declined := found.Declined()
			c.Outcome = &declined
		}
		var err error
		found.Result, err = s.Store.Claim(ctx, *c)
		switch {
		case err != nil:
			return found, err
		case found.Result.State == vault.Used:
			found.Screening = token.UsedCode()
		case found.Result.State == vault.Blocked:
			found.Screening = token.Blocked(policy, found.Result.Attempts)
		default:
			return found, nil
		}
	}
}

func spendable(p dcvv2.Policy, found token.Screening) dcvv2.Window {
	if !p.OncePerWindow {
		return dcvv2.Window{}
	}
	return found.Window
}
