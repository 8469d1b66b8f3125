package token

import (
	"fmt"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Tap is an authorization by token at a terminal (0100 with field 55).
type Tap struct {
	Number     card.PAN // the token
	Sequence   card.Sequence
	Expiry     card.Expiry
	Amount     uint64 // minor units of Currency
	Currency   string // ISO 4217 numeric, three digits
	EntryMode  string // field 22, four digits; 07.. is contactless chip
	Chip       emv.Input
	Cryptogram emv.Cryptogram
}

// TapFacts is all that Accept needs to know.
type TapFacts struct {
	Token   Token // zero when there is none of this number
	CardKey emv.Key
}

// Acceptance is what the network finds of a tap.
type Acceptance struct {
	Authentication Authentication
	Decline        Response // set: answer this at once and do not ask the issuer
	Reason         Reason   // for the audit trail only, never on the wire
}

// Ask reports whether the issuer is to be asked.
func (a Acceptance) Ask() bool { return a.Decline == "" }

// Accept checks a tap against its token: state, expiry, domain, cryptogram and
// counter, in this order. The counter comes last because only a genuine
// cryptogram makes a repeated counter a sign of a clone.
func Accept(t Tap, f TapFacts, at time.Time) Acceptance {
	if refused, reason := unusable(f.Token, at); refused != "" {
		return Acceptance{Decline: refused, Reason: reason}
	}
	switch {
	case t.Expiry != f.Token.Expiry:
		return Acceptance{Decline: CardExpired, Reason: ReasonWrongExpiry}
	case !inDomain(f.Token, t.EntryMode):
		return Acceptance{Decline: NotAllowedAtTerminal, Reason: ReasonOutsideDomain}
	case t.Cryptogram.IsZero():
		return Acceptance{Decline: CardAuthentication, Reason: ReasonNoChipData}
	case !covers(t) || !emv.VerifyCryptogram(f.CardKey, t.Chip, t.Cryptogram):
		return Acceptance{Authentication: ARQCFailed, Decline: CardAuthentication, Reason: ReasonBadCryptogram}
	case t.Chip.ATC <= f.Token.ATC:
		return CounterRepeated()
	}
	return Acceptance{Authentication: ARQCVerified}
}

// covers reports whether the amount and currency that the merchant asks for are
// those that the card has signed.
func covers(t Tap) bool {
	return t.Chip.AmountAuthorised == t.Amount && fmt.Sprintf("%03d", t.Chip.Currency) == t.Currency
}

// CounterRepeated is the finding on a genuine cryptogram whose counter another
// tap has used: two phones share one key.
func CounterRepeated() Acceptance {
	return Acceptance{Authentication: ARQCVerified, Decline: SuspectedFraud, Reason: ReasonCounterRepeated}
}

// Declined is the outcome of a tap that is not sent to the issuer.
func (a Acceptance) Declined(t Token) Outcome {
	return Outcome{
		Response: a.Decline, AnsweredBy: ByNetwork, Authentication: a.Authentication,
		Reference: t.Reference, Reason: a.Reason,
	}
}

// ConcludeTap turns the issuer's word on an accepted tap into an outcome. A tap
// that was not accepted stays declined.
func ConcludeTap(a Acceptance, t Token, answer IssuerAnswer) Outcome {
	if !a.Ask() {
		return a.Declined(t)
	}
	o := Outcome{
		Response: answer.Response, AnsweredBy: ByIssuer, Authentication: a.Authentication,
		AuthorizationID: answer.AuthorizationID, Reference: t.Reference,
	}
	switch answer.Response {
	case Approved:
		o.Reason, o.CSU = ReasonIssuerApproved, csuApproved
	case "":
		o.Response, o.AnsweredBy, o.AuthorizationID, o.Reason = IssuerUnavailable, ByNetwork, "", ReasonIssuerUnavailable
	default:
		o.AuthorizationID, o.Reason = "", ReasonIssuerDeclined
	}
	return o
}

// csuApproved is a card status update that says "issuer approves online
// transaction" and nothing else (EMV CCD, byte 2 bit 8). All zeros decline.
var csuApproved = [4]byte{0x00, 0x80, 0x00, 0x00}

// AnswersCard reports whether the outcome carries an ARPC for the card: its
// cryptogram was genuine and the issuer has decided.
func (o Outcome) AnswersCard() bool {
	return o.Authentication == ARQCVerified && o.AnsweredBy == ByIssuer
}

func unusable(t Token, at time.Time) (Response, Reason) {
	switch {
	case t.Number.IsZero():
		return BadNumber, ReasonUnknownToken
	case t.Status == Inactive:
		return NotYetActive, ReasonTokenInactive
	case t.Status == Suspended:
		return RestrictedCard, ReasonTokenSuspended
	case t.Status != Active:
		return ClosedAccount, ReasonTokenDeactivated
	case t.Expiry.Passed(at):
		return CardExpired, ReasonTokenExpired
	}
	return "", ReasonNone
}

// inDomain reports whether a token of this type may be used with this entry
// mode (EMV Payment Tokenisation Framework, token domain restriction controls).
func inDomain(t Token, entryMode string) bool {
	contactless := strings.HasPrefix(entryMode, "07")
	return contactless == (t.Type == SecureElement || t.Type == Cloud)
}
