package wallet

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// Answer passes on a passcode that the cardholder has typed in, and when it is
// right loads the token on the phone. A wrong one is an answer, not an error.
func (w *Wallet) Answer(ctx context.Context, reference string, code token.ActivationCode) (messages.FileUpdateAnswer, string, error) {
	answer, err := w.update(ctx, &messages.FileUpdate{
		Action: messages.FileChange, Reason: token.NoticeTried, Reference: reference, Code: code,
	})
	if err != nil || answer.Response != token.Approved {
		return answer, "", err
	}
	check, err := w.Load(ctx, reference)
	return answer, check, err
}

// Step asks for a step in a token's life: NoticeSuspended, NoticeResumed,
// NoticeDeactivated, or NoticePasscode for another passcode. A refusal is an
// answer, not an error.
func (w *Wallet) Step(ctx context.Context, reference string, reason token.NoticeReason) (messages.FileUpdateAnswer, error) {
	return w.update(ctx, &messages.FileUpdate{Action: messages.FileChange, Reason: reason, Reference: reference})
}

// Inquire asks how a token stands.
func (w *Wallet) Inquire(ctx context.Context, reference string) (messages.FileUpdateAnswer, error) {
	return w.update(ctx, &messages.FileUpdate{Action: messages.FileInquiry, Reference: reference})
}

func (w *Wallet) update(ctx context.Context, r *messages.FileUpdate) (messages.FileUpdateAnswer, error) {
	r.Trace, r.Requestor = w.station.NextTrace(), w.options.Requestor
	typed, err := w.station.Ask(ctx, r)
	if err != nil {
		return messages.FileUpdateAnswer{}, err
	}
	answer, ok := typed.(*messages.FileUpdateAnswer)
	if !ok {
		return messages.FileUpdateAnswer{}, fmt.Errorf("the gateway answered a life-cycle request with a %s", typed.MTI())
	}
	return *answer, nil
}

// Reverse undoes an activation, as a wallet does that did not get the answer in
// time.
func (w *Wallet) Reverse(ctx context.Context, a messages.ActivationAnswer) (messages.ReversalAnswer, error) {
	return w.station.Reverse(ctx, &messages.Reversal{
		Trace: a.Trace, Number: a.PAN, Activation: true, TransactionID: a.TransactionID,
		Setting: place.Setting(), AuthorizationID: a.Outcome.AuthorizationID,
	})
}
