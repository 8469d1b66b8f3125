package token

import "github.com/firsttap/firsttap/dcvv2"

// Response is a response code (field 39, two characters).
type Response string

// Response codes that firsttap gives. The meanings are those of ISO 8583:1987
// and of public acquirer lists.
const (
	Approved             Response = "00"
	DoNotHonour          Response = "05"
	InvalidTransaction   Response = "12"
	BadNumber            Response = "14"
	UnknownIssuer        Response = "15"
	FormatFault          Response = "30"
	RecordNotFound       Response = "25"
	LostCard             Response = "41"
	StolenCard           Response = "43"
	ClosedAccount        Response = "46"
	InsufficientFunds    Response = "51"
	CardExpired          Response = "54"
	NotAllowedAtTerminal Response = "58"
	SuspectedFraud       Response = "59"
	RestrictedCard       Response = "62"
	TriesExceeded        Response = "75" // as of PIN tries: too many passcodes
	NotYetActive         Response = "78"
	NegativeCVV          Response = "82" // negative results of CAM, dCVV, iCVV or CVV
	StepUp               Response = "85"
	IssuerUnavailable    Response = "91"
	DuplicateTrace       Response = "94"
	Malfunction          Response = "96"
	VerificationFailed   Response = "6P" // wrong or expired passcode
	CVV2Failed           Response = "N7" // decline for a CVV2 failure
	CardAuthentication   Response = "Q1"
)

// Answerer says who decided (field 44 position 1; ours: the two that matter).
type Answerer string

// Who answered.
const (
	ByNetwork Answerer = "2"
	ByIssuer  Answerer = "5"
)

// Authentication is the result of the chip cryptogram (field 44 position 8).
type Authentication string

// Results of the chip cryptogram.
const (
	NotAuthenticated Authentication = ""
	ARQCFailed       Authentication = "1"
	ARQCVerified     Authentication = "2"
)

// Outcome is a decision about one request, with all that is needed to answer
// its repeat. It holds no PAN, code, key or cryptogram.
type Outcome struct {
	Response        Response
	AnsweredBy      Answerer
	CVV2            dcvv2.Result   // 44.10; zero when the request has no code to check
	Authentication  Authentication // 44.8
	AuthorizationID string         // field 38, six characters, from the issuer
	Reference       string         // of the token that was made or used
	Status          Status         // of that token after a step in its life that was granted; "" in all others
	CSU             [4]byte        // card status update that the ARPC covers (method 2)
	Method          Method         // of the step-up that the issuer asks for
	StandIn         StandInReason  // set: the network decided in the issuer's place
	Reason          Reason         // for the audit trail only, never on the wire
}

// Approved reports whether the request was granted.
func (o Outcome) Approved() bool { return o.Response == Approved }

// Mints is the state of the token that the outcome of an activation makes, ""
// for none: green (00) an active one, yellow (85) one that waits for its
// step-up.
func (o Outcome) Mints() Status {
	switch o.Response {
	case Approved:
		return Active
	case StepUp:
		return Inactive
	default:
		return ""
	}
}

// StandInReason says why the network decided in the issuer's place (field 63.4;
// the numbers are ours).
type StandInReason string

// Reasons of stand-in.
const (
	StandInDown    StandInReason = "0001" // the issuer's line was down
	StandInTimeout StandInReason = "0002" // the issuer did not answer in time
	ToldOnly       StandInReason = "0009" // no stand-in: the issuer is told of a decline by the network
)

// Reason says exactly why, to operators and never to requestors.
type Reason string

// Reasons.
const (
	ReasonNone              Reason = ""
	ReasonWrongCode         Reason = "wrong code"
	ReasonExpiredCode       Reason = "expired code"
	ReasonEarlyCode         Reason = "code of a later window"
	ReasonUsedCode          Reason = "code already used"
	ReasonDayLimit          Reason = "too many failures in 24 hours"
	ReasonLocked            Reason = "locked after failures in a row"
	ReasonRequestorLimit    Reason = "too many failures by this requestor in an hour"
	ReasonRangeLimit        Reason = "too many failures in this range in an hour"
	ReasonNotRegistered     Reason = "range not registered"
	ReasonNotEnrolled       Reason = "account not enrolled"
	ReasonNoCode            Reason = "no code sent"
	ReasonCannotCheck       Reason = "code cannot be checked now"
	ReasonIssuerApproved    Reason = "issuer approved"
	ReasonIssuerDeclined    Reason = "issuer declined"
	ReasonIssuerUnavailable Reason = "issuer did not answer"
	ReasonRestarted         Reason = "gateway restarted before the issuer answered"
	ReasonUnknownToken      Reason = "no such token"
	ReasonTokenInactive     Reason = "token not active yet"
	ReasonTokenSuspended    Reason = "token suspended"
	ReasonTokenDeactivated  Reason = "token deactivated"
	ReasonTokenExpired      Reason = "token expired"
	ReasonWrongExpiry       Reason = "expiry date differs from the token's"
	ReasonOutsideDomain     Reason = "entry mode outside the token's domain"
	ReasonCounterRepeated   Reason = "transaction counter repeated or lower"
	ReasonBadCryptogram     Reason = "cryptogram does not verify"
	ReasonNoChipData        Reason = "no chip data"
	ReasonNoCryptogram      Reason = "no cryptogram"

	ReasonStepUp         Reason = "issuer asks for a step-up"
	ReasonStoodIn        Reason = "decided in the issuer's place, which did not answer"
	ReasonReversed       Reason = "reversed"
	ReasonReplayed       Reason = "cryptogram replayed"
	ReasonAlteredAmount  Reason = "amount or currency is not what the card signed"
	ReasonOtherPhone     Reason = "cryptogram made by another phone's token"
	ReasonWrongVersion   Reason = "cryptogram version is not the token's"
	ReasonWrongRequestor Reason = "token requestor is not the token's"
	ReasonWrongMerchant  Reason = "merchant outside the token's domain"
	ReasonKeyExpired     Reason = "limited-use key expired"
	ReasonKeyUsedUp      Reason = "limited-use key used up"
	ReasonKeyUnknown     Reason = "limited-use key never lent"

	ReasonPasscodeWrong   Reason = "wrong passcode"
	ReasonPasscodeExpired Reason = "passcode expired"
	ReasonPasscodesTried  Reason = "too many wrong passcodes"
	ReasonPasscodesDrawn  Reason = "too many passcodes asked for"
	ReasonNoPasscode      Reason = "token waits for no passcode"
	ReasonNotTheirs       Reason = "token belongs to somebody else"
	ReasonMayNot          Reason = "not for this party to do"
	ReasonStepRefused     Reason = "may not follow the token's state"
	ReasonSuspendedAbove  Reason = "suspended by a party with more say"
	ReasonNoOriginal      Reason = "no such request to reverse"
	ReasonOtherAccount    Reason = "original was about another account"
	ReasonOtherAmount     Reason = "original was about another amount"
	ReasonReversedBefore  Reason = "reversed before"
	ReasonNotBrought      Reason = "station that mints brought no token"
	ReasonNotAMinter      Reason = "station that does not mint brought a token"
	ReasonOutsideRange    Reason = "token number outside the station's range"
	ReasonNumberTaken     Reason = "token number or reference is taken"
	ReasonDone            Reason = "done as asked"
)
