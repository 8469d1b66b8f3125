package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// Question is a request under way with its canary: what its answer must bring
// back.
type Question struct {
	Kind     Kind
	Trace    messages.Trace // fields 7, 11, 32, 37, 41 and 42
	Number   card.PAN       // field 2; zero for an echo
	Amount   uint64         // field 4 of a tap, and of what else moves money
	Currency string         // field 49

	// Authorization is field 38 that the issuer gives, by the transaction id;
	// nil when the issuer is not ours.
	Authorization func(transactionID string) string
	// Confirm lets the phone check the issuer's cryptogram (55, tag 91). Optional.
	Confirm func(messages.TapAnswer) error

	answer chan Answer
}

// Answer is what came for a question.
type Answer struct {
	Trace messages.Trace
	Typed messages.Message
	At    time.Time // when its frame was complete
	err   error     // the connection has ended
}

// Verdict is what the oracle says of an answer.
type Verdict struct {
	Response token.Response
	Fault    Fault  // of Wrong
	Wrong    string // what is wrong, without card data; "" when nothing is
}

// fits reports whether an answer's trace is the question's. What the answer
// leaves out does not differ.
func (q *Question) fits(t messages.Trace) bool { return differing(q.Trace, t) == "" }

// differing names the first field of a trace that another has differently.
func differing(want, got messages.Trace) string {
	for _, f := range []struct{ name, want, got string }{
		{"7", want.Transmitted, got.Transmitted},
		{"11", want.STAN, got.STAN},
		{"32", want.Acquirer, got.Acquirer},
		{"37", want.RRN, got.RRN},
		{"41", want.Terminal, got.Terminal},
		{"42", want.Acceptor, got.Acceptor},
	} {
		if f.got != "" && f.got != f.want {
			return f.name
		}
	}
	return ""
}

// Check holds an answer against its question: that it is of the same kind and
// about the same trace, number, amount and currency, and that what it gives was
// given to nobody before. A decline is no fault.
func (q *Question) Check(a Answer, given *Given) Verdict {
	found, err := read(a.Typed)
	switch field := differing(q.Trace, a.Trace); {
	case field != "":
		return q.mixedUp(found.response, "field "+field)
	case err != nil || !found.is(q.Kind):
		return q.mixedUp(found.response, "the message type")
	case found.response == token.DuplicateTrace:
		return Verdict{found.response, Collision, "39 = 94, a trace that is fresh, " + about(q.Trace)}
	}
	if field := q.content(found); field != "" {
		return q.mixedUp(found.response, field)
	}
	if again := found.again(given); again != "" {
		return Verdict{found.response, Collision, again + " was given before, " + about(q.Trace)}
	}
	return Verdict{Response: found.response}
}

func (q *Question) mixedUp(r token.Response, field string) Verdict {
	return Verdict{r, MixedUp, fmt.Sprintf("%s differs, %s, %s", field, q.Kind, about(q.Trace))}
}

// found is what the kinds of answers have in common.
type found struct {
	kinds         []Kind
	response      token.Response
	number        card.PAN
	amount        *uint64 // nil: the answer has none
	currency      string
	transactionID string
	authorization string
	reference     string // of a new token
	tap           *messages.TapAnswer
}

var errOther = errors.New("no answer to anything that was asked")

func read(m messages.Message) (found, error) {
	switch a := m.(type) {
	case *messages.NetworkAnswer:
		return found{kinds: []Kind{Echo}, response: a.Response}, nil
	case *messages.ActivationAnswer:
		f := found{
			kinds: []Kind{Activation}, response: a.Outcome.Response, number: a.PAN, currency: a.Currency,
			transactionID: a.TransactionID, authorization: a.Outcome.AuthorizationID,
		}
		if a.Token != nil {
			f.reference = a.Token.Reference
		}
		return f, nil
	case *messages.RemoteAnswer:
		return found{
			kinds: []Kind{Verify}, response: a.Outcome.Response, number: a.Number, amount: &a.Amount, currency: a.Currency,
			transactionID: a.TransactionID, authorization: a.Outcome.AuthorizationID,
		}, nil
	case *messages.TapAnswer: // a refusal without marks is read as one, too
		kinds := []Kind{Tap}
		if a.Outcome.Response != token.Approved {
			kinds = []Kind{Tap, Activation, Verify}
		}
		return found{
			kinds: kinds, response: a.Outcome.Response, number: a.Number, amount: &a.Amount, currency: a.Currency,
			transactionID: a.TransactionID, authorization: a.Outcome.AuthorizationID, tap: a,
		}, nil
	}
	return found{}, errOther
}

func (f found) is(k Kind) bool {
	for _, kind := range f.kinds {
		if kind == k {
			return true
		}
	}
	return false
}

// content names what of the answer is another's. A decline may leave things
// out, and then has them zero.
func (q *Question) content(f found) string {
	whole := f.response == token.Approved && q.Kind != Echo
	switch {
	case f.number != q.Number && (whole || !f.number.IsZero()):
		return "field 2"
	case f.amount != nil && *f.amount != q.Amount && (whole || *f.amount != 0):
		return "field 4"
	case f.currency != q.Currency && (whole || f.currency != ""):
		return "field 49"
	case whole && q.Kind == Activation && f.reference == "":
		return "the token, which is not there,"
	case whole && q.Authorization != nil && f.authorization != q.Authorization(f.transactionID):
		return "field 38, which hangs on 62.2,"
	case whole && f.tap != nil && q.Confirm != nil && q.Confirm(*f.tap) != nil:
		return "field 55, which the phone refuses,"
	}
	return ""
}

// again names what of the answer was given to another.
func (f found) again(given *Given) string {
	switch {
	case f.transactionID != "" && given.Again("62.2", f.transactionID):
		return "62.2"
	case f.reference != "" && given.Again("token", f.reference):
		return "the token"
	}
	return ""
}
