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

// staticKeyVersion is the version of the key that static CVV2s are checked
// with. What is printed on cards does not change with the windows, so neither
// does its key: the version of a policy is that of its code master key.
const staticKeyVersion = 1

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

	// RequestorFailuresPerHourMax is how many failures each token requestor
	// may have in an hour; 0 is without end. An alarm comes at half of it.
	RequestorFailuresPerHourMax int
	// Alarm, when set, is told of each scope (see vault.Scope) whose failures
	// come to half of what they may be. It is called by many goroutines.
	Alarm func(scope string)
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
	found, err = s.claim(ctx, found, a)
	for _, scope := range found.Result.Alarms {
		s.alarm(scope, found.Claim.TransactionID)
	}
	return found, err
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
	accountRange := registration.Range.String()
	facts.Registration, facts.Enrolment, facts.Attempts = registration, account.Enrolment, account.Attempts
	facts.Keys = func(version int) (dcvv2.Master, error) {
		key, err := s.Keys.CodeMaster(accountRange, version)
		return key, s.missing(err, "dcvv2", accountRange, version)
	}
	if registration.Schedule.At(at).OnNoMatch == dcvv2.ActionStatic {
		facts.CVK, err = s.Keys.CVK(accountRange, staticKeyVersion)
		_ = s.missing(err, "cvk", accountRange, staticKeyVersion) // then no static CVV2 is right
	}
	return facts, nil
}

// missing tells operators of a key that is not there.
func (s Screener) missing(err error, usage, accountRange string, version int) error {
	if err != nil {
		s.Log.Error().Err(err).Str("usage", usage).Str("range", accountRange).Int("version", version).Msg("no key for codes of this range")
	}
	return err
}

// claim claims what the screening found. Every code that was tried, right or
// wrong, is held to the limits as they stand now. When another request was
// faster with the code or with the last attempt, that is the new finding, and
// it is claimed in its place.
func (s Screener) claim(ctx context.Context, found Screened, a token.Activation) (Screened, error) {
	policy := found.Facts.Registration.Schedule.At(found.Claim.At)
	scopes := s.scopes(found.Facts, a, policy)
	for {
		c := &found.Claim
		c.Limits, c.Scopes, c.Spend, c.Failed, c.Outcome = dcvv2.Policy{}, nil, dcvv2.Window{}, found.Failed(), nil
		if found.Tried() {
			c.Limits, c.Scopes = policy, scopes
		}
		if found.Ask() {
			c.Spend = spendable(policy, found.Screening)
		} else {
			declined := found.Declined()
			c.Outcome = &declined
		}
		c.Detail = detailOf(found, a, scopes)
		var err error
		found.Result, err = s.Store.Claim(ctx, *c)
		switch {
		case err != nil:
			return found, err
		case found.Result.State == vault.Used:
			found.Screening = token.UsedCode(policy, found.Window)
		case found.Result.State == vault.Blocked:
			found.Screening, found.Facts.Attempts = token.Blocked(policy, found.Result.Attempts), found.Result.Attempts
		case found.Result.State == vault.Throttled:
			found.Screening = token.Throttled(policy, throttleReason(found.Result.Scope))
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
