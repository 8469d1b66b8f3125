package wire

import (
	"encoding/json"
	"fmt"
)

// ProblemType is the media type of every error answer (RFC 9457).
const ProblemType = "application/problem+json"

// Codes of problems. They are stable: programs may compare them.
const (
	CodeBodyNotJSON     = "body-not-json"
	CodeBodyTooLarge    = "body-too-large"
	CodeBodyNotEmpty    = "body-not-empty"
	CodeMediaType       = "media-type"
	CodeFieldUnknown    = "field-unknown"
	CodeFieldDuplicate  = "field-duplicate"
	CodeFieldMissing    = "field-missing"
	CodeFieldType       = "field-type"
	CodeFieldValue      = "field-value"
	CodeProofInvalid    = "proof-invalid"
	CodeProofExpired    = "proof-expired"
	CodeNotEnrolled     = "account-not-enrolled"
	CodeCardExpired     = "card-expired"
	CodeRequestIDReused = "request-id-reused"
	CodeClientForbidden = "client-forbidden"
	CodeCrossOrigin     = "cross-origin"
	CodeTokenNotFound   = "token-not-found"
	CodeTokenNotActive  = "token-not-active"
	CodeKeyNotLimited   = "key-not-limited"
	CodeKeysLentOut     = "keys-lent-out"
	CodeSettings        = "settings-invalid"
	CodeStepNotAllowed  = "step-not-allowed"
	CodeRangeNotFound   = "range-not-found"
	CodeRangeOverlaps   = "range-overlaps"
	CodeRangeTaken      = "range-taken"
	CodeRangeChanged    = "range-changed"
	CodeRangesFull      = "ranges-full"
	CodeIssuerUnknown   = "issuer-unknown"
	CodePolicyInvalid   = "policy-invalid"
	CodeCodesOut        = "codes-outstanding"
	CodeKeyMissing      = "key-missing"
	CodePathUnknown     = "path-unknown"
	CodeMethod          = "method-not-allowed"
	CodeTooManyRequests = "too-many-requests"
	CodeUnavailable     = "unavailable"
	CodeInternal        = "internal"
)

// Problem is the one shape of errors at every door: a stable code, the path
// of the field at fault where there is one, and a sentence that says what to
// do. It never repeats a value that was sent.
type Problem struct {
	Status int    `json:"status"`          // HTTP status
	Code   string `json:"code"`            // stable, lower case with hyphens
	Field  string `json:"field,omitempty"` // such as dcvv2Reqst.cdCnt
	Detail string `json:"detail"`
}

// Error is the problem in one line.
func (p *Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail)
	}
	return fmt.Sprintf("%d %s: %s: %s", p.Status, p.Code, p.Field, p.Detail)
}

// ReadProblem reads the body of an answer that is not a success. A body that
// is no problem, such as the empty one of 403, still gives a Problem.
func ReadProblem(status int, body []byte) *Problem {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" {
		p = Problem{Code: CodeInternal, Detail: "the answer carries no problem that could be read"}
		if status == 403 {
			p = Problem{Code: CodeClientForbidden, Detail: "the account is outside the client's registered ranges, or the client is not known"}
		}
	}
	p.Status = status
	return &p
}
