package token

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
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
	Enrolment    dcvv2.Enrolment
	Attempts     dcvv2.Attempts
	Keys         dcvv2.Masters // of the range, by version; nil when there are none: the code cannot be checked
}

// Screening is what the network finds before it asks the issuer.
type Screening struct {
	CVV2    dcvv2.Result
	Window  dcvv2.Window // whose code matched; zero unless CVV2 is Match
	Reason  Reason
	Decline Response // set: answer this at once and do not ask the issuer
}

// Ask reports whether the issuer is to be asked.
func (s Screening) Ask() bool { return s.Decline == "" }

// Failed reports whether the attempt counts against the account's limits.
func (s Screening) Failed() bool {
	return s.CVV2 == dcvv2.NoMatch && s.Reason != ReasonDayLimit && s.Reason != ReasonLocked
}

// Screen checks the code of an activation at time at. The outside sees only
// the CVV2 result; Reason is for the audit trail.
func Screen(a Activation, f ActivationFacts, at time.Time) Screening {
	switch {
	case f.Registration.IsZero():
		return Screening{Decline: UnknownIssuer, CVV2: dcvv2.NotParticipating, Reason: ReasonNotRegistered}
	case !f.Enrolment.Enrolled:
		return Screening{CVV2: dcvv2.NotParticipating, Reason: ReasonNotEnrolled}
	case !a.CVV2.HasCode():
		return Screening{CVV2: dcvv2.ShouldBePresent, Reason: ReasonNoCode}
	case f.Keys == nil:
		return Screening{Decline: Malfunction, CVV2: dcvv2.NotProcessed, Reason: ReasonCannotCheck}
	}
	if reason := blockedBy(f.Registration.Schedule.At(at), f.Attempts); reason != ReasonNone {
		return refuse(reason)
	}
	return screenCode(a, f, at)
}

func screenCode(a Activation, f ActivationFacts, at time.Time) Screening {
	account := dcvv2.Account{PAN: a.PAN, Sequence: a.Sequence, Expiry: a.Expiry, Generation: f.Enrolment.Generation}
	finding, err := dcvv2.Verify(f.Registration.Schedule, f.Keys, account, a.CVV2.Code, at)
	if err != nil {
		return Screening{Decline: Malfunction, CVV2: dcvv2.NotProcessed, Reason: ReasonCannotCheck}
	}
	switch finding.Verdict {
	case dcvv2.Matched:
		return Screening{CVV2: dcvv2.Match, Window: finding.Window}
	case dcvv2.TooEarly:
		return refuse(ReasonEarlyCode)
	case dcvv2.Expired:
		return refuse(ReasonExpiredCode)
	default:
		return refuse(ReasonWrongCode)
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

func refuse(reason Reason) Screening {
	return Screening{CVV2: dcvv2.NoMatch, Decline: CVV2Failed, Reason: reason}
}

// UsedCode is the screening of an activation whose code another one spent.
func UsedCode() Screening { return refuse(ReasonUsedCode) }

// Blocked is the screening of an activation that lost its last attempt to
// another one while it was screened.
func Blocked(p dcvv2.Policy, a dcvv2.Attempts) Screening {
	if p.Locked(a) {
		return refuse(ReasonLocked)
	}
	return refuse(ReasonDayLimit)
}

// Declined is the outcome of a screening that does not ask the issuer.
func (s Screening) Declined() Outcome {
	return Outcome{Response: s.Decline, AnsweredBy: ByNetwork, CVV2: s.CVV2, Reason: s.Reason}
}

// IssuerAnswer is the issuer's word. The zero value is no answer.
type IssuerAnswer struct {
	Response        Response
	AuthorizationID string
}

// Conclude turns the issuer's word on a screened activation into an outcome.
// The outcome is Approved only where the issuer said so and was to be asked.
func Conclude(s Screening, answer IssuerAnswer) Outcome {
	if !s.Ask() {
		return s.Declined()
	}
	o := Outcome{Response: answer.Response, AnsweredBy: ByIssuer, CVV2: s.CVV2, AuthorizationID: answer.AuthorizationID}
	switch answer.Response {
	case Approved:
		o.Reason = ReasonIssuerApproved
	case "":
		o.Response, o.AnsweredBy, o.AuthorizationID, o.Reason = IssuerUnavailable, ByNetwork, "", ReasonIssuerUnavailable
	case StepUp:
		// A step-up needs an inactive token and a way to activate it, which
		// firsttap does not have yet: it is refused, never approved by mistake.
		o.Response, o.AuthorizationID, o.Reason = DoNotHonour, "", ReasonIssuerDeclined
	default:
		o.AuthorizationID, o.Reason = "", ReasonIssuerDeclined
	}
	return o
}
