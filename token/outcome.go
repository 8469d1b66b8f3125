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
	ClosedAccount        Response = "46"
	InsufficientFunds    Response = "51"
	CardExpired          Response = "54"
	NotAllowedAtTerminal Response = "58"
	SuspectedFraud       Response = "59"
	RestrictedCard       Response = "62"
	NotYetActive         Response = "78"
	NegativeCVV          Response = "82" // negative results of CAM, dCVV, iCVV or CVV
	StepUp               Response = "85"
	IssuerUnavailable    Response = "91"
	DuplicateTrace       Response = "94"
	Malfunction          Response = "96"
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
	CSU             [4]byte        // card status update that the ARPC covers (method 2)
	Reason          Reason         // for the audit trail only, never on the wire
}

// Approved reports whether the request was granted.
func (o Outcome) Approved() bool { return o.Response == Approved }

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
)
