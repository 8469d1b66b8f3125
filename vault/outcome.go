package vault

import (
	"encoding/json"
	"fmt"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// outcomeRecord is an outcome as stores keep it. The names are part of the
// stored form: add to them, never rename.
type outcomeRecord struct {
	Response        string  `json:"response"`
	AnsweredBy      string  `json:"answered_by,omitempty"`
	CVV2            string  `json:"cvv2,omitempty"`
	Authentication  string  `json:"authentication,omitempty"`
	AuthorizationID string  `json:"authorization_id,omitempty"`
	Reference       string  `json:"reference,omitempty"`
	Status          string  `json:"status,omitempty"`
	CSU             [4]byte `json:"csu"`
	Method          string  `json:"method,omitempty"`
	StandIn         string  `json:"stand_in,omitempty"`
	Reason          string  `json:"reason,omitempty"`
}

// EncodeOutcome gives an outcome as JSON for storage. An outcome holds no PAN,
// code, key or cryptogram.
func EncodeOutcome(o token.Outcome) ([]byte, error) {
	r := outcomeRecord{
		Response: string(o.Response), AnsweredBy: string(o.AnsweredBy),
		Authentication: string(o.Authentication), AuthorizationID: o.AuthorizationID,
		Reference: o.Reference, Status: string(o.Status), CSU: o.CSU, Method: string(o.Method), StandIn: string(o.StandIn), Reason: string(o.Reason),
	}
	if o.CVV2 != 0 {
		r.CVV2 = string(rune(o.CVV2))
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding an outcome: %w", err)
	}
	return b, nil
}

// DecodeOutcome reads what EncodeOutcome wrote.
func DecodeOutcome(b []byte) (token.Outcome, error) {
	var r outcomeRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return token.Outcome{}, fmt.Errorf("decoding a stored outcome: %w", err)
	}
	o := token.Outcome{
		Response: token.Response(r.Response), AnsweredBy: token.Answerer(r.AnsweredBy),
		Authentication: token.Authentication(r.Authentication), AuthorizationID: r.AuthorizationID,
		Reference: r.Reference, Status: token.Status(r.Status), CSU: r.CSU, Method: token.Method(r.Method), StandIn: token.StandInReason(r.StandIn), Reason: token.Reason(r.Reason),
	}
	if r.CVV2 != "" {
		o.CVV2 = dcvv2.Result(r.CVV2[0])
	}
	return o, nil
}
