package site

import (
	"context"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

// Desk is the issuer's way to the network about its tokens, each named by its
// reference: the host. A refusal of the network's is a Reply; an error says
// that no answer was had, and that the step may be asked for again.
type Desk interface {
	// Activate makes an inactive token active, because its cardholder called
	// (token.ByCallCentre) or confirmed in the app (token.ByIssuerApp).
	Activate(ctx context.Context, reference string, by token.Method) (Reply, error)
	// Suspend stops a token until it is resumed.
	Suspend(ctx context.Context, reference string) (Reply, error)
	// Resume ends the issuer's suspension.
	Resume(ctx context.Context, reference string) (Reply, error)
	// Delete ends a token for good.
	Delete(ctx context.Context, reference string) (Reply, error)
	// UpdateExpiry says that the token's card has another expiry date.
	UpdateExpiry(ctx context.Context, reference string, expiry card.Expiry) (Reply, error)
	// ReplacePAN says that the token's card has another number and expiry date.
	ReplacePAN(ctx context.Context, reference string, pan card.PAN, seq card.Sequence, expiry card.Expiry) (Reply, error)
}

// Reply is what the network answered to a wish about a token.
type Reply struct {
	Response token.Response
	Record   ledger.Token // as it then is; zero unless Done
}

// Done reports whether the network did it.
func (r Reply) Done() bool { return r.Response == token.Approved }

// Words says the response in words, or gives its code where it has none.
func (r Reply) Words() string {
	if words, ok := replyWords[r.Response]; ok {
		return words
	}
	return "declined with response " + string(r.Response)
}

// replyWords are what the network answers to wishes about tokens (ours).
var replyWords = map[token.Response]string{
	token.Approved:           "done",
	token.DoNotHonour:        "declined",
	token.InvalidTransaction: "not possible in the token's present state",
	token.BadNumber:          "the new card number is not one of this issuer's",
	token.RecordNotFound:     "no such token of this issuer",
	token.FormatFault:        "the network could not read the question",
	token.ClosedAccount:      "the token is deleted already",
	token.TriesExceeded:      "too many passcodes",
	token.VerificationFailed: "wrong or expired passcode",
	token.IssuerUnavailable:  "the issuer has not signed on",
	token.DuplicateTrace:     "the network took it for another question with the same trace",
	token.Malfunction:        "the network cannot do it just now",
}
