package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// owner is the person with the phone: what a step-up asks for is done on the
// card's page.
type owner struct {
	site.Cardholder
	page string // address of the card's page
}

// stepUp does what a token that waits asks its owner for, and gives the check
// value of the key that is then on the phone.
func (f walletFlags) stepUp(c *cobra.Command, w *wallet.Wallet, o owner, a messages.ActivationAnswer) (string, error) {
	ctx, reference := c.Context(), a.Token.Reference
	words := map[token.Method]string{
		token.ByPasscode: "reads the passcode from the card's page and types it in", token.ByIssuerApp: "confirms in the issuer's app",
		token.ByCallCentre: "calls the issuer: press Activate in its office",
	}
	method := a.Method
	if method == "" {
		method = token.ByPasscode
	}
	err := f.say(c.OutOrStdout(), "the issuer asks for a step-up",
		fact{"method", method.Word()}, fact{"reference", reference}, fact{"page", o.page}, fact{"then", "the owner " + words[method]})
	if err != nil {
		return "", err
	}
	switch method {
	case token.ByPasscode:
		return f.typePasscode(ctx, w, o, reference)
	case token.ByIssuerApp:
		err = until(ctx, func() (bool, error) {
			_, err := o.Confirm(ctx, o.page, reference)
			return !errors.Is(err, site.ErrMissing), err
		})
	default:
		err = until(ctx, func() (bool, error) {
			answer, err := w.Inquire(ctx, reference)
			return err != nil || answer.Token != nil && answer.Token.Status == token.Active, err
		})
	}
	if err != nil {
		return "", err
	}
	return w.Load(ctx, reference)
}

// typePasscode waits for the passcode as for a text message, and types it in.
func (f walletFlags) typePasscode(ctx context.Context, w *wallet.Wallet, o owner, reference string) (string, error) {
	var code token.ActivationCode
	err := until(ctx, func() (bool, error) {
		var err error
		code, err = o.Passcode(ctx, o.page, reference)
		return !errors.Is(err, site.ErrMissing), err
	})
	if err != nil {
		return "", err
	}
	answer, check, err := w.Answer(ctx, reference, code)
	if err == nil && answer.Response != token.Approved {
		err = fmt.Errorf("the passcode was not taken: response %s", answer.Response)
	}
	return check, err
}

// until looks again and again, as often as people do, until something is so. An
// error counts when it is.
func until(ctx context.Context, so func() (bool, error)) error {
	look := time.NewTicker(approvalLook)
	defer look.Stop()
	for {
		if done, err := so(); done {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
