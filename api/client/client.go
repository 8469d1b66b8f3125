// Package client calls the HTTP doors of the network: Issuer asks for dynamic
// CVV2 codes and enrols accounts, Phone fetches a token's key material and
// reports how loading went, Operator looks at tokens and moves them along
// their life cycle, and registers account ranges and changes their policies.
//
// It gives and takes the types of the core: a PAN, code or key that comes in
// or out cannot be printed by accident, and stands in clear only inside the
// body of a request. It keeps nothing, retries nothing and follows no
// redirect, so that card data never reaches a host that was not named.
//
// Every method ends at its context, or after TimeoutDefault. An answer that is
// not a success gives *Problem. Start at Issuer, Phone or Operator.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
)

// Limits of a call. Ours.
const (
	TimeoutDefault = 15 * time.Second // for a whole call; a context may say less
	AnswerBytesMax = 2 << 20          // the largest answer, a thousand account ranges, has about 1 MiB
)

// ErrAnswer is wrapped when a success cannot be read: the other side speaks
// something else.
var ErrAnswer = errors.New("the answer is not what this call expects")

// ErrKey is given when a Phone has no key on P-256.
var ErrKey = wire.ErrKey

// Problem is the error of an answer that is not a success. Code is stable.
type Problem = wire.Problem

// Codes of problems that callers tell apart.
const (
	CodeNotEnrolled     = wire.CodeNotEnrolled     // 402: enrol the account first
	CodeCardExpired     = wire.CodeCardExpired     // 402: the card's last month is over
	CodeRequestIDReused = wire.CodeRequestIDReused // 402: the id named another request
	CodeClientForbidden = wire.CodeClientForbidden // 403: not this client's range
	CodeTokenNotFound   = wire.CodeTokenNotFound   // 404: no such token, or not this phone's
	CodeTokenNotActive  = wire.CodeTokenNotActive  // 402: suspended, inactive or deactivated
	CodeKeyNotLimited   = wire.CodeKeyNotLimited   // 402: the token has a card key, which does not run out
	CodeKeysLentOut     = wire.CodeKeysLentOut     // 429: a cloud token was lent all keys of this hour
	CodeStepNotAllowed  = wire.CodeStepNotAllowed  // 409: the token's state forbids the step
	CodeTooManyRequests = wire.CodeTooManyRequests // 429: slow down
	CodeUnavailable     = wire.CodeUnavailable     // 503: try again
)

// door is one side's address with the means to call it.
type door struct {
	baseURL string
	http    *http.Client
}

// addressed puts an id into the path of a pattern, in the place of {name}. The
// id stays one segment of the path, whatever it holds.
func addressed(pattern, name, id string) string {
	escaped := url.PathEscape(id)
	if id == "." || id == ".." { // would walk through the path
		escaped = strings.ReplaceAll(id, ".", "%2E")
	}
	return strings.Replace(pattern, "{"+name+"}", escaped, 1)
}

// call sends a body, or none, and reads a success.
func (d door) call(ctx context.Context, method, path string, body wire.Object) (wire.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, TimeoutDefault)
	defer cancel()
	request, err := d.request(ctx, method, path, body)
	if err != nil {
		return wire.Document{}, err
	}
	answer, err := d.client().Do(request)
	if err != nil {
		return wire.Document{}, fmt.Errorf("calling %s: %w", path, err)
	}
	defer answer.Body.Close()
	return read(answer)
}

func (d door) request(ctx context.Context, method, path string, body wire.Object) (*http.Request, error) {
	path, query, asks := strings.Cut(path, "?")
	address, err := url.JoinPath(d.baseURL, path)
	if err != nil {
		return nil, fmt.Errorf("the base URL is not one: %w", err)
	}
	if asks {
		address += "?" + query
	}
	if body == nil {
		return http.NewRequestWithContext(ctx, method, address, nil)
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(encoded))
	if err == nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, err
}

func (d door) client() *http.Client {
	c := http.Client{}
	if d.http != nil {
		c = *d.http
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func read(answer *http.Response) (wire.Document, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, AnswerBytesMax+1))
	switch {
	case err != nil:
		return wire.Document{}, fmt.Errorf("reading the answer: %w", err)
	case len(body) > AnswerBytesMax:
		return wire.Document{}, fmt.Errorf("%w: more than %d bytes", ErrAnswer, AnswerBytesMax)
	case answer.StatusCode >= http.StatusMultipleChoices:
		return wire.Document{}, wire.ReadProblem(answer.StatusCode, body)
	case answer.StatusCode == http.StatusNoContent:
		return wire.Document{}, nil
	}
	mediaType, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return wire.Document{}, fmt.Errorf("%w: it is no JSON", ErrAnswer)
	}
	doc, err := wire.ParseAnswer(body)
	if err != nil {
		return wire.Document{}, fmt.Errorf("%w: %v", ErrAnswer, err)
	}
	return doc, nil
}
