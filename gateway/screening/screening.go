// Package screening is the part of a request with a code that comes before the
// issuer is asked: facts, screening and claim, the limits on guesses, and what
// the audit trail tells of it.
//
// It is all that stands between a guess and a token, and needs no socket, so
// that guessing can be measured on the real thing (package guess). It decides
// nothing itself: the core does. Start at Screener.
package screening

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// staticKeyVersion is the version of the key that static CVV2s are checked
// with. What is printed on cards does not change with the windows, so neither
// does its key: the version of a policy is that of its code master key.
const staticKeyVersion = 1

// Keys gives the master keys that codes are checked with.
type Keys interface {
	// CodeMaster gives the key that codes of an account range are made with.
	CodeMaster(accountRange string, version int) (dcvv2.Master, error)
	// CVK gives the key of an account range's static CVV2s. It is asked for
	// ranges whose policy accepts a static CVV2 in a code's place.
	CVK(accountRange string, version int) (emv.Key, error)
}

// Screener screens and claims. It may be used by many goroutines.
type Screener struct {
	Store          vault.Store
	Keys           Keys
	Ranges         dcvv2.Ranges
	TransactionIDs *TransactionIDs
	Log            zerolog.Logger // the zero value logs nothing

	// RequestorFailuresPerHourMax is how many failures each token requestor
	// may have in an hour; 0 is without end. An alarm comes at half of it.
	RequestorFailuresPerHourMax int
	// Alarm, when set, is told of each scope (see vault.Scope) whose failures
	// come to half of what they may be. It is called by many goroutines.
	Alarm func(scope string)
}

// Request is a request with a code, or with none where there should be one.
type Request struct {
	Key     string     // names the request: see vault.Claim
	Content []byte     // is its meaning: likewise
	Kind    vault.Kind // activation or online
	// Activation is the request as far as it is screened: account, code,
	// requestor.
	Activation token.Activation
	Station    string // that sent it: who is counted where there is no requestor
	At         time.Time
	// Question is what the issuer is to be asked, but for its name: it is kept
	// with the claim, or told to the issuer when a wrong code is declined
	// without asking it. One without a PAN is neither kept nor told.
	Question vault.Question
}

// Screened is a request that was screened and claimed.
type Screened struct {
	// Screening is what was found; when another request was faster with the
	// code or with the last attempt, that.
	token.Screening
	Facts token.ActivationFacts
	Claim vault.Claim // as it was made last
	// Result is what became of Claim: Won, or the state of a repeat (Answered,
	// Busy, Conflict). The screening counts only when it is Won.
	Result vault.ClaimResult

	counters counters // of the scopes, when there is a code
}

// Screen checks the code of a request and claims what it found. An error means
// that nothing was claimed and that the code is not processed.
func (s Screener) Screen(ctx context.Context, r Request) (Screened, error) {
	found, err := s.facts(ctx, r)
	if err != nil {
		return found, err
	}
	transactionID, err := s.TransactionIDs.Next()
	if err != nil {
		return found, err
	}
	found.Screening = token.Screen(r.Activation, found.Facts, r.At)
	found.Claim = vault.Claim{
		Key: r.Key, Content: r.Content, Kind: r.Kind,
		TransactionID: transactionID, At: r.At, PAN: r.Activation.PAN,
	}
	found, err = s.claim(ctx, found, r)
	for _, scope := range found.Result.Alarms {
		s.alarm(scope, found.Claim.TransactionID)
	}
	return found, err
}

// facts reads all that the screening needs. The scopes matter to codes only.
func (s Screener) facts(ctx context.Context, r Request) (found Screened, err error) {
	a, at := r.Activation, r.At
	registration, ok := s.Ranges.Find(a.PAN)
	if !ok {
		return found, nil
	}
	account, err := s.Store.Account(ctx, a.PAN, at)
	if err != nil {
		return found, err
	}
	if a.CVV2.HasCode() {
		if found.counters, err = s.counters(ctx, registration, r); err != nil {
			return found, err
		}
	}
	found.Facts = token.ActivationFacts{
		Registration: registration, Enrolment: account.Enrolment, Attempts: account.Attempts,
		Keys: s.masters(registration.Range.String()), Throttled: found.counters.throttled(),
	}
	if registration.Schedule.At(at).OnNoMatch == dcvv2.ActionStatic {
		found.Facts.CVK, err = s.Keys.CVK(registration.Range.String(), staticKeyVersion)
		_ = s.missing(err, "cvk", registration.Range.String(), staticKeyVersion) // then no static CVV2 is right
	}
	return found, nil
}

func (s Screener) masters(accountRange string) dcvv2.Masters {
	return func(version int) (dcvv2.Master, error) {
		key, err := s.Keys.CodeMaster(accountRange, version)
		return key, s.missing(err, "dcvv2", accountRange, version)
	}
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
// it is claimed in its place: a claim that was not tried is held to nothing.
func (s Screener) claim(ctx context.Context, found Screened, r Request) (Screened, error) {
	policy := found.Facts.Registration.Schedule.At(found.Claim.At)
	for {
		c := &found.Claim
		c.Limits, c.Scopes, c.Spend, c.Failed, c.Outcome = dcvv2.Policy{}, nil, dcvv2.Window{}, found.Failed(), nil
		c.Question, c.Advices = nil, nil
		if found.Tried() {
			c.Limits, c.Scopes = policy, found.counters.scopes()
		}
		if found.Ask() {
			c.Spend, c.Question = spendable(policy, found.Screening), found.question(r)
		} else {
			declined := found.Declined()
			c.Outcome, c.Advices = &declined, found.advices(r)
		}
		c.Detail = detailOf(found, r.Activation)
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
			found.counters.reached(found.Result.Scope)
			found.Screening = token.Throttled(policy, throttleReason(found.Result.Scope))
		default:
			return found, nil
		}
	}
}

// question is what the issuer is asked, nil when the request does not say.
func (s Screened) question(r Request) *vault.Question {
	if r.Question.PAN.IsZero() {
		return nil
	}
	q := r.Question
	q.Issuer = s.Facts.Registration.Issuer
	return &q
}

// advices tell the issuer of a wrong code that is declined without asking it.
// An attempt that is not held against the account is not told of: who sends
// them may send any number.
func (s Screened) advices(r Request) []vault.Advice {
	question := s.question(r)
	if question == nil || !s.Failed() {
		return nil
	}
	told := s.Declined()
	told.StandIn = token.ToldOnly
	return []vault.Advice{{
		Kind: vault.AdviceStandIn, About: r.Kind, TransactionID: s.Claim.TransactionID, Question: *question, Outcome: told,
	}}
}

func spendable(p dcvv2.Policy, found token.Screening) dcvv2.Window {
	if !p.OncePerWindow {
		return dcvv2.Window{}
	}
	return found.Window
}

// Refused is the limit because of which the code was not checked, whatever was
// done then. A repeat of an answered request was refused before.
func (s Screened) Refused() token.Reason {
	if s.Result.State != vault.Won {
		return token.ReasonNone
	}
	switch s.Reason {
	case token.ReasonDayLimit, token.ReasonLocked, token.ReasonRequestorLimit, token.ReasonRangeLimit:
		return s.Reason
	}
	return token.ReasonNone
}
