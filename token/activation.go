package token

import (
	"cmp"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
)

// Activation is a token requestor's wish for a token (0100, 63.3 = 3700).
type Activation struct {
	PAN       card.PAN
	Sequence  card.Sequence
	Expiry    card.Expiry
	CVV2      dcvv2.Presented
	Requestor string // token requestor id, 11 digits
	Type      Type
	Device    Device
	Wallet    Wallet
}

// ActivationFacts is all that Screen needs to know, read once and passed whole.
type ActivationFacts struct {
	Registration dcvv2.Registration // zero when no issuer registered the range
	Enrolment    dcvv2.Enrolment    // as recorded: the policy may enrol by default
	Attempts     dcvv2.Attempts
	Keys         dcvv2.Masters // of the range, by version; nil when there are none: the code cannot be checked
	CVK          emv.Key       // of the range's static CVV2s; zero when there is none: none is accepted
	Throttled    Reason        // set: too many others have failed, and no code is looked at
}

// Screening is what the network finds before it asks the issuer.
type Screening struct {
	CVV2     dcvv2.Result
	Window   dcvv2.Window // whose code matched; zero unless CVV2 is Match, and when Static
	Static   bool         // CVV2 is Match by the card's static CVV2
	Belonged dcvv2.Window // whose code a used, early or expired one is; for the audit trail only
	Reason   Reason       // likewise
	Decline  Response     // set: answer this at once and do not ask the issuer
}

// Ask reports whether the issuer is to be asked.
func (s Screening) Ask() bool { return s.Decline == "" }

// Tried reports whether the code was held against the account's: such an
// attempt is subject to its limits, and a miss counts.
func (s Screening) Tried() bool { return s.CVV2 == dcvv2.Match || s.Failed() }

// Failed reports whether the attempt counts against the account's limits.
func (s Screening) Failed() bool {
	return s.CVV2 == dcvv2.NoMatch && s.Reason != ReasonDayLimit && s.Reason != ReasonLocked
}

// Screen checks the code of an activation at time at and does about it as the
// policy in force then says; declined is N and S with N7 (N with 82 where the
// policy says so), U with 05 and P with 96. The outside sees only the CVV2
// result; Reason is for the audit trail. A code is looked at last, when neither
// its account is at a limit nor the others are: how long the answer takes says
// nothing of it then.
func Screen(a Activation, f ActivationFacts, at time.Time) Screening {
	if f.Registration.IsZero() {
		return Screening{Decline: UnknownIssuer, CVV2: dcvv2.NotParticipating, Reason: ReasonNotRegistered}
	}
	p := f.Registration.Schedule.At(at)
	switch {
	case !f.Enrolment.Under(p).Enrolled:
		return unchecked(dcvv2.NotParticipating, ReasonNotEnrolled, p.OnNotParticipating, DoNotHonour)
	case !a.CVV2.HasCode():
		return unchecked(dcvv2.ShouldBePresent, ReasonNoCode, p.OnMissing, CVV2Failed)
	case f.Keys == nil:
		return cannotCheck(p, ReasonCannotCheck)
	}
	if reason := blockedBy(p, f.Attempts); reason != ReasonNone {
		return refuse(p, reason)
	}
	if f.Throttled != ReasonNone {
		return Throttled(p, f.Throttled)
	}
	return screenCode(a, f, p, at)
}

func screenCode(a Activation, f ActivationFacts, p dcvv2.Policy, at time.Time) Screening {
	account := dcvv2.Account{PAN: a.PAN, Sequence: a.Sequence, Expiry: a.Expiry, Generation: f.Enrolment.Generation}
	finding, err := dcvv2.Verify(f.Registration.Schedule, f.Keys, account, a.CVV2.Code, at)
	switch {
	case err != nil:
		return cannotCheck(p, ReasonCannotCheck)
	case finding.Verdict == dcvv2.Matched:
		return Screening{CVV2: dcvv2.Match, Window: finding.Window}
	case p.OnNoMatch == dcvv2.ActionStatic && dcvv2.VerifyStatic(f.CVK, a.PAN, a.Expiry, a.CVV2.Code):
		return Screening{CVV2: dcvv2.Match, Static: true}
	}
	found := refuse(p, reasonOf(finding.Verdict))
	found.Belonged = finding.Window
	return found
}

func reasonOf(v dcvv2.Verdict) Reason {
	switch v {
	case dcvv2.TooEarly:
		return ReasonEarlyCode
	case dcvv2.Expired:
		return ReasonExpiredCode
	default:
		return ReasonWrongCode
	}
}

func blockedBy(p dcvv2.Policy, a dcvv2.Attempts) Reason {
	switch {
	case p.Locked(a):
		return ReasonLocked
	case p.DayExhausted(a):
		return ReasonDayLimit
	default:
		return ReasonNone
	}
}

// refuse is N, and does the same for every reason: a used code, a locked
// account and a wrong guess must look alike.
func refuse(p dcvv2.Policy, reason Reason) Screening {
	found := Screening{CVV2: dcvv2.NoMatch, Decline: CVV2Failed, Reason: reason}
	switch p.OnNoMatch {
	case dcvv2.ActionAsk:
		found.Decline = ""
	case dcvv2.ActionDecline82:
		found.Decline = NegativeCVV
	}
	return found
}

// cannotCheck is P: the code is neither right nor wrong.
func cannotCheck(p dcvv2.Policy, reason Reason) Screening {
	found := Screening{CVV2: dcvv2.NotProcessed, Decline: Malfunction, Reason: reason}
	if p.OnNotProcessed == dcvv2.ActionAsk {
		found.Decline = ""
	}
	return found
}

// unchecked is S or U: there is no code to check. The issuer is asked unless
// the policy declines.
func unchecked(result dcvv2.Result, reason Reason, on dcvv2.Action, decline Response) Screening {
	found := Screening{CVV2: result, Reason: reason}
	if on == dcvv2.ActionDecline {
		found.Decline = decline
	}
	return found
}

// UsedCode is the screening of an activation whose code, that of window w,
// another one spent.
func UsedCode(p dcvv2.Policy, w dcvv2.Window) Screening {
	found := refuse(p, ReasonUsedCode)
	found.Belonged = w
	return found
}

// Blocked is the screening of an activation that lost its last attempt to
// another one while it was screened.
func Blocked(p dcvv2.Policy, a dcvv2.Attempts) Screening {
	if p.Locked(a) {
		return refuse(p, ReasonLocked)
	}
	return refuse(p, ReasonDayLimit)
}

// Throttled is the screening of an activation at a time when too many others
// have failed, by its requestor or in its range as reason says. Whether its
// code is right does not matter, and is forgotten where it was looked at.
func Throttled(p dcvv2.Policy, reason Reason) Screening { return cannotCheck(p, reason) }

// Declined is the outcome of a screening that does not ask the issuer.
func (s Screening) Declined() Outcome {
	return Outcome{Response: s.Decline, AnsweredBy: ByNetwork, CVV2: s.CVV2, Reason: s.Reason}
}

// IssuerAnswer is the issuer's word. The zero value is no answer to a question
// that it had; Silence says that it had none, or why no answer came.
type IssuerAnswer struct {
	Response        Response
	AuthorizationID string
	Method          Method        // of a step-up
	Silence         StandInReason // set when there is no Response
	Why             string        // of a silence, in words for the audit trail, free of card data; "" where it is not known
}

// StandIn is what the network does in an issuer's place when that is silent.
// The zero value declines.
type StandIn struct {
	Activations  StandInAction // of activations whose dynamic code was right
	Taps         StandInAction // of taps whose cryptogram was right
	TapAmountMax uint64        // of a tap approved so, minor units; 0 approves none but of 0
}

// StandInAction is an action in an issuer's place.
type StandInAction string

// Actions in an issuer's place. Taps know no step-up.
const (
	StandInDecline StandInAction = "decline"
	StandInStepUp  StandInAction = "step-up"
	StandInApprove StandInAction = "approve"
)

// Conclude turns the issuer's word on a screened activation into an outcome,
// or its silence, as the stand-in says. The outcome makes a token only where
// the issuer was to be asked: see Outcome.Mints.
func Conclude(s Screening, answer IssuerAnswer, in StandIn) Outcome {
	if !s.Ask() {
		return s.Declined()
	}
	o := Outcome{Response: answer.Response, AnsweredBy: ByIssuer, CVV2: s.CVV2, AuthorizationID: answer.AuthorizationID}
	switch answer.Response {
	case Approved:
		o.Reason = ReasonIssuerApproved
	case StepUp:
		o.AuthorizationID, o.Method, o.Reason = "", answer.Method, ReasonStepUp
	case "":
		return silent(Outcome{CVV2: s.CVV2}, answer.Silence, in.activation(s))
	default:
		o.AuthorizationID, o.Reason = "", ReasonIssuerDeclined
	}
	return o
}

// activation is what is done for a silent issuer: a code that nobody vouches
// for but a card that may be stolen gets no token.
func (in StandIn) activation(s Screening) StandInAction {
	if s.CVV2 != dcvv2.Match || s.Static {
		return StandInDecline
	}
	return in.Activations
}

// silent completes the outcome of a request that its issuer did not answer.
func silent(o Outcome, why StandInReason, action StandInAction) Outcome {
	o.AnsweredBy = ByNetwork
	switch action {
	case StandInApprove:
		o.Response, o.StandIn, o.Reason = Approved, why.orTimeout(), ReasonStoodIn
	case StandInStepUp:
		o.Response, o.StandIn, o.Reason = StepUp, why.orTimeout(), ReasonStoodIn
	default:
		o.Response, o.Reason = IssuerUnavailable, ReasonIssuerUnavailable
	}
	return o
}

// orTimeout is the reason for a silence that says none.
func (r StandInReason) orTimeout() StandInReason { return cmp.Or(r, StandInTimeout) }
