package metrics

import (
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// results are the response codes that are counted by their own name: those that
// firsttap gives, and those of ISO 8583:1987 that issuers often do.
var results = func() map[token.Response]string {
	list := map[token.Response]string{}
	for _, r := range []token.Response{
		token.Approved, token.DoNotHonour, token.InvalidTransaction, token.BadNumber, token.UnknownIssuer,
		token.FormatFault, token.RecordNotFound, token.LostCard, token.StolenCard, token.ClosedAccount,
		token.InsufficientFunds, token.CardExpired, token.NotAllowedAtTerminal, token.SuspectedFraud,
		token.RestrictedCard, token.TriesExceeded, token.NotYetActive, token.NegativeCVV, token.StepUp,
		token.IssuerUnavailable, token.DuplicateTrace, token.Malfunction, token.VerificationFailed,
		token.CVV2Failed, token.CardAuthentication,
		"01", "02", "03", "04", "06", "07", "13", "19", "52", "53", "55", "57", "61", "63", "65", "68", "76", "77", "92", "93",
	} {
		list[r] = string(r)
	}
	return list
}()

// resultLabel is a response code of the list, "none" for no answer. Issuers say
// what they like in field 39: all else is one label.
func resultLabel(response token.Response) string {
	if response == "" {
		return "none"
	}
	if known := results[response]; known != "" {
		return known
	}
	return "other"
}

// codeLabels are the results of a code as they stand on the wire (44.10).
var codeLabels = map[dcvv2.Result]string{
	dcvv2.Match: "M", dcvv2.NoMatch: "N", dcvv2.NotProcessed: "P", dcvv2.ShouldBePresent: "S", dcvv2.NotParticipating: "U",
}

func codeLabel(r dcvv2.Result) string { return orNone(codeLabels[r]) }

// scopeLabel is the kind of a scope: requestor of requestor/40010030273.
func scopeLabel(scope string) string {
	switch kind, _, _ := strings.Cut(scope, "/"); kind {
	case "requestor", "range", "station":
		return kind
	}
	return "other"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func orUnknown(kind string) string {
	if kind == "" {
		return "unknown"
	}
	return kind
}
