package explanation

import "github.com/firsttap/firsttap/token"

// responseWords are the public meanings of field 39, of those responses that
// the gateway or a usual issuer gives.
var responseWords = map[token.Response]string{
	token.Approved:             "approved",
	token.DoNotHonour:          "do not honour",
	token.InvalidTransaction:   "invalid transaction",
	token.BadNumber:            "invalid account number",
	token.UnknownIssuer:        "no such issuer",
	token.FormatFault:          "format error",
	token.ClosedAccount:        "closed account",
	token.InsufficientFunds:    "insufficient funds",
	token.CardExpired:          "expired card",
	token.NotAllowedAtTerminal: "transaction not allowed at terminal",
	token.SuspectedFraud:       "suspected fraud",
	token.RestrictedCard:       "restricted card",
	token.NotYetActive:         "not yet active",
	token.NegativeCVV:          "negative results of CAM, dCVV, iCVV or CVV",
	token.StepUp:               "step-up",
	token.IssuerUnavailable:    "issuer unavailable",
	token.DuplicateTrace:       "duplicate transaction",
	token.Malfunction:          "system malfunction",
	token.CVV2Failed:           "decline for a CVV2 failure",
	token.CardAuthentication:   "card authentication failed",
}

// advices say what an operator can do about each reason. REFERENCE stands for
// the token's.
var advices = map[token.Reason]string{
	token.ReasonWrongCode:         "the cardholder takes the code that the issuer shows now and tries again",
	token.ReasonExpiredCode:       "the cardholder takes the code that the issuer shows now and tries again",
	token.ReasonEarlyCode:         "the code is good later; if it was shown as good now, set the issuer's clock",
	token.ReasonUsedCode:          "a code makes one token: wait for the next window's, or let the range's policy allow more (oncePerWindow)",
	token.ReasonDayLimit:          "wait until the failures are 24 h old, or let the issuer unlock: POST /dCVV2/v1/PanDB/Unlock",
	token.ReasonLocked:            "the issuer looks into the failures and unlocks: POST /dCVV2/v1/PanDB/Unlock",
	token.ReasonRequestorLimit:    "look for guesses on other accounts by this requestor; it is served again when its failures are an hour old (requestorFailuresPerHourMax)",
	token.ReasonRangeLimit:        "look for guesses on other accounts of the range; it is served again when their failures are an hour old (rangeFailuresPerHourMax)",
	token.ReasonNotRegistered:     "register the range for its issuer: `firsttap ranges --help`",
	token.ReasonNotEnrolled:       "the issuer enrols the account: POST /dCVV2/v1/PanDB/Enroll",
	token.ReasonNoCode:            "the requestor sends the code in field 126.10",
	token.ReasonCannotCheck:       "the gateway's log says which key is missing: `firsttap keys --help`",
	token.ReasonIssuerDeclined:    "ask the issuer why",
	token.ReasonIssuerUnavailable: "look at the issuer's line; the code may be used again",
	token.ReasonRestarted:         "the requestor tries again; the code may be used again",
	token.ReasonUnknownToken:      "look whether the number is a token's of this gateway",
	token.ReasonTokenInactive:     "the token must be activated first",
	token.ReasonTokenSuspended:    "resume the token when its holder may pay again: POST /operator/v1/tokens/REFERENCE/resume",
	token.ReasonTokenDeactivated:  "the token has ended: the cardholder provisions a new one",
	token.ReasonTokenExpired:      "the token has ended: the cardholder provisions a new one",
	token.ReasonWrongExpiry:       "look at what the merchant sends in field 14",
	token.ReasonOutsideDomain:     "this token pays contactless only: look at the merchant's field 22",
	token.ReasonCounterRepeated:   "the phone may have been copied: suspend the token if it happens again: POST /operator/v1/tokens/REFERENCE/suspend",
	token.ReasonBadCryptogram:     "look whether the merchant changes what the phone has signed, such as the amount",
	token.ReasonNoChipData:        "the merchant must send field 55",
}
