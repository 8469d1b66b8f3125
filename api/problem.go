package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// errUnavailable is wrapped by what may work when tried again.
var errUnavailable = errors.New("the store or a key is not available")

// Problems that carry no field.
var (
	forbidden     = &wire.Problem{Status: http.StatusForbidden, Code: wire.CodeClientForbidden}
	crossOrigin   = &wire.Problem{Status: http.StatusForbidden, Code: wire.CodeCrossOrigin, Detail: "call this door from a program, not from another site's page"}
	tokenNotFound = &wire.Problem{Status: http.StatusNotFound, Code: wire.CodeTokenNotFound, Detail: "check the token reference; phones see only their own tokens"}
	notActive     = &wire.Problem{Status: http.StatusPaymentRequired, Code: wire.CodeTokenNotActive, Detail: "key material is given for active tokens only: ask the issuer about this one"}
	notLimited    = &wire.Problem{Status: http.StatusPaymentRequired, Code: wire.CodeKeyNotLimited, Detail: "this token has a card key, which does not run out: there is nothing to replenish"}
	keysLentOut   = &wire.Problem{Status: http.StatusTooManyRequests, Code: wire.CodeKeysLentOut, Detail: "this token was lent all keys of the hour: use those, or try again after as many seconds as Retry-After says"}
	notEnrolled   = &wire.Problem{Status: http.StatusPaymentRequired, Code: wire.CodeNotEnrolled, Field: wire.PAN, Detail: "enrol the account first: POST " + wire.EnrollPath}
	cardExpired   = &wire.Problem{Status: http.StatusPaymentRequired, Code: wire.CodeCardExpired, Field: wire.Expiry, Detail: "the card's last month is over: send the expiry of the card in use"}
	idReused      = &wire.Problem{Status: http.StatusPaymentRequired, Code: wire.CodeRequestIDReused, Field: wire.TransactionID, Detail: fmt.Sprintf("this id named another request in the last %.0f hours: send a new id", vault.RequestsFor.Hours())}
	pathUnknown   = &wire.Problem{Status: http.StatusNotFound, Code: wire.CodePathUnknown, Detail: "check the address: this door has nothing there"}
	tooMany       = &wire.Problem{Status: http.StatusTooManyRequests, Code: wire.CodeTooManyRequests, Detail: "too many requests at once or too fast: try again after as many seconds as Retry-After says"}
	unavailable   = &wire.Problem{Status: http.StatusServiceUnavailable, Code: wire.CodeUnavailable, Detail: "try again in a few seconds with the same request id"}
	internal      = &wire.Problem{Status: http.StatusInternalServerError, Code: wire.CodeInternal, Detail: "this is a fault of the server: report the time of the request"}
	bodyTooLarge  = &wire.Problem{Status: http.StatusRequestEntityTooLarge, Code: wire.CodeBodyTooLarge, Detail: fmt.Sprintf("send a body of at most %d bytes", BodyBytesMax)}
	bodyNotEmpty  = &wire.Problem{Status: http.StatusBadRequest, Code: wire.CodeBodyNotEmpty, Detail: "send this request without a body"}
	bodyCut       = &wire.Problem{Status: http.StatusBadRequest, Code: wire.CodeBodyNotJSON, Detail: "the body ended early or came too slowly: send it again"}
	notJSONType   = &wire.Problem{Status: http.StatusUnsupportedMediaType, Code: wire.CodeMediaType, Detail: "send Content-Type: application/json"}
)

// problemOf turns what went wrong into what the caller is told. Causes stay
// inside: they go to the log.
func problemOf(err error) *wire.Problem {
	var problem *wire.Problem
	var step *token.StepError
	var soon *tooSoon
	var out *lentOut
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &step):
		return &wire.Problem{Status: http.StatusConflict, Code: wire.CodeStepNotAllowed, Detail: step.Error()}
	case errors.As(err, &out):
		return keysLentOut
	case errors.As(err, &soon):
		return tooMany
	case errors.Is(err, vault.ErrNotFound):
		return tokenNotFound
	case errors.Is(err, errUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable
	default:
		return internal
	}
}

// methodNotAllowed names the methods that an address has.
func methodNotAllowed(allowed []string) *wire.Problem {
	return &wire.Problem{
		Status: http.StatusMethodNotAllowed, Code: wire.CodeMethod,
		Detail: "use " + strings.Join(allowed, " or ") + " here",
	}
}

// writeProblem renders a problem. A client that may not ask gets no payload,
// as the public API reference says.
func writeProblem(w http.ResponseWriter, p *wire.Problem) {
	switch p.Status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfterSeconds)
	case http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close")
	}
	if p.Code == wire.CodeClientForbidden {
		w.WriteHeader(p.Status)
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeBody(w, p.Status, wire.ProblemType, body)
}
