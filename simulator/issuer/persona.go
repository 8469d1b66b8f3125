package issuer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/firsttap/firsttap/token"
)

// Decision is how an issuer decides about activations that are in order. The
// zero value is Green.
type Decision string

// Decisions, as settings write them.
const (
	Green  Decision = "green"  // 00: an active token at once
	Yellow Decision = "yellow" // 85: a token that waits for its step-up
	Red    Decision = "red"    // 05: no token
	Closed Decision = "closed" // 46: the account is closed
	Scores Decision = "scores" // green, yellow or red by what the wallet says
)

// Decisions lists every decision, from the most to the least willing.
var Decisions = []Decision{Green, Scores, Yellow, Red, Closed}

// MethodWords are the ways of a step-up as settings write them.
var MethodWords = map[string]token.Method{
	token.ByPasscode.Word(): token.ByPasscode, token.ByCallCentre.Word(): token.ByCallCentre, token.ByIssuerApp.Word(): token.ByIssuerApp,
}

// Persona is how an issuer decides about activations. The zero value grants
// whatever is in order.
type Persona struct {
	Decides Decision
	Method  token.Method // of a step-up; token.ByPasscode when empty
}

// ParsePersona reads the words of settings; an empty one is Green, or the
// passcode.
func ParsePersona(decides, method string) (Persona, error) {
	p := Persona{Decides: cmp.Or(Decision(decides), Green), Method: token.ByPasscode}
	if !slices.Contains(Decisions, p.Decides) {
		return Persona{}, fmt.Errorf("decides must be one of %s", listed(Decisions))
	}
	if method == "" {
		return p, nil
	}
	known := false
	if p.Method, known = MethodWords[method]; !known {
		return Persona{}, fmt.Errorf("method must be one of passcode, call-centre, app")
	}
	return p, nil
}

func listed(decisions []Decision) string {
	words := make([]string, len(decisions))
	for i, d := range decisions {
		words[i] = string(d)
	}
	return strings.Join(words, ", ")
}

// on is the persona's word on an activation that is in order.
func (p Persona) on(w token.Wallet) token.Outcome {
	decides := p.Decides
	if decides == Scores {
		decides = scored(w)
	}
	switch decides {
	case Closed:
		return token.Outcome{Response: token.ClosedAccount}
	case Red:
		return token.Outcome{Response: token.DoNotHonour}
	case Yellow:
		return token.Outcome{Response: token.StepUp, Method: cmp.Or(p.Method, token.ByPasscode)}
	default:
		return token.Outcome{Response: token.Approved}
	}
}

// What a wallet says of a request (field 125 set 02 tags 01, 03 and 04).
const (
	walletApproves = "0"
	walletDeclines = "2"
	lowScores      = "12"
)

// scored is the wallet's recommendation, and at least yellow where it trusts the
// phone or the account little. A wallet that says nothing is asked for more.
func scored(w token.Wallet) Decision {
	switch {
	case w.Recommendation == walletDeclines:
		return Red
	case w.Recommendation != walletApproves, isLow(w.DeviceScore), isLow(w.AccountScore):
		return Yellow
	default:
		return Green
	}
}

func isLow(score string) bool { return score != "" && strings.Contains(lowScores, score) }
