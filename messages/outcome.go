package messages

import "github.com/firsttap/firsttap/token"

// Outcome is what an answer says of a decision.
type Outcome struct {
	AuthorizationID string         // field 38
	Response        token.Response // field 39
	Additional      Additional     // field 44
}

// OutcomeOf is what the wire tells of an outcome; its reason stays inside.
func OutcomeOf(o token.Outcome) Outcome {
	return Outcome{
		AuthorizationID: o.AuthorizationID, Response: o.Response,
		Additional: Additional{AnsweredBy: o.AnsweredBy, Authentication: o.Authentication, CVV2: o.CVV2},
	}
}

func (o *Outcome) bind(b *binding) {
	b.text(fieldAuthorization, &o.AuthorizationID, optional)
	named(b, fieldResponse, &o.Response, mandatory)
	o.Additional.bind(b)
}

// unlessDeclined is how much an answer must have of its request: a decline may
// come without what its request was refused for lacking.
func unlessDeclined(r token.Response) presence { return r == token.Approved }

// repeatable is a message type, or that of its repeat, whose last digit is one
// more (ISO 8583:1987).
func repeatable(mti string, repeat bool) string {
	if repeat {
		return mti[:3] + string(mti[3]+1)
	}
	return mti
}
