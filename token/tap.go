package token

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/secret"
)

// Tap is an authorization by token at a terminal (0100 with field 55).
type Tap struct {
	Number     card.PAN // the token
	Sequence   card.Sequence
	Expiry     card.Expiry
	Amount     uint64 // minor units of Currency
	Currency   string // ISO 4217 numeric, three digits
	EntryMode  string // field 22, four digits; 07.. is contactless chip
	Requestor  string // token requestor id as the card told it, 11 digits; "" when it did not
	Merchant   string // field 42
	Chip       emv.Input
	Cryptogram emv.Cryptogram
}

// TapFacts is all that Accept and AcceptRemote need to know.
type TapFacts struct {
	Token   Token // zero when there is none of this number
	CardKey emv.Key
	// Others gives the card keys of the account's other tokens. It is asked
	// only for a cryptogram that fails, to say whose it is. May be nil.
	Others CardKeys
}

// CardKeys gives card keys, when it is called.
type CardKeys func() []emv.Key

// MarshalText is a mask: there is nothing to show of what was not called.
func (CardKeys) MarshalText() ([]byte, error) { return []byte(secret.Mask), nil }

// Acceptance is what the network finds of a tap.
type Acceptance struct {
	Authentication Authentication
	Decline        Response // set: answer this at once and do not ask the issuer
	Reason         Reason   // for the audit trail only, never on the wire
	LentIndex      string   // index of the limited-use key that made the cryptogram; "" for none
}

// Ask reports whether the issuer is to be asked.
func (a Acceptance) Ask() bool { return a.Decline == "" }

// Counts reports whether the tap is to be held against its token's counter where
// that is kept: one that is accepted raises it, and of one whose counter is not
// above it only the record of earlier taps can tell a replay from a clone.
func (a Acceptance) Counts() bool { return a.Ask() || a.Reason == ReasonCounterRepeated }

// Accept checks a tap against its token: state, expiry, domain, cryptogram and
// counter, in this order. The counter comes last because only a genuine
// cryptogram makes a repeated counter a sign of a clone.
func Accept(t Tap, f TapFacts, at time.Time) Acceptance {
	if refused, reason := unusable(f.Token, at); refused != "" {
		return Acceptance{Decline: refused, Reason: reason}
	}
	if reason := f.Token.outside(usage{t.Expiry, t.EntryMode, t.Requestor, t.Merchant}); reason != ReasonNone {
		return Acceptance{Decline: refusalOf(reason), Reason: reason}
	}
	if t.Cryptogram.IsZero() {
		return Acceptance{Decline: CardAuthentication, Reason: ReasonNoChipData}
	}
	key, index, reason := f.keyOf(t.Chip)
	if reason == ReasonNone {
		reason = f.genuine(key, t)
	}
	switch {
	case reason != ReasonNone:
		return Acceptance{Authentication: ARQCFailed, Decline: CardAuthentication, Reason: reason}
	case index != "" && LentKeyExpired(index, at):
		return Acceptance{Authentication: ARQCVerified, Decline: CardExpired, Reason: ReasonKeyExpired}
	case t.Chip.ATC <= f.Token.ATC:
		return CounterRepeated()
	}
	return Acceptance{Authentication: ARQCVerified, LentIndex: index}
}

// keyOf is the key that the token's cryptograms are made with: its card key,
// or one that its phone was lent, with the index of that.
func (f TapFacts) keyOf(chip emv.Input) (key emv.Key, index string, reason Reason) {
	version, err := emv.VersionOf(chip.IAD)
	if err != nil || version != f.Token.version() {
		return key, "", ReasonWrongVersion
	}
	if version != emv.Version43 {
		return f.CardKey, "", ReasonNone
	}
	if index, err = emv.LimitedUseIndex(chip.IAD); err != nil {
		return key, "", ReasonKeyUnknown
	}
	if key, err = emv.LimitedUseKey(f.CardKey, index); err != nil {
		return key, "", ReasonBadCryptogram
	}
	return key, index, ReasonNone
}

// version is the version of the token's cryptograms; tokens of before there was
// a choice have none set.
func (t Token) version() emv.Version { return cmp.Or(t.Version, emv.Version18) }

// genuine says what is wrong with a cryptogram, or ReasonNone.
func (f TapFacts) genuine(key emv.Key, t Tap) Reason {
	switch {
	case emv.VerifyCryptogram(key, t.Chip, t.Cryptogram):
		if !covers(t) {
			return ReasonAlteredAmount
		}
		return ReasonNone
	case f.madeByOther(func(other emv.Key) bool { return emv.VerifyCryptogram(other, t.Chip, t.Cryptogram) }):
		return ReasonOtherPhone
	default:
		return ReasonBadCryptogram
	}
}

func (f TapFacts) madeByOther(verifies func(emv.Key) bool) bool {
	return f.Others != nil && slices.ContainsFunc(f.Others(), verifies)
}

// Remote is a payment by token without a terminal: e-commerce, a payment in an
// app, or an account verification (0100 with field 25 = 51 or 59).
type Remote struct {
	Number     card.PAN // the token
	Sequence   card.Sequence
	Expiry     card.Expiry
	Amount     uint64 // minor units of Currency
	Currency   string // ISO 4217 numeric, three digits
	EntryMode  string // field 22, four digits
	Requestor  string // token requestor id, 11 digits; "" when not told
	Merchant   string // field 42
	Cryptogram emv.Remote
}

// AcceptRemote is Accept of a payment without a terminal. A card-on-file token
// needs no cryptogram: its merchant alone may use it.
func AcceptRemote(r Remote, f TapFacts, at time.Time) Acceptance {
	if refused, reason := unusable(f.Token, at); refused != "" {
		return Acceptance{Decline: refused, Reason: reason}
	}
	if reason := f.Token.outside(usage{r.Expiry, r.EntryMode, r.Requestor, r.Merchant}); reason != ReasonNone {
		return Acceptance{Decline: refusalOf(reason), Reason: reason}
	}
	c := r.Cryptogram
	if c.IsZero() {
		if f.Token.Type == CardOnFile {
			return Acceptance{}
		}
		return Acceptance{Decline: CardAuthentication, Reason: ReasonNoCryptogram}
	}
	currency, err := strconv.ParseUint(r.Currency, 10, 16)
	verifies := func(key emv.Key) bool {
		return err == nil && emv.VerifyCryptogram(key, emv.RemoteInput(r.Amount, uint16(currency), c.ATC, c.Unpredictable), c.Cryptogram)
	}
	switch {
	case !verifies(f.CardKey) && f.madeByOther(verifies):
		return Acceptance{Authentication: ARQCFailed, Decline: CardAuthentication, Reason: ReasonOtherPhone}
	case !verifies(f.CardKey):
		return Acceptance{Authentication: ARQCFailed, Decline: CardAuthentication, Reason: ReasonBadCryptogram}
	case c.ATC <= f.Token.ATC:
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

// Replayed is the finding on a cryptogram that came before: not a copy of the
// phone but a copy of what it said.
func Replayed() Acceptance {
	return Acceptance{Authentication: ARQCVerified, Decline: SuspectedFraud, Reason: ReasonReplayed}
}

// KeyUnlent is the finding on a genuine cryptogram by a limited-use key that
// was never lent: somebody has the card key.
func KeyUnlent() Acceptance {
	return Acceptance{Authentication: ARQCVerified, Decline: SuspectedFraud, Reason: ReasonKeyUnknown}
}

// KeyWorn is the finding on a limited-use key that has been used as often as it
// may be.
func KeyWorn() Acceptance {
	return Acceptance{Authentication: ARQCVerified, Decline: CardExpired, Reason: ReasonKeyUsedUp}
}

// Declined is the outcome of a tap that is not sent to the issuer.
func (a Acceptance) Declined(t Token) Outcome {
	return Outcome{
		Response: a.Decline, AnsweredBy: ByNetwork, Authentication: a.Authentication,
		Reference: t.Reference, Reason: a.Reason,
	}
}

// ConcludeTap turns the issuer's word on an accepted tap into an outcome, or
// its silence, as the stand-in says of a payment of amount. A tap that was not
// accepted stays declined.
func ConcludeTap(a Acceptance, t Token, amount uint64, answer IssuerAnswer, in StandIn) Outcome {
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
		o = silent(Outcome{Authentication: a.Authentication, Reference: t.Reference}, answer.Silence, in.tap(a, amount))
		if o.Approved() {
			o.CSU = csuApproved
		}
	default:
		o.AuthorizationID, o.Reason = "", ReasonIssuerDeclined
	}
	return o
}

// tap is what is done for a silent issuer: nothing above its limit, and nothing
// that no cryptogram stands for.
func (in StandIn) tap(a Acceptance, amount uint64) StandInAction {
	if in.Taps != StandInApprove || amount > in.TapAmountMax || a.Authentication != ARQCVerified {
		return StandInDecline
	}
	return StandInApprove
}

// ConcludeOnline turns the issuer's word on a payment or verification by card
// number into an outcome. Nobody stands in for it: a code is good for one
// window, and a token is there to be used.
func ConcludeOnline(s Screening, answer IssuerAnswer) Outcome {
	o := Conclude(s, answer, StandIn{})
	if o.Response == StepUp { // is for activations; elsewhere 85 means "no reason to decline"
		o.Response, o.AuthorizationID, o.Method, o.Reason = Approved, answer.AuthorizationID, "", ReasonIssuerApproved
	}
	return o
}

// csuApproved is a card status update that says "issuer approves online
// transaction" and nothing else (EMV CCD, byte 2 bit 8). All zeros decline.
var csuApproved = [4]byte{0x00, 0x80, 0x00, 0x00}

// AnswersCard reports whether the outcome carries an ARPC for the card: its
// cryptogram was genuine and the issuer has decided, or the network approved in
// its place.
func (o Outcome) AnswersCard() bool {
	return o.Authentication == ARQCVerified && (o.AnsweredBy == ByIssuer || o.StandIn != "")
}

// ARPC is the answer to the card whose cryptogram is in t, by the method of its
// version: method 1 over the response code for 10 and 17, method 2 over o.CSU
// for 18 and 22, none for 43. It is zero where o does not answer the card.
func (o Outcome) ARPC(t Tap, cardKey emv.Key) emv.Cryptogram {
	version, err := emv.VersionOf(t.Chip.IAD)
	switch {
	case err != nil || !o.AnswersCard() || len(o.Response) != 2:
		return emv.Cryptogram{}
	case version == emv.Version10, version == emv.Version17:
		return emv.ARPC1(cardKey, t.Cryptogram, [2]byte([]byte(o.Response)))
	case version == emv.Version18, version == emv.Version22:
		return emv.TapARPC2(cardKey, t.Chip.ATC, t.Cryptogram, o.CSU)
	default:
		return emv.Cryptogram{}
	}
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

// usage is how somebody wants to use a token.
type usage struct {
	expiry                         card.Expiry
	entryMode, requestor, merchant string
}

// outside says in which way a usage is not what the token is for, or
// ReasonNone (EMV Payment Tokenisation Framework, token domain restriction
// controls; that contactless is for tokens on phones alone is ours).
func (t Token) outside(u usage) Reason {
	contactless := strings.HasPrefix(u.entryMode, contactlessChip)
	switch {
	case u.expiry != t.Expiry:
		return ReasonWrongExpiry
	case contactless != (t.Type == SecureElement || t.Type == Cloud):
		return ReasonOutsideDomain
	case u.requestor != "" && u.requestor != t.Requestor:
		return ReasonWrongRequestor
	case t.Merchant != "" && u.merchant != t.Merchant:
		return ReasonWrongMerchant
	}
	return ReasonNone
}

// contactlessChip begins field 22 of a tap.
const contactlessChip = "07"

func refusalOf(outside Reason) Response {
	if outside == ReasonWrongExpiry {
		return CardExpired
	}
	return NotAllowedAtTerminal
}
