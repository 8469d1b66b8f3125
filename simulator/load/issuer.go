package load

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Authorization is field 38 that an Issuer gives for a transaction id (62.2):
// six digits that hang on it. An answer whose 38 is another's was mixed up on
// its way.
func Authorization(transactionID string) string {
	h := fnv.New32a()
	h.Write([]byte(transactionID))
	return fmt.Sprintf("%06d", h.Sum32()%1_000_000)
}

// Issuer is a host that approves everything and remembers nothing, so that it
// costs the gateway's machine as little as can be. It checks neither account nor
// code: the gateway does.
type Issuer struct {
	Options link.Options // Handle and Key are filled in
}

// Serve answers the gateway on l until ctx ends.
func (i Issuer) Serve(ctx context.Context, l net.Listener) error {
	o := i.Options
	o.Handle, o.Key = i.handle, messages.Key
	return link.Serve(ctx, l, o)
}

// NewIssuer is an issuer that speaks so on plain TCP.
func NewIssuer(codec *specs.Codec, framing specs.Framing, number uint32, log zerolog.Logger) Issuer {
	return Issuer{link.Options{
		Name: "issuer host", Codec: codec, Framing: framing, Log: log,
		Header:   specs.Header{Destination: gatewayNumber, Source: number},
		InFlight: InFlightMax,
	}}
}

func (i Issuer) handle(_ context.Context, in link.Inbound) *specs.Message {
	if in.Message == nil {
		return nil
	}
	typed, err := messages.Decode(in.Message)
	if in.Fault != nil || err != nil {
		return messages.Refusal(in.Message, string(token.FormatFault))
	}
	answer := approve(typed)
	if answer == nil {
		return messages.Refusal(in.Message, string(token.InvalidTransaction))
	}
	encoded, err := messages.Encode(answer)
	if err != nil {
		return messages.Refusal(in.Message, string(token.Malfunction))
	}
	return encoded
}

func approve(typed messages.Message) messages.Message {
	switch r := typed.(type) {
	case *messages.NetworkRequest:
		return r.Answer(token.Approved)
	case *messages.ActivationRequest:
		return r.Answer(r.TransactionID, approval(r.TransactionID), nil)
	case *messages.TapRequest:
		return r.Answer(r.TransactionID, approval(r.TransactionID), emv.Cryptogram{})
	case *messages.RemoteRequest:
		return r.Answer(r.TransactionID, approval(r.TransactionID))
	case *messages.Reversal:
		return r.Answer(token.Approved, r.TransactionID)
	case *messages.Advice:
		return r.Answer(token.Approved)
	case *messages.Notification:
		return r.Answer(token.Approved)
	}
	return nil
}

func approval(transactionID string) token.Outcome {
	return token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, AuthorizationID: Authorization(transactionID)}
}
