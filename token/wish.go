package token

import (
	"time"

	"github.com/firsttap/firsttap/card"
)

// Wish is what a party asks to be done about a token (0302), or asks of it.
type Wish struct {
	By        Party
	Requestor string // id of a Requestor that asks, 11 digits
	Issuer    string // name of an Issuer that asks
	Inquiry   bool
	Reason    NoticeReason // what is wished; "" of an inquiry

	Code        ActivationCode // of NoticeTried
	PAN         card.PAN       // of NoticeReplaced: the new one
	PANSequence card.Sequence
	PANExpiry   card.Expiry // of NoticeReplaced and NoticeExpiry: the new one
	PANIssuer   string      // whose range PAN is in; "" for nobody's
}

// Granting is what the network makes of a wish.
type Granting struct {
	Decline Response // set: nothing is done but a Change that counts a wrong passcode
	Reason  Reason   // for the audit trail only, never on the wire
	Change  *Change  // nil when nothing changes
}

// mayWish lists what each party may wish of tokens that are its own. The
// network asks itself.
var mayWish = map[Party]map[NoticeReason]Event{
	Requestor: {
		NoticeDeactivated: Deactivate, NoticeSuspended: Suspend, NoticeResumed: Resume,
		NoticeTried: Activate, NoticePasscode: DrawPasscode,
	},
	Issuer: {
		NoticeDeactivated: Deactivate, NoticeSuspended: Suspend, NoticeResumed: Resume,
		NoticeCallCentre: Activate, NoticeIssuerApp: Activate,
		NoticeExpiry: UpdateExpiry, NoticeReplaced: ReplacePAN,
	},
	Operator: {
		NoticeDeactivated: Deactivate, NoticeSuspended: Suspend, NoticeResumed: Resume,
	},
}

// Grant decides about a wish. t is zero when there is no such token; key
// computes its passcodes. Whose token it is comes first, so that nobody learns
// of others' tokens.
func Grant(w Wish, t Token, key PasscodeKey, at time.Time) Granting {
	switch {
	case t.Number.IsZero():
		return Granting{Decline: RecordNotFound, Reason: ReasonUnknownToken}
	case w.By == Requestor && w.Requestor != t.Requestor, w.By == Issuer && w.Issuer != t.Issuer:
		return Granting{Decline: RecordNotFound, Reason: ReasonNotTheirs}
	case w.Inquiry:
		return Granting{Reason: ReasonDone}
	}
	event, may := mayWish[w.By][w.Reason]
	if !may {
		return Granting{Decline: InvalidTransaction, Reason: ReasonMayNot}
	}
	change := Change{Reference: t.Reference, Event: event, By: w.By, Reason: w.Reason}
	switch w.Reason {
	case NoticeTried:
		return tryPasscode(w, t, change, key, at)
	case NoticePasscode:
		change.Expires = at.Add(PasscodeFor)
	case NoticeExpiry:
		change.PANExpiry = w.PANExpiry
	case NoticeReplaced:
		if w.PANIssuer != t.Issuer {
			return Granting{Decline: BadNumber, Reason: ReasonNotTheirs}
		}
		change.PAN, change.PANSequence, change.PANExpiry = w.PAN, w.PANSequence, w.PANExpiry
	}
	return step(t, change)
}

// step grants a change that may follow the token's state.
func step(t Token, c Change) Granting {
	if _, err := t.Apply(c); err == nil {
		return Granting{Reason: ReasonDone, Change: &c}
	}
	reason := ReasonStepRefused
	switch {
	case c.Event == Resume && t.Status == Suspended:
		reason = ReasonSuspendedAbove
	case c.Event == DrawPasscode && t.Status == Inactive:
		return Granting{Decline: TriesExceeded, Reason: ReasonPasscodesDrawn}
	case t.Status == Deactivated:
		return Granting{Decline: ClosedAccount, Reason: ReasonTokenDeactivated}
	}
	return Granting{Decline: InvalidTransaction, Reason: reason}
}

// tryPasscode judges a passcode. A wrong one is declined and counted; one that
// is expired, or comes after too many wrong ones, is not looked at.
func tryPasscode(w Wish, t Token, c Change, key PasscodeKey, at time.Time) Granting {
	switch {
	case t.Status != Inactive:
		return step(t, c)
	case t.Passcode.Number == 0:
		return Granting{Decline: InvalidTransaction, Reason: ReasonNoPasscode}
	case t.Passcode.Tries >= PasscodeTriesMax:
		return Granting{Decline: TriesExceeded, Reason: ReasonPasscodesTried}
	case !at.Before(t.Passcode.Expires):
		return Granting{Decline: VerificationFailed, Reason: ReasonPasscodeExpired}
	case key.IsZero():
		return Granting{Decline: Malfunction, Reason: ReasonCannotCheck}
	}
	c.PasscodeNumber = t.Passcode.Number
	if key.Passcode(t.Reference, t.Passcode.Number).equals(w.Code) {
		return step(t, c)
	}
	c.Event = FailPasscode
	return Granting{Decline: VerificationFailed, Reason: ReasonPasscodeWrong, Change: &c}
}

// Outcome is the answer to a wish about t.
func (g Granting) Outcome(t Token) Outcome {
	o := Outcome{Response: g.Decline, AnsweredBy: ByNetwork, Reference: t.Reference, Reason: g.Reason}
	if o.Response != "" {
		return o
	}
	o.Response = Approved
	if g.Change != nil {
		after, _ := t.Apply(*g.Change) // Grant has tried
		o.Status = after.Status
	}
	return o
}
